//! A stranger's trainer on this computer's data, in the box: what it is given, what it may say,
//! and what is made of its output.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use blobs::Cid;
use client::{
    files,
    printer::{Printer, Refused, one_line},
    quantity::percent,
};
use dataset::Source;
use eval::{
    Dataset,
    train::{self, Options},
};
use market::{Metric, Score};
use sandbox::{Ending, Input, Limits, Program, Ran};
use serde::{Deserialize, Serialize};

use super::{
    folder::Trainer,
    interpreter::Interpreter,
    manifest::{Kind, OutputKind},
    review::{Review, WARNING},
};
use crate::{keeping, local, rows};

/// A run of a trainer.
#[derive(Clone, Debug)]
pub struct BoxedRun {
    /// The trainer.
    pub trainer: Trainer,
    /// The ONNX file of the base model.
    pub base: Vec<u8>,
    /// The files of rows, joined.
    pub data: Vec<Source>,
    /// How they are read.
    pub reading: dataset::Options,
    /// Settings that a trainer is told; which of them it follows is up to it.
    pub options: Options,
    /// What the client gives at most.
    pub limits: Limits,
    /// The greatest norm of the change that is kept.
    pub clip: Option<f64>,
    /// The interpreter of Python trainers.
    pub python: PathBuf,
    /// The program that has the box's stages, and its first arguments.
    pub stage: Vec<String>,
    /// File of the model.
    pub out: PathBuf,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct BoxedModel {
    /// Path of the model.
    pub file: PathBuf,
    /// Its CID.
    pub cid: Cid,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its score on the rows held back, which the trainer did not see, in parts per million.
    pub validation: u32,
    /// The base model's on the same rows.
    pub base: u32,
    /// The parts of the box, all of which held.
    pub held: Vec<String>,
    /// How the weights changed; `None` if the graph is another.
    pub change: Option<Review>,
    /// What is to be known before it is submitted.
    pub warning: &'static str,
}

impl fmt::Display for BoxedModel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, cid, bytes, validation, base, held, change, warning } = self;
        writeln!(out, "{}: {bytes} bytes, {cid}", file.display())?;
        let (score, base) = (percent(Score(*validation)), percent(Score(*base)));
        writeln!(out, "  {score} on rows held back, the base model {base}")?;
        for part in held {
            writeln!(out, "  held    {part}")?;
        }
        match change {
            Some(change) => writeln!(out, "  change  {change}")?,
            None => writeln!(out, "  change  another graph than the base model's: all is new")?,
        }
        write!(out, "  warning {warning}")
    }
}

/// What a trainer is told.
#[derive(Debug, Serialize)]
struct Settings<'a> {
    metric: Metric,
    /// Zero if labels are numbers.
    classes: u16,
    features: usize,
    rows: usize,
    epochs: u32,
    batch_rows: usize,
    learning_rate: f32,
    seed: u64,
    output: &'a str,
}

/// What a trainer says of its progress; all of it is a stranger's word.
#[derive(Debug, Deserialize)]
struct Step {
    epoch: u32,
    epochs: Option<u32>,
    loss: Option<f64>,
    score: Option<f64>,
}

/// Runs a trainer in the box, judges its result on rows it has not seen, and writes the model.
///
/// - Errors: a `Missing` part of the box, `TrainerFailed`, `NoOutput`, `UnfitModel`, `NotBetter`
pub async fn train(printer: Printer, run: BoxedRun) -> Result<BoxedModel> {
    local::in_background(move || {
        keeping::try_writing(&run.out)?;
        let limits = run.trainer.manifest.limits(&run.limits)?;
        let (rows, held_back) = parted(&printer, &run)?;
        let folder = tempfile::tempdir().context("there is no folder for temporary files")?;
        let program = prepared(&run, &rows, folder.path())?;
        let stage = run.stage.iter().map(String::as_str).collect::<Vec<_>>();
        let ran = sandbox::run(&stage, &program, &limits, &mut |line| progress(&printer, line));
        let ran = ran.map_err(unboxed)?;
        let output = output_of(&ran, &program)?;
        let model = model_of(&run, &output)?;
        finished(&run, ran.held, model, &held_back)
    })
    .await
}

/// The rows for the trainer, and those that judge it.
fn parted(printer: &Printer, run: &BoxedRun) -> Result<(Dataset, Dataset)> {
    let read = run.data.iter().map(|source| local::read(printer, source, &run.reading));
    let dataset = rows::joined(read.collect::<Result<_>>()?)?;
    let (rows, held_back) = train::parted(&dataset, &run.options);
    let why = "no row is held back to judge the trainer by: give more --data or --validation";
    let held_back = held_back.ok_or_else(|| Refused::new("NoRows", why))?;
    Ok((rows, held_back))
}

/// The files of the contract, in a folder of this computer.
fn prepared(run: &BoxedRun, rows: &Dataset, folder: &Path) -> Result<Program> {
    let BoxedRun { trainer, base, options, .. } = run;
    let manifest = &trainer.manifest;
    let settings = Settings {
        metric: options.metric,
        classes: rows.classes(),
        features: rows.row().elements(),
        rows: rows.rows(),
        epochs: options.epochs,
        batch_rows: options.batch_rows,
        learning_rate: options.learning_rate,
        seed: options.seed,
        output: manifest.output.file(),
    };
    let weights = train::weights_of(base).map_err(|why| Refused::new("UnfitModel", why))?;
    let mut inputs = Vec::new();
    for (name, bytes) in [
        ("base.onnx", base.clone()),
        ("weights.safetensors", weights),
        ("data.safetensors", rows.to_safetensors()),
        ("settings.json", serde_json::to_vec_pretty(&settings)?),
    ] {
        files::write(&folder.join(name), &bytes)?;
        inputs.push(input(folder.join(name), Path::new("/in").join(name), false));
    }
    trainer.write(&folder.join("trainer"))?;
    for path in trainer.paths() {
        let from = folder.join("trainer").join(path);
        inputs.push(input(from, Path::new("/trainer").join(path), path == manifest.entry));
    }
    let entry = Path::new("/trainer").join(&manifest.entry);
    let output = manifest.output.file().to_owned();
    let contract = ["/in".to_owned(), format!("/out/{output}")];
    let (executable, arguments, system) = match manifest.kind {
        Kind::Program => (entry, contract.to_vec(), Vec::new()),
        Kind::Python => {
            let Interpreter { program, system } = Interpreter::find(&run.python)?;
            let script = ["-B".to_owned(), "-s".to_owned(), entry.display().to_string()];
            (program, [&script[..], &contract].concat(), system)
        }
    };
    let output_to = folder.join("output");
    let environment = vec![("PYTHONUNBUFFERED".to_owned(), "1".to_owned())];
    Ok(Program { executable, arguments, environment, inputs, system, output, output_to })
}

fn input(from: PathBuf, to: PathBuf, executable: bool) -> Input {
    Input { from, to, executable }
}

fn progress(printer: &Printer, line: &str) {
    let Ok(Step { epoch, epochs, loss, score }) = serde_json::from_str(line) else {
        printer.say(format_args!("the trainer says: {}", one_line(line)));
        return;
    };
    let of = epochs.map(|epochs| format!("/{epochs}")).unwrap_or_default();
    let loss = loss.map(|loss| format!("  loss {loss:.6}")).unwrap_or_default();
    let score = score.map(|score| format!("  score {score:.4}")).unwrap_or_default();
    printer.say(format_args!("epoch {epoch}{of}{loss}{score}, it says"));
}

/// A missing part of the box is a refusal: nothing ran.
fn unboxed(why: anyhow::Error) -> anyhow::Error {
    match why.downcast::<sandbox::Missing>() {
        Ok(missing) => Refused::new("NoBox", missing).into(),
        Err(other) => other,
    }
}

/// The bytes of the output, if the trainer ended well.
fn output_of(ran: &Ran, program: &Program) -> Result<Vec<u8>> {
    let said = match one_line(ran.said.trim()) {
        said if said.is_empty() => String::new(),
        said => format!("; it said: {said}"),
    };
    if ran.ending != Ending::Exit(0) {
        let why = format_args!("{}{said}; nothing of it is kept", ran.ending);
        return Err(Refused::new("TrainerFailed", why).into());
    }
    if let Err(why) = ran.output {
        let why = format_args!("{why} at /out/{}{said}", program.output);
        return Err(Refused::new("NoOutput", why).into());
    }
    Ok(files::read(&program.output_to)?.bytes)
}

/// The model that the output is, or that its weights make of the base.
fn model_of(run: &BoxedRun, output: &[u8]) -> Result<Vec<u8>> {
    let unfit = |why: &dyn fmt::Display| Refused::new("UnfitModel", why);
    let model = match run.trainer.manifest.output {
        OutputKind::Model => output.to_vec(),
        OutputKind::Weights => train::with_weights(&run.base, output).map_err(|why| unfit(&why))?,
    };
    local::model(&model)?;
    let Some(norm) = run.clip else { return Ok(model) };
    let bounded = train::bounded(&run.base, &model, norm).map_err(|why| unfit(&why))?;
    let other = "--clip bounds a change, but the trainer wrote a model of another graph";
    Ok(bounded.ok_or_else(|| unfit(&other))?)
}

fn finished(
    run: &BoxedRun,
    held: Vec<String>,
    model: Vec<u8>,
    held_back: &Dataset,
) -> Result<BoxedModel> {
    let metric = run.options.metric;
    let score = |file: &[u8]| -> Result<Score> {
        let model = local::model(file)?;
        let report = eval::report::evaluate(&model, held_back, metric, &mut |_, _| {});
        Ok(report.map_err(|why| Refused::new("EvaluationError", why))?.scores.score)
    };
    let (after, before) = (score(&model)?, score(&run.base)?);
    if after < before {
        let why = format_args!(
            "the trainer's model has {} on rows held back, the base model {}; {} is not written",
            percent(after),
            percent(before),
            run.out.display()
        );
        return Err(Refused::new("NotBetter", why).into());
    }
    let change = train::change(&run.base, &model).map_err(|why| Refused::new("UnfitModel", why))?;
    keeping::replace(&run.out, &model)?;
    let blob = local::blob_of(&model);
    Ok(BoxedModel {
        file: run.out.clone(),
        cid: blob.cid(),
        bytes: blob.size,
        validation: after.0,
        base: before.0,
        held,
        change: change.map(|change| Review::new(change, run.clip)),
        warning: WARNING,
    })
}
