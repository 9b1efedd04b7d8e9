//! Accounts: keystores made, imported and listed.

use std::{
    fmt,
    io::{IsTerminal, Read},
};

use alloy::{primitives::B256, signers::local::PrivateKeySigner};
use anyhow::{Context, Result};
use client::keystore::{self, Keystore};
use serde::Serialize;

/// This user's keystores.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Keystores(pub Vec<Keystore>);

impl fmt::Display for Keystores {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return out.write_str("no keystores; make one with `deml account new NAME`");
        }
        let lines: Vec<String> = self.0.iter().map(Keystore::to_string).collect();
        out.write_str(&lines.join("\n"))
    }
}

/// A private key from the terminal, or from standard input when that is no terminal.
///
/// - Errors: not a private key
pub fn read_key() -> Result<PrivateKeySigner> {
    let text = if std::io::stdin().is_terminal() {
        keystore::ask("Private key: ")?
    } else {
        let mut text = String::new();
        std::io::stdin().take(1_024).read_to_string(&mut text).context("cannot read the key")?;
        text
    };
    let key: Option<B256> = text.trim().parse().ok();
    let key = key.and_then(|key| PrivateKeySigner::from_bytes(&key).ok());
    // The text is a secret: it is not repeated.
    key.context("that is not a private key: 64 hexadecimal digits, with or without 0x")
}
