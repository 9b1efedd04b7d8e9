//! `deml watch`: a market, audited again and again.

use anyhow::{Context, Result};
use auditor::watch::{Watch, default_path};
use client::talk::Ending;
use wire::Genesis;

use super::audit;
use crate::{args, config::Config};

/// Watches one market until something is wrong with it.
///
/// - Errors: it is not said how to replay; with `--once`, something could not be checked
pub async fn run(config: &Config, given: args::Watch) -> Result<Ending> {
    let session = config.session()?;
    let pause = session.patience.pause * 4;
    let audit = audit::prepare(config, session, given.replay)?;
    // A machine has its genesis inside: of its tokens nothing is known.
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
    let watch = Watch {
        audit,
        genesis,
        confirmations: given.confirmations,
        webhook: given.webhook,
        place,
        pause,
    };
    watch.run(given.once).await
}
