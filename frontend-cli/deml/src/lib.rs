//! What the `deml` command line is made of.
//!
//! - asking: `args`, `config`, `terms`
//! - `commands`: one file each
//! - what is computed on this computer: `native`, `rehearsal` (what the market will say), `rows`,
//!   `effort`, `budget` (what may be spent on going on)
//! - `demo`: a play

pub mod args;
pub mod budget;
pub mod commands;
pub mod config;
pub mod demo;
pub mod effort;
pub mod native;
pub mod rehearsal;
pub mod rows;
pub mod terms;
