//! Money in and out of the market: deposit, withdraw, balance.

use std::{collections::BTreeSet, fmt};

use alloy::primitives::{Address, Bytes};
use anyhow::{Context, Result, ensure};
use market::{Amount, Asset, Command};
use serde::Serialize;
use wire::{Paging, Query, SolvencyView};

use super::claim::{self, Voucher};
use crate::{
    chain::{Sender, Sent},
    convert::{to_ethereum, to_market, to_word},
    quantity::Money,
    session::{Currency, Session, Spent},
    talk::Refused,
};

/// Money that went into the market.
#[derive(Clone, Debug, Serialize)]
pub struct Deposited {
    /// Of what.
    pub asset: Asset,
    /// How much.
    pub amount: Amount,
    /// The free balance after it.
    pub free: Amount,
    /// What it cost.
    #[serde(flatten)]
    pub spent: Spent,
    #[serde(skip)]
    currency: Currency,
}

impl fmt::Display for Deposited {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |amount| self.currency.show(amount);
        writeln!(out, "deposited {}; free balance {}", show(self.amount), show(self.free))?;
        write!(out, "  {}", self.spent)
    }
}

/// Puts money into the sender's free balance.
///
/// - Errors: `WalletTooSmall`
pub async fn deposit(session: &Session, sender: &Sender, money: Money) -> Result<Deposited> {
    let (currency, amount) = session.money(money).await?;
    let sent = send_deposit(session, sender, &currency, amount, Bytes::new()).await?;
    let mut spent = Spent::default();
    spent.add(&sent);
    session.follow(&sent).await?.accepted()?;
    let asset = currency.asset;
    let free = session.free_balance(sender.address(), asset).await?;
    Ok(Deposited { asset, amount, free, spent, currency })
}

/// Sends a deposit with a command riding on it, after looking whether the wallet has it.
pub(crate) async fn send_deposit(
    session: &Session,
    sender: &Sender,
    currency: &Currency,
    amount: Amount,
    command: Bytes,
) -> Result<Sent> {
    let wallet = session.wallet(sender.address(), currency.asset).await?;
    if wallet < amount {
        let (needs, has) = (currency.show(amount), currency.show(wallet));
        let why = format_args!("needs {needs}, the wallet {} has {has}", sender.address());
        return Err(Refused::new("WalletTooSmall", why).into());
    }
    let application = session.application();
    match currency.asset {
        Asset::Ether => sender.deposit_ether(application, to_word(amount), command).await,
        Asset::Erc20(token) => {
            let token = to_ethereum(token);
            sender.deposit_erc20(token, application, to_word(amount), command).await
        }
    }
}

/// Money that is on its way out of the market.
#[derive(Clone, Debug, Serialize)]
pub struct Withdrawn {
    /// Of what.
    pub asset: Asset,
    /// How much.
    pub amount: Amount,
    /// The voucher's number.
    pub voucher: u64,
    /// What it cost.
    #[serde(flatten)]
    pub spent: Spent,
    #[serde(skip)]
    currency: Currency,
}

impl fmt::Display for Withdrawn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = self.currency.show(self.amount);
        writeln!(out, "voucher {} pays {amount}: `deml claim` executes it", self.voucher)?;
        write!(out, "  {}", self.spent)
    }
}

/// The command that takes an amount out.
#[must_use]
pub const fn withdrawal((currency, amount): &(Currency, Amount)) -> Command {
    Command::Withdraw { asset: currency.asset, amount: *amount }
}

/// Takes free balance out, as a voucher.
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

/// Takes several amounts out.
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

/// The amounts that `written` asks to withdraw: one, or all of the free balance.
///
/// - Errors: not an amount; nothing is free
pub async fn withdrawals(
    session: &Session,
    account: Address,
    written: &str,
) -> Result<Vec<(Currency, Amount)>> {
    if written != "all" {
        return Ok(vec![session.money(written.parse()?).await?]);
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

/// What an account has.
#[derive(Clone, Debug, Serialize)]
pub struct Balance {
    /// The account.
    pub account: Address,
    /// Its assets.
    pub assets: Vec<AssetBalance>,
    /// Vouchers that pay it and are not executed yet.
    pub vouchers: Vec<Voucher>,
}

/// What an account has of one asset.
#[derive(Clone, Debug, Serialize)]
pub struct AssetBalance {
    /// Of what.
    pub asset: Asset,
    /// In the wallet, on Ethereum.
    pub wallet: Amount,
    /// In the market, free to use or withdraw.
    pub free: Amount,
    #[serde(skip)]
    currency: Currency,
}

impl fmt::Display for Balance {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.account)?;
        for balance in &self.assets {
            let show = |amount| balance.currency.show(amount);
            let (wallet, free) = (show(balance.wallet), show(balance.free));
            write!(out, "\n  wallet {wallet}, free in the market {free}")?;
        }
        for voucher in &self.vouchers {
            write!(out, "\n  {voucher}")?;
        }
        Ok(())
    }
}

/// Looks up what an account has: of each asset that concerns it, and its vouchers.
pub async fn balance(session: &Session, account: Address) -> Result<Balance> {
    let free = session.free_balances(account).await?;
    let wanted = assets_of(session, &free).await?;
    let mut assets = Vec::new();
    for asset in &wanted {
        let held = free.iter().find(|(of, _)| of == asset).map_or(Amount::ZERO, |held| held.1);
        let wallet = session.wallet(account, *asset).await?;
        let currency = session.currency(*asset).await;
        assets.push(AssetBalance { asset: *asset, wallet, free: held, currency });
    }
    let vouchers = claim::vouchers_of(session, account, &wanted).await?;
    let vouchers = vouchers.into_iter().filter(|voucher| !voucher.is_executed()).collect();
    Ok(Balance { account, assets, vouchers })
}

/// The assets that concern an account: those the market keeps, the configured token, and those of
/// its balances; not every token that anybody ever sent.
///
/// - Errors: the market's own sums do not agree
pub(crate) async fn assets_of(
    session: &Session,
    balances: &[(Asset, Amount)],
) -> Result<BTreeSet<Asset>> {
    let first = Paging { from: 0, limit: 1 };
    let sums: SolvencyView = session.ask(&Query::Solvency(first)).await?;
    ensure!(sums.solvent, "the market says that its sums do not agree: do not use it");
    let mut all: BTreeSet<Asset> = session.settings().await?.assets.into_keys().collect();
    all.insert(Asset::Ether);
    all.extend(session.token.map(|token| Asset::Erc20(to_market(token))));
    all.extend(balances.iter().map(|(asset, _)| *asset));
    Ok(all)
}
