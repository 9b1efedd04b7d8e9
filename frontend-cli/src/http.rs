//! The HTTP client everything here uses: TLS by ring, with a time limit.

use std::time::Duration;

use anyhow::{Context, Result};

/// A client whose requests end after `timeout`.
pub fn client(timeout: Duration) -> Result<reqwest::Client> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error only says that another thread was faster, with the same choice.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    reqwest::Client::builder().timeout(timeout).build().context("cannot prepare the HTTP client")
}
