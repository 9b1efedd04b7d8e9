//! The demo of trainers: a sponsor names one with its job, and clients run it on data that nobody
//! else sees, one on this computer, one on HyperQueue of whose two workers one is lost; a third
//! client was given another trainer, which tries to send its data away.

mod cluster;
mod play;
mod result;

use std::time::Instant;

use anyhow::Result;
use application::Dapp;
use client::printer::Printer;
pub use result::Played;

use self::cluster::Cluster;
use crate::dashboard::Server;

/// Plays it and cleans up.
///
/// A given `dapp` runs the market, and the one beside this program then replays the same inputs.
///
/// - Errors: the failed step, or how the two applications differ; no process is left running
pub async fn run(printer: Printer, dapp: Option<Dapp>, page: Option<Server>) -> Result<Played> {
    let python = Cluster::environment(&printer)?;
    let begun = Instant::now();
    let play = async |stage: &super::Stage| play::play(stage, &python, begun).await;
    super::perform(printer, dapp, page, play::cast()?, play).await
}
