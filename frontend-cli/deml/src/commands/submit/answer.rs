//! Outcome of a submission, and of its stake.

use std::fmt;

use alloy::primitives::Address;
use anyhow::Result;
use blobs::{BlobRef, Cid};
use client::{
    convert::to_ethereum,
    follow::Processed,
    printer::{ExitStatus, Refused},
    quantity::date_until,
    session::{Currency, Session, TransactionCost},
};
use market::{Amount, Asset, Award, JobId, Measure, Score, Scores, Share, Target, Timestamp};
use serde::Serialize;
use wire::{JobView, Notice, SubmissionStateView, SubmissionView};

use crate::terms::scores_text;

/// A submission and its progress.
#[derive(Clone, Debug, Serialize)]
pub struct Submitted {
    /// The job.
    pub job: JobId,
    /// The job's number, for display.
    pub number: u32,
    /// Its number in the job, in the order of commitments.
    pub submission: u32,
    /// The client.
    pub client: Address,
    /// The model.
    pub model_cid: Cid,
    /// Its state.
    pub state: SubmissionStateView,
    /// Its score in parts per million, if it was evaluated.
    pub score: Option<u32>,
    /// Its score by the threshold's metric, in parts per million.
    pub threshold_score: Option<u32>,
    /// Whether it was paid.
    pub accepted: bool,
    /// The refusal, if not.
    pub refusal: Option<Refused>,
    /// Asset of all amounts.
    pub asset: Asset,
    /// Its reward for being accepted.
    pub reward: Amount,
    /// Stake returned by one of our inputs.
    pub returned: Amount,
    /// Earnings of our inputs from advancing evaluations.
    pub earned: Amount,
    /// The voucher of the payment, if one of our inputs led to it.
    pub voucher: Option<u64>,
    /// The block after which that voucher's claim is due.
    pub claimed_after_block: Option<u64>,
    /// Start and end of the reveal window, if it is sealed.
    pub reveal: Option<[u64; 2]>,
    /// Advice on the next step.
    pub next: Option<String>,
    /// Transaction cost.
    #[serde(flatten)]
    pub spent: TransactionCost,
    #[serde(skip)]
    currency: Currency,
    #[serde(skip)]
    measure: Measure,
    #[serde(skip)]
    now: Timestamp,
}

impl fmt::Display for Submitted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, submission, .. } = self;
        let show = |amount| self.currency.show(amount);
        let state = match self.state {
            SubmissionStateView::Expecting => "in, its bytes are awaited",
            SubmissionStateView::Sealed => "in, sealed",
            SubmissionStateView::Whole => "in, and not decided yet",
            SubmissionStateView::Accepted => "accepted",
            SubmissionStateView::Refused => "refused",
        };
        writeln!(out, "submission {submission} to job {number} is {state}")?;
        writeln!(out, "  model       {}", self.model_cid)?;
        if let (Some(score), Some(threshold_score)) = (self.score, self.threshold_score) {
            let [score, threshold_score] = [score, threshold_score].map(Score);
            let scores = scores_text(self.measure, Scores { score, threshold_score });
            writeln!(out, "  score       {scores}")?;
        }
        if let Some(refusal) = &self.refusal {
            writeln!(out, "  reason      {refusal}")?;
        }
        if self.accepted {
            writeln!(out, "  reward      {}", show(self.reward))?;
        }
        for (what, amount) in [("stake back ", self.returned), ("earned     ", self.earned)] {
            if amount != Amount::ZERO {
                writeln!(out, "  {what} {}", show(amount))?;
            }
        }
        if let Some((voucher, block)) = self.voucher.zip(self.claimed_after_block) {
            writeln!(
                out,
                "  voucher     {voucher}, claimed after block {block}; `deml claim --wait` executes \
                 it"
            )?;
        }
        if let Some(next) = &self.next {
            writeln!(out, "  {next}")?;
        }
        write!(out, "  {}", self.spent)?;
        if let Some([opens, closes]) = self.reveal.map(|window| window.map(Timestamp)) {
            let (opens, closes) = (date_until(opens, self.now), date_until(closes, self.now));
            write!(
                out,
                "\n  reveal it between {opens} and {closes}, or lose the place bond: \
                 `deml job reveal {number} --wait`"
            )?;
        }
        Ok(())
    }
}

impl Submitted {
    /// Exit status of the command.
    #[must_use]
    pub fn exit_status(&self) -> ExitStatus {
        match self.state {
            SubmissionStateView::Refused => ExitStatus::Refused,
            SubmissionStateView::Whole if self.next.is_some() => ExitStatus::Refused,
            _ => ExitStatus::Done,
        }
    }
}

/// Outcome of a submission, by the market's current state and the outputs of our inputs.
pub(super) async fn answer(
    session: &Session,
    job: &JobView,
    (view, model): (SubmissionView, BlobRef),
    all: &[Processed],
    (spent, next): (TransactionCost, Option<String>),
) -> Result<Submitted> {
    let accepted = view.state == SubmissionStateView::Accepted;
    let full = match job.terms.award {
        Award::Rewards { reward, .. } => reward,
        Award::Prize { prize, .. } => prize,
    };
    let reward = if accepted { full } else { Amount::ZERO };
    let [paid, earned] = money(job.job, &view, all);
    // A reward comes together with the rest of the stake.
    let was_paid_here = paid >= reward;
    let returned = if was_paid_here { paid.checked_sub(reward) } else { Some(paid) };
    let payments = all.iter().flat_map(|processed| &processed.payments);
    let voucher = payments.filter(|(payment, _)| payment.to == view.client).map(|paid| &paid.1);
    let voucher = voucher.last();
    let claimed_after_block = match voucher {
        Some(record) => Some(session.node.epoch(record.epoch_index).await?.last_block),
        None => None,
    };
    let is_secret = view.model.is_none()
        && matches!(view.state, SubmissionStateView::Expecting | SubmissionStateView::Sealed)
        && job.terms.sealing.is_sealed();
    Ok(Submitted {
        job: job.job,
        number: job.number,
        submission: view.submission,
        client: to_ethereum(view.client),
        model_cid: model.cid(),
        state: view.state,
        score: view.scores.map(|scores| scores.score.0),
        threshold_score: view.scores.map(|scores| scores.threshold_score.0),
        accepted,
        refusal: view.refusal.map(Refused),
        asset: job.terms.asset,
        reward,
        returned: returned.unwrap_or(Amount::ZERO),
        earned,
        voucher: voucher.map(|record| record.index),
        claimed_after_block,
        reveal: is_secret.then_some([job.windows.close.0, job.windows.reveal_until.0]),
        next,
        spent,
        currency: session.currency(job.terms.asset).await,
        measure: job.terms.offer.measure(),
        now: session.now().await?,
    })
}

/// The amounts our inputs paid the client for its submission, and earned it by their work.
fn money(job: JobId, view: &SubmissionView, all: &[Processed]) -> [Amount; 2] {
    let mut sums = [Amount::ZERO; 2];
    for notice in all.iter().flat_map(|processed| &processed.notices) {
        let (sum, more) =
            match notice {
                Notice::Paid {
                    job: of, to, share: Share::Reward | Share::Stake, amount, ..
                } if (*of, *to) == (job, view.client) => (0, *amount),
                Notice::WorkPaid {
                    job: of, worker, target: Target::Submission(_), earned, ..
                } if (*of, *worker) == (job, view.client) => (1, *earned),
                _ => continue,
            };
        sums[sum] = sums[sum].checked_add(more).unwrap_or(sums[sum]);
    }
    sums
}
