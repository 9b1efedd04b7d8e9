//! `deml devnet`: runs a market on this computer until Ctrl-C.

use std::{fmt, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use application::{Dapp, beside_this_program};
use clap::{Args, Subcommand};
use client::{
    calendar,
    chain::Chain,
    folders,
    http::PATIENCE,
    ipfs::Store,
    node::Node,
    patience::Patience,
    printer::{ExitStatus, Printer},
    quantity::Deadline,
    session::Session,
};
use devnet::{Info, Ports, market::TEST_TOKEN};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    config::{Config, DEVNET_CHAIN},
    dashboard::{ADDRESS, Server, serve_if},
};

/// Arguments of `deml devnet`.
#[derive(Clone, Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  deml devnet --dir ./mydevnet --epoch-length 20
  deml devnet --contracts 3.0.0-alpha     as the official TypeScript clients want it
  deml devnet time +2h

It is a small local stand-in for the Cartesi Rollups Node, on anvil and the real contracts; nobody
runs it in production. Killed at any moment, it goes on from its folder.

--machine needs cartesi-machine 0.19, 0.20 or 0.21 on the PATH; with each of them outputs were
those of the process. A step takes under a second on 0.21, and some seconds on 0.19."
)]
pub struct Devnet {
    /// Something to do with the running devnet instead of starting one.
    #[command(subcommand)]
    pub act: Option<Act>,
    /// Folder for its state; other commands find it through $DEML_DEVNET [default: $DEML_DEVNET,
    /// else deml/devnet in this user's data folder]
    #[arg(long, value_name = "FOLDER")]
    pub dir: Option<PathBuf>,
    /// The application's executable; a RISC-V build is run by qemu-riscv64 [default: deml-dapp
    /// beside deml]
    #[arg(long, value_name = "FILE")]
    pub dapp: Option<PathBuf>,
    /// Run the application in a Cartesi Machine: the folder in which `cartesi build` stores it,
    /// with its genesis and blobs inside
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["dapp", "blobs"])]
    pub machine: Option<PathBuf>,
    /// Folder of blobs shipped with the application, as on a drive of its machine
    #[arg(long, value_name = "FOLDER")]
    pub blobs: Option<PathBuf>,
    /// Port of Ethereum's JSON-RPC; 0 picks a free one
    #[arg(long, default_value_t = 8_545)]
    pub l1_port: u16,
    /// Port of the node's JSON-RPC; 0 picks a free one
    #[arg(long, default_value_t = 10_011)]
    pub node_port: u16,
    /// Port of the node's inspect server; 0 picks a free one
    #[arg(long, default_value_t = 10_012)]
    pub inspect_port: u16,
    /// Blocks per epoch; each is claimed when it ends
    #[arg(long, default_value_t = 10)]
    pub epoch_length: u64,
    /// Serve the market's page too, at this address [default: 127.0.0.1:8780]
    #[arg(
        long,
        value_name = "ADDRESS",
        num_args = 0..=1,
        default_missing_value = ADDRESS,
        require_equals = true
    )]
    pub page: Option<SocketAddr>,
}

/// What can be done with a running devnet.
#[derive(Clone, Debug, Subcommand)]
pub enum Act {
    /// Move its clock forward at once, so that windows close and deadlines pass
    #[command(after_help = "Example:\n  deml devnet time +2h")]
    Time {
        /// By how much: +2h, +1d12h, +90s
        by: String,
    },
}

/// The clock of a devnet, moved.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Moved {
    /// The newest block's time, in seconds since 1970.
    pub time: u64,
}

impl fmt::Display for Moved {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "it is {} on the devnet now", calendar::iso(self.time))
    }
}

/// Addresses and URLs of the running devnet.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Running<'a>(pub &'a Info);

impl fmt::Display for Running<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(info) = self;
        writeln!(out, "Ethereum     {} (chain {})", info.rpc_url, info.chain_id)?;
        writeln!(out, "JSON-RPC     {}", info.node_url)?;
        writeln!(out, "inspect      {}/{}", info.inspect_url, info.application)?;
        writeln!(out, "application  {}", info.application)?;
        write!(
            out,
            "authority    {}, an epoch every {} blocks",
            info.authority, info.epoch_length
        )?;
        for (name, address) in &info.extra {
            write!(out, "\n{name:<12} {address}")?;
        }
        Ok(())
    }
}

/// Runs a devnet, the local stand-in for the Cartesi node, until it is interrupted or fails.
///
/// - Errors: a port is taken, npm is missing, the application is missing or died
pub async fn run(config: &Config, devnet: Devnet) -> Result<ExitStatus> {
    match &devnet.act {
        Some(Act::Time { by }) => move_time(config, by).await,
        None => play(config, devnet).await,
    }
}

/// Moves the clock of the running devnet.
async fn move_time(config: &Config, by: &str) -> Result<ExitStatus> {
    let duration = by.strip_prefix('+').unwrap_or(by).parse();
    let Ok(Deadline::In(seconds)) = duration else {
        bail!("{by:?} is not a duration: write it like +2h, +1d12h or +90s");
    };
    let chain = config.session()?.chain;
    let id = chain.chain_id().await?;
    ensure!(
        id == DEVNET_CHAIN,
        "this is chain {id}, whose clock nobody moves: `deml devnet` starts one that can be moved"
    );
    ::devnet::advance_time(&chain, seconds).await?;
    config.printer.answer(&Moved { time: chain.block_time().await? })?;
    Ok(ExitStatus::Done)
}

async fn play(global: &Config, devnet: Devnet) -> Result<ExitStatus> {
    let printer = global.printer;
    let folder = match devnet.dir {
        Some(folder) => folder,
        None => folders::devnet()?,
    };
    let dapp = match (devnet.machine, devnet.dapp) {
        (Some(image), _) => Dapp::Machine(image),
        (None, dapp) => Dapp::Program(program(dapp)?),
    };
    let mut config = ::devnet::market::config(folder, dapp)?;
    config.ports =
        Ports { l1: devnet.l1_port, jsonrpc: devnet.node_port, inspect: devnet.inspect_port };
    config.epoch_length = devnet.epoch_length;
    config.line = global.given_line().unwrap_or_default();
    config.notify = Arc::new(move |line| printer.say(line));
    let has_drive = devnet.blobs.is_some();
    if let Some(blobs) = devnet.blobs {
        config.dapp_args = vec!["--blobs".into(), blobs.into()];
    }
    let mut terminated = signal(SignalKind::terminate()).context("cannot watch for signals")?;
    let running = ::devnet::Devnet::start(config).await?;
    printer.answer(&Running(running.info()))?;
    let page = match devnet.page {
        Some(address) => {
            // A replay in the browser has no drive.
            let genesis = (!has_drive).then(|| running.info().genesis.clone());
            let server = Server::prepare(address, printer).await?;
            Some(server.with_genesis(genesis, running.info().is_machine))
        }
        None => None,
    };
    if let Some(page) = &page {
        printer.say(format_args!("page: {}", page.url()));
    }
    let session = session(running.info(), printer)?;
    printer.say("ready, with the accounts 0 to 8 of `deml --account N`; Ctrl-C ends it");
    let failure = tokio::select! {
        failure = running.failed() => Some(failure),
        served = serve_if(page, session) => served.err(),
        _ = tokio::signal::ctrl_c() => None,
        _ = terminated.recv() => None,
    };
    printer.say("ending; started again, it goes on from here");
    running.shutdown().await?;
    match failure {
        Some(failure) => Err(failure),
        None => Ok(ExitStatus::Done),
    }
}

/// Access to the market on a running devnet, for its page.
fn session(info: &Info, printer: Printer) -> Result<Session> {
    Ok(Session {
        chain: Chain::connect(&info.rpc_url, info.contracts)?,
        node: Node::connect(&info.node_url, &info.inspect_url, info.application)?,
        store: Store::embedded()?,
        token: info.extra.get(TEST_TOKEN).copied(),
        printer,
        patience: Patience { pause: Duration::from_millis(50), limit: PATIENCE },
    })
}

/// The given executable, or the one beside this program.
pub(crate) fn program(given: Option<PathBuf>) -> Result<PathBuf> {
    let dapp = match given {
        Some(dapp) => dapp,
        None => beside_this_program("deml-dapp").context("which application? say --dapp FILE")?,
    };
    ensure!(
        dapp.is_file(),
        "there is no application {}: build it with `cargo build --release -p rollup`",
        dapp.display()
    );
    Ok(dapp)
}
