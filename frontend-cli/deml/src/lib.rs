//! What the `deml` command line is made of.
//!
//! - asking: `args`, `config`, `terms`
//! - `commands`: one file each
//! - before anything is sent: `rehearsal` (what the market will say), `effort` (what an evaluation
//!   takes of the machine), `budget` (what may be spent on going on)
//! - `demo`: a play

pub mod budget;
pub mod cli;
pub mod commands;
pub mod config;
pub mod demo;
pub mod effort;
pub mod rehearsal;
pub mod terms;
