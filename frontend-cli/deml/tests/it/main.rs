//! The command line and the devnet on a real anvil with the real Cartesi contracts.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod cli;
mod devnet;
mod engines;
mod hostile;
mod merkle;
mod rehearsal;
mod trainers;
mod training;
