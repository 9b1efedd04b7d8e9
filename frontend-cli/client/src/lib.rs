//! What programs need to deal with a market: a library without commands of its own.
//!
//! - `chain`: Ethereum; `node`: the Cartesi node; `ipfs`: bytes by name; `http` under all three
//! - `session`: a market through them, with what to say on the way (`printer`); `delivery` sends bytes
//!   in chunks, `follow` waits for what became of an input
//! - `keystore`: keys; `vault`, `seals`: what is kept secret for a while
//! - `merkle`, `proof`, `payment`, `bundle`: an output is under an accepted root, and what it pays
//! - `archive`: bytes of blobs, from inputs
//! - `convert`, `files`, `folders`, `jobs` (which job is meant), `quantity`: forms of values

pub mod archive;
pub mod bundle;
pub mod chain;
pub mod convert;
pub mod delivery;
pub mod files;
pub mod folders;
pub mod follow;
pub mod http;
pub mod ipfs;
pub mod jobs;
pub mod keystore;
pub mod merkle;
pub mod node;
pub mod payment;
pub mod printer;
pub mod proof;
pub mod quantity;
pub mod seals;
pub mod session;
pub mod vault;
