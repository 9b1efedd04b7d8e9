//! Tests of all that `wire` encodes and decodes, through its public interface.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

mod answers;
mod forms;
mod hostile;
mod named;
mod sample;
mod sealed;
mod vectors;
