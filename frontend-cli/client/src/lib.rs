//! Client library for a market, without commands of its own.
//!
//! - `chain`: Ethereum; `node`: the Cartesi node; `ipfs`: bytes by name; `http` under all three
//! - `session`: a market through them, and its messages (`printer`); `delivery` sends bytes
//!   in chunks, `follow` waits for the results of an input, with `patience`
//! - `earlier`: what an interrupted command has sent
//! - `keystore`: keys; `vault`, `seals`: secrets kept until they are revealed
//! - `merkle`, `proof`, `payment`, `bundle`: proofs that an output is under an accepted root, and
//!   its payment
//! - `archive`: contents of blobs, from inputs
//! - `calendar`, `columns`, `convert`, `files`, `folders`, `jobs` (references to jobs), `quantity`:
//!   formats of values

pub mod archive;
pub mod bundle;
pub mod calendar;
pub mod chain;
pub mod columns;
pub mod convert;
pub mod delivery;
pub mod earlier;
pub mod files;
pub mod folders;
pub mod follow;
pub mod http;
pub mod ipfs;
pub mod jobs;
pub mod keystore;
pub mod merkle;
pub mod node;
pub mod patience;
pub mod payment;
pub mod printer;
pub mod proof;
pub mod quantity;
pub mod seals;
pub mod session;
pub mod vault;

/// Refusals as people read them.
pub use ::words;
