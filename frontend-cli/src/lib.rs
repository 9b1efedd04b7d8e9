//! What the `deml` command line is made of.
//!
//! - asking and being told: `args`, `config`, `jobs` (which job is meant), `quantity`, `talk`
//! - the commands: `commands`, one file each, over `session`
//! - the world: `chain` (Ethereum), `node` (the Cartesi node), `ipfs`, `keystore`, `files`,
//!   `archive` (bytes of blobs, from inputs)
//! - what is kept secret for a while: `vault`, `seals`
//! - what is computed on this computer: `native`, `rehearsal` (what the market will say), `rows`,
//!   `terms`, `merkle`, `payment`
//! - what anyone can check: `proof` (an output is under an accepted root), `bundle` (files of them)
//! - sending and waiting: `delivery`, `follow`, `budget` (what may be spent on going on)
//! - `devnet`: the local stand-in for the Cartesi node; `local_market`: DeML on it; `demo`: a play
//! - `replay`: the same inputs through another application; `audit`: all of it against Ethereum,
//!   once; `watch`: again and again

pub mod archive;
pub mod args;
pub mod audit;
pub mod budget;
pub mod bundle;
pub mod chain;
pub mod commands;
pub mod config;
pub mod convert;
pub mod delivery;
pub mod demo;
pub mod devnet;
pub mod effort;
pub mod files;
pub mod folders;
pub mod follow;
pub mod http;
pub mod ipfs;
pub mod jobs;
pub mod keystore;
pub mod local_market;
pub mod merkle;
pub mod native;
pub mod node;
pub mod payment;
pub mod proof;
pub mod quantity;
pub mod rehearsal;
pub mod replay;
pub mod rows;
pub mod seals;
pub mod session;
pub mod talk;
pub mod terms;
pub mod vault;
pub mod watch;
