//! The questions of the page, by their paths.

use std::str::FromStr;

use alloy::primitives::{Address, B256};
use anyhow::{Context, Error, Result, bail};
use client::{convert::to_market, jobs::JobRef, quantity::Money, session::Session};
use market::{Asset, Timestamp};
use serde::Serialize;
use serde_json::{Value, to_value};
use twin::files::JobFile;

use super::{
    desk, entry, events, history, jobs, messages,
    site::{Relay, Site},
    wallet,
};

/// A question of the page; its text form is the path after `/api/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// `market`: the deployment.
    Market,
    /// `status`, `status/BLOCK/HASH`: how far the node is, and whether that block was replaced.
    Status(Option<(u64, B256)>),
    /// `jobs`: all jobs.
    Jobs,
    /// `jobs/JOB`: one job, with all that belongs to it.
    Job(JobRef),
    /// `jobs/JOB/entry`, `jobs/JOB/entry/ADDRESS`: a job as the twin needs it, for an account.
    Entry(JobRef, Option<Address>),
    /// `draft`: the fields of a sponsor's draft.
    Draft,
    /// `desk`, `desk/ADDRESS`, `desk/ADDRESS/JOB`: the market as a sponsor's twin needs it, with
    /// that account's job if it is open.
    Desk(Option<Address>, Option<JobRef>),
    /// `jobs/JOB/messages/ADDRESS`: an account's messages about a job.
    Messages(JobRef, Address),
    /// `jobs/JOB/files`: the files that are public.
    JobFiles(JobRef),
    /// `jobs/JOB/files/base`, `slice`, `hold-out`, `trainer`: one of them.
    JobFile(JobRef, JobFile),
    /// `jobs/JOB/files/dataset`: the dataset that models can be evaluated on now.
    Dataset(JobRef),
    /// `genesis`: the genesis file.
    Genesis,
    /// `deployment`: the application as Ethereum has it.
    Deployment,
    /// `history/BLOCK`: inputs and claims from a block on, from Ethereum alone.
    History(u64),
    /// `outputs/OUTPUT`: outputs from one on, as the node tells them.
    Outputs(u64),
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
            ["status"] => Self::Status(None),
            ["status", block, hash] => {
                let block = block.parse().context("not a block's number")?;
                Self::Status(Some((block, hash.parse().context("not a block's hash")?)))
            }
            ["jobs"] => Self::Jobs,
            ["jobs", job] => Self::Job(job.parse()?),
            ["jobs", job, "entry"] => Self::Entry(job.parse()?, None),
            ["jobs", job, "entry", account] => Self::Entry(job.parse()?, Some(address(account)?)),
            ["draft"] => Self::Draft,
            ["desk"] => Self::Desk(None, None),
            ["desk", account] => Self::Desk(Some(address(account)?), None),
            ["desk", account, job] => Self::Desk(Some(address(account)?), Some(job.parse()?)),
            ["jobs", job, "messages", account] => Self::Messages(job.parse()?, address(account)?),
            ["jobs", job, "files"] => Self::JobFiles(job.parse()?),
            ["jobs", job, "files", "dataset"] => Self::Dataset(job.parse()?),
            ["jobs", job, "files", file] => {
                Self::JobFile(job.parse()?, file.parse().map_err(Error::msg)?)
            }
            ["genesis"] => Self::Genesis,
            ["deployment"] => Self::Deployment,
            ["history", block] => Self::History(block.parse().context("not a block's number")?),
            ["outputs", output] => Self::Outputs(output.parse().context("not an output's number")?),
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

/// An answer.
#[derive(Debug)]
pub(super) enum Answer {
    Json(Value),
    Bytes(Vec<u8>),
}

impl Question {
    /// Its answer.
    ///
    /// - Errors: a refusal; Ethereum or the node does not answer
    pub(super) async fn answer(&self, site: &Site) -> Result<Answer> {
        let session = &site.session;
        Ok(Answer::Json(match self {
            Self::Entry(job, account) => {
                let entry = entry::entry(session, job, *account).await?;
                return Ok(Answer::Bytes(serde_json::to_vec(&entry)?));
            }
            Self::JobFile(job, file) => {
                return Ok(Answer::Bytes(entry::file(session, job, *file).await?));
            }
            Self::Desk(account, job) => {
                let desk = desk::desk(session, *account, job.as_ref()).await?;
                return Ok(Answer::Bytes(serde_json::to_vec(&desk)?));
            }
            Self::Draft => to_value(desk::sections())?,
            Self::Messages(job, account) => {
                let all = messages::correspondence(session, job, *account).await?;
                return Ok(Answer::Bytes(serde_json::to_vec(&all)?));
            }
            Self::Dataset(job) => return Ok(Answer::Bytes(entry::dataset(session, job).await?)),
            Self::JobFiles(job) => to_value(entry::files(session, job).await?)?,
            Self::Genesis => return Ok(Answer::Bytes(history::genesis(site)?)),
            Self::Deployment => to_value(history::deployment(site).await?)?,
            Self::History(block) => to_value(history::history(session, *block).await?)?,
            Self::Outputs(output) => to_value(history::outputs(session, *output).await?)?,
            Self::Market => to_value(market(site).await?)?,
            Self::Status(seen) => to_value(status(session, *seen).await?)?,
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
        }))
    }
}

/// What identifies a market, and how its amounts are written.
#[derive(Serialize)]
struct Deployment {
    application: Address,
    chain_id: u64,
    /// The asset that amounts like `5token` are in.
    token: Option<TokenView>,
    /// Whether models can be scored, and the market verified, in the browser.
    has_twin: bool,
    walletconnect: Option<Relay>,
}

#[derive(Serialize)]
struct TokenView {
    address: Address,
    symbol: String,
}

async fn market(Site { session, has_twin, relay, .. }: &Site) -> Result<Deployment> {
    let token = match session.token {
        Some(address) => {
            let asset = Asset::Erc20(to_market(address));
            Some(TokenView { address, symbol: session.currency(asset).await.symbol })
        }
        None => None,
    };
    let (application, chain_id) = (session.application(), session.chain.chain_id().await?);
    let walletconnect = relay.clone();
    Ok(Deployment { application, chain_id, token, has_twin: *has_twin, walletconnect })
}

/// How far the node is; what the page shows is as of then.
#[derive(Serialize)]
struct Status {
    processed_inputs: u64,
    /// The market's clock.
    now: Timestamp,
    /// Ethereum's newest block: its number and its hash.
    head: (u64, B256),
    /// Whether the block that was seen before is another one now, or none.
    is_reorganised: bool,
}

async fn status(session: &Session, seen: Option<(u64, B256)>) -> Result<Status> {
    let processed_inputs = session.node.processed_inputs().await?;
    let number = session.chain.head().await?;
    let hash = session.chain.block_hash(number).await?;
    let hash = hash.context("the Ethereum node lacks its newest block")?;
    let is_reorganised = match seen {
        None => false,
        Some((block, seen)) if block == number => seen != hash,
        Some((block, seen)) => session.chain.block_hash(block).await? != Some(seen),
    };
    let now = session.now().await?;
    Ok(Status { processed_inputs, now, head: (number, hash), is_reorganised })
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
            ("status".to_owned(), Question::Status(None)),
            ("jobs/0".to_owned(), Question::Job(0.into())),
            ("jobs/0/entry".to_owned(), Question::Entry(0.into(), None)),
            (format!("jobs/0/entry/{account}"), Question::Entry(0.into(), Some(who))),
            (format!("jobs/0/messages/{account}"), Question::Messages(0.into(), who)),
            ("jobs/0/files/base".to_owned(), Question::JobFile(0.into(), JobFile::Base)),
            ("desk".to_owned(), Question::Desk(None, None)),
            (format!("desk/{account}/0"), Question::Desk(Some(who), Some(0.into()))),
            ("jobs/0/files".to_owned(), Question::JobFiles(0.into())),
            ("jobs/0/files/dataset".to_owned(), Question::Dataset(0.into())),
            ("history/9".to_owned(), Question::History(9)),
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
            "jobs/0/files/seal",
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
