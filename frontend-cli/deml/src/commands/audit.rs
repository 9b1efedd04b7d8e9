//! `deml audit`: everything the market ever decided, checked against Ethereum.

use anyhow::{Context, Result};
use application::Dapp;
use auditor::{Audit, Engine, Report, Span, page};
use client::{files, folders, session::Session};

use crate::{args, config::Config};

/// Audits one market.
///
/// - Errors: something could not be checked
pub async fn run(config: &Config, given: args::Audit) -> Result<Report> {
    let span = Span { from: given.from, to: given.to };
    let audit = Audit { span, ..prepare(config, config.session()?, given.replay)? };
    // The page tells of everything.
    let audit = if given.no_checkpoint || given.html.is_some() {
        Audit { memory: None, ..audit }
    } else {
        audit
    };
    let report = audit.run().await?;
    if let Some(file) = given.html {
        let page = page(&report, &audit.application.to_string())?;
        files::write(&file, page.as_bytes())?;
    }
    Ok(report)
}

/// An audit of everything, yet to be run.
///
/// - Errors: it is not said how to replay
pub(crate) fn prepare(config: &Config, session: Session, given: args::Replay) -> Result<Audit> {
    let args::Replay { engine, no_node, claim_patience } = given;
    let suspect = engine.dapp.clone();
    let dapp = match (engine.machine, engine.dapp) {
        (Some(machine), _) => Some(Dapp::Machine(machine)),
        (None, dapp) => dapp.map(Dapp::Program),
    };
    let genesis = match (&dapp, engine.genesis) {
        (_, Some(genesis)) => genesis,
        // A machine has its own inside.
        (Some(Dapp::Machine(_)), None) => std::path::PathBuf::new(),
        (_, None) => config.genesis()?.context(
            "which genesis file? say --genesis FILE, what the application was deployed with",
        )?,
    };
    Ok(Audit {
        application: session.application(),
        chain: session.chain,
        node: (!no_node).then_some(session.node),
        engine: Engine { dapp, genesis, blobs: engine.blobs },
        span: Span::default(),
        patience: claim_patience,
        suspect,
        memory: folders::data().ok().map(|data| data.join("audit")),
        talk: config.talk,
    })
}
