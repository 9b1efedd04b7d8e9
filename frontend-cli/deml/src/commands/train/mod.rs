//! `deml train`: trains a model on this computer, or on the engine one has.

mod args;
mod engine_args;
mod under_way;

use std::{
    fmt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use client::{
    files,
    jobs::JobRef,
    printer::{ExitStatus, Interrupted, Printer, Refused},
    session::Session,
};
use drafts::named;
use market::{Measure, Metric, Output};
use serde::Serialize;
use trainer::{
    bounds::Bounds,
    custom::folder::Trainer,
    engine,
    fit::TrainingRun,
    local,
    task::{self, Isolation, Wanted, Work, judging::JudgedModel},
};

pub use self::{
    args::{Optimizer, ScheduleName, Training},
    engine_args::{EngineArgs, EngineName},
    under_way::{Cancelled, Named, Statuses, UnderWay},
};
use crate::{
    commands::{
        box_exec,
        score::{self, Scored},
        trainer::given,
    },
    config::Config,
    effort::Speed,
    interrupt::until_interrupted,
};

/// Arguments of `deml train`.
#[derive(Clone, Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Examples:
  deml train --job 0 --data mine.csv --out better.onnx --epochs 30
  deml train --job 0 --data mine.csv --out better.onnx --schedule cosine --warm-up 2 --curve curve
  deml train --base cnn.onnx --data mine.csv --out better.onnx --freeze 'conv*' --early-stop 5
  deml train --job 0 --data mine.csv --out better.onnx --resume
  deml train --job 0 --data mine.csv --out better.onnx --trainer job
  deml train --base cnn.onnx --data mine.csv --out better.onnx --on slurm --workers node7 --seeds 8

After each epoch the best model so far and a checkpoint are kept: whatever ends the training, one
epoch is lost at most, and --resume goes on with the same result. A model that is worse than the
base on the rows held back is never written. With --clip, whose bound is for what leaves, the model
itself is written at the end alone, and the checkpoint has the best until then. Nothing of your
data leaves this computer, but with --on to the workers that you name."
)]
pub struct Train {
    /// Trainings on an engine.
    #[command(subcommand)]
    pub under_way: Option<UnderWay>,
    /// A new training.
    #[command(flatten)]
    pub training: Training,
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
/// - Errors: those of [`trainer::fit::train`], [`task::here`] and [`engine::follow`]
pub async fn run(config: &Config, train: Train) -> Result<ExitStatus> {
    if let Some(under_way) = train.under_way {
        return under_way::run(config, under_way).await;
    }
    let train = train.training;
    let session = if train.job.is_some() { Some(config.session()?) } else { None };
    let course = course(session.as_ref(), &train).await?;
    let trainer = trainer(config, &train, &course.base).await?;
    let (job, out) = (train.job.clone(), course.out.clone());
    let in_tasks = trainer.is_some() || train.engine.on.is_some() || train.seeds.is_some();
    if !in_tasks {
        let stop = {
            let words = "ending; the best model so far is kept, and --resume goes on";
            stop_on_signals(config.printer, words)?
        };
        let trained = trainer::fit::train(config.printer, course, stop).await?;
        return answer(config.printer, session.as_ref(), job.as_ref(), &out, trained).await;
    }
    let is_of_own = course.resume || course.curve.is_some();
    ensure!(!is_of_own, "--resume and --curve are for trainings by deml itself: leave them out");
    let wanted = wanted(&train, trainer, course);
    let trained = match train.engine.placement(train.seeds.is_some())? {
        None => here(config.printer, wanted).await?,
        Some(placement) => {
            let (printer, job) = (config.printer, job.as_ref().map(ToString::to_string));
            let records = engine::folder()?;
            let launched = move || engine::launch(&printer, wanted, placement, job, &records);
            let record = local::in_background(launched).await?;
            under_way::followed(config.printer, record).await?
        }
    };
    answer(config.printer, session.as_ref(), job.as_ref(), &out, trained).await
}

/// Trains by this command; if it is interrupted, no copy of the data stays.
///
/// - Errors: those of [`task::here`]
pub async fn here(printer: Printer, wanted: Wanted) -> Result<JudgedModel> {
    let folder = tempfile::tempdir().context("there is no folder for temporary files")?;
    let trained = task::here(printer, wanted, box_exec::stage()?, folder.path());
    let trained = until_interrupted(trained).await;
    if let Err(why) = &trained
        && why.is::<Interrupted>()
    {
        let is_removed = folder.close().is_ok();
        printer.say(if is_removed {
            "interrupted"
        } else {
            "interrupted; a copy of the data stays"
        });
        // The work has no other end; the box ends with this process.
        std::process::exit(130);
    }
    trained
}

/// Prints the result, with what the job would make of it.
async fn answer<T: Serialize + fmt::Display>(
    printer: Printer,
    session: Option<&Session>,
    job: Option<&JobRef>,
    out: &Path,
    trained: T,
) -> Result<ExitStatus> {
    let scored = match session.zip(job) {
        Some((session, job)) => scored(printer, session, job, out).await,
        None => None,
    };
    let submit = scored.as_ref().and_then(|scored| submission(scored, out));
    printer.answer(&TrainAnswer { trained, scored, submit })?;
    Ok(ExitStatus::Done)
}

/// The trainer to run: the given one, or the job's if the client names that; whoever says nothing
/// runs no stranger's program.
///
/// - Errors: `TrainerNamed` if the job names one and the client says nothing of it
async fn trainer(config: &Config, train: &Training, base: &[u8]) -> Result<Option<Trainer>> {
    let of_job = named::of(base);
    let named = match (train.trainer.as_deref(), of_job) {
        (Some("own"), _) | (None, None) => return Ok(None),
        (Some("job"), None) => {
            let why = "the base model names no trainer: leave out --trainer, or name one";
            return Err(Refused::new("NoTrainer", why).into());
        }
        (Some("job"), Some(cid)) => cid,
        (Some(given), _) => given.to_owned(),
        (None, Some(cid)) => {
            let why = format_args!(
                "the base model names the trainer {cid}, a stranger's program: `--trainer job` \
                 runs it in the box, `--trainer own` trains without it"
            );
            return Err(Refused::new("TrainerNamed", why).into());
        }
    };
    config.printer.say(format_args!("the trainer {named} is run in the box"));
    given::trainer(config, &named).await.map(Some)
}

/// The training in tasks that the arguments describe.
fn wanted(train: &Training, trainer: Option<Trainer>, course: TrainingRun) -> Wanted {
    let TrainingRun { base, data, reading, options, bounds, out, .. } = course;
    let (limits, python) = (train.given.limits(), train.given.python.clone());
    let isolation = Isolation::Box;
    let work = match &trainer {
        Some(_) => Work::Trainer { limits, python, isolation },
        None => Work::Own,
    };
    let first = train.seed;
    let seeds = (0..u64::from(train.seeds.unwrap_or(1))).map(|next| first.wrapping_add(next));
    Wanted { work, trainer, base, data, reading, options, seeds: seeds.collect(), bounds, out }
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
fn submission(scored: &Scored, file: &Path) -> Option<String> {
    let outcome = scored.outcome.as_ref().filter(|outcome| outcome.accepted)?;
    Some(format!("deml submit --job {} --model {}", outcome.number, file.display()))
}

/// The training run that the arguments describe; a job's base model comes from the store.
///
/// - Errors: a file cannot be read, or the job is unknown
pub async fn course(session: Option<&Session>, train: &Training) -> Result<TrainingRun> {
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
    let Measure { metric, output, .. } = measure.unwrap_or(Metric::Accuracy.into());
    let metric = train.metric.map_or(metric, |name| name.0);
    // What a model answers, its job states for classes alone.
    let output = train.output.map_or(output, |name| name.0);
    let output = if metric.is_regression() { Output::FromGraph } else { output };
    Ok(TrainingRun {
        base,
        data,
        reading: train.reading.options(local::label_kind(metric))?,
        options: args::options(train, metric, output),
        bounds: Bounds { clip: train.clip, noise: train.noise },
        out: train.out.clone().context("which file? say --out FILE")?,
        resume: train.resume,
        curve: train.curve.clone(),
    })
}

/// A flag that Ctrl-C and SIGTERM set, with these words; a second Ctrl-C ends the program as usual.
///
/// - Errors: the signals cannot be had
pub fn stop_on_signals(printer: Printer, words: &'static str) -> Result<Arc<AtomicBool>> {
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
        printer.say(words);
        if interrupt.recv().await.is_some() {
            std::process::exit(130);
        }
    });
    Ok(stop)
}
