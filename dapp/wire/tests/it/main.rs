//! Everything `wire` reads and writes, from the outside.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

mod answers;
mod forms;
mod hostile;
mod named;
mod sample;
mod sealed;
mod vectors;
