//! The demo of a competition: sealed models, miners, and participants who cheat.
//!
//! One sponsor, five entrants (two honest, one who copies another's ciphertext, one who enters a
//! noised copy under a second account, one who does not reveal) and seven miners, of which two lie.

mod act;
mod cast;
mod play;
mod result;

use std::time::Instant;

use anyhow::Result;
use application::Dapp;
use client::printer::Printer;
pub use result::Played;

use self::act::Sponsor;
use crate::dashboard::Server;

/// Runs a competition and cleans up; with a sponsor who never reveals, if requested.
///
/// A given `dapp` runs the market, and the one beside this program then replays the same inputs.
///
/// - Errors: the failed step, or how the two applications differ; no process is left running
pub async fn run(
    printer: Printer,
    dapp: Option<Dapp>,
    page: Option<Server>,
    is_silent: bool,
) -> Result<Played> {
    let begun = Instant::now();
    let sponsor = if is_silent { Sponsor::Silent } else { Sponsor::Honest };
    let play = async |stage: &super::Stage| play::play(stage, sponsor, begun).await;
    super::perform(printer, dapp, page, cast::cast()?, play).await
}
