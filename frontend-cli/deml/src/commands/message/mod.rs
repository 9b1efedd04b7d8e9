//! `deml message`: encrypted messages between a job's sponsor and its clients; one file each.
//!
//! Keys and messages are read from Ethereum, where the InputBox states who sent each; the node is
//! asked only whose a job's submissions are.

pub mod block;
mod mailbox;
pub(crate) mod parties;
pub mod publish;
pub mod read;
pub mod send;

use anyhow::Result;
use clap::Subcommand;
use client::printer::ExitStatus;

use crate::config::Config;

/// Messages.
#[derive(Debug, Subcommand)]
pub enum Message {
    /// Publish the key that others encrypt messages to this account with
    Publish(publish::Publish),
    /// Write to a job's sponsor, or as its sponsor to a client
    Send(send::Send),
    /// Read messages
    Read(read::Read),
    /// Show no more messages of an account
    #[command(after_help = "Example:\n  deml --account 1 message block 0x…")]
    Block(block::Block),
    /// Show messages of an account again
    #[command(after_help = "Example:\n  deml --account 1 message unblock 0x…")]
    Unblock(block::Block),
}

/// Runs the subcommand.
///
/// - Errors: a `Refused`, or what failed and what to do about it
pub async fn run(config: &Config, message: Message) -> Result<ExitStatus> {
    match message {
        Message::Publish(publish) => publish::run(config, publish).await,
        Message::Send(send) => send::run(config, send).await,
        Message::Read(read) => read::run(config, read).await,
        Message::Block(block) => block::run(config, block, true).await,
        Message::Unblock(block) => block::run(config, block, false).await,
    }
}
