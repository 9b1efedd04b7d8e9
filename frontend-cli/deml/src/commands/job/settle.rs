//! `deml job settle`: advances a job as far as time and the machine's inputs allow; anyone may.

use std::fmt;

use anyhow::Result;
use clap::Args;
use client::{
    chain::Sender,
    jobs::JobRef,
    printer::{ExitStatus, Refused},
    quantity::{count, until},
    session::{Currency, Session, TransactionCost},
};
use market::{Amount, Command, JobId, Stage, Timestamp};
use serde::Serialize;
use wire::{JobView, Notice};

use crate::{
    budget::{Budget, Caps},
    commands::sending::{Calldata, Sending},
    config::Config,
};

/// Arguments of `deml job settle`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml --account 1 job settle 0")]
pub struct Settle {
    /// The job: its number, or its name: 0x and at least its first 8 digits
    pub job: JobRef,
    /// Limits on sending and paying.
    #[command(flatten)]
    pub caps: Caps,
    /// Options for sending.
    #[command(flatten)]
    pub sending: Sending,
}

/// Progress of a job.
#[derive(Clone, Debug, Serialize)]
pub struct Settled {
    /// The job.
    pub job: JobId,
    /// Its number, for display.
    pub number: u32,
    /// Its current stage.
    pub stage: Stage,
    /// Time until which nothing more can be done; `None` if it has ended or can be advanced at
    /// once.
    pub next: Option<u64>,
    /// Number of paid models.
    pub payouts: u32,
    /// Amount returned to the sponsor.
    pub returned: Amount,
    /// The market's notices from these inputs.
    pub notices: Vec<Notice>,
    /// Transaction cost.
    #[serde(flatten)]
    pub spent: TransactionCost,
    #[serde(skip)]
    now: Timestamp,
    #[serde(skip)]
    currency: Currency,
}

impl fmt::Display for Settled {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, stage, next, payouts, spent, .. } = self;
        writeln!(out, "job {number} is {stage}, {} paid", count((*payouts).into(), "model"))?;
        if self.returned != Amount::ZERO {
            writeln!(out, "  {} went back to the sponsor", self.currency.show(self.returned))?;
        }
        match next {
            Some(next) => writeln!(out, "  it goes on {}", until(Timestamp(*next), self.now))?,
            None if stage.is_live() => {
                writeln!(out, "  stopped at --max-inputs or --max-cost: settle again to go on")?;
            }
            None => {}
        }
        write!(out, "  {spent}")
    }
}

/// Settles within the given limits.
pub async fn run(config: &Config, settle: Settle) -> Result<ExitStatus> {
    let session = config.session()?;
    let view = session.job(&settle.job).await?;
    if settle.sending.calldata {
        let command = Command::Settle { job: view.job };
        return Calldata::inputs([&command]).answer(&config.printer);
    }
    let sender = config.sender(&session).await?;
    let budget = &mut Budget::new(&session, &settle.caps, view.terms.asset).await?;
    config.printer.answer(&self::settle(&session, &sender, view.job, budget).await?)?;
    Ok(ExitStatus::Done)
}

/// Settles until the job has ended, has to wait, is not changed by an input, or the budget is used
/// up.
///
/// - Errors: `NothingToDo` if the job has to wait before anything can be done at all
pub async fn settle(
    session: &Session,
    sender: &Sender,
    job: JobId,
    budget: &mut Budget,
) -> Result<Settled> {
    let (mut notices, mut spent, mut next) = (Vec::new(), TransactionCost::default(), None);
    let mut has_moved = false;
    let mut view = session.job(job).await?;
    while view.stage.is_live() && budget.allows_one(session).await? {
        let before = view.clone();
        let sent = session.send(sender, &Command::Settle { job }).await?;
        let mut cost = TransactionCost::default();
        cost.add(&sent);
        budget.note(&cost);
        spent.absorb(cost);
        let processed = session.follow(&sent).await?;
        if let Some(refused) = processed.refusals.first() {
            next = opens(refused);
            if next.is_none() || !has_moved {
                return Err(refused.clone().into());
            }
            break;
        }
        view = session.job(job).await?;
        // An input that changes nothing would change nothing again.
        if processed.notices.is_empty() && view == before {
            break;
        }
        has_moved = true;
        notices.extend(processed.notices);
    }
    let JobView { number, stage, payouts, .. } = view;
    let (now, currency) = (session.now().await?, session.currency(view.terms.asset).await);
    let returned = returned(&notices, &view);
    Ok(Settled { job, number, stage, next, payouts, returned, notices, spent, now, currency })
}

/// Amount paid to the sponsor.
fn returned(notices: &[Notice], view: &JobView) -> Amount {
    let paid = notices.iter().filter_map(|notice| match notice {
        Notice::Paid { job, to, amount, .. } if (*job, *to) == (view.job, view.sponsor) => {
            Some(*amount)
        }
        _ => None,
    });
    paid.fold(Amount::ZERO, |sum, more| sum.checked_add(more).unwrap_or(sum))
}

fn opens(refused: &Refused) -> Option<u64> {
    let value = match refused.0.refused.as_str() {
        "NothingToDo" => "until",
        "NotYet" => "opens",
        _ => return None,
    };
    refused.0.values.get(value)?.parse().ok()
}

/// Time from which the market accepts the command, if only time is missing.
pub(crate) fn opens_at(why: &anyhow::Error) -> Option<Timestamp> {
    why.downcast_ref::<Refused>().and_then(opens).map(Timestamp)
}
