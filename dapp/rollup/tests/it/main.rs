//! The application from the outside: against a server that speaks the rollup protocol, and with
//! any bytes at all.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

mod hostile;
mod program;
mod protocol;
mod real;
mod sample;
mod server;
