//! The questions of the page, by their paths.

use std::str::FromStr;

use alloy::primitives::{Address, B256};
use anyhow::{Context, Error, Result, bail};
use client::{convert::to_market, jobs::JobRef, quantity::Money, session::Session};
use market::{Asset, Timestamp};
use serde::Serialize;
use serde_json::{Value, to_value};

use super::{events, jobs, wallet};

/// A question of the page; its text form is the path after `/api/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// `market`: the deployment.
    Market,
    /// `status`: how far the node is.
    Status,
    /// `jobs`: all jobs.
    Jobs,
    /// `jobs/JOB`: one job, with all that belongs to it.
    Job(JobRef),
    /// `events/OUTPUT`: events from an output on.
    Events(u64),
    /// `accounts/ADDRESS`: balances and vouchers.
    Account(Address),
    /// `calldata/deposit/ADDRESS/AMOUNT`: transactions that deposit.
    Deposit(Address, Money),
    /// `calldata/withdraw/ADDRESS/AMOUNT`: transactions that withdraw an amount, or `all`.
    Withdraw(Address, String),
    /// `calldata/claim/ADDRESS/VOUCHER`: the transaction that executes a voucher.
    Claim(Address, u64),
    /// `transactions/HASH`: what became of a transaction.
    Transaction(B256),
}

impl FromStr for Question {
    type Err = Error;

    fn from_str(path: &str) -> Result<Self> {
        let parts: Vec<&str> = path.split('/').collect();
        Ok(match *parts.as_slice() {
            ["market"] => Self::Market,
            ["status"] => Self::Status,
            ["jobs"] => Self::Jobs,
            ["jobs", job] => Self::Job(job.parse()?),
            ["events", output] => Self::Events(output.parse().context("not an output's number")?),
            ["accounts", account] => Self::Account(address(account)?),
            ["calldata", "deposit", account, amount] => {
                Self::Deposit(address(account)?, amount.parse()?)
            }
            ["calldata", "withdraw", account, amount] => {
                Self::Withdraw(address(account)?, amount.to_owned())
            }
            ["calldata", "claim", account, voucher] => {
                let voucher = voucher.parse().context("not a voucher's number")?;
                Self::Claim(address(account)?, voucher)
            }
            ["transactions", hash] => {
                Self::Transaction(hash.parse().context("not a transaction's hash")?)
            }
            _ => bail!("there is no such question"),
        })
    }
}

fn address(text: &str) -> Result<Address> {
    text.parse().with_context(|| format!("{text:?} is not an account's address"))
}

impl Question {
    /// Its answer, as JSON.
    ///
    /// - Errors: a refusal; Ethereum or the node does not answer
    pub(super) async fn answer(&self, session: &Session) -> Result<Value> {
        Ok(match self {
            Self::Market => to_value(market(session).await?)?,
            Self::Status => to_value(status(session).await?)?,
            Self::Jobs => to_value(jobs::list(session).await?)?,
            Self::Job(job) => to_value(jobs::detail(session, job).await?)?,
            Self::Events(output) => to_value(events::from(session, *output).await?)?,
            Self::Account(account) => to_value(wallet::account(session, *account).await?)?,
            Self::Deposit(account, money) => {
                to_value(wallet::deposit(session, *account, *money).await?)?
            }
            Self::Withdraw(account, amount) => {
                to_value(wallet::withdraw(session, *account, amount).await?)?
            }
            Self::Claim(account, voucher) => {
                to_value(wallet::claim(session, *account, *voucher).await?)?
            }
            Self::Transaction(hash) => to_value(wallet::outcome(session, *hash).await?)?,
        })
    }
}

/// What identifies a market, and how its amounts are written.
#[derive(Serialize)]
struct Deployment {
    application: Address,
    chain_id: u64,
    /// The asset that amounts like `5token` are in.
    token: Option<TokenView>,
}

#[derive(Serialize)]
struct TokenView {
    address: Address,
    symbol: String,
}

async fn market(session: &Session) -> Result<Deployment> {
    let token = match session.token {
        Some(address) => {
            let asset = Asset::Erc20(to_market(address));
            Some(TokenView { address, symbol: session.currency(asset).await.symbol })
        }
        None => None,
    };
    let (application, chain_id) = (session.application(), session.chain.chain_id().await?);
    Ok(Deployment { application, chain_id, token })
}

/// How far the node is; what the page shows is as of then.
#[derive(Serialize)]
struct Status {
    processed_inputs: u64,
    /// The market's clock.
    now: Timestamp,
}

async fn status(session: &Session) -> Result<Status> {
    let processed_inputs = session.node.processed_inputs().await?;
    Ok(Status { processed_inputs, now: session.now().await? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_question_or_it_is_refused() {
        let account = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";
        let who: Address = account.parse().unwrap();
        let half: Money = "0.5ether".parse().unwrap();
        for (path, question) in [
            ("status".to_owned(), Question::Status),
            ("jobs/0".to_owned(), Question::Job(0.into())),
            ("events/7".to_owned(), Question::Events(7)),
            (format!("calldata/deposit/{account}/0.5ether"), Question::Deposit(who, half)),
            (format!("calldata/claim/{account}/12"), Question::Claim(who, 12)),
        ] {
            assert_eq!(path.parse::<Question>().unwrap(), question, "{path}");
        }
        for wrong in [
            "",
            "jobs/",
            "jobs/-1",
            "jobs/0/submissions",
            "events/-1",
            "accounts/0x12",
            "calldata/deposit/0x12/0.5ether",
            "../etc/passwd",
        ] {
            assert!(wrong.parse::<Question>().is_err(), "{wrong}");
        }
        let mistyped = format!("calldata/deposit/{account}/half");
        assert!(mistyped.parse::<Question>().is_err());
    }
}
