//! What the market and the machine would decide, without I/O: by the very code that decides.
//!
//! - [`rehearsal`]: a job and a submission played through, before anything is sent; [`figures`]:
//!   what a report says besides the score
//! - [`files`]: what a job names, checked by its CIDs; `explorer`: a dataset looked through, with
//!   its `histogram`s
//! - [`entry`]: a client's part in a job: the expected outcome, and the transactions to sign;
//!   [`opening`] and [`sponsor`]: a sponsor's, with its `duties`
//! - [`correspondence`]: messages to be encrypted and opened
//! - [`replay`]: the market once more, from the inputs on Ethereum; [`outputs`]: the tree of
//!   what it put out; [`proofs`]: bundles of proofs
//! - [`ask`]: all of this as questions and answers in bytes, the same natively and in WebAssembly
//!
//! For `wasm32-unknown-unknown`, `exports` are the functions that a browser calls.

pub mod correspondence;
mod duties;
pub mod entry;
mod error;
mod explorer;
#[cfg(target_family = "wasm")]
mod exports;
pub mod figures;
pub mod files;
mod histogram;
mod inspection;
pub mod opening;
pub mod outputs;
pub mod proofs;
pub mod question;
pub mod rehearsal;
pub mod replay;
pub mod sponsor;
pub mod transactions;

pub use error::{Error, Result};
pub use question::ask;
