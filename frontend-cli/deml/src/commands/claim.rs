//! Claiming: vouchers are executed on Ethereum once their epoch's claim is accepted.

use std::{collections::BTreeSet, fmt};

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol_types::SolCall as _,
};
use anyhow::{Result, ensure};
use clap::Args;
use client::{
    chain::{
        Output, Sender,
        bindings::{Application, OutputValidityProof},
    },
    convert::{to_ethereum, to_market},
    node::OutputRecord,
    payment::Payment,
    printer::{ExitStatus, Refused},
    proof::{self, ClaimLookup, ClaimStatus, Proof, Wait},
    session::{Currency, Session, TransactionCost},
};
use market::{Amount, Asset};
use serde::Serialize;
use wire::{Paging, Query, SolvencyView};

use crate::{commands::sending::Sending, config::Config};

/// Arguments of `deml claim`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml --account 2 claim --wait")]
pub struct Claim {
    /// This voucher, whoever it pays [default: all that pay the signing account]
    #[arg(long, value_name = "N")]
    pub index: Vec<u64>,
    /// Wait until their claims are accepted
    #[arg(long)]
    pub wait: bool,
    /// Options for sending.
    #[command(flatten)]
    pub sending: Sending,
}

/// Executes vouchers, or prints what would be sent.
pub async fn run(config: &Config, claim: Claim) -> Result<ExitStatus> {
    let session = config.session()?;
    if claim.sending.calldata {
        let account = config.account(&session).await?;
        let executions = executions(&session, account, &claim.index).await?;
        config.printer.say(format_args!("transactions to {}", executions.application));
        config.printer.answer(&executions)?;
        return Ok(ExitStatus::Done);
    }
    let sender = config.sender(&session).await?;
    let claimed = self::claim(&session, &sender, &claim.index, claim.wait).await?;
    config.printer.answer(&claimed)?;
    Ok(match claimed.too_early() {
        Some(refused) => {
            config.printer.say_refused(&refused);
            ExitStatus::Refused
        }
        None => ExitStatus::Done,
    })
}

/// A voucher and its state.
#[derive(Clone, Debug, Serialize)]
pub struct Voucher {
    /// Its index among the application's outputs.
    pub index: u64,
    /// Its payment; `None` if it is another call.
    pub payment: Option<Payment>,
    /// Its state.
    #[serde(flatten)]
    pub state: State,
    #[serde(skip)]
    currency: Option<Currency>,
}

/// State of a voucher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Executed.
    Executed {
        /// The transaction, once the node has seen it.
        transaction: Option<B256>,
    },
    /// Its claim is accepted: it can be executed.
    Ready,
    /// Its epoch is still open, or its claim is not accepted yet.
    Waiting(Wait),
}

impl Voucher {
    /// Whether it was executed.
    #[must_use]
    pub const fn is_executed(&self) -> bool {
        matches!(self.state, State::Executed { .. })
    }
}

impl fmt::Display for Voucher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "voucher {}", self.index)?;
        match (&self.payment, &self.currency) {
            (Some(payment), Some(currency)) => {
                write!(out, " pays {} to {}", currency.show(payment.amount), payment.to)?;
            }
            _ => out.write_str(" calls a contract")?,
        }
        match self.state {
            State::Executed { transaction: Some(hash) } => write!(out, ": executed by {hash}"),
            State::Executed { transaction: None } => out.write_str(": executed just now"),
            State::Ready => out.write_str(": ready, `deml claim` executes it"),
            State::Waiting(wait) => write!(out, " once it is proven: {wait}"),
        }
    }
}

/// The vouchers that pay an account in some of these assets, in order.
pub async fn vouchers_of(
    session: &Session,
    account: Address,
    assets: &BTreeSet<Asset>,
) -> Result<Vec<Voucher>> {
    let destinations = assets.iter().map(|asset| match asset {
        Asset::Ether => account,
        Asset::Erc20(token) => to_ethereum(*token),
    });
    let (mut vouchers, mut standings) = (Vec::new(), ClaimLookup::new(session));
    for destination in destinations {
        let mut pages = session.node.vouchers_to(destination);
        while let Some(page) = pages.next().await? {
            for record in page {
                let output = Output::decode(&record.raw_data);
                let payment = output.as_ref().and_then(Payment::of);
                if payment.is_some_and(|payment| payment.to == to_market(account)) {
                    vouchers.push(voucher(session, &mut standings, &record).await?);
                }
            }
        }
    }
    vouchers.sort_unstable_by_key(|voucher| voucher.index);
    Ok(vouchers)
}

async fn voucher(
    session: &Session,
    standings: &mut ClaimLookup<'_>,
    record: &OutputRecord,
) -> Result<Voucher> {
    let payment = Output::decode(&record.raw_data).as_ref().and_then(Payment::of);
    let currency = match payment {
        Some(payment) => Some(session.currency(payment.asset).await),
        None => None,
    };
    let state = state(session, standings, record).await?;
    Ok(Voucher { index: record.index, payment, state, currency })
}

/// A voucher's state; Ethereum knows of executions before the node does.
async fn state(
    session: &Session,
    standings: &mut ClaimLookup<'_>,
    record: &OutputRecord,
) -> Result<State> {
    if let Some(hash) = record.execution_transaction_hash {
        return Ok(State::Executed { transaction: Some(hash) });
    }
    if let ClaimStatus::Waiting(wait) = standings.of(record).await? {
        return Ok(State::Waiting(wait));
    }
    let what = "ask whether the voucher was executed";
    let call = Application::wasOutputExecutedCall { outputIndex: U256::from(record.index) };
    let was_executed = session.chain.call(what, session.application(), &call).await?;
    Ok(if was_executed { State::Executed { transaction: None } } else { State::Ready })
}

/// Result of claiming.
#[derive(Clone, Debug, Serialize)]
pub struct Claimed {
    /// Vouchers executed now.
    pub executed: Vec<Executed>,
    /// Vouchers that cannot be executed yet.
    pub waiting: Vec<Voucher>,
}

/// A voucher executed now.
#[derive(Clone, Debug, Serialize)]
pub struct Executed {
    /// Its index.
    pub index: u64,
    /// Its payment; `None` if it was another call.
    pub payment: Option<Payment>,
    /// The transaction.
    pub transaction: B256,
    /// Transaction cost.
    #[serde(flatten)]
    pub spent: TransactionCost,
    #[serde(skip)]
    currency: Option<Currency>,
}

impl fmt::Display for Claimed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        for voucher in &self.executed {
            let paid = match (&voucher.payment, &voucher.currency) {
                (Some(payment), Some(currency)) => {
                    format!("{} paid to {}", currency.show(payment.amount), payment.to)
                }
                _ => "called its contract".to_owned(),
            };
            let (index, gas) = (voucher.index, voucher.spent.gas_used);
            lines.push(format!("voucher {index}: {paid} by {} ({gas} gas)", voucher.transaction));
        }
        lines.extend(self.waiting.iter().map(Voucher::to_string));
        if lines.is_empty() {
            lines.push("no voucher waits to be executed".to_owned());
        }
        out.write_str(&lines.join("\n"))
    }
}

impl Claimed {
    /// The refusal if nothing was executed because it is too early for all.
    #[must_use]
    pub fn too_early(&self) -> Option<Refused> {
        let first = self.waiting.first()?;
        let why = format_args!("{first}; wait, or say --wait");
        self.executed.is_empty().then(|| Refused::new("TooEarly", why))
    }
}

/// Executes the vouchers of these indices, or all that pay the sender.
///
/// A voucher whose claim is not accepted yet is skipped, or awaited if `wait` is set.
///
/// - Errors: the node's proof is wrong; `AlreadyExecuted` for an index given twice
pub async fn claim(
    session: &Session,
    sender: &Sender,
    indices: &[u64],
    wait: bool,
) -> Result<Claimed> {
    let mut claimed = Claimed { executed: Vec::new(), waiting: Vec::new() };
    let vouchers = wanted(session, sender.address(), indices).await?;
    let is_ready = |voucher: &Voucher| voucher.state == State::Ready;
    if !vouchers.iter().any(is_ready) && !vouchers.is_empty() {
        check_foreclosure(session).await?;
    }
    for voucher in vouchers {
        if voucher.state == State::Ready || wait && await_claim(session, &voucher).await? {
            claimed.executed.push(execute(session, sender, voucher).await?);
        } else {
            claimed.waiting.push(voucher);
        }
    }
    Ok(claimed)
}

/// Refuses to wait for a claim that can never be accepted.
///
/// - Errors: `Foreclosed`
async fn check_foreclosure(session: &Session) -> Result<()> {
    let application = session.application();
    if session.chain.is_foreclosed(application).await? {
        let why = format_args!(
            "the guardian of {application} has given it up: no further claim is accepted, and what \
             has none cannot be executed"
        );
        return Err(Refused::new("Foreclosed", why).into());
    }
    Ok(())
}

/// Transactions to execute vouchers.
#[derive(Clone, Debug, Serialize)]
pub struct Executions {
    /// The contract they call.
    pub application: Address,
    /// Their calldata, one per voucher.
    pub calldata: Vec<Bytes>,
}

impl fmt::Display for Executions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.calldata.iter().map(Bytes::to_string).collect();
        out.write_str(&lines.join("\n"))
    }
}

/// The transactions that would execute the vouchers whose claims are accepted.
///
/// - Errors: as for [`claim`]
pub async fn executions(
    session: &Session,
    account: Address,
    indices: &[u64],
) -> Result<Executions> {
    let mut calldata = Vec::new();
    for voucher in wanted(session, account, indices).await? {
        if voucher.state == State::Ready {
            let index = voucher.index;
            let Proof { output, siblings, .. } = proven(session, index).await?;
            let proof = OutputValidityProof { outputIndex: index, outputHashesSiblings: siblings };
            let call = Application::executeOutputCall { output: output.to_vec().into(), proof };
            calldata.push(call.abi_encode().into());
        }
    }
    Ok(Executions { application: session.application(), calldata })
}

/// The assets that concern an account: those the market accepts, the configured token, and those of
/// its balances; not every token that anybody ever sent.
///
/// - Errors: the market's own totals are inconsistent
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

async fn wanted(session: &Session, account: Address, indices: &[u64]) -> Result<Vec<Voucher>> {
    if !indices.is_empty() {
        return named(session, indices).await;
    }
    let balances = session.free_balances(account).await?;
    let assets = assets_of(session, &balances).await?;
    let all = vouchers_of(session, account, &assets).await?;
    Ok(all.into_iter().filter(|voucher| !voucher.is_executed()).collect())
}

async fn named(session: &Session, indices: &[u64]) -> Result<Vec<Voucher>> {
    let (mut vouchers, mut standings) = (Vec::new(), ClaimLookup::new(session));
    for &index in indices {
        let record = session.node.output(index).await?;
        if matches!(Output::decode(&record.raw_data), None | Some(Output::Notice { .. })) {
            let why = format_args!("output {index} is a notice: there is nothing to execute");
            return Err(Refused::new("NotAVoucher", why).into());
        }
        let voucher = voucher(session, &mut standings, &record).await?;
        if voucher.is_executed() {
            return Err(Refused::new("AlreadyExecuted", voucher).into());
        }
        vouchers.push(voucher);
    }
    Ok(vouchers)
}

/// Waits until a voucher's claim is accepted; false on timeout.
async fn await_claim(session: &Session, voucher: &Voucher) -> Result<bool> {
    let what = format!("waiting for the claim that proves voucher {}", voucher.index);
    let epoch = session.node.output(voucher.index).await?.epoch_index;
    let accepted = session.patience.until(&session.printer, &what, async || {
        Ok(session.node.epoch(epoch).await?.is_accepted().then_some(()))
    });
    Ok(accepted.await?.is_some())
}

/// A voucher's proof, verified locally and on Ethereum.
async fn proven(session: &Session, index: u64) -> Result<Proof> {
    let epoch = session.node.output(index).await?.epoch_index;
    let epoch = session.node.epoch(epoch).await?;
    Ok(proof::validated(&session.node, &session.chain, index, &epoch).await?.proof)
}

async fn execute(session: &Session, sender: &Sender, voucher: Voucher) -> Result<Executed> {
    let Voucher { index, payment, currency, .. } = voucher;
    let Proof { output, siblings, .. } = proven(session, index).await?;
    let sent = sender.execute_output(session.application(), &output, index, siblings).await?;
    sent.finish()?;
    let mut spent = TransactionCost::default();
    spent.add(&sent);
    Ok(Executed { index, payment, transaction: sent.transaction, spent, currency })
}
