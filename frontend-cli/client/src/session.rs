//! The context of a command: chain, node, store, and how it prints.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use alloy::primitives::Address;
use anyhow::{Context, Result, bail, ensure};
use market::{Amount, Asset, Command, Settings, Timestamp};
use serde::{Serialize, de::DeserializeOwned};
use wire::{
    AccountView, BalanceView, ErrorView, JobKey, JobView, Page, Paging, Query, QuoteView,
    SubmissionView,
};

use crate::{
    chain::{Chain, Sender, Sent, bindings::ERC20},
    convert::{to_ethereum, to_market},
    follow::{self, Processed, Undone},
    ipfs::Store,
    jobs::{self, JobRef},
    node::Node,
    patience::Patience,
    printer::{Printer, Refused},
    quantity::{self, ETHER_DECIMALS, Money, Unit},
};

pub use drafts::Currency;

/// The maximum number of items of a list, as a lying node could go on forever.
const LIST_MAX: usize = 100_000;

/// Access to one market.
#[derive(Clone, Debug)]
pub struct Session {
    /// Ethereum.
    pub chain: Chain,
    /// The Cartesi node, and the market's application on it.
    pub node: Node,
    /// The store of blobs.
    pub store: Store,
    /// The token for amounts written in tokens.
    pub token: Option<Address>,
    /// The printer.
    pub printer: Printer,
    /// Timeout and interval for the node.
    pub patience: Patience,
}

/// An item of a list that the market returns page by page.
pub trait Listed: DeserializeOwned {
    /// Its number, for lists that are paged by number and not by offset.
    fn number(&self) -> Option<u64> {
        None
    }
}

impl Listed for JobView {
    fn number(&self) -> Option<u64> {
        Some(self.number.into())
    }
}

impl Listed for SubmissionView {
    fn number(&self) -> Option<u64> {
        Some(self.submission.into())
    }
}

impl Listed for wire::AssetView {}
impl Listed for wire::BalanceView {}
impl Listed for wire::BoardLineView {}
impl Listed for wire::ModelView {}
impl Listed for wire::RankView {}
impl Listed for wire::SlotView {}

/// Inputs and costs of a command's transactions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TransactionCost {
    /// The numbers of the added inputs.
    pub inputs: Vec<u64>,
    /// Gas of all transactions.
    pub gas_used: u64,
    /// Fees, in wei.
    #[serde(serialize_with = "crate::convert::as_text")]
    pub fee_wei: u128,
}

impl TransactionCost {
    /// Adds one transaction.
    pub fn add(&mut self, sent: &Sent) {
        self.inputs.extend(sent.input);
        self.gas_used += sent.gas_used;
        self.fee_wei = self.fee_wei.saturating_add(sent.fee_wei);
    }

    /// Adds all transactions of another.
    pub fn absorb(&mut self, other: Self) {
        self.inputs.extend(other.inputs);
        self.gas_used += other.gas_used;
        self.fee_wei = self.fee_wei.saturating_add(other.fee_wei);
    }
}

impl fmt::Display for TransactionCost {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fee = quantity::decimal(Amount::new(self.fee_wei), ETHER_DECIMALS);
        let inputs = quantity::count(self.inputs.len() as u64, "input");
        write!(out, "{} gas ({fee} ether), {inputs}", self.gas_used)
    }
}

impl Session {
    /// The market's application.
    #[must_use]
    pub fn application(&self) -> Address {
        self.node.application()
    }

    /// Sends an inspect query to the market.
    ///
    /// - Errors: `NotFound` if there is no such thing
    pub async fn ask<T: DeserializeOwned>(&self, query: &Query) -> Result<T> {
        let answer = self.node.inspect(&query.to_string()).await?;
        if let Ok(ErrorView { error }) = serde_json::from_slice(&answer) {
            return Err(Refused::new("NotFound", error).into());
        }
        serde_json::from_slice(&answer).with_context(|| {
            format!("{} does not answer as DeML does: is --app right?", self.application())
        })
    }

    /// One job, whose name is the hash of the terms shown.
    ///
    /// - Errors: `NotFound`, `Ambiguous`; the node lies about the job
    pub async fn job(&self, job: impl Into<JobRef>) -> Result<JobView> {
        let job = job.into();
        let view = match &job {
            JobRef::Number(number) => self.ask(&Query::Job(JobKey::Number(*number))).await?,
            JobRef::Name(name) => self.ask(&Query::Job(JobKey::Name(*name))).await?,
            JobRef::Prefix(prefix) => self.job_by_prefix(prefix).await?,
        };
        ensure!(job.is(&view), "the node shows another job than {job}: do not trust it");
        self.check_name(&view).await?;
        Ok(view)
    }

    /// Checks that a job's name is the hash of the terms that the node returned.
    pub async fn check_name(&self, view: &JobView) -> Result<()> {
        let chain_id = self.chain.chain_id().await?;
        jobs::check_name(chain_id, to_market(self.application()), view)
    }

    async fn job_by_prefix(&self, prefix: &str) -> Result<JobView> {
        let named = |job: &JobView| job.job.to_string().starts_with(prefix);
        let mut found = self.all(Query::Jobs).await?.into_iter().filter(named);
        match (found.next(), found.next()) {
            (Some(job), None) => Ok(job),
            (Some(one), Some(other)) => {
                let why = format_args!("both {} and {} begin with {prefix}", one.job, other.job);
                Err(Refused::new("Ambiguous", why).into())
            }
            (None, _) => {
                Err(Refused::new("NotFound", format_args!("no job begins with {prefix}")).into())
            }
        }
    }

    /// The deployment's settings, the market's clock and the usage of its store.
    pub async fn quote(&self) -> Result<QuoteView> {
        self.ask(&Query::Quote).await
    }

    /// The deployment's settings, which apply to all jobs.
    pub async fn settings(&self) -> Result<Settings> {
        Ok(self.quote().await?.settings)
    }

    /// All items of a list that the market returns page by page.
    ///
    /// - Errors: the pages are inconsistent or too many
    pub async fn all<T: Listed>(&self, query: impl Fn(Paging) -> Query) -> Result<Vec<T>> {
        self.pages(async |paging| Ok(self.ask::<Page<T>>(&query(paging)).await?.items)).await
    }

    async fn pages<T: Listed>(
        &self,
        page: impl AsyncFn(Paging) -> Result<Vec<T>>,
    ) -> Result<Vec<T>> {
        let mut all: Vec<T> = Vec::new();
        let mut paging = Paging { from: 0, limit: Paging::MAX_LIMIT };
        loop {
            let items = page(paging).await?;
            let found = items.len() as u64;
            ensure!(found <= paging.limit, "the node answers with longer pages than asked for");
            for item in items {
                let number = item.number().unwrap_or(paging.from);
                ensure!(number >= paging.from, "the node's pages do not go on");
                paging.from = number.saturating_add(1);
                all.push(item);
            }
            ensure!(all.len() <= LIST_MAX, "the node's list has no end");
            if found < paging.limit {
                return Ok(all);
            }
        }
    }

    /// The free balance of an account in an asset.
    pub async fn free_balance(&self, account: Address, asset: Asset) -> Result<Amount> {
        let balances = self.free_balances(account).await?;
        let found = balances.into_iter().find(|(held, _)| *held == asset);
        Ok(found.map_or(Amount::ZERO, |(_, amount)| amount))
    }

    /// The free balances of an account.
    pub async fn free_balances(&self, account: Address) -> Result<Vec<(Asset, Amount)>> {
        let account = to_market(account);
        let balances: Vec<BalanceView> = self
            .pages(async |paging| {
                let view: AccountView = self.ask(&Query::Account(account, paging)).await?;
                Ok(view.balances)
            })
            .await?;
        Ok(balances.into_iter().map(|balance| (balance.asset, balance.amount)).collect())
    }

    /// The balance of an account's wallet on Ethereum.
    pub async fn wallet(&self, account: Address, asset: Asset) -> Result<Amount> {
        let balance = match asset {
            Asset::Ether => self.chain.ether_balance(account).await?,
            Asset::Erc20(token) => self.chain.erc20_balance(to_ethereum(token), account).await?,
        };
        Ok(crate::convert::to_amount(balance))
    }

    /// The format of an asset's amounts; a token that does not state it has no decimal places.
    pub async fn currency(&self, asset: Asset) -> Currency {
        let Asset::Erc20(token) = asset else { return Currency::ether() };
        let token = to_ethereum(token);
        let what = "read the token's name";
        let decimals = self.chain.call(what, token, &ERC20::decimalsCall {}).await.unwrap_or(0);
        let symbol = self.chain.call(what, token, &ERC20::symbolCall {}).await.ok();
        let symbol = symbol.filter(|name| is_plain(name)).unwrap_or_else(|| token.to_string());
        Currency { asset, decimals, symbol }
    }

    /// The asset and amount of a written amount.
    ///
    /// - Errors: an amount of tokens, but no token is set
    pub async fn money(&self, money: Money) -> Result<(Currency, Amount)> {
        let currency = match money.unit {
            Unit::Ether(_) => Currency::ether(),
            Unit::Token | Unit::TokenUnits => {
                let token = self.token.context("which token? say --token ADDRESS")?;
                self.currency(Asset::Erc20(to_market(token))).await
            }
        };
        let amount = money.amount(currency.decimals)?;
        Ok((currency, amount))
    }

    /// The market's clock as of an input in the newest block.
    pub async fn now(&self) -> Result<Timestamp> {
        let quote = self.quote().await?;
        Ok(market_time(&quote, self.chain.block_time().await?))
    }

    /// The market's clock as of an input in a block mined now: an idle chain may have no new
    /// block for a while, though time goes on.
    pub async fn moment(&self) -> Result<Timestamp> {
        let clock = SystemTime::now().duration_since(UNIX_EPOCH);
        let clock = clock.context("this computer's clock is before 1970")?.as_secs();
        let quote = self.quote().await?;
        Ok(market_time(&quote, self.chain.block_time().await?.max(clock)))
    }

    /// Checks that money for the market can go through `portal`: the endpoint is on the chain that
    /// the node follows, and the contracts are there.
    ///
    /// - Errors: `WrongChain`, `NoContract`
    pub async fn check_way(&self, portal: Address) -> Result<()> {
        let here = self.chain.chain_id().await?;
        if let Some(other) = self.node.chain_id().await?
            && other != here
        {
            let why = format_args!(
                "the Ethereum node is on chain {here} and the market on chain {other}: give \
                 --rpc-url of that chain"
            );
            return Err(Refused::new("WrongChain", why).into());
        }
        let (input_box, app) = (self.chain.contracts().input_box, self.application());
        for (name, address) in [("market", app), ("portal", portal), ("InputBox", input_box)] {
            if !self.chain.has_code(address).await? {
                let why = format_args!(
                    "no {name} is at {address} on this chain {here}: what is sent there is lost; \
                     is --rpc-url right?"
                );
                return Err(Refused::new("NoContract", why).into());
            }
        }
        Ok(())
    }

    /// Sends a command as an input of its own.
    pub async fn send(&self, sender: &Sender, command: &Command) -> Result<Sent> {
        let payload = wire::encode_command(command).into();
        sender.add_input(self.application(), payload).await
    }

    /// Sends a command and waits for its results.
    ///
    /// - Errors: the market refuses it
    pub async fn carry_out(
        &self,
        sender: &Sender,
        command: &Command,
    ) -> Result<(Processed, TransactionCost)> {
        let sent = self.send(sender, command).await?;
        let mut spent = TransactionCost::default();
        spent.add(&sent);
        Ok((self.follow(&sent).await?.accepted()?, spent))
    }

    /// Waits for the results of a transaction's input.
    pub async fn follow(&self, sent: &Sent) -> Result<Processed> {
        let Some(input) = sent.input else {
            sent.finish()?;
            bail!("transaction {} added no input: is --app right?", sent.transaction);
        };
        let processed = follow::follow(&self.node, self.patience, &self.printer, input).await;
        // Otherwise the same command looks again, and sends nothing.
        if processed.as_ref().map_or_else(|error| error.is::<Undone>(), |_| true) {
            sent.finish()?;
        }
        processed
    }
}

/// The market's clock at a block's time: that time less the lag, which shrinks as time passes.
fn market_time(quote: &QuoteView, block_time: u64) -> Timestamp {
    let seen = quote.now.0.saturating_add(quote.lag_seconds);
    let lag = quote.lag_seconds.saturating_sub(block_time.saturating_sub(seen));
    quote.now.max(Timestamp(block_time.saturating_sub(lag)))
}

/// Whether an untrusted text is safe to show on a terminal.
fn is_plain(text: &str) -> bool {
    (1..=16).contains(&text.len()) && text.chars().all(|part| part.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spending_is_shown_in_whole_coins() {
        let mut spent =
            TransactionCost { inputs: vec![3], gas_used: 50_000, fee_wei: 1_000_000_000_000_000 };
        assert_eq!(spent.to_string(), "50000 gas (0.001 ether), 1 input");
        spent.absorb(spent.clone());
        assert_eq!(spent.to_string(), "100000 gas (0.002 ether), 2 inputs");
    }

    #[test]
    fn the_market_s_clock_catches_up_as_time_passes() {
        let (settings, now) = (wire::Genesis::default().settings, Timestamp(900));
        let quote = QuoteView { settings, now, lag_seconds: 100, reserved_bytes: 0, jobs: 0 };
        let at = |block_time| market_time(&quote, block_time).0;
        assert_eq!((at(1_000), at(1_040), at(1_100), at(1_200)), (900, 980, 1_100, 1_200));
        assert_eq!(at(990), 900);
    }

    #[test]
    fn a_token_is_called_what_it_says_only_if_that_is_plain() {
        assert!(is_plain("TEST"));
        for name in ["", "a b", "\u{1b}[2J", "seventeen-letters"] {
            assert!(!is_plain(name), "{name:?}");
        }
    }
}
