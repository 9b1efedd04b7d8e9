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
#[cfg(not(target_family = "wasm"))]
mod client;
mod drive;
mod guard;
mod request;
#[cfg(not(target_family = "wasm"))]
mod run;
#[cfg(not(target_family = "wasm"))]
mod serve;
mod trace;

pub use answer::{Answer, Status};
pub use app::App;
pub use args::{Args, HELP, Invocation, TraceArgs};
#[cfg(not(target_family = "wasm"))]
pub use client::{Client, Lost, Reply, UrlRefused};
pub use drive::read_drive;
#[cfg(not(target_family = "wasm"))]
pub use guard::limit_memory;
pub use guard::{CatchingJudge, say, speak_of_panics};
pub use request::{Request, RequestRefused};
#[cfg(not(target_family = "wasm"))]
pub use run::{Drive, run};
#[cfg(not(target_family = "wasm"))]
pub use serve::serve;
pub use trace::{Made, Traced, trace};
pub use wire::Advance;
