//! The dapp: fetches inputs from the rollup server, applies them to the market, and posts the
//! outputs.
//!
//! - [`App`] is the core: maps a request to an [`Answer`]; no I/O.
//! - [`serve`] is the loop around it, with one [`Client`]; it never returns.
//! - [`trace`] prints the bits of an evaluation, for auditors, without serving.
//! - [`CatchingJudge`] turns an evaluator's panic into a refused model.
//!
//! An application that exits can never be resumed, and all its money is lost. So whatever can go
//! wrong at startup ends the program before the loop, and nothing ends the loop.

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
