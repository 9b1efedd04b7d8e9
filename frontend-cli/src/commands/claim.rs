//! Claim: vouchers are executed on Ethereum once their epoch's claim is accepted.

use std::fmt;

use alloy::primitives::{Address, B256, U256, keccak256};
use anyhow::{Context, Result, ensure};
use market::Asset;
use serde::Serialize;

use super::money::known_assets;
use crate::{
    chain::{Output, Sender, bindings::Application},
    convert::{to_ethereum, to_market},
    merkle,
    node::{CLAIM_ACCEPTED, OutputRecord},
    payment::Payment,
    session::{Currency, Session, Spent},
    talk::Refused,
};

/// A voucher and how far it is.
#[derive(Clone, Debug, Serialize)]
pub struct Voucher {
    /// Its number among the application's outputs.
    pub index: u64,
    /// What it pays; nothing when it is another call.
    pub payment: Option<Payment>,
    /// How far it is.
    #[serde(flatten)]
    pub state: State,
    #[serde(skip)]
    currency: Option<Currency>,
}

/// How far a voucher is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// It was executed.
    Executed {
        /// By this transaction, once the node has seen it.
        transaction: Option<B256>,
    },
    /// Its claim is accepted: it can be executed.
    Ready,
    /// Its epoch goes on, or its claim is not accepted yet.
    Waiting {
        /// The epoch's last block.
        last_block: u64,
        /// Blocks until then.
        blocks_left: u64,
    },
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
            State::Waiting { blocks_left: 0, .. } => {
                out.write_str(": its epoch is over, its claim is not accepted yet")
            }
            State::Waiting { last_block, blocks_left } => write!(
                out,
                ": its epoch ends with block {last_block}, {blocks_left} from now, and is then claimed"
            ),
        }
    }
}

/// The vouchers that pay an account, in order.
pub async fn vouchers_of(session: &Session, account: Address) -> Result<Vec<Voucher>> {
    let mut destinations = vec![account];
    destinations.extend(known_assets(session).await?.into_iter().filter_map(|asset| match asset {
        Asset::Ether => None,
        Asset::Erc20(token) => Some(to_ethereum(token)),
    }));
    let mut vouchers = Vec::new();
    for destination in destinations {
        for record in session.node.vouchers_to(destination).await? {
            let output = Output::decode(&record.raw_data);
            let payment = output.as_ref().and_then(Payment::of);
            if payment.is_some_and(|payment| payment.to == to_market(account)) {
                vouchers.push(voucher(session, &record).await?);
            }
        }
    }
    vouchers.sort_unstable_by_key(|voucher| voucher.index);
    Ok(vouchers)
}

async fn voucher(session: &Session, record: &OutputRecord) -> Result<Voucher> {
    let payment = Output::decode(&record.raw_data).as_ref().and_then(Payment::of);
    let currency = match payment {
        Some(payment) => Some(session.currency(payment.asset).await),
        None => None,
    };
    Ok(Voucher { index: record.index, payment, state: state(session, record).await?, currency })
}

/// How far a voucher is; Ethereum knows of executions before the node does.
async fn state(session: &Session, record: &OutputRecord) -> Result<State> {
    if let Some(hash) = record.execution_transaction_hash {
        return Ok(State::Executed { transaction: Some(hash) });
    }
    let epoch = session.node.epoch(record.epoch_index).await?;
    if epoch.status != CLAIM_ACCEPTED {
        let last_block = epoch.last_block;
        let blocks_left = last_block.saturating_sub(session.chain.head().await?);
        return Ok(State::Waiting { last_block, blocks_left });
    }
    let what = "ask whether the voucher was executed";
    let call = Application::wasOutputExecutedCall { outputIndex: U256::from(record.index) };
    let was_executed = session.chain.call(what, session.application(), &call).await?;
    Ok(if was_executed { State::Executed { transaction: None } } else { State::Ready })
}

/// What claiming did.
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
    /// Its number.
    pub index: u64,
    /// What it paid; nothing when it was another call.
    pub payment: Option<Payment>,
    /// The transaction.
    pub transaction: B256,
    /// What it cost.
    #[serde(flatten)]
    pub spent: Spent,
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
    /// Why nothing was executed, if that is because it is too early for all.
    #[must_use]
    pub fn too_early(&self) -> Option<Refused> {
        let first = self.waiting.first()?;
        let why = format_args!("{first}; wait, or say --wait");
        self.executed.is_empty().then(|| Refused::new("TooEarly", why))
    }
}

/// Executes vouchers: those of these numbers, or all that pay the sender.
///
/// A voucher whose claim is not accepted yet is left alone, or waited for when `wait` is set.
///
/// - Errors: the node's proof is wrong; `AlreadyExecuted` for a number named twice in the end
pub async fn claim(
    session: &Session,
    sender: &Sender,
    indices: &[u64],
    wait: bool,
) -> Result<Claimed> {
    let vouchers = if indices.is_empty() {
        let all = vouchers_of(session, sender.address()).await?;
        all.into_iter().filter(|voucher| !voucher.is_executed()).collect()
    } else {
        named(session, indices).await?
    };
    let mut claimed = Claimed { executed: Vec::new(), waiting: Vec::new() };
    for voucher in vouchers {
        if voucher.state == State::Ready || wait && await_claim(session, &voucher).await? {
            claimed.executed.push(execute(session, sender, voucher).await?);
        } else {
            claimed.waiting.push(voucher);
        }
    }
    Ok(claimed)
}

async fn named(session: &Session, indices: &[u64]) -> Result<Vec<Voucher>> {
    let mut vouchers = Vec::new();
    for &index in indices {
        let record = session.node.output(index).await?;
        if matches!(Output::decode(&record.raw_data), None | Some(Output::Notice { .. })) {
            let why = format_args!("output {index} is a notice: there is nothing to execute");
            return Err(Refused::new("NotAVoucher", why).into());
        }
        let voucher = voucher(session, &record).await?;
        if voucher.is_executed() {
            return Err(Refused::new("AlreadyExecuted", voucher).into());
        }
        vouchers.push(voucher);
    }
    Ok(vouchers)
}

/// Waits until a voucher's claim is accepted; false when patience ends.
async fn await_claim(session: &Session, voucher: &Voucher) -> Result<bool> {
    let what = format!("waiting for the claim that proves voucher {}", voucher.index);
    let epoch = session.node.output(voucher.index).await?.epoch_index;
    let accepted = session.patience.until(&session.talk, &what, async || {
        let status = session.node.epoch(epoch).await?.status;
        Ok((status == CLAIM_ACCEPTED).then_some(()))
    });
    Ok(accepted.await?.is_some())
}

/// Checks the node's proof here and on Ethereum, then executes the voucher.
async fn execute(session: &Session, sender: &Sender, voucher: Voucher) -> Result<Executed> {
    let Voucher { index, payment, currency, .. } = voucher;
    let record = session.node.output(index).await?;
    let epoch = session.node.epoch(record.epoch_index).await?;
    let siblings = record.output_hashes_siblings.with_context(|| {
        format!("the node has accepted the claim of voucher {index} but gives no proof: try again")
    })?;
    let output = &record.raw_data;
    ensure!(
        siblings.len() == merkle::HEIGHT as usize,
        "the node's proof of voucher {index} has {} parts: ask another node",
        siblings.len()
    );
    let root = merkle::root_from_proof(keccak256(output), index, &siblings);
    ensure!(
        epoch.claim_hash.is_none_or(|claimed| claimed == root),
        "the node's proof of voucher {index} does not lead to the root it claims: ask another node"
    );
    let application = session.application();
    session.chain.validate_output(application, output, index, siblings.clone()).await?;
    let sent = sender.execute_output(application, output, index, siblings).await?;
    let mut spent = Spent::default();
    spent.add(&sent);
    Ok(Executed { index, payment, transaction: sent.transaction, spent, currency })
}
