//! `deml message publish`: publishes the key that others encrypt messages to an account with.

use std::fmt;

use anyhow::Result;
use clap::Args;
use client::{
    inbox::Inbox,
    printer::{ExitStatus, Refused},
    session::TransactionCost,
};
use market::Command;
use messages::PublicKey;
use serde::Serialize;

use super::mailbox::Mailbox;
use crate::{
    commands::sending::{Calldata, Sending},
    config::Config,
};

/// Arguments of `deml message publish`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  deml --account 2 message publish
  deml --account 2 message publish --rotate --forget
  deml --keystore alice --as 0x… message publish --calldata

The secret is encrypted in this account's vault on this computer, or of a Safe in that of the
keystore given beside it. Messages cannot be read elsewhere.")]
pub struct Publish {
    /// Publish a new key in the place of the one published before
    #[arg(long)]
    pub rotate: bool,
    /// Delete the secrets of earlier keys: nobody can read messages encrypted for them any more
    #[arg(long)]
    pub forget: bool,
    /// Options for sending.
    #[command(flatten)]
    pub sending: Sending,
}

/// A published key.
#[derive(Clone, Debug, Serialize)]
pub struct Published {
    /// Its account.
    pub account: market::Address,
    /// The key.
    pub key: PublicKey,
    /// Number of earlier secrets that were deleted.
    pub forgotten: usize,
    /// Transaction cost; `None` if it was published before.
    pub spent: Option<TransactionCost>,
}

impl fmt::Display for Published {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, key, forgotten, spent } = self;
        let since = if spent.is_some() { "from now on" } else { "already" };
        write!(out, "messages to {account} are {since} encrypted for {key}")?;
        if *forgotten > 0 {
            let keys = client::quantity::count(*forgotten as u64, "earlier key");
            write!(out, "\n  {keys} forgotten: what was encrypted for them is lost")?;
        }
        spent.as_ref().map_or(Ok(()), |spent| write!(out, "\n  {spent}"))
    }
}

/// Publishes a key, or prints what would be sent.
///
/// - Errors: `KeyElsewhere`
pub async fn run(config: &Config, publish: Publish) -> Result<ExitStatus> {
    let session = config.session()?;
    let mut mailbox = Mailbox::open(config, &session).await?;
    let inbox = Inbox::read(&session.chain, session.application()).await?;
    let account = mailbox.account;
    let newest = inbox.key_of(account).map(|published| PublicKey(published.key));
    let is_here = newest.is_none_or(|key| mailbox.secrets().any(|own| own.public() == key));
    if !is_here && !publish.rotate {
        let why = format_args!(
            "{account} published {}, whose secret is not on this computer: read there, or say \
             --rotate to be written to here",
            newest.map_or_else(String::new, |key| key.to_string())
        );
        return Err(Refused::new("KeyElsewhere", why).into());
    }
    // One that was made, and not published for some reason, is as good as new.
    let unpublished = mailbox.key().filter(|key| !inbox.has_published(account, key.0));
    let key = match (newest, unpublished) {
        (Some(newest), _) if !publish.rotate => newest,
        (_, Some(key)) => key,
        (_, None) => mailbox.make_key()?,
    };
    let command = Command::PublishMessageKey { key: key.0 };
    if publish.sending.calldata {
        return Calldata::inputs([&command]).answer(&config.printer);
    }
    let spent = if newest == Some(key) {
        None
    } else {
        let sender = config.sender(&session).await?;
        Some(session.carry_out(&sender, &command).await?.1)
    };
    let forgotten = if publish.forget { mailbox.forget_keys_but(key)? } else { 0 };
    config.printer.answer(&Published { account, key, forgotten, spent })?;
    Ok(ExitStatus::Done)
}
