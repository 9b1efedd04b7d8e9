//! The library behind the `deml` command line.
//!
//! - arguments: `cli`, `config`, `terms`
//! - `commands`: one file each
//! - before anything is sent: `rehearsal` (the market's expected answer), `effort` (the cost of an
//!   evaluation in the machine), `budget` (limits on advancing jobs)
//! - `deltas`: models sent as their difference from the base model
//! - `dashboard`: the market's page, and what it asks
//! - `demo`: a complete market run

pub mod budget;
pub mod cli;
pub mod commands;
pub mod config;
pub mod dashboard;
pub mod deltas;
pub mod demo;
pub mod effort;
pub mod interrupt;
pub mod rehearsal;
pub mod terms;
