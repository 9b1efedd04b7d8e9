//! Instructions per multiply-add of the two networks, by batch size, dense and with natural zeros.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde::Serialize;

use super::{counter::Counter, net, rows};
use crate::fixture;

/// The engine that the market evaluates with.
pub const OURS: &str = "deml";

/// Counted repetitions of a batch after it was answered once; each costs the same.
const BATCHES: u64 = 2;

/// Single rows of real images differ in their zeros; the mean of this many is reported.
const SINGLE_ROWS: usize = 10;

/// One of the networks.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// Its name.
    pub net: &'static str,
    /// Multiply-adds of a row.
    pub macs: u64,
    /// The network whose weights are all above zero.
    dense: fn() -> net::Net,
    /// The trained network, among the fixtures.
    natural: &'static str,
}

/// Both networks.
pub const SUBJECTS: [Subject; 2] = [
    Subject { net: "mlp", macs: 101_632, dense: net::mlp, natural: "images/mlp.onnx" },
    Subject { net: "cnn", macs: 242_560, dense: net::cnn, natural: "images/cnn.onnx" },
];

/// Rows per batch.
pub const BATCH_SIZES: [usize; 3] = [1, 32, 1_000];

/// The zeros among the numbers that are multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Zeros {
    /// None, neither in the rows nor after a ReLU.
    Dense,
    /// Those of real images and of trained weights.
    Natural,
}

/// One measurement.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// The network.
    pub net: &'static str,
    /// The engine that evaluated it.
    pub engine: String,
    /// Rows per batch.
    pub batch: usize,
    /// Its zeros.
    pub zeros: Zeros,
    /// Instructions divided by multiply-adds, those with zeros included.
    pub instructions_per_mac: f64,
}

/// An engine's input: a network and the rows of one batch, in files.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The network.
    pub net: &'a Path,
    /// The rows.
    pub rows: &'a Path,
    /// Number of rows.
    pub batch: usize,
}

/// Counts one network at one batch size; `count` has an engine answer the batch, and returns the
/// instructions.
///
/// - Errors: those of `count`; a file cannot be read or written
pub fn count(
    subject: Subject,
    engine: &str,
    batch: usize,
    zeros: Zeros,
    count: &dyn Fn(Given<'_>) -> Result<u64>,
) -> Result<Line> {
    let folder = tempfile::tempdir()?;
    let (net, path) = (folder.path().join("net.onnx"), folder.path().join("rows.safetensors"));
    let times = if batch == 1 && zeros == Zeros::Natural { SINGLE_ROWS } else { 1 };
    match zeros {
        Zeros::Dense => fs::write(&net, (subject.dense)().file())?,
        Zeros::Natural => fs::write(&net, fs::read(fixture(subject.natural))?)?,
    }
    let mut instructions = 0;
    for first in 0..times {
        let rows = match zeros {
            Zeros::Dense => rows::bytes(&[1, 28, 28], batch)?,
            Zeros::Natural => rows::natural(first, batch)?,
        };
        rows::write(&rows, &path)?;
        instructions += count(Given { net: &net, rows: &path, batch })?;
    }
    let macs = subject.macs * u64::try_from(batch * times)?;
    #[expect(clippy::cast_precision_loss, reason = "a ratio of counts far below 2⁵³")]
    let instructions_per_mac = instructions as f64 / macs as f64;
    Ok(Line { net: subject.net, engine: engine.to_owned(), batch, zeros, instructions_per_mac })
}

/// Instructions in which our judge answers a batch and counts its answers.
///
/// - Errors: the counted program fails
pub fn ours(counter: &Counter, given: Given<'_>) -> Result<u64> {
    let arguments =
        ["--net".as_ref(), given.net.as_os_str(), "--rows".as_ref(), given.rows.as_ref()];
    let batches = ["--batches", &BATCHES.to_string()].map(ToOwned::to_owned);
    let arguments =
        [arguments.map(ToOwned::to_owned).as_slice(), &batches.map(Into::into)].concat();
    let parts = counter.count(&counter.program("examples/subject"), &arguments)?;
    let last = parts.last().context("the subject made no marks")?;
    Ok(last / BATCHES)
}
