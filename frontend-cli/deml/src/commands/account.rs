//! Accounts: creating, importing and listing keystores.

use std::{
    fmt,
    io::{IsTerminal as _, Read as _},
};

use alloy::{primitives::B256, signers::local::PrivateKeySigner};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use client::{
    chain::mnemonic_account,
    keystore::{self, Keystore},
    printer::ExitStatus,
};
use serde::Serialize;

use crate::config::Config;

/// Keystores.
#[derive(Debug, Subcommand)]
pub enum Account {
    /// Create a new key in an encrypted keystore
    New(AccountName),
    /// Encrypt an existing private key or mnemonic; it is prompted for, or read from stdin
    Import(Import),
    /// List this user's keystores
    #[command(after_help = "Example:\n  deml account list")]
    List,
}

/// A keystore's name.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml account new alice --password-file alice.password")]
pub struct AccountName {
    /// Its name, for --keystore
    pub name: String,
}

/// Arguments of `deml account import`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  deml account import alice
  deml account import alice --mnemonic --index 2 < words.txt

A keystore of geth, ethers or cast needs no import: --keystore FILE. Hardware wallets cannot sign
here; with --as ADDRESS --calldata, a command prints what any wallet can send.")]
pub struct Import {
    /// Its name, for --keystore
    pub name: String,
    /// Import an account of a wallet's mnemonic (12 to 24 English words)
    #[arg(long)]
    pub mnemonic: bool,
    /// Which of the mnemonic's accounts, from 0
    #[arg(long, value_name = "N", requires = "mnemonic", default_value_t = 0)]
    pub index: u32,
}

/// Runs the subcommand.
///
/// - Errors: not a private key; a keystore of that name exists
pub fn run(config: &Config, account: Account) -> Result<ExitStatus> {
    let (name, key) = match account {
        Account::List => {
            config.printer.answer(&Keystores(keystore::list()?))?;
            return Ok(ExitStatus::Done);
        }
        Account::New(new) => (new.name, PrivateKeySigner::random()),
        Account::Import(Import { name, mnemonic: true, index }) => {
            (name, mnemonic_account(&read_secret("Mnemonic: ")?, index)?)
        }
        Account::Import(Import { name, .. }) => (name, read_key()?),
    };
    let password = keystore::new_password(config.password_file())?;
    config.printer.answer(&keystore::create(&name, &key, &password)?)?;
    Ok(ExitStatus::Done)
}

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

/// Reads a private key from the terminal, or from standard input if that is not a terminal.
///
/// - Errors: not a private key
pub fn read_key() -> Result<PrivateKeySigner> {
    let text = read_secret("Private key: ")?;
    let key: Option<B256> = text.trim().parse().ok();
    let key = key.and_then(|key| PrivateKeySigner::from_bytes(&key).ok());
    // The text is a secret, so the error does not repeat it.
    key.context("that is not a private key: 64 hexadecimal digits, with or without 0x")
}

/// A secret from the terminal, or from standard input if that is not a terminal.
fn read_secret(prompt: &str) -> Result<String> {
    if std::io::stdin().is_terminal() {
        return keystore::ask(prompt);
    }
    let mut text = String::new();
    std::io::stdin().take(1_024).read_to_string(&mut text).context("cannot read the secret")?;
    Ok(text)
}
