//! Tests of the evaluator's public API: real models and data, hostile files, evaluation in steps.

#![expect(clippy::unwrap_used, reason = "a test may fail at any line")]

mod bits;
mod cases;
mod clouds;
mod copies;
mod exported;
mod fixtures;
mod frameworks;
mod hostile;
mod judge;
mod metrics;
mod onnx;
mod reference;
mod rewrites;
#[cfg(feature = "train")]
mod train;

use fixtures::{fixtures, models, read};
use reference::measure;
