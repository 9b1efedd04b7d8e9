//! Ending jobs and going on with their evaluations: cancel, settle, evaluate.

use std::fmt;

use anyhow::{Context, Result};
use market::{Amount, Command, JobId, Work};
use serde::Serialize;
use wire::{AnyJobView, Notice};

use crate::{
    chain::Sender,
    convert::{as_number, as_text},
    follow::Processed,
    quantity::count,
    session::{Currency, Session, Spent},
};

/// A job that ended.
#[derive(Clone, Debug, Serialize)]
pub struct Ended {
    /// The job.
    #[serde(serialize_with = "as_number")]
    pub job: JobId,
    /// What went back to the sponsor's free balance.
    #[serde(serialize_with = "as_text")]
    pub returned: Amount,
    /// How many models were paid.
    pub payouts: u32,
    /// What ending it cost.
    #[serde(flatten)]
    pub spent: Spent,
    #[serde(skip)]
    currency: Currency,
}

impl fmt::Display for Ended {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job, payouts, spent, .. } = self;
        let returned = self.currency.show(self.returned);
        let paid = count((*payouts).into(), "model");
        writeln!(out, "job {job} ended: {paid} paid, {returned} back to the sponsor")?;
        if self.returned != Amount::ZERO {
            writeln!(out, "  it is the sponsor's free balance: `deml withdraw` takes it out")?;
        }
        write!(out, "  {spent}")
    }
}

/// Cancels a job nobody has submitted to.
///
/// - Errors: the market's refusal
pub async fn cancel(session: &Session, sender: &Sender, job: JobId) -> Result<Ended> {
    end(session, sender, job, Command::CancelJob { job }).await
}

/// Closes a job whose deadline has passed or whose rewards are all paid.
///
/// - Errors: the market's refusal
pub async fn settle(session: &Session, sender: &Sender, job: JobId) -> Result<Ended> {
    end(session, sender, job, Command::Settle { job }).await
}

async fn end(session: &Session, sender: &Sender, job: JobId, command: Command) -> Result<Ended> {
    let view = session.job(job).await?;
    let (processed, spent) = session.carry_out(sender, &command).await?;
    let ending = processed.notices.iter().find_map(|notice| match notice {
        Notice::JobCancelled { refund, .. } => Some((*refund, 0)),
        Notice::JobSettled { payouts, remainder, .. } => Some((*remainder, *payouts)),
        _ => None,
    });
    let (returned, payouts) = ending.context("the market ended the job without a notice")?;
    let currency = session.currency(view.terms.asset).await;
    Ok(Ended { job, returned, payouts, spent, currency })
}

/// Evaluations that went on.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluated {
    /// The job.
    #[serde(serialize_with = "as_number")]
    pub job: JobId,
    /// Evaluations that still wait.
    pub pending: u64,
    /// What was decided.
    pub decided: Vec<Notice>,
    /// What it cost.
    #[serde(flatten)]
    pub spent: Spent,
}

impl fmt::Display for Evaluated {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (job, decided) = (self.job, self.decided.len());
        writeln!(out, "job {job}: {decided} decided, {} wait", self.pending)?;
        write!(out, "  {}", self.spent)
    }
}

/// Goes on with a job's evaluations until none waits or `until` is content.
///
/// Each input costs the market at most `work`, or what the deployment allows.
///
/// - Errors: `NothingPending`
pub async fn evaluate(
    session: &Session,
    sender: &Sender,
    job: JobId,
    work: Option<Work>,
    mut until: impl FnMut(&Processed) -> bool,
) -> Result<Evaluated> {
    let command = Command::Evaluate { job, work: work.unwrap_or(Work(u64::MAX)) };
    let mut spent = Spent::default();
    let mut decided = Vec::new();
    let mut bar = None;
    loop {
        let (processed, cost) = session.carry_out(sender, &command).await?;
        spent.absorb(cost);
        let is_content = until(&processed);
        decided.extend(processed.notices);
        let (pending, progress) = match session.any_job(job).await? {
            AnyJobView::Bounty(view) => (view.pending, view.progress),
            AnyJobView::Competition(view) => (view.pending, view.progress),
        };
        if pending == 0 || is_content {
            return Ok(Evaluated { job, pending, decided, spent });
        }
        let rows = progress.map_or(1, |progress| progress.of.into());
        let bar = bar.get_or_insert_with(|| session.talk.bar("evaluating", rows));
        bar.set(progress.map_or(0, |progress| progress.rows.into()));
    }
}
