//! The demo of a competition: sealed models, miners, and people who try to get more than they
//! should.
//!
//! One sponsor, five entrants (two honest, one who copies another's ciphertext, one who enters a
//! noised copy under a second account, one who does not reveal) and seven miners, of which two lie.

mod act;
mod play;
mod result;
mod stage;

pub use result::Played;

use std::{path::PathBuf, time::Instant};

use anyhow::Result;

use self::{act::Sponsor, stage::Stage};
use crate::{commands::devnet::program, talk::Talk};

/// Plays a competition and cleans up; with a sponsor who never reveals, if asked for.
///
/// - Errors: what failed; no process is left behind then either
pub async fn run(talk: Talk, dapp: Option<PathBuf>, is_silent: bool) -> Result<Played> {
    let begun = Instant::now();
    let stage = Stage::set(talk, program(dapp)?).await?;
    let sponsor = if is_silent { Sponsor::Silent } else { Sponsor::Honest };
    let played = play::play(&stage, sponsor, begun).await;
    stage.strike().await?;
    played
}
