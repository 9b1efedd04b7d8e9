//! `deml dashboard`: serves the market's page until Ctrl-C.

use std::{fmt, net::SocketAddr, path::PathBuf};

use anyhow::Result;
use clap::Args;
use client::printer::ExitStatus;
use serde::Serialize;

use crate::{
    config::Config,
    dashboard::{ADDRESS, Server},
};

/// Arguments of `deml dashboard`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  deml dashboard --listen 127.0.0.1:8080

The page is built once with npm, into this user's cache. It reads what this program answers, and
sends nothing but through the wallet of whoever looks at it.")]
pub struct Dashboard {
    /// Address and port to serve it at; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = ADDRESS)]
    pub listen: SocketAddr,
    /// The application's genesis file, for whoever verifies the market in the browser [default: the
    /// running devnet's]
    #[arg(long, value_name = "FILE")]
    pub genesis: Option<PathBuf>,
}

/// The page's address.
#[derive(Clone, Debug, Serialize)]
pub struct Serving {
    /// Its URL.
    pub url: String,
}

impl fmt::Display for Serving {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "page         {}", self.url)
    }
}

/// Serves the page of the configured market until it is interrupted.
///
/// - Errors: npm is missing or fails; the address is taken
pub async fn run(config: &Config, dashboard: Dashboard) -> Result<ExitStatus> {
    let session = config.session()?;
    let printer = config.printer;
    let genesis = dashboard.genesis.map_or_else(|| config.genesis(), |given| Ok(Some(given)))?;
    let server = Server::prepare(dashboard.listen, printer).await?;
    let server = server.with_genesis(genesis, config.runs_machine()?);
    printer.answer(&Serving { url: server.url() })?;
    printer.say("serving it until Ctrl-C");
    tokio::select! {
        failure = server.serve(session) => failure?,
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(ExitStatus::Done)
}
