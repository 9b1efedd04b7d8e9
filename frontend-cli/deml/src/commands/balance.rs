//! `deml balance`: an account's holdings, in its wallet and in the market.

use std::fmt;

use alloy::primitives::Address;
use anyhow::Result;
use clap::Args;
use client::{
    convert::address,
    printer::ExitStatus,
    session::{Currency, Session},
};
use market::{Amount, Asset};
use serde::Serialize;

use crate::{
    commands::claim::{self, Voucher},
    config::Config,
};

/// Arguments of `deml balance`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml --account 2 balance")]
pub struct Balance {
    /// Account to show [default: the signing account]
    #[arg(value_parser = address)]
    pub address: Option<Address>,
}

/// Holdings of an account.
#[derive(Clone, Debug, Serialize)]
pub struct Holdings {
    /// The account.
    pub account: Address,
    /// Its assets.
    pub assets: Vec<AssetBalance>,
    /// Vouchers that pay it and are not executed yet.
    pub vouchers: Vec<Voucher>,
}

/// An account's holdings in one asset.
#[derive(Clone, Debug, Serialize)]
pub struct AssetBalance {
    /// The asset.
    pub asset: Asset,
    /// In the wallet, on Ethereum.
    pub wallet: Amount,
    /// In the market, free to use or withdraw.
    pub free: Amount,
    #[serde(skip)]
    pub(crate) currency: Currency,
}

/// Shows an account's holdings.
pub async fn run(config: &Config, balance: Balance) -> Result<ExitStatus> {
    let session = config.session()?;
    let account = match balance.address {
        Some(address) => address,
        None => config.account(&session).await?,
    };
    config.printer.answer(&self::balance(&session, account).await?)?;
    Ok(ExitStatus::Done)
}

impl fmt::Display for Holdings {
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

/// Looks up an account's holdings in each asset that concerns it, and its vouchers.
pub async fn balance(session: &Session, account: Address) -> Result<Holdings> {
    let free = session.free_balances(account).await?;
    let wanted = claim::assets_of(session, &free).await?;
    let mut assets = Vec::new();
    for asset in &wanted {
        let held = free.iter().find(|(of, _)| of == asset).map_or(Amount::ZERO, |held| held.1);
        let wallet = session.wallet(account, *asset).await?;
        let currency = session.currency(*asset).await;
        assets.push(AssetBalance { asset: *asset, wallet, free: held, currency });
    }
    let vouchers = claim::vouchers_of(session, account, &wanted).await?;
    let vouchers = vouchers.into_iter().filter(|voucher| !voucher.is_executed()).collect();
    Ok(Holdings { account, assets, vouchers })
}
