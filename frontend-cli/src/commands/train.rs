//! Training a model on this computer; the data never leave it.

use std::{
    fmt,
    ops::ControlFlow,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context, Result};
use blobs::Cid;
use eval::{
    Dataset,
    train::{Epoch, Optimiser, Options},
};
use market::Metric;
use serde::Serialize;

use super::data::label_column;
use crate::{
    args,
    files::{self, File},
    native,
    quantity::percent,
    rows,
    session::Session,
    talk::{Refused, Talk},
};

/// A model that was trained.
#[derive(Clone, Debug, Serialize)]
pub struct Trained {
    /// Where it is.
    pub file: PathBuf,
    /// Its CID.
    pub cid: Cid,
    /// Its bytes.
    pub bytes: u64,
    /// The epoch its weights are of; nothing when none came to an end.
    pub epoch: Option<u32>,
    /// The mean loss in that epoch.
    pub loss: Option<f32>,
    /// The score on the rows held back, in parts per million.
    pub validation: Option<u32>,
}

impl fmt::Display for Trained {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}: {} bytes, {}", self.file.display(), self.bytes, self.cid)?;
        match (self.epoch, self.validation.map(market::Score)) {
            (Some(epoch), Some(score)) => {
                write!(out, "  best in epoch {epoch}: {} on rows held back", percent(score))
            }
            (Some(epoch), None) => write!(out, "  epoch {epoch}; no rows were held back"),
            (None, _) => out.write_str("  no epoch came to an end: the weights are unchanged"),
        }
    }
}

/// What to train, on what, and how.
#[derive(Clone, Debug)]
pub struct Course {
    /// The ONNX file to train further.
    pub base: Vec<u8>,
    /// The files of rows, used as one.
    pub data: Vec<File>,
    /// Name of the label's column in a CSV file.
    pub label: Option<String>,
    /// How.
    pub options: Options,
}

/// The course that arguments describe; a job's base model comes from the store.
pub async fn course(session: Option<&Session>, train: &args::Train) -> Result<Course> {
    let data = train.data.iter().map(|path| files::read(path)).collect::<Result<_>>()?;
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
    let metric = train.metric.map(Metric::from).or(metric).unwrap_or(Metric::Accuracy);
    let (optimiser, usual_rate) = match train.optimizer {
        args::Optimizer::Adam => (Optimiser::Adam, 0.001),
        args::Optimizer::Sgd => (Optimiser::Sgd { momentum: 0.9 }, 0.05),
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
    Ok(Course { base, data, label: train.label.clone(), options })
}

/// Trains, and writes the best model; `stop` ends it after the epoch under way.
///
/// - Errors: `UnfitDataset`, `Untrainable`
pub async fn train(
    talk: Talk,
    course: Course,
    out: PathBuf,
    stop: Arc<AtomicBool>,
) -> Result<Trained> {
    native::in_background(move || {
        let Course { base, data, label, options } = course;
        let kind = native::label_kind(options.metric);
        let label = label_column(label.as_deref());
        let read = data.iter().map(|file| native::dataset(file, label, kind));
        let dataset = rows::joined(read.collect::<Result<_>>()?)?;
        let trained = run(&talk, &base, &dataset, &options, &stop)?;
        files::write(&out, &trained.onnx)?;
        let blob = native::blob_of(&trained.onnx);
        Ok(Trained {
            file: out,
            cid: blob.cid(),
            bytes: blob.size,
            epoch: trained.best.map(|best| best.number),
            loss: trained.best.map(|best| best.loss),
            validation: trained.best.and_then(|best| best.score).map(|score| score.0),
        })
    })
    .await
}

fn run(
    talk: &Talk,
    base: &[u8],
    dataset: &Dataset,
    options: &Options,
    stop: &AtomicBool,
) -> Result<eval::train::Trained> {
    let bar = talk.bar("training", options.epochs.into());
    let trained = eval::train::train(base, dataset, options, &mut |epoch: Epoch| {
        bar.set(epoch.number.into());
        talk.say_above(&bar, line(epoch, options.epochs));
        if stop.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    Ok(trained.map_err(|why| Refused::new("Untrainable", why))?)
}

fn line(Epoch { number, loss, score }: Epoch, epochs: u32) -> String {
    let score = score.map(|score| format!(", {} on rows held back", percent(score)));
    format!("epoch {number:>3}/{epochs}  loss {loss:.6}{}", score.unwrap_or_default())
}

/// A flag that Ctrl-C sets; a second Ctrl-C ends the program as usual.
pub fn stop_on_interrupt(talk: Talk) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            flag.store(true, Ordering::Relaxed);
            talk.say("ending after this epoch; the best model so far is kept");
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
    stop
}
