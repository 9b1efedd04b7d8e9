//! Moving a competition on, as far as time allows.

use std::fmt;

use anyhow::Result;
use market::{Command, JobId, Stage, Timestamp};
use serde::Serialize;
use wire::Notice;

use crate::{
    chain::Sender,
    convert::{as_number, as_text},
    quantity::until,
    session::{Session, Spent},
    talk::Refused,
};

/// How far a competition came.
#[derive(Clone, Debug, Serialize)]
pub struct Settled {
    /// The competition.
    #[serde(serialize_with = "as_number")]
    pub job: JobId,
    /// Where it is now.
    #[serde(serialize_with = "as_text")]
    pub stage: Stage,
    /// When it can go on.
    #[serde(serialize_with = "as_text")]
    pub next: Timestamp,
    /// What the market said on the way.
    pub notices: Vec<Notice>,
    /// What it cost.
    #[serde(flatten)]
    pub spent: Spent,
    #[serde(skip)]
    now: Timestamp,
}

impl fmt::Display for Settled {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job, stage, next, now, spent, .. } = self;
        writeln!(out, "competition {job} is {stage}")?;
        if !matches!(stage, Stage::Settled | Stage::Cancelled) {
            writeln!(out, "  it goes on {}", until(*next, *now))?;
        }
        write!(out, "  {spent}")
    }
}

/// Settles until the competition has ended or only time can move it.
///
/// - Errors: `DeadlineAhead` when time has to pass before anything can be done
pub async fn settle(session: &Session, sender: &Sender, job: JobId) -> Result<Settled> {
    let (mut notices, mut spent) = (Vec::new(), Spent::default());
    loop {
        match session.carry_out(sender, &Command::Settle { job }).await {
            Ok((processed, cost)) => {
                spent.absorb(cost);
                notices.extend(processed.notices);
            }
            Err(why) if !notices.is_empty() && is_early(&why) => break,
            Err(why) => return Err(why),
        }
        let view = session.competition(job).await?;
        if matches!(view.stage, Stage::Settled | Stage::Cancelled) {
            break;
        }
    }
    let view = session.competition(job).await?;
    let (stage, next, now) = (view.stage, view.stage_deadline, session.now().await?);
    Ok(Settled { job, stage, next, notices, spent, now })
}

/// Whether the market says that time has to pass first.
pub(crate) fn is_early(why: &anyhow::Error) -> bool {
    why.downcast_ref::<Refused>().is_some_and(|refused| refused.0.refused == "DeadlineAhead")
}
