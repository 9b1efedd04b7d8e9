//! A race on this computer: the network of two convolutions on many images, on one core.

use std::{fs, time::Instant};

use anyhow::{Result, anyhow};
use blobs::{Profile, blob_ref};
use eval::Evaluator;
use market::{Blob, Evaluation, Judge as _, Metric, MetricAccumulator, Work};
use serde::Serialize;

use super::{Rivals, classes};
use crate::{
    cost::{
        nets::{Given, OURS},
        rows,
    },
    fixture,
};

/// Number of images.
pub const IMAGES: usize = 10_000;

/// Runs of each engine; its fastest time counts, as noise only adds.
const TURNS: usize = 5;

/// The engines to compare with.
const RIVALS: [&str; 4] = ["burn-ndarray", "burn-flex", "tract", "loop"];

/// The batch size at which the rivals are fastest; ours comes with the model.
const BATCH: usize = 10;

/// Result of an engine.
#[derive(Clone, Debug, Serialize)]
pub struct Time {
    /// The engine.
    pub engine: &'static str,
    /// Seconds from the images' bytes to their classes.
    pub seconds: f64,
    /// The seconds divided by ours.
    pub ratio: f64,
}

/// Times all engines, ours first, in turns, so that none has a quieter computer.
///
/// - Errors: an engine fails, or its classes differ from ours
pub fn run() -> Result<Vec<Time>> {
    let rivals = Rivals::natively()?;
    let folder = tempfile::tempdir()?;
    let (net, rows) = (fixture("images/cnn.onnx"), folder.path().join("rows.safetensors"));
    rows::write(&rows::natural(0, IMAGES)?, &rows)?;
    let given = Given { net: &net, rows: &rows, batch: BATCH };
    let expected = classes(given)?;
    let files = [fs::read(&net)?, fs::read(&rows)?];
    let mut ours = ours(&files)?;

    let mut fastest = [f64::INFINITY; 1 + RIVALS.len()];
    for _ in 0..TURNS {
        fastest[0] = fastest[0].min(ours()?);
        for (fastest, engine) in fastest[1..].iter_mut().zip(RIVALS) {
            *fastest = fastest.min(rivals.time(engine, given, &expected)?);
        }
    }
    let engines = [OURS].into_iter().chain(RIVALS);
    let times = engines.zip(fastest);
    Ok(times
        .map(|(engine, seconds)| Time { engine, seconds, ratio: seconds / fastest[0] })
        .collect())
}

/// The seconds of the market's judge per run, on one thread, with both files already read.
fn ours(files: &[Vec<u8>; 2]) -> Result<impl FnMut() -> Result<f64>> {
    let [model, hold_out] =
        files.each_ref().map(|bytes| Blob { cid: blob_ref(bytes, Profile::Kubo).cid(), bytes });
    let evaluation = Evaluation { model, hold_out, measure: Metric::Accuracy.into(), rows: None };
    let mut judge = Evaluator::new();
    let classes = judge.quote(&evaluation).map_err(|unfit| anyhow!("{unfit}"))?.classes;
    Ok(move || {
        let mut accumulator = MetricAccumulator::new(classes);
        let begun = Instant::now();
        judge
            .answer(&evaluation, &mut accumulator, Work(u64::MAX))
            .map_err(|unfit| anyhow!("{unfit}"))?;
        Ok(begun.elapsed().as_secs_f64())
    })
}
