//! `deml watch`: audits a market continuously.

use std::path::PathBuf;

use anyhow::{Context, Result};
use auditor::watch::default_path;
use clap::Args;
use client::printer::ExitStatus;
use reqwest::Url;
use wire::Genesis;

use crate::{
    commands::audit::{self, Replay},
    config::Config,
};

/// Arguments of `deml watch`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  deml watch                                           the running devnet's application
  deml watch --webhook https://example.org/alerts --confirmations 12 --rpc-url https://…
  deml --json watch --once                             for scripts: catch up, then end

It alerts of the first divergence an audit finds and ends with that; and, going on, of a claim that
did not come, of another outputs validator, and of an asset of which the application holds less
than its market owes. Started again it goes on where it was; an alert the webhook did not take is
sent again.

Exit codes: 0 nothing to alert of, 1 an alert was raised, 2 it could not be checked.")]
pub struct Watch {
    /// Replay options.
    #[command(flatten)]
    pub replay: Replay,
    /// Also POST each alert to this URL, as JSON
    #[arg(long, value_name = "URL")]
    pub webhook: Option<Url>,
    /// Ignore this many of the newest blocks, which the chain may still reorganise
    #[arg(long, value_name = "BLOCKS", default_value_t = 0)]
    pub confirmations: u64,
    /// Catch up with the chain once, then exit
    #[arg(long)]
    pub once: bool,
    /// The file that stores the cursor [default: one per application in this user's data folder]
    #[arg(long, value_name = "FILE")]
    pub place: Option<PathBuf>,
}

/// Watches one market until a divergence is found.
///
/// - Errors: no replay engine is given; with `--once`, something could not be checked
pub async fn run(config: &Config, given: Watch) -> Result<ExitStatus> {
    let session = config.session()?;
    let pause = session.patience.pause * 4;
    let audit = audit::prepare(config, session, given.replay)?;
    // A machine contains its genesis, so its tokens are unknown here.
    let genesis = match audit.engine.genesis.as_os_str().is_empty() {
        true => Genesis::default(),
        false => {
            let path = &audit.engine.genesis;
            let named = || format!("cannot use {}", path.display());
            let text = std::fs::read_to_string(path).with_context(named)?;
            Genesis::parse(&text).map_err(anyhow::Error::new).with_context(named)?
        }
    };
    let place = match given.place {
        Some(place) => place,
        None => default_path(audit.chain.chain_id().await?, audit.application)?,
    };
    let watch = auditor::watch::Watch {
        audit,
        genesis,
        confirmations: given.confirmations,
        webhook: given.webhook,
        place,
        pause,
    };
    watch.run(given.once).await
}
