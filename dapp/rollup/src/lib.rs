//! The dapp: asks the rollup server for inputs, lets the market carry them out, posts what comes of
//! it.
//!
//! - [`App`] is the core: a request in, an [`Answer`] out; no I/O.
//! - [`serve`] is the loop around it, over one [`Client`]; it never ends.
//! - [`trace`] shows the bits of an evaluation, for auditors, and serves nothing.
//! - [`CatchingJudge`] turns an evaluator's panic into a refused model.
//!
//! An application that exits is dead for ever, with all the money in it. So whatever can go wrong
//! at the start ends the program before the loop, and nothing ends the loop.

mod answer;
mod app;
mod args;
mod client;
mod drive;
mod guard;
mod request;
mod run;
mod serve;
mod trace;

pub use answer::{Answer, Status};
pub use app::App;
pub use args::{Args, HELP, Invocation, TraceArgs};
pub use client::{Client, Lost, Reply, UrlRefused};
pub use drive::read_drive;
pub use guard::{CatchingJudge, limit_memory, say, speak_of_panics};
pub use request::{Advance, Request, RequestRefused};
pub use run::{Drive, run};
pub use serve::serve;
pub use trace::{Made, Traced, trace};
