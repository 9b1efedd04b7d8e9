//! `deml devnet`: a market on this computer until Ctrl-C.

use std::{fmt, path::PathBuf, sync::Arc};

use anyhow::{Context, Result, ensure};
use application::{Dapp, beside_this_program};
use client::{
    folders,
    talk::{Ending, Talk},
};
use devnet::{Devnet, Info, Ports};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use crate::args;

/// Where everything is.
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

/// Runs a devnet until it is interrupted or fails; it is the local stand-in for the Cartesi node.
///
/// - Errors: a port is taken, npm is missing, the application is not there, or died
pub async fn run(talk: Talk, devnet: args::Devnet) -> Result<Ending> {
    let folder = match devnet.dir {
        Some(folder) => folder,
        None => folders::devnet()?,
    };
    let dapp = match (devnet.machine, devnet.dapp) {
        (Some(image), _) => Dapp::Machine(image),
        (None, dapp) => Dapp::Program(program(dapp)?),
    };
    let mut config = devnet::market::config(folder, dapp)?;
    config.ports =
        Ports { l1: devnet.l1_port, jsonrpc: devnet.node_port, inspect: devnet.inspect_port };
    config.epoch_length = devnet.epoch_length;
    config.talk = Arc::new(move |line| talk.say(line));
    if let Some(blobs) = devnet.blobs {
        config.dapp_args = vec!["--blobs".into(), blobs.into()];
    }
    let mut terminated = signal(SignalKind::terminate()).context("cannot watch for signals")?;
    let running = Devnet::start(config).await?;
    talk.answer(&Running(running.info()))?;
    talk.say("ready, with the accounts 0 to 8 of `deml --account N`; Ctrl-C ends it");
    let failure = tokio::select! {
        failure = running.failed() => Some(failure),
        _ = tokio::signal::ctrl_c() => None,
        _ = terminated.recv() => None,
    };
    talk.say("ending; started again, it goes on from here");
    running.shutdown().await?;
    match failure {
        Some(failure) => Err(failure),
        None => Ok(Ending::Done),
    }
}

/// The executable that was given, or the one beside this program.
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
