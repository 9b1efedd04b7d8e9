//! Training on files of rows: reading them, reporting each epoch, and writing the best model.

use std::{
    fmt,
    ops::ControlFlow,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::Result;
use blobs::Cid;
use client::{
    files,
    printer::{Printer, Refused},
    quantity::percent,
};
use dataset::Source;
use eval::{
    Dataset,
    train::{Epoch, Options},
};
use serde::Serialize;

use crate::{local, rows};

/// A trained model.
#[derive(Clone, Debug, Serialize)]
pub struct Trained {
    /// Path of the file.
    pub file: PathBuf,
    /// Its CID.
    pub cid: Cid,
    /// Its size in bytes.
    pub bytes: u64,
    /// The epoch of its weights; `None` if no epoch was completed.
    pub epoch: Option<u32>,
    /// The mean loss in that epoch.
    pub loss: Option<f32>,
    /// The score on the validation rows, in parts per million.
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

/// Base model, data and options of a training run.
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
}

/// Trains, and writes the best model; `stop` ends it after the current epoch.
///
/// - Errors: `UnfitDataset`, `Untrainable`
pub async fn train(
    printer: Printer,
    course: TrainingRun,
    out: PathBuf,
    stop: Arc<AtomicBool>,
) -> Result<Trained> {
    local::in_background(move || {
        let TrainingRun { base, data, reading, options } = course;
        let read = data.iter().map(|source| local::read(&printer, source, &reading));
        let dataset = rows::joined(read.collect::<Result<_>>()?)?;
        let trained = run(&printer, &base, &dataset, &options, &stop)?;
        files::write(&out, &trained.onnx)?;
        let blob = local::blob_of(&trained.onnx);
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
    printer: &Printer,
    base: &[u8],
    dataset: &Dataset,
    options: &Options,
    stop: &AtomicBool,
) -> Result<eval::train::Trained> {
    let bar = printer.bar("training", options.epochs.into());
    let trained = eval::train::train(base, dataset, options, &mut |epoch: Epoch| {
        bar.set(epoch.number.into());
        printer.say_above(&bar, line(epoch, options.epochs));
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
