//! `deml message block` and `unblock`: whose messages this computer does not show. Nobody else
//! notices, and nothing is sent.

use std::fmt;

use alloy::primitives::Address;
use anyhow::Result;
use clap::Args;
use client::{
    convert::{address, to_market},
    printer::ExitStatus,
};
use serde::Serialize;

use super::mailbox::Mailbox;
use crate::config::Config;

/// Arguments of `deml message block` and `unblock`.
#[derive(Clone, Debug, Args)]
pub struct Block {
    /// The account whose messages are meant
    #[arg(value_name = "ADDRESS", value_parser = address)]
    pub whose: Address,
}

/// The accounts whose messages are not shown.
#[derive(Clone, Debug, Serialize)]
pub struct Blocked {
    /// Their addresses.
    pub blocked: Vec<market::Address>,
}

impl fmt::Display for Blocked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.blocked.is_empty() {
            return write!(out, "messages of all accounts are shown");
        }
        write!(out, "messages of these are not shown:")?;
        self.blocked.iter().try_for_each(|account| write!(out, "\n  {account}"))
    }
}

/// Blocks an account, or no more.
pub async fn run(config: &Config, block: Block, is_blocked: bool) -> Result<ExitStatus> {
    let session = config.session()?;
    let mut mailbox = Mailbox::open(config, &session).await?;
    let account = to_market(block.whose);
    if is_blocked {
        mailbox.kept.blocked.insert(account);
    } else {
        mailbox.kept.blocked.remove(&account);
    }
    mailbox.save()?;
    let blocked = mailbox.kept.blocked.iter().copied().collect();
    config.printer.answer(&Blocked { blocked })?;
    Ok(ExitStatus::Done)
}
