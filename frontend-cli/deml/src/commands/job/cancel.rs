//! `deml job cancel`: cancels a job that nobody has submitted to.

use std::fmt;

use anyhow::{Context, Result};
use clap::Args;
use client::{
    jobs::JobRef,
    printer::ExitStatus,
    session::{Currency, Session, TransactionCost},
};
use market::{Amount, Command, JobId};
use serde::Serialize;
use wire::{JobView, Notice};

use crate::{
    commands::sending::{Calldata, Sending},
    config::Config,
};

/// Arguments of `deml job cancel`.
#[derive(Clone, Debug, Args)]
pub struct Cancel {
    /// The job: its number, or its name: 0x and at least its first 8 digits
    pub job: JobRef,
    /// Options for sending.
    #[command(flatten)]
    pub sending: Sending,
}

/// A cancelled job.
#[derive(Clone, Debug, Serialize)]
pub struct Cancelled {
    /// The job.
    pub job: JobId,
    /// Amount returned to the sponsor.
    pub returned: Amount,
    /// Transaction cost.
    #[serde(flatten)]
    pub spent: TransactionCost,
    #[serde(skip)]
    number: u32,
    #[serde(skip)]
    currency: Currency,
}

impl fmt::Display for Cancelled {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let returned = self.currency.show(self.returned);
        writeln!(out, "job {} is cancelled: {returned} back to its sponsor", self.number)?;
        write!(out, "  {}", self.spent)
    }
}

/// Cancels a job, or prints what would be sent.
///
/// - Errors: the market's refusal
pub async fn run(config: &Config, cancel: Cancel) -> Result<ExitStatus> {
    let session = config.session()?;
    let view = session.job(&cancel.job).await?;
    let command = Command::CancelJob { job: view.job };
    if cancel.sending.calldata {
        return Calldata::inputs([&command]).answer(&config.printer);
    }
    let sender = config.sender(&session).await?;
    let (processed, spent) = session.carry_out(&sender, &command).await?;
    config.printer.answer(&cancelled(&session, view, &processed.notices, spent).await?)?;
    Ok(ExitStatus::Done)
}

async fn cancelled(
    session: &Session,
    view: JobView,
    notices: &[Notice],
    spent: TransactionCost,
) -> Result<Cancelled> {
    let JobView { job, number, sponsor, terms, .. } = view;
    let mut returned = Amount::ZERO;
    for notice in notices {
        if let Notice::Paid { job: of, to, amount, .. } = notice
            && (*of, *to) == (job, sponsor)
        {
            returned = returned.checked_add(*amount).context("the amounts exceed 256 bits")?;
        }
    }
    let currency = session.currency(terms.asset).await;
    Ok(Cancelled { job, returned, spent, number, currency })
}
