//! What an account keeps of its messages: the secrets of its keys, the texts it has sent, and whom
//! it blocks; in its vault.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
};

use alloy::primitives::Address;
use anyhow::{Context as _, Result};
use blobs::Digest;
use client::{
    convert::{to_ethereum, to_market},
    session::Session,
    vault::{self, Vault},
};
use market::Ciphertext;
use messages::{PublicKey, SecretKey};
use serde::{Deserialize, Serialize};

use crate::config::Config;

/// An account's messages on this computer.
pub(super) struct Mailbox {
    /// The account.
    pub(super) account: market::Address,
    vault: Vault,
    /// No other command writes meanwhile: a secret could be lost.
    _turn: File,
    pub(super) kept: Kept,
}

/// What is kept.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Secrets of the account's keys, the oldest first.
    secrets: Vec<Secret>,
    /// Texts that were sent, by their ciphertexts' digest: nobody but the recipient can decrypt
    /// these.
    sent: BTreeMap<Digest, String>,
    /// Accounts whose messages are not shown.
    pub(super) blocked: BTreeSet<market::Address>,
    /// Number of inputs whose messages were shown.
    pub(super) seen_inputs: u64,
}

#[derive(Serialize, Deserialize)]
struct Secret(#[serde(with = "blobs::hex")] [u8; 32]);

impl Mailbox {
    /// The acting account's.
    ///
    /// - Errors: as for [`Config::vault`]; the file is corrupt
    pub(super) async fn open(config: &Config, session: &Session) -> Result<Self> {
        let (account, vault) = config.vault(session).await?;
        let turn = vault.lock(&name(account), "deml message")?;
        let kept = vault.read(&name(account))?;
        Ok(Self { account: to_market(account), vault, _turn: turn, kept })
    }

    /// Writes what is kept.
    pub(super) fn save(&self) -> Result<()> {
        self.vault.write(&name(to_ethereum(self.account)), &self.kept)
    }

    /// The secrets, the newest first.
    pub(super) fn secrets(&self) -> impl Iterator<Item = SecretKey> + '_ {
        self.kept.secrets.iter().rev().map(|secret| SecretKey(secret.0))
    }

    /// The newest key.
    pub(super) fn key(&self) -> Option<PublicKey> {
        self.secrets().next().map(|secret| secret.public())
    }

    /// Makes a new key, and has it on disk.
    pub(super) fn make_key(&mut self) -> Result<PublicKey> {
        self.kept.secrets.push(Secret(vault::random()));
        self.save()?;
        self.key().context("a key was made")
    }

    /// Forgets all keys but this one; returns how many.
    pub(super) fn forget_keys_but(&mut self, key: PublicKey) -> Result<usize> {
        let before = self.kept.secrets.len();
        self.kept.secrets.retain(|secret| SecretKey(secret.0).public() == key);
        self.save()?;
        Ok(before.saturating_sub(self.kept.secrets.len()))
    }

    /// Keeps a text that is about to be sent.
    pub(super) fn note_sent(&mut self, message: &Ciphertext, text: &str) -> Result<()> {
        self.kept.sent.insert(Digest::of(&message.0), text.to_owned());
        self.save()
    }

    /// A text that was sent from here.
    pub(super) fn sent(&self, message: &Ciphertext) -> Option<&str> {
        self.kept.sent.get(&Digest::of(&message.0)).map(String::as_str)
    }
}

/// A vault may keep the messages of several accounts: its own, and Safes that it acts for.
fn name(account: Address) -> String {
    format!("messages-{account:#x}")
}
