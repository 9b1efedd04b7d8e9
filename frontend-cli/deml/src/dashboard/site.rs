//! What the page's questions are answered from.

use std::path::PathBuf;

use client::session::Session;
use reqwest::Url;
use serde::Serialize;

/// A relay of WalletConnect, and the project in whose name it is used.
#[derive(Clone, Debug, Serialize)]
pub struct Relay {
    /// The project's id.
    pub project_id: String,
    /// The relay's address.
    pub url: Url,
}

/// What questions are answered from.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) session: Session,
    /// The genesis file, if it is known.
    pub(super) genesis: Option<PathBuf>,
    /// Whether the application is a machine.
    pub(super) is_of_machine: bool,
    /// The relay through which wallets on other devices are reached, if there is one.
    pub(super) relay: Option<Relay>,
    /// Whether browsers can have the market's code.
    pub(super) has_twin: bool,
}
