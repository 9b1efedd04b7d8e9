//! Arguments of `balance`, `deposit`, `withdraw`, `claim` and `account`.

use alloy::primitives::Address;
use clap::{Args, Subcommand};
use client::quantity::Money;

use super::Sending;

/// Balances.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml --account 2 balance")]
pub struct Balance {
    /// Whose [default: the account that signs]
    pub address: Option<Address>,
}

/// Depositing.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  deml --account 1 deposit 0.5ether\n  deml --account 1 deposit 100token"
)]
pub struct Deposit {
    /// How much: 0.5ether, 100token, 7units
    pub amount: Money,
    /// Whether to send.
    #[command(flatten)]
    pub sending: Sending,
}

/// Withdrawing.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  deml --account 1 withdraw 0.5ether\n  deml --account 1 withdraw all --token 0x…"
)]
pub struct Withdraw {
    /// How much: 0.5ether, 100token, 7units; or `all` of Ether and the token
    pub amount: String,
    /// Whether to send.
    #[command(flatten)]
    pub sending: Sending,
}

/// Claiming.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml --account 2 claim --wait")]
pub struct Claim {
    /// This voucher, whoever it pays [default: all that pay the account that signs]
    #[arg(long, value_name = "N")]
    pub index: Vec<u64>,
    /// Wait until their claims are accepted
    #[arg(long)]
    pub wait: bool,
    /// Whether to send.
    #[command(flatten)]
    pub sending: Sending,
}

/// Keystores.
#[derive(Debug, Subcommand)]
pub enum Account {
    /// Make a new key in an encrypted keystore
    New(AccountName),
    /// Encrypt a private key you have; it is asked for, or read from stdin
    Import(AccountName),
    /// List the keystores of this user
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
