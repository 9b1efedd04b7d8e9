//! Training on files of rows: reading them, keeping the best model after each epoch, and saying
//! what came of it.

use std::{
    fmt,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::Result;
use blobs::Cid;
use client::{
    printer::{Printer, Refused},
    quantity::percent,
};
use dataset::Source;
use eval::{
    Dataset,
    train::{self, Ending, Epoch, Options, Progress},
};
use market::Score;
use serde::Serialize;

use crate::{bounds::Bounds, curve, keeping::Keeping, live::Live, local, review::Review, rows};

/// A trained model.
#[derive(Clone, Debug, Serialize)]
pub struct Trained {
    /// Path of the file.
    pub file: PathBuf,
    /// Its CID.
    pub cid: Cid,
    /// Its size in bytes.
    pub bytes: u64,
    /// The epoch of its weights.
    pub epoch: u32,
    /// The mean loss in that epoch.
    pub loss: f32,
    /// The score on the validation rows, in parts per million; `None` if no rows were held back.
    pub validation: Option<u32>,
    /// The base model's score on the same rows as the score that chose, in parts per million.
    pub base: u32,
    /// Number of epochs done.
    pub epochs: u32,
    /// Why it ended: `completed`, `stopped`, `no_better` or `diverged`.
    pub ending: &'static str,
    /// How the weights changed; `None` if the graph is another.
    pub change: Option<Review>,
    /// The files of the curve, if it was asked for.
    pub curve: Vec<PathBuf>,
    #[serde(skip)]
    score: Score,
}

impl fmt::Display for Trained {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, cid, bytes, epoch, base, .. } = self;
        writeln!(out, "{}: {bytes} bytes, {cid}", file.display())?;
        let rows = if self.validation.is_some() { "held back" } else { "trained on" };
        let (score, base) = (percent(self.score), percent(Score(*base)));
        write!(out, "  best in epoch {epoch}: {score} on rows {rows}, the base model {base}")?;
        if let Some(change) = &self.change {
            write!(out, "\n  change  {change}")?;
        }
        for file in &self.curve {
            write!(out, "\n  curve   {}", file.display())?;
        }
        Ok(())
    }
}

/// Base model, data and options of a training run, and where its results go.
#[derive(Clone, Debug)]
pub struct TrainingRun {
    /// The ONNX file of the base model.
    pub base: Vec<u8>,
    /// The files of rows, joined.
    pub data: Vec<Source>,
    /// How they are read.
    pub reading: dataset::Options,
    /// The training options.
    pub options: Options,
    /// What bounds the change.
    pub bounds: Bounds,
    /// File of the best model.
    pub out: PathBuf,
    /// Whether to go on from the checkpoint beside it.
    pub resume: bool,
    /// Files of the curve, whatever their extension.
    pub curve: Option<PathBuf>,
}

/// Trains, and keeps the best model; `stop` ends it after the current batch.
///
/// - Errors: `UnfitDataset`, `Untrainable`, `CheckpointExists`, `NoCheckpoint`; `NotBetter` and
///   `Diverged` if no model was written
pub async fn train(printer: Printer, run: TrainingRun, stop: Arc<AtomicBool>) -> Result<Trained> {
    local::in_background(move || {
        let keeping = Keeping::at(&run.out)?;
        if let Some(curve) = &run.curve {
            curve::try_writing(curve)?;
        }
        let checkpoint = keeping.checkpoint(run.resume)?;
        let dataset = rows_of(&printer, &run)?;
        let trained = fit(&printer, &run, &dataset, checkpoint, (keeping.clone(), &stop))?;
        let held_back = is_held_back(&run.options, &dataset);
        let curve = match &run.curve {
            Some(path) => curve::write(path, &trained.curve, held_back)?,
            None => Vec::new(),
        };
        let bounded = match trained.best.number {
            0 => Err(nothing_written(&trained, &run.out)),
            _ => Ok(bounded(&run, &trained, &dataset)?),
        };
        if let Ok(Bounded { model, .. }) = &bounded {
            keeping.write_model(model)?;
        }
        // After the model is written: whoever is killed in between has the one or the other.
        if trained.ending != Ending::Stopped {
            keeping.forget()?;
        }
        let bounded = bounded?;
        if let Ending::Diverged { epoch } = trained.ending {
            printer.say(format_args!("epoch {epoch} diverged; the best before it is kept"));
        }
        let change = Review::of(&run.base, &bounded.model, run.bounds)?;
        Ok(answer(&run.out, &trained, &bounded, held_back, (change, curve)))
    })
    .await
}

fn rows_of(printer: &Printer, run: &TrainingRun) -> Result<Dataset> {
    let read = run.data.iter().map(|source| local::read(printer, source, &run.reading));
    rows::joined(read.collect::<Result<_>>()?)
}

fn is_held_back(options: &Options, dataset: &Dataset) -> bool {
    dataset.rows() * usize::from(options.held_back_percent) >= 100
}

fn fit(
    printer: &Printer,
    run: &TrainingRun,
    dataset: &Dataset,
    checkpoint: Option<train::Checkpoint>,
    (mut keeping, stop): (Keeping, &AtomicBool),
) -> Result<train::Trained> {
    let TrainingRun { base, options, .. } = run;
    let mut live = Live::new(*printer, options.epochs, is_held_back(options, dataset));
    let mut progress = |progress: Progress<'_>| {
        live.show(&progress);
        if let Progress::Epoch(_, course) = progress
            && let Err(why) = keeping.keep(course, run.bounds.is_none())
        {
            live.warn(&format!("the training goes on, but is not kept: {why:#}"));
        }
        if stop.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let trained = match checkpoint {
        Some(checkpoint) => train::resume(base, dataset, options, checkpoint, &mut progress),
        None => train::train(base, dataset, options, &mut progress),
    };
    Ok(trained.map_err(|why| Refused::new("Untrainable", why))?)
}

/// The best model with its change bounded.
struct Bounded {
    model: Vec<u8>,
    score: Score,
    base: Score,
}

/// Bounds the change of the best model, and scores it as the epochs were scored.
///
/// - Errors: `NotBetter` if the base model is better than what is left of the change; the
///   checkpoint stays, to go on with another bound
fn bounded(run: &TrainingRun, trained: &train::Trained, dataset: &Dataset) -> Result<Bounded> {
    let base = trained.curve.first().map_or(trained.best.score, |base| base.score);
    if run.bounds.is_none() {
        return Ok(Bounded { model: trained.onnx.clone(), score: trained.best.score, base });
    }
    let model = run.bounds.applied(&run.base, trained.onnx.clone())?;
    let (_, held_back) = train::parted(dataset, &run.options);
    let rows = held_back.as_ref().unwrap_or(dataset);
    let score = local::score(&model, rows, run.options.measure())?;
    if score < base {
        let why = format_args!(
            "the best epoch has {}, with its change bounded {}, and the base model {}; {} is not \
             written; --resume with a larger --clip or a smaller --noise goes on",
            percent(trained.best.score),
            percent(score),
            percent(base),
            run.out.display()
        );
        return Err(Refused::new("NotBetter", why).into());
    }
    Ok(Bounded { model, score, base })
}

/// Why there is no model: none is better than the base.
fn nothing_written(trained: &train::Trained, out: &Path) -> Refused {
    let (base, file) = (percent(trained.best.score), out.display());
    match trained.ending {
        Ending::Diverged { epoch } => {
            let why = format_args!(
                "the weights are no longer finite in epoch {epoch}, and nothing before was as good \
                 as the base model ({base}); {file} is not written; try a smaller --learning-rate"
            );
            Refused::new("Diverged", why)
        }
        Ending::Stopped => {
            let why = format_args!(
                "no epoch so far was as good as the base model ({base}); {file} is not written; \
                 --resume goes on"
            );
            Refused::new("NotBetter", why)
        }
        Ending::Completed | Ending::NoBetter => {
            let why = format_args!(
                "no epoch was as good as the base model ({base}); {file} is not written; try a \
                 smaller --learning-rate or more --data"
            );
            Refused::new("NotBetter", why)
        }
    }
}

fn answer(
    out: &Path,
    trained: &train::Trained,
    Bounded { model, score, base }: &Bounded,
    held_back: bool,
    (change, curve): (Option<Review>, Vec<PathBuf>),
) -> Trained {
    let Epoch { number, loss, .. } = trained.best;
    let (blob, last) = (local::blob_of(model), trained.curve.last());
    Trained {
        file: out.to_owned(),
        cid: blob.cid(),
        bytes: blob.size,
        epoch: number,
        loss,
        validation: held_back.then_some(score.0),
        base: base.0,
        epochs: last.map_or(0, |last| last.number),
        ending: match trained.ending {
            Ending::Completed => "completed",
            Ending::Stopped => "stopped",
            Ending::NoBetter => "no_better",
            Ending::Diverged { .. } => "diverged",
        },
        change,
        curve,
        score: *score,
    }
}
