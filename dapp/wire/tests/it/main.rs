//! Everything `wire` reads and writes, from the outside.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

mod answers;
mod competition;
mod contest;
mod hostile;
mod sample;
mod vectors;
