//! Maximum cost of a submission, printed before anything is sent.

use std::fmt;

use anyhow::Result;
use client::{
    chain::Sender,
    quantity::{ETHER_DECIMALS, count, decimal},
    session::{Currency, Session},
};
use market::{Amount, Command, SubmissionStake, SubmittedModel};
use twin::transactions;
use wire::JobView;

use super::{Entry, Publication, refused};
use crate::{
    budget::{self, Budget},
    commands::{funding::lacking, sending::Calldata},
    deltas::{self, Saving},
};

/// Maximum cost of a submission.
#[derive(Clone, Debug)]
pub struct Plan {
    currency: Currency,
    stake: SubmissionStake,
    total: Amount,
    /// The amount that the free balance is short of.
    missing: Amount,
    from_balance: bool,
    is_sealed: bool,
    chunks: Vec<Command>,
    /// What a delta saves, if one is sent.
    saving: Option<Saving>,
    gas: u64,
    fee_wei: u128,
    budget: Budget,
}

impl Plan {
    /// Plans a submission of a publication.
    ///
    /// - Errors: the market's refusal of such a stake
    pub(super) async fn new(
        session: &Session,
        sender: &Sender,
        view: &JobView,
        publication: &Publication,
        entry: &Entry<'_>,
        budget: &Budget,
    ) -> Result<Self> {
        let (terms, settings) = (&view.terms, session.settings().await?);
        let published = publication.submitted.published();
        let stake = terms.submission_stake(&settings, published.size);
        let stake = stake.map_err(|why| refused(&why))?;
        let total = stake.total().map_err(|why| refused(&why))?;
        let currency = session.currency(terms.asset).await;
        let missing = lacking(session, sender.address(), (&currency, total)).await?;
        let chunks = publication.chunks(view.job, 0)?;
        let model = entry.model.blob;
        let saving = match publication.submitted {
            SubmittedModel::Open { .. } => {
                deltas::saving(model, view.job, &publication.bytes, &chunks)
            }
            SubmittedModel::Sealed(sealed) => deltas::sealed_saving(model, sealed.ciphertext),
        };
        let submit = Command::Submit { job: view.job, model: publication.submitted };
        let payloads = std::iter::once(&submit).chain(&chunks);
        let payloads: Vec<usize> =
            payloads.map(|command| wire::encode_command(command).len()).collect();
        let gas = transactions::gas(&payloads, missing != Amount::ZERO);
        Ok(Self {
            currency,
            stake,
            total,
            missing,
            from_balance: entry.from_balance,
            is_sealed: terms.sealing.is_sealed(),
            chunks,
            saving,
            gas,
            fee_wei: budget::fee(session, gas).await?,
            budget: *budget,
        })
    }

    /// The amount moved to escrow.
    pub(super) const fn price(&self) -> (&Currency, Amount) {
        (&self.currency, self.total)
    }

    /// All of its commands as hex.
    pub(super) fn calldata(&self, view: &JobView, publication: &Publication) -> Calldata {
        let command = Command::Submit { job: view.job, model: publication.submitted };
        let deposit = if self.from_balance { Amount::ZERO } else { self.missing };
        Calldata::paid(self.currency.asset, deposit, &command).then(&self.chunks)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |amount| self.currency.show(amount);
        let SubmissionStake { work, bond, buy_in } = self.stake;
        let when = if self.is_sealed { "whole and revealed" } else { "whole" };
        writeln!(out, "at stake, {} at most:", show(self.total))?;
        writeln!(out, "  work        {}; what is not used returns", show(work))?;
        writeln!(out, "  place bond  {}; returns when the model is {when}", show(bond))?;
        if buy_in != Amount::ZERO {
            writeln!(out, "  buy-in      {}, for the miners", show(buy_in))?;
        }
        if self.missing < self.total {
            let free = self.total.checked_sub(self.missing).unwrap_or(Amount::ZERO);
            writeln!(out, "  of it {} is taken from the free balance", show(free))?;
        }
        if let Some(saving) = self.saving {
            writeln!(out, "sent in {saving}")?;
        }
        let inputs = count(1 + self.chunks.len() as u64, "input");
        let fee = decimal(Amount::new(self.fee_wei), ETHER_DECIMALS);
        let more = count(self.budget.inputs.into(), "input");
        let most = decimal(Amount::new(self.budget.fee_wei), ETHER_DECIMALS);
        write!(
            out,
            "to send, {inputs}: about {} gas ({fee} ether); then to evaluate, {more} and {most} \
             ether of gas at most",
            self.gas
        )
    }
}
