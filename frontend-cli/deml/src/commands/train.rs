//! `deml train`: trains a model on this computer; the data never leave it.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use client::{
    files,
    jobs::JobRef,
    printer::{ExitStatus, Printer},
    session::Session,
};
use eval::train::{ClassWeights, Optimiser, Options, Schedule};
use market::{Measure, Metric, Output};
use serde::Serialize;
use trainer::{
    custom::boxed::{self, BoxedRun},
    fit::TrainingRun,
    local,
};

use crate::{
    commands::{
        box_exec,
        data::reading::Reading,
        score::{self, Scored},
        trainer::given::{self, Given},
    },
    config::Config,
    effort::Speed,
    terms::{MetricName, OutputName},
};

/// Update rule of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Optimizer {
    /// Stochastic gradient descent with momentum
    Sgd,
    /// Adam
    Adam,
    /// Adam with a weight decay of its own
    Adamw,
}

/// How the step size changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ScheduleName {
    /// It stays
    Constant,
    /// It is multiplied by --step-factor every --step-every epochs
    Step,
    /// It falls to zero along half a cosine
    Cosine,
}

/// Arguments of `deml train`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  deml train --job 0 --data mine.csv --out better.onnx --epochs 30
  deml train --job 0 --data mine.csv --out better.onnx --schedule cosine --warm-up 2 --curve curve
  deml train --base cnn.onnx --data mine.csv --out better.onnx --freeze 'conv*' --early-stop 5
  deml train --job 0 --data mine.csv --out better.onnx --resume
  deml train --job 0 --data mine.csv --out better.onnx --trainer my-trainer

After each epoch the best model so far and a checkpoint are kept: whatever ends the training, one
epoch is lost at most, and --resume goes on with the same result. A model that is worse than the
base on the rows held back is never written. Nothing of your data leaves this computer.")]
pub struct Train {
    /// Job whose base model to train further
    #[arg(long, value_name = "JOB", required_unless_present = "base")]
    pub job: Option<JobRef>,
    /// ONNX file to train further
    #[arg(long, value_name = "FILE", conflicts_with = "job")]
    pub base: Option<PathBuf>,
    /// Datasets to train on, as `deml data pack` reads them, one or several
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub data: Vec<PathBuf>,
    /// Output file of the trained model
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Metric of the validation score [default: the job's, else accuracy]
    #[arg(long)]
    pub metric: Option<MetricName>,
    /// What the model answers, if its graph does not show it [default: the job's]
    #[arg(long)]
    pub output: Option<OutputName>,
    /// Optimizer
    #[arg(long, default_value = "adam")]
    pub optimizer: Optimizer,
    /// Step size [default: 0.001 for adam and adamw, 0.05 for sgd]
    #[arg(long, value_parser = positive, allow_negative_numbers = true)]
    pub learning_rate: Option<f32>,
    /// Share of the previous steps that sgd keeps
    #[arg(long, default_value = "0.9", value_parser = share, allow_negative_numbers = true)]
    pub momentum: f32,
    /// Weight decay; adamw takes it as a step of its own
    #[arg(long, default_value = "0", value_name = "DECAY", value_parser = not_negative, allow_negative_numbers = true)]
    pub weight_decay: f32,
    /// Greatest norm of a step's gradients [default: none]
    #[arg(long, value_name = "NORM", value_parser = positive, allow_negative_numbers = true)]
    pub clip_gradient: Option<f32>,
    /// How the step size changes
    #[arg(long, default_value = "constant")]
    pub schedule: ScheduleName,
    /// Epochs in which the step size rises to where the schedule begins
    #[arg(long, default_value_t = 0, value_name = "EPOCHS")]
    pub warm_up: u32,
    /// Epochs between two changes of a step schedule
    #[arg(long, default_value_t = 10, value_name = "EPOCHS", value_parser = clap::value_parser!(u32).range(1..))]
    pub step_every: u32,
    /// Factor of each change of a step schedule
    #[arg(long, default_value = "0.1", value_name = "FACTOR", value_parser = positive, allow_negative_numbers = true)]
    pub step_factor: f32,
    /// Weights of the classes in the loss: balanced, or one for each, such as 1,2.5
    #[arg(long, default_value = "equal", value_name = "WEIGHTS", value_parser = class_weights)]
    pub class_weights: ClassWeights,
    /// Names of weights that keep their values, such as 'conv*.weight'
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    pub freeze: Vec<String>,
    /// Number of passes over all rows
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub epochs: u32,
    /// End after this many epochs without a better score [default: never]
    #[arg(long, value_name = "EPOCHS", value_parser = clap::value_parser!(u32).range(1..))]
    pub early_stop: Option<u32>,
    /// Rows per step
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub batch: u32,
    /// Percentage of the rows held back to choose the best epoch
    #[arg(long, default_value_t = 20, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(..=90))]
    pub validation: u8,
    /// Seed of the row order; the same seed gives the same model
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Go on from the checkpoint of a training that was ended
    #[arg(long)]
    pub resume: bool,
    /// Train with this trainer in the box: a folder, or a CID
    #[arg(long, value_name = "FOLDER|CID", conflicts_with_all = ["resume", "curve"])]
    pub trainer: Option<String>,
    /// Greatest norm of the change that a trainer's model may have: more is scaled down to it
    #[arg(long, value_name = "NORM", requires = "trainer", value_parser = positive, allow_negative_numbers = true)]
    pub clip: Option<f32>,
    /// Write the curve to FILE.csv and, as a picture, to FILE.svg
    #[arg(long, value_name = "FILE")]
    pub curve: Option<PathBuf>,
    /// How the files are read.
    #[command(flatten)]
    pub reading: Reading,
    /// What a trainer's box gives.
    #[command(flatten)]
    pub given: Given,
}

/// Result of `deml train`.
#[derive(Clone, Debug, Serialize)]
pub struct TrainAnswer<T> {
    /// The trained model.
    #[serde(flatten)]
    pub trained: T,
    /// Its exact score by the job's rules, and what it would be paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scored: Option<Scored>,
    /// The command that submits it, if the job would accept it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submit: Option<String>,
}

impl<T: fmt::Display> fmt::Display for TrainAnswer<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.trained)?;
        if let Some(scored) = &self.scored {
            let scored = scored.to_string();
            scored.lines().skip(1).try_for_each(|line| write!(out, "\n{line}"))?;
        }
        self.submit.as_ref().map_or(Ok(()), |submit| write!(out, "\n  submit it with `{submit}`"))
    }
}

/// Trains a model and prints the result.
///
/// - Errors: those of [`trainer::fit::train`] and, with a trainer, of [`boxed::train`]
pub async fn run(config: &Config, train: Train) -> Result<ExitStatus> {
    let session = if train.job.is_some() { Some(config.session()?) } else { None };
    let course = course(session.as_ref(), &train).await?;
    if let Some(named) = &train.trainer {
        let run = in_box(config, &train, named, course).await?;
        let trained = boxed::train(config.printer, run).await?;
        return answer(config.printer, session.as_ref(), &train, trained).await;
    }
    let stop = stop_on_signals(config.printer)?;
    let trained = trainer::fit::train(config.printer, course, stop).await?;
    answer(config.printer, session.as_ref(), &train, trained).await
}

/// Prints the result, with what the job would make of it.
async fn answer<T: Serialize + fmt::Display>(
    printer: Printer,
    session: Option<&Session>,
    train: &Train,
    trained: T,
) -> Result<ExitStatus> {
    let scored = match session.zip(train.job.as_ref()) {
        Some((session, job)) => scored(printer, session, job, &train.out).await,
        None => None,
    };
    let submit = scored.as_ref().and_then(|scored| submission(scored, train));
    printer.answer(&TrainAnswer { trained, scored, submit })?;
    Ok(ExitStatus::Done)
}

/// The run of a trainer in the box that the arguments describe.
async fn in_box(
    config: &Config,
    train: &Train,
    named: &str,
    course: TrainingRun,
) -> Result<BoxedRun> {
    let TrainingRun { base, data, reading, options, out, .. } = course;
    Ok(BoxedRun {
        trainer: given::trainer(config, named).await?,
        base,
        data,
        reading,
        options,
        limits: train.given.limits(),
        clip: train.clip.map(f64::from),
        python: train.given.python.clone(),
        stage: box_exec::stage()?,
        out,
    })
}

/// The exact score by the job's rules; the model is kept whether or not it can be had.
async fn scored(printer: Printer, session: &Session, job: &JobRef, model: &Path) -> Option<Scored> {
    let scored = async {
        let model = files::read(model)?;
        score::for_job(session, job, model, false, Speed::new(None)).await
    };
    let note = |why| printer.say(format_args!("not scored by the job's rules yet: {why:#}"));
    scored.await.map_err(note).ok()
}

/// The command that submits a model which the job would accept.
fn submission(scored: &Scored, train: &Train) -> Option<String> {
    let outcome = scored.outcome.as_ref().filter(|outcome| outcome.accepted)?;
    let file = train.out.display();
    Some(format!("deml submit --job {} --model {file}", outcome.number))
}

/// The training run that the arguments describe; a job's base model comes from the store.
///
/// - Errors: a file cannot be read, or the job is unknown
pub async fn course(session: Option<&Session>, train: &Train) -> Result<TrainingRun> {
    let data = train.data.iter().map(|path| local::open(path)).collect::<Result<_>>()?;
    let (base, measure) = match (&train.base, &train.job) {
        (Some(base), _) => (files::read(base)?.bytes, None),
        (None, job) => {
            let session = session.context("a job is in a market: say --app ADDRESS")?;
            let job = job.as_ref().context("which model? say --base FILE or --job JOB")?;
            let offer = session.job(job).await?.terms.offer;
            let base = offer.base_model;
            (session.store.get(base.cid(), base.size).await?, Some(offer.measure()))
        }
    };
    let Measure { metric, output } = measure.unwrap_or(Metric::Accuracy.into());
    let metric = train.metric.map_or(metric, |name| name.0);
    // What a model answers, its job states for classes alone.
    let output = train.output.map_or(output, |name| name.0);
    let output = if metric.is_regression() { Output::FromGraph } else { output };
    Ok(TrainingRun {
        base,
        data,
        reading: train.reading.options(local::label_kind(metric))?,
        options: options(train, metric, output),
        out: train.out.clone(),
        resume: train.resume,
        curve: train.curve.clone(),
    })
}

fn options(train: &Train, metric: Metric, output: Output) -> Options {
    let (optimiser, usual_rate) = match train.optimizer {
        Optimizer::Adam => (Optimiser::Adam, 0.001),
        Optimizer::Adamw => (Optimiser::AdamW, 0.001),
        Optimizer::Sgd => (Optimiser::Sgd { momentum: train.momentum }, 0.05),
    };
    let schedule = match train.schedule {
        ScheduleName::Constant => Schedule::Constant,
        ScheduleName::Cosine => Schedule::Cosine,
        ScheduleName::Step => {
            Schedule::Step { epochs: train.step_every, factor: train.step_factor }
        }
    };
    Options {
        optimiser,
        learning_rate: train.learning_rate.unwrap_or(usual_rate),
        schedule,
        warm_up: train.warm_up,
        weight_decay: train.weight_decay,
        clip_norm: train.clip_gradient,
        epochs: train.epochs,
        patience: train.early_stop,
        batch_rows: usize::try_from(train.batch).unwrap_or(usize::MAX),
        seed: train.seed,
        held_back_percent: train.validation,
        class_weights: train.class_weights.clone(),
        frozen: train.freeze.clone(),
        metric,
        output,
    }
}

fn number(text: &str, what: &str, fits: impl Fn(f32) -> bool) -> Result<f32, String> {
    let number = text.trim().parse::<f32>().ok().filter(|number| fits(*number));
    number.ok_or_else(|| format!("say {what}"))
}

fn positive(text: &str) -> Result<f32, String> {
    number(text, "a number above zero", |number| number.is_finite() && number > 0.0)
}

fn not_negative(text: &str) -> Result<f32, String> {
    number(text, "zero or a number above it", |number| number.is_finite() && number >= 0.0)
}

fn share(text: &str) -> Result<f32, String> {
    number(text, "zero or a number below one", |number| (0.0..1.0).contains(&number))
}

fn class_weights(text: &str) -> Result<ClassWeights, String> {
    match text {
        "equal" => Ok(ClassWeights::Equal),
        "balanced" => Ok(ClassWeights::Balanced),
        list => {
            let list = list.split(',').map(not_negative).collect::<Result<Vec<_>, _>>();
            let what = |_| "say equal, balanced, or a number for each class, such as 1,2.5";
            let list = list.map_err(|why| what(why).to_owned())?;
            Ok(ClassWeights::Given(list))
        }
    }
}

/// A flag that Ctrl-C and SIGTERM set; a second Ctrl-C ends the program as usual.
///
/// - Errors: the signals cannot be had
pub fn stop_on_signals(printer: Printer) -> Result<Arc<AtomicBool>> {
    use tokio::signal::unix::{SignalKind, signal};

    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let [mut interrupt, mut terminate] =
        [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        flag.store(true, Ordering::Relaxed);
        printer.say("ending; the best model so far is kept, and --resume goes on");
        if interrupt.recv().await.is_some() {
            std::process::exit(130);
        }
    });
    Ok(stop)
}
