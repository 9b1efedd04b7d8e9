//! `deml audit`: everything the market ever decided, checked against Ethereum.

use anyhow::{Context, Result};

use crate::{
    args,
    audit::{Audit, Engine, Report, Span},
    config::Config,
    devnet::Dapp,
    session::Session,
};

/// Audits one market.
///
/// - Errors: something could not be checked
pub async fn run(config: &Config, given: args::Audit) -> Result<Report> {
    let span = Span { from: given.from, to: given.to };
    Audit { span, ..prepare(config, config.session()?, given.replay)? }.run().await
}

/// An audit of everything, yet to be run.
///
/// - Errors: it is not said how to replay
pub(crate) fn prepare(config: &Config, session: Session, given: args::Replay) -> Result<Audit> {
    let dapp = match (given.machine, given.dapp) {
        (Some(machine), _) => Some(Dapp::Machine(machine)),
        (None, dapp) => dapp.map(Dapp::Program),
    };
    let genesis = match (&dapp, given.genesis) {
        // A machine has its own inside.
        (Some(Dapp::Machine(_)), _) => std::path::PathBuf::new(),
        (_, Some(genesis)) => genesis,
        (_, None) => config.genesis()?.context(
            "which genesis file? say --genesis FILE, what the application was deployed with",
        )?,
    };
    Ok(Audit {
        application: session.application(),
        chain: session.chain,
        node: (!given.no_node).then_some(session.node),
        engine: Engine { dapp, genesis, blobs: given.blobs },
        span: Span::default(),
        patience: given.claim_patience,
        talk: config.talk,
    })
}
