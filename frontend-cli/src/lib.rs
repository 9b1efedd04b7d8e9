//! What the `deml` command line is made of: Ethereum, the local devnet, and the proofs both share.

pub mod chain;
pub mod devnet;
pub mod ipfs;
pub mod merkle;
