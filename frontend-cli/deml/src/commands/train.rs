//! `deml train`: trains a model on this computer; the data never leave it.

use std::{
    path::PathBuf,
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
use eval::train::{Optimiser, Options};
use market::Metric;
use trainer::{fit::TrainingRun, local};

use crate::{commands::data::reading::Reading, config::Config, terms::MetricName};

/// Update rule of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Optimizer {
    /// Stochastic gradient descent with momentum
    Sgd,
    /// Adam
    Adam,
}

/// Arguments of `deml train`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  deml train --job 0 --data mine.csv --out better.onnx --epochs 30

Ctrl-C ends it early and keeps the best model so far. Nothing of your data leaves this computer.")]
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
    /// Optimizer
    #[arg(long, default_value = "adam")]
    pub optimizer: Optimizer,
    /// Step size [default: 0.001 for adam, 0.05 for sgd]
    #[arg(long)]
    pub learning_rate: Option<f32>,
    /// Number of passes over all rows
    #[arg(long, default_value_t = 20)]
    pub epochs: u32,
    /// Rows per step
    #[arg(long, default_value_t = 32)]
    pub batch: usize,
    /// Percentage of the rows held back to choose the best epoch
    #[arg(long, default_value_t = 20, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(..=90))]
    pub validation: u8,
    /// Seed of the row order; the same seed gives the same model
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How the files are read.
    #[command(flatten)]
    pub reading: Reading,
}

/// Trains a model and prints the result.
///
/// - Errors: `UnfitDataset`, `Untrainable`
pub async fn run(config: &Config, train: Train) -> Result<ExitStatus> {
    let session = if train.job.is_some() { Some(config.session()?) } else { None };
    let course = course(session.as_ref(), &train).await?;
    let stop = stop_on_interrupt(config.printer);
    config.printer.answer(&trainer::fit::train(config.printer, course, train.out, stop).await?)?;
    Ok(ExitStatus::Done)
}

/// The training run that the arguments describe; a job's base model comes from the store.
pub async fn course(session: Option<&Session>, train: &Train) -> Result<TrainingRun> {
    let data = train.data.iter().map(|path| local::open(path)).collect::<Result<_>>()?;
    let (base, metric) = match (&train.base, &train.job) {
        (Some(base), _) => (files::read(base)?.bytes, None),
        (None, job) => {
            let session = session.context("a job is in a market: say --app ADDRESS")?;
            let job = job.as_ref().context("which model? say --base FILE or --job JOB")?;
            let offer = session.job(job).await?.terms.offer;
            let base = offer.base_model;
            (session.store.get(base.cid(), base.size).await?, Some(offer.metric))
        }
    };
    let metric = train.metric.map(|name| name.0).or(metric).unwrap_or(Metric::Accuracy);
    let (optimiser, usual_rate) = match train.optimizer {
        Optimizer::Adam => (Optimiser::Adam, 0.001),
        Optimizer::Sgd => (Optimiser::Sgd { momentum: 0.9 }, 0.05),
    };
    let options = Options {
        optimiser,
        learning_rate: train.learning_rate.unwrap_or(usual_rate),
        epochs: train.epochs,
        batch_rows: train.batch,
        seed: train.seed,
        held_back_percent: train.validation,
        metric,
    };
    let reading = train.reading.options(local::label_kind(metric))?;
    Ok(TrainingRun { base, data, reading, options })
}

/// A flag that Ctrl-C sets; a second Ctrl-C ends the program as usual.
pub fn stop_on_interrupt(printer: Printer) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            flag.store(true, Ordering::Relaxed);
            printer.say("ending after this epoch; the best model so far is kept");
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
    stop
}
