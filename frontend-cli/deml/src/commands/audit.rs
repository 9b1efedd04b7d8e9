//! `deml audit`: every decision of the market, checked against Ethereum.

use std::path::PathBuf;

use anyhow::{Context, Result};
use application::Dapp;
use auditor::{Moment, Report, Span, Unchecked, page};
use clap::Args;
use client::{files, folders, printer::ExitStatus, session::Session};

use crate::config::Config;

/// Arguments of `deml audit`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  deml audit                                     the running devnet's application
  deml audit --app 0x… --genesis genesis.json --rpc-url https://… --node-url https://…
  deml audit --from 100 --to block:20000000 --no-node

Exit codes: 0 all holds, 1 something does not, 2 it could not be checked.")]
pub struct Audit {
    /// Judge from this input on, or from a block as block:N; the replay starts where the last audit
    /// ended, or at genesis
    #[arg(long, value_name = "INPUT|block:N")]
    pub from: Option<Moment>,
    /// Judge up to this input, or up to the state after a block
    #[arg(long, value_name = "INPUT|block:N")]
    pub to: Option<Moment>,
    /// Start at genesis, and store no checkpoint for the next audit
    #[arg(long)]
    pub no_checkpoint: bool,
    /// Write a human-readable page, with everything that happened since genesis
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Replay options.
    #[command(flatten)]
    pub replay: Replay,
}

/// Replay engine, and sources to compare with.
#[derive(Clone, Debug, Args)]
pub struct Replay {
    /// Replay engine.
    #[command(flatten)]
    pub engine: Engine,
    /// Audit from Ethereum alone: query no Cartesi node
    #[arg(long)]
    pub no_node: bool,
    /// Blocks after an epoch's end until a missing claim is overdue [default: an epoch]
    #[arg(long, value_name = "BLOCKS")]
    pub claim_patience: Option<u64>,
}

/// Replay engine.
#[derive(Clone, Debug, Args)]
pub struct Engine {
    /// The application's genesis file [default: the running devnet's]
    #[arg(long, value_name = "FILE")]
    pub genesis: Option<PathBuf>,
    /// The folder of blobs shipped with the application
    #[arg(long, value_name = "FOLDER")]
    pub blobs: Option<PathBuf>,
    /// Replay through this program instead of the application inside deml
    #[arg(long, value_name = "FILE")]
    pub dapp: Option<PathBuf>,
    /// Replay in a Cartesi Machine: the folder in which `cartesi build` stores it
    #[arg(long, value_name = "FOLDER", conflicts_with = "dapp")]
    pub machine: Option<PathBuf>,
}

/// Audits one market, and prints the report.
///
/// - Errors: something could not be checked
pub async fn run(config: &Config, audit: Audit) -> Result<ExitStatus> {
    let report = self::audit(config, audit).await;
    if let (true, Err(error)) = (config.printer.json, &report) {
        config.printer.answer(&Unchecked::new(error))?;
    }
    let report = report?;
    config.printer.answer(&report)?;
    Ok(report.exit_status())
}

/// Audits one market.
///
/// - Errors: something could not be checked
pub async fn audit(config: &Config, given: Audit) -> Result<Report> {
    let span = Span { from: given.from, to: given.to };
    let audit = auditor::Audit { span, ..prepare(config, config.session()?, given.replay)? };
    // The page covers everything since genesis.
    let audit = if given.no_checkpoint || given.html.is_some() {
        auditor::Audit { memory: None, ..audit }
    } else {
        audit
    };
    let report = audit.run().await?;
    if let Some(file) = given.html {
        let page = page(&report, &audit.subject(&report).await?)?;
        files::write(&file, page.as_bytes())?;
    }
    Ok(report)
}

/// A configured audit of everything.
///
/// - Errors: no replay engine is given
pub(crate) fn prepare(config: &Config, session: Session, given: Replay) -> Result<auditor::Audit> {
    let Replay { engine, no_node, claim_patience } = given;
    let suspect = engine.dapp.clone();
    let dapp = match (engine.machine, engine.dapp) {
        (Some(machine), _) => Some(Dapp::Machine(machine)),
        (None, dapp) => dapp.map(Dapp::Program),
    };
    let genesis = match (&dapp, engine.genesis) {
        (_, Some(genesis)) => genesis,
        // A machine contains its own genesis.
        (Some(Dapp::Machine(_)), None) => std::path::PathBuf::new(),
        (_, None) => config.genesis()?.context(
            "which genesis file? say --genesis FILE, what the application was deployed with",
        )?,
    };
    Ok(auditor::Audit {
        application: session.application(),
        chain: session.chain,
        node: (!no_node).then_some(session.node),
        engine: auditor::Engine {
            is_of_machine: config.runs_machine()?,
            dapp,
            genesis,
            blobs: engine.blobs,
        },
        span: Span::default(),
        patience: claim_patience,
        suspect,
        memory: folders::data().ok().map(|data| data.join("audit")),
        printer: config.printer,
    })
}
