//! `deml withdraw`: withdraws free balance from the market, as vouchers.

use std::fmt;

use alloy::primitives::Address;
use anyhow::{Context, Result};
use clap::Args;
use client::{
    chain::Sender,
    printer::{ExitStatus, Refused},
    quantity::payment,
    session::{Currency, Session, TransactionCost},
};
use market::{Amount, Asset, Command};
use serde::Serialize;

use crate::{
    commands::sending::{Calldata, Sending},
    config::Config,
};

/// Arguments of `deml withdraw`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  deml --account 1 withdraw 0.5ether\n  deml --account 1 withdraw all --token 0x…"
)]
pub struct Withdraw {
    /// Amount to withdraw: 0.5ether, 100token, 7units; or `all` of Ether and the token
    pub amount: String,
    /// Options for sending.
    #[command(flatten)]
    pub sending: Sending,
}

/// A withdrawal awaiting its voucher's execution.
#[derive(Clone, Debug, Serialize)]
pub struct Withdrawn {
    /// The asset.
    pub asset: Asset,
    /// The amount.
    pub amount: Amount,
    /// The voucher's index.
    pub voucher: u64,
    /// Transaction cost.
    #[serde(flatten)]
    pub spent: TransactionCost,
    #[serde(skip)]
    currency: Currency,
}

/// Withdraws, or prints what would be sent.
///
/// - Errors: the market's refusal
pub async fn run(config: &Config, withdraw: Withdraw) -> Result<ExitStatus> {
    let session = config.session()?;
    if withdraw.sending.calldata {
        let account = config.account(&session).await?;
        return calldata(&session, account, &withdraw.amount).await?.answer(&config.printer);
    }
    let sender = config.sender(&session).await?;
    let asked = withdrawals(&session, sender.address(), &withdraw.amount).await?;
    let withdrawals = withdraw_all(&session, &sender, asked).await?;
    config.printer.answer(&withdrawals)?;
    Ok(ExitStatus::Done)
}

/// The payloads that withdraw an amount of an account, or all of it.
///
/// - Errors: as for [`withdrawals`]
pub async fn calldata(session: &Session, account: Address, amount: &str) -> Result<Calldata> {
    let asked = withdrawals(session, account, amount).await?;
    let commands: Vec<_> = asked.iter().map(withdrawal).collect();
    Ok(Calldata::inputs(&commands))
}

impl fmt::Display for Withdrawn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = self.currency.show(self.amount);
        writeln!(out, "voucher {} pays {amount}: `deml claim` executes it", self.voucher)?;
        write!(out, "  {}", self.spent)
    }
}

/// The command to withdraw an amount.
#[must_use]
pub const fn withdrawal((currency, amount): &(Currency, Amount)) -> Command {
    Command::Withdraw { asset: currency.asset, amount: *amount }
}

/// Withdraws free balance, as a voucher.
///
/// - Errors: the market's refusal
pub async fn withdraw(
    session: &Session,
    sender: &Sender,
    currency: Currency,
    amount: Amount,
) -> Result<Withdrawn> {
    let asset = currency.asset;
    let command = Command::Withdraw { asset, amount };
    let (processed, spent) = session.carry_out(sender, &command).await?;
    let voucher = processed.payments.first();
    let voucher = voucher.context("the market paid out without a voucher")?.1.index;
    Ok(Withdrawn { asset, amount, voucher, spent, currency })
}

/// Withdrawals, one voucher each.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Withdrawals(pub Vec<Withdrawn>);

impl fmt::Display for Withdrawals {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(Withdrawn::to_string).collect();
        out.write_str(&lines.join("\n"))
    }
}

/// Withdraws several amounts.
pub async fn withdraw_all(
    session: &Session,
    sender: &Sender,
    asked: Vec<(Currency, Amount)>,
) -> Result<Withdrawals> {
    let mut all = Vec::new();
    for (currency, amount) in asked {
        all.push(withdraw(session, sender, currency, amount).await?);
    }
    Ok(Withdrawals(all))
}

/// The amounts that `written` stands for: one, or all of the free balance.
///
/// - Errors: not an amount; nothing is free
pub async fn withdrawals(
    session: &Session,
    account: Address,
    written: &str,
) -> Result<Vec<(Currency, Amount)>> {
    if written != "all" {
        return Ok(vec![session.money(payment(written)?).await?]);
    }
    let mut all = Vec::new();
    for (asset, amount) in session.free_balances(account).await? {
        all.push((session.currency(asset).await, amount));
    }
    if all.is_empty() {
        return Err(Refused::new("NothingFree", "the free balance is empty").into());
    }
    Ok(all)
}
