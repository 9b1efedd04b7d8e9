//! The evaluator from outside: real models and data made by other frameworks, hostile files, steps.

#![expect(clippy::unwrap_used, reason = "a test may fail at any line")]

mod bits;
mod cases;
mod fixtures;
mod hostile;
mod judge;
#[cfg(feature = "train")]
mod likeness;
mod onnx;
mod reference;
#[cfg(all(feature = "client", feature = "train"))]
mod train;

use fixtures::{fixtures, models, read};
