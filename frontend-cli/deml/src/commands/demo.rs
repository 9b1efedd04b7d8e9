//! `deml demo`: a complete market run on this computer.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Result;
use application::Dapp;
use clap::{Args, Subcommand};
use client::printer::ExitStatus;

use crate::{
    config::Config,
    dashboard::{ADDRESS, Server},
    demo,
};

/// Arguments of `deml demo`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  deml demo --dapp target/riscv64gc-unknown-linux-gnu/release/deml-dapp")]
pub struct Demo {
    /// Run this executable as the application, then replay all inputs through the deml-dapp beside
    /// deml and compare every output, byte for byte; a RISC-V build is run by qemu-riscv64
    #[arg(long, global = true, value_name = "FILE")]
    pub dapp: Option<PathBuf>,
    /// Run the application in a Cartesi Machine, stored in this folder by `cartesi build`, then
    /// compare every output with the deml-dapp beside deml
    #[arg(long, global = true, value_name = "FOLDER", conflicts_with = "dapp")]
    pub machine: Option<PathBuf>,
    /// Serve the market's page meanwhile, at this address [default: 127.0.0.1:8780]
    #[arg(
        long,
        global = true,
        value_name = "ADDRESS",
        num_args = 0..=1,
        default_missing_value = ADDRESS,
        require_equals = true
    )]
    pub page: Option<SocketAddr>,
    /// A demo other than the two bounties.
    #[command(subcommand)]
    pub play: Option<DemoPlay>,
}

/// Demos other than the two bounties.
#[derive(Clone, Debug, Subcommand)]
pub enum DemoPlay {
    /// A trainer that clients run in a box, on this computer and on a cluster that loses a worker
    #[command(after_help = "Example:\n  deml demo models")]
    Models,
    /// A competition of sealed models, with miners, copiers and liars
    #[command(after_help = "Example:\n  deml demo competition --silent-sponsor")]
    Competition {
        /// The sponsor never reveals its hold-out
        #[arg(long)]
        silent_sponsor: bool,
    },
}

/// Runs a demo.
///
/// - Errors: a step of the demo fails
pub async fn run(config: &Config, demo: Demo) -> Result<ExitStatus> {
    let dapp = demo.machine.map(Dapp::Machine).or(demo.dapp.map(Dapp::Program));
    let page = match demo.page {
        Some(address) => Some(Server::prepare(address, config.printer).await?),
        None => None,
    };
    if let Some(page) = &page {
        config.printer.say(format_args!("page: {}", page.url()));
    }
    match demo.play {
        None => config.printer.answer(&demo::run(config.printer, dapp, page).await?)?,
        Some(DemoPlay::Models) => {
            let played = demo::models::run(config.printer, dapp, page);
            config.printer.answer(&played.await?)?;
        }
        Some(DemoPlay::Competition { silent_sponsor }) => {
            let played = demo::competition::run(config.printer, dapp, page, silent_sponsor);
            config.printer.answer(&played.await?)?;
        }
    }
    Ok(ExitStatus::Done)
}
