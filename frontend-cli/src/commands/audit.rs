//! `deml audit`: everything the market ever decided, checked against Ethereum.

use anyhow::{Context, Result};

use crate::{
    args,
    audit::{Audit, Engine, Report, Span},
    config::Config,
    devnet::Dapp,
};

/// Audits one market.
///
/// - Errors: something could not be checked
pub async fn run(config: &Config, given: args::Audit) -> Result<Report> {
    let session = config.session()?;
    let dapp = match (given.machine, given.dapp) {
        (Some(machine), _) => Some(Dapp::Machine(machine)),
        (None, dapp) => dapp.map(Dapp::Program),
    };
    let genesis = match (&dapp, given.genesis) {
        (_, Some(genesis)) => genesis,
        // A machine has its own inside.
        (Some(Dapp::Machine(_)), None) => std::path::PathBuf::new(),
        (_, None) => config.genesis()?.context(
            "which genesis file? say --genesis FILE, what the application was deployed with",
        )?,
    };
    let audit = Audit {
        application: session.application(),
        chain: session.chain,
        node: (!given.no_node).then_some(session.node),
        engine: Engine { dapp, genesis, blobs: given.blobs },
        span: Span { from: given.from, to: given.to },
        patience: given.claim_patience,
        talk: config.talk,
    };
    audit.run().await
}
