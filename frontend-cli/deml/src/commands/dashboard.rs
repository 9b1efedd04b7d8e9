//! `deml dashboard`: serves the market's page until Ctrl-C.

use std::{fmt, net::SocketAddr, path::PathBuf};

use anyhow::Result;
use clap::Args;
use client::printer::ExitStatus;
use reqwest::Url;
use serde::Serialize;

use crate::{
    config::Config,
    dashboard::{ADDRESS, Relay, Server},
};

/// Arguments of `deml dashboard`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  deml dashboard --listen 127.0.0.1:8080

The page is built once with npm, into this user's cache. It reads what this program answers, and
sends nothing but through the wallet of whoever looks at it. With --walletconnect it connects to
the relay too, once somebody chooses that.")]
pub struct Dashboard {
    /// Address and port to serve it at; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = ADDRESS)]
    pub listen: SocketAddr,
    /// The application's genesis file, for whoever verifies the market in the browser [default: the
    /// running devnet's]
    #[arg(long, value_name = "FILE")]
    pub genesis: Option<PathBuf>,
    /// Take wallets on other devices too, by WalletConnect: the id of a project registered there
    #[arg(long, value_name = "PROJECT_ID", value_parser = project_id)]
    pub walletconnect: Option<String>,
    /// The relay that passes on what the page and such a wallet say, encrypted
    #[arg(long, value_name = "URL", default_value = "wss://relay.walletconnect.org")]
    #[arg(requires = "walletconnect", value_parser = relay)]
    pub walletconnect_relay: Url,
}

fn project_id(text: &str) -> Result<String, String> {
    let fits = !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric());
    fits.then(|| text.to_owned()).ok_or_else(|| "it has letters and digits alone".to_owned())
}

fn relay(text: &str) -> Result<Url, String> {
    let url = text.parse::<Url>().map_err(|why| format!("it is no URL: {why}"))?;
    let fits = matches!(url.scheme(), "ws" | "wss");
    fits.then_some(url).ok_or_else(|| "it begins with wss:// or ws://".to_owned())
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
    let url = dashboard.walletconnect_relay;
    let relay = dashboard.walletconnect.map(|project_id| Relay { project_id, url });
    let server = server.with_relay(relay);
    printer.answer(&Serving { url: server.url() })?;
    printer.say("serving it until Ctrl-C");
    tokio::select! {
        failure = server.serve(session) => failure?,
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(ExitStatus::Done)
}
