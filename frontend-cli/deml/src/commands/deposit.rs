//! `deml deposit`: pays money into the market.

use std::fmt;

use alloy::primitives::{Address, Bytes};
use anyhow::Result;
use clap::Args;
use client::{
    chain::{Sender, Sent},
    convert::{to_ethereum, to_word},
    printer::{ExitStatus, Refused},
    quantity::{Money, payment},
    session::{Currency, Session, TransactionCost},
};
use market::{Amount, Asset};
use serde::Serialize;

use crate::{
    commands::sending::{Calldata, DepositCalldata, Sending},
    config::Config,
};

/// Arguments of `deml deposit`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  deml --account 1 deposit 0.5ether\n  deml --account 1 deposit 100token"
)]
pub struct Deposit {
    /// Amount to deposit: 0.5ether, 100token, 7units
    #[arg(value_parser = payment)]
    pub amount: Money,
    /// Options for sending.
    #[command(flatten)]
    pub sending: Sending,
}

/// A completed deposit.
#[derive(Clone, Debug, Serialize)]
pub struct Deposited {
    /// The asset.
    pub asset: Asset,
    /// The amount.
    pub amount: Amount,
    /// The free balance afterwards.
    pub free: Amount,
    /// Transaction cost.
    #[serde(flatten)]
    pub spent: TransactionCost,
    #[serde(skip)]
    currency: Currency,
}

/// Deposits, or prints what would be sent.
///
/// - Errors: `WalletTooSmall`
pub async fn run(config: &Config, deposit: Deposit) -> Result<ExitStatus> {
    let session = config.session()?;
    if deposit.sending.calldata {
        let (currency, amount) = session.money(deposit.amount).await?;
        return calldata(&currency, amount).answer(&config.printer);
    }
    let sender = config.sender(&session).await?;
    config.printer.answer(&self::deposit(&session, &sender, deposit.amount).await?)?;
    Ok(ExitStatus::Done)
}

/// The payload of a deposit with no command riding on it.
#[must_use]
pub fn calldata(currency: &Currency, amount: Amount) -> Calldata {
    let (asset, exec_layer_data) = (currency.asset, Bytes::new());
    let deposit = Some(DepositCalldata { asset, amount, exec_layer_data });
    Calldata { deposit, payloads: Vec::new() }
}

impl fmt::Display for Deposited {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |amount| self.currency.show(amount);
        writeln!(out, "deposited {}; free balance {}", show(self.amount), show(self.free))?;
        write!(out, "  {}", self.spent)
    }
}

/// Deposits money into the sender's free balance.
///
/// - Errors: `WalletTooSmall`
pub async fn deposit(session: &Session, sender: &Sender, money: Money) -> Result<Deposited> {
    let (currency, amount) = session.money(money).await?;
    check_asset(session, &currency).await?;
    let sent = send_deposit(session, sender, &currency, amount, Bytes::new()).await?;
    let mut spent = TransactionCost::default();
    spent.add(&sent);
    session.follow(&sent).await?.accepted()?;
    let asset = currency.asset;
    let free = session.free_balance(sender.address(), asset).await?;
    Ok(Deposited { asset, amount, free, spent, currency })
}

/// Refuses an asset that the market keeps no balances in: the money would be paid back at best.
///
/// - Errors: `AssetNotAllowed`
pub(crate) async fn check_asset(session: &Session, currency: &Currency) -> Result<()> {
    let taken = session.quote().await?.settings.assets;
    if taken.contains_key(&currency.asset) {
        return Ok(());
    }
    let names: Vec<String> = taken.keys().map(Asset::to_string).collect();
    let why = format_args!(
        "this market's genesis takes {} and not {}: nothing was sent",
        names.join(", "),
        currency.asset
    );
    Err(Refused::new("AssetNotAllowed", why).into())
}

/// Checks that a wallet holds an amount.
///
/// - Errors: `WalletTooSmall`
pub(crate) async fn check_wallet(
    session: &Session,
    account: Address,
    currency: &Currency,
    amount: Amount,
) -> Result<()> {
    let wallet = session.wallet(account, currency.asset).await?;
    if wallet < amount {
        let (needs, has) = (currency.show(amount), currency.show(wallet));
        let why = format_args!("needs {needs}, the wallet {account} has {has}");
        return Err(Refused::new("WalletTooSmall", why).into());
    }
    Ok(())
}

/// Sends a deposit with a command riding on it, after checking the way and the wallet's balance.
pub(crate) async fn send_deposit(
    session: &Session,
    sender: &Sender,
    currency: &Currency,
    amount: Amount,
    command: Bytes,
) -> Result<Sent> {
    let (application, value) = (session.application(), to_word(amount));
    let contracts = session.chain.contracts();
    let (portal, token) = match currency.asset {
        Asset::Ether => (contracts.ether_portal, None),
        Asset::Erc20(token) => (contracts.erc20_portal, Some(to_ethereum(token))),
    };
    session.check_way(portal).await?;
    if !sender.has_deposited(token, application, value, &command)? {
        check_wallet(session, sender.address(), currency, amount).await?;
    }
    match token {
        None => sender.deposit_ether(application, value, command).await,
        Some(token) => sender.deposit_erc20(token, application, value, command).await,
    }
}
