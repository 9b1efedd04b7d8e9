//! `deml demo`: a whole market, played on this computer.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use client::printer::ExitStatus;
use devnet::Lie;

use crate::{config::Config, demo};

/// A demo.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  deml demo --dapp target/riscv64gc-unknown-linux-gnu/release/deml-dapp")]
pub struct Demo {
    /// Play with this executable as the application, then replay all inputs through the deml-dapp
    /// beside deml and compare every output, byte for byte; one for RISC-V is run by qemu-riscv64
    #[arg(long, global = true, value_name = "FILE")]
    pub dapp: Option<PathBuf>,
    /// For tests of the auditor only: have the devnet tell this lie, play one short job and print
    /// what the audit finds
    #[arg(long, value_name = "KIND", hide = true, conflicts_with = "dapp")]
    pub sabotage: Option<Lie>,
    /// Another play than the two bounties.
    #[command(subcommand)]
    pub play: Option<DemoPlay>,
}

/// Plays beside the two bounties.
#[derive(Clone, Debug, Subcommand)]
pub enum DemoPlay {
    /// A competition of sealed models, with miners, copiers and liars
    #[command(after_help = "Example:\n  deml demo competition --silent-sponsor")]
    Competition {
        /// The sponsor never reveals its hold-out
        #[arg(long)]
        silent_sponsor: bool,
    },
}

/// Plays.
///
/// - Errors: something of the play fails
pub async fn run(config: &Config, demo: Demo) -> Result<ExitStatus> {
    if let Some(lie) = demo.sabotage {
        let report = demo::sabotaged(config.printer, lie).await?;
        config.printer.answer(&report)?;
        return Ok(report.exit_status());
    }
    match demo.play {
        None => config.printer.answer(&demo::run(config.printer, demo.dapp).await?)?,
        Some(DemoPlay::Competition { silent_sponsor }) => {
            let played = demo::competition::run(config.printer, demo.dapp, silent_sponsor);
            config.printer.answer(&played.await?)?;
        }
    }
    Ok(ExitStatus::Done)
}
