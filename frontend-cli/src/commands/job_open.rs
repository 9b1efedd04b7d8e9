//! Opening a job: checks on this computer, the deposit with the command on it, both blobs, and
//! waiting for the base model's score.

use std::fmt;

use anyhow::{Context, Result};
use market::{Amount, Command, JobId, Marks, Quote, Score, Terms, Work};
use serde::Serialize;
use wire::Notice;

use super::{
    funding::{Funding, send_paid},
    job_end,
};
use crate::{
    args::TermsDraft,
    chain::Sender,
    convert::{as_number, as_ppm, as_text},
    delivery::{self, Delivered, Holding},
    follow::Processed,
    native::{self, JobBytes},
    quantity::{count, percent, until},
    session::{Currency, Session, Spent},
    talk::Refused,
    terms::{self, JobFiles, Known},
};

/// A job that was opened.
#[derive(Clone, Debug, Serialize)]
pub struct Opened {
    /// Its number.
    #[serde(serialize_with = "as_number")]
    pub job: JobId,
    /// The base model's score, in parts per million.
    #[serde(serialize_with = "as_ppm")]
    pub base_score: Score,
    /// The recall of its worst class, in parts per million.
    #[serde(serialize_with = "as_ppm")]
    pub base_worst_class: Score,
    /// What is in escrow.
    #[serde(serialize_with = "as_text")]
    pub escrow: Amount,
    /// The base model's CID.
    #[serde(serialize_with = "as_text")]
    pub base_model: blobs::Cid,
    /// The hold-out's CID.
    #[serde(serialize_with = "as_text")]
    pub hold_out: blobs::Cid,
    /// What it cost.
    #[serde(flatten)]
    pub spent: Spent,
    #[serde(skip)]
    currency: Currency,
}

impl fmt::Display for Opened {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "job {} is open", self.job)?;
        writeln!(out, "  escrow      {}", self.currency.show(self.escrow))?;
        let (score, worst) = (percent(self.base_score), percent(self.base_worst_class));
        writeln!(out, "  base model  {} ({score}, worst class {worst})", self.base_model)?;
        writeln!(out, "  hold-out    {}", self.hold_out)?;
        write!(out, "  {}", self.spent)
    }
}

/// What a sponsor is about to open, checked on this computer.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The terms.
    pub terms: Terms,
    /// The files.
    pub files: JobFiles,
    /// What evaluating the base model takes.
    pub quote: Quote,
    /// The base model's marks.
    pub base: Marks,
    /// What the reward is paid in.
    pub currency: Currency,
}

/// Reads a draft and its files, and evaluates the base model.
///
/// - Errors: what is missing; `Unfit`, or the market's refusal of such terms
pub async fn plan(session: &Session, draft: &TermsDraft) -> Result<Plan> {
    let money = draft.reward.context("what reward? say --reward 0.5ether")?;
    let (currency, reward) = session.money(money).await?;
    let files = terms::read_files(draft)?;
    let now = session.now().await?;
    // The base model's work is a part of the terms, and is known once it was looked at.
    let unknown = Known { asset: currency.asset, reward, now, base_work: Work(u64::MAX) };
    let mut planned = terms::terms(draft, &files, unknown)?;
    let talk = session.talk;
    let bytes = JobBytes { base: files.base.bytes.clone(), hold_out: files.hold_out.bytes.clone() };
    let input_work = session.settings().await?.input_work;
    let rehearsed =
        native::in_background(move || native::rehearse_job(&talk, &planned, &bytes, input_work));
    let (quote, base) = rehearsed.await?;
    planned = terms::terms(draft, &files, Known { base_work: quote.work, ..unknown })?;
    let score = base.score;
    terms::check_reach((quote.work, planned.max_work), (score, planned.min_gain))?;
    session.talk.say(format_args!(
        "the base model scores {} (worst class {}) and takes {} instructions",
        percent(score),
        percent(base.worst_class),
        quote.work
    ));
    session.talk.say(format_args!(
        "the job will end {}; its hold-out becomes public: models can be trained on it",
        until(planned.deadline, now)
    ));
    Ok(Plan { terms: planned, files, quote, base, currency })
}

/// Opens a planned job and brings it to where it takes submissions.
///
/// - Errors: `WalletTooSmall`, or the market's refusal; a deposit stands all the same
pub async fn open(
    session: &Session,
    sender: &Sender,
    plan: &Plan,
    funding: Funding,
) -> Result<Opened> {
    let Plan { terms, files, currency, .. } = plan;
    for file in [&files.base, &files.hold_out] {
        session.store.put(&file.bytes, file.blob.profile).await?;
    }
    let escrow =
        terms.reward.checked_times(terms.rewards).context("the rewards exceed 256 bits")?;
    let mut spent = Spent::default();
    let command = Command::OpenJob(Box::new(*terms));
    let price = (currency, escrow);
    let opening = send_paid(session, sender, price, &command, funding, &mut spent).await?;
    let opening = opening.accepted()?;
    let job = opening.notices.iter().find_map(|notice| match notice {
        Notice::JobOpened { job, .. } => Some(*job),
        _ => None,
    });
    let job = job.context("the market opened the job without a notice")?;
    session.talk.say(format_args!("job {job} has {} in escrow", currency.show(escrow)));
    let mut last = opening;
    for file in [&files.base, &files.hold_out] {
        if delivery::holding(session, sender.address(), file.blob).await? != Holding::Nothing {
            let delivered = delivery::deliver(session, sender, file.blob, &file.bytes).await?;
            say_delivered(session, &delivered);
            spent.absorb(delivered.spent);
            last = delivered.completed.unwrap_or(last);
        }
    }
    let base = ready(session, sender, job, &last, &mut spent).await?;
    Ok(Opened {
        job,
        base_score: base.score,
        base_worst_class: base.worst_class,
        escrow,
        base_model: terms.base_model.cid(),
        hold_out: terms.hold_out.cid(),
        spent,
        currency: currency.clone(),
    })
}

fn say_delivered(session: &Session, delivered: &Delivered) {
    let Delivered { cid, size, had, chunks, .. } = delivered;
    let kept = if *had > 0 { format!(", {had} were there") } else { String::new() };
    let chunks = count(*chunks as u64, "chunk");
    session.talk.say(format_args!("published {cid}: {size} bytes in {chunks}{kept}"));
}

/// The base model's marks, once the market has them; its evaluation is helped along.
///
/// - Errors: the job was cancelled, with the reason
async fn ready(
    session: &Session,
    sender: &Sender,
    job: JobId,
    last: &Processed,
    spent: &mut Spent,
) -> Result<Marks> {
    if let Some(outcome) = outcome(job, &last.notices) {
        return outcome;
    }
    let evaluated = job_end::evaluate(session, sender, job, None, |processed| {
        outcome(job, &processed.notices).is_some()
    });
    let evaluated = evaluated.await?;
    spent.absorb(evaluated.spent);
    let outcome = outcome(job, &evaluated.decided);
    outcome.context("the market came to no score of the base model")?
}

fn outcome(job: JobId, notices: &[Notice]) -> Option<Result<Marks>> {
    notices.iter().find_map(|notice| match notice {
        Notice::JobReady { job: of, base_score, base_worst_class } if *of == job => {
            Some(Ok(Marks { score: *base_score, worst_class: *base_worst_class }))
        }
        Notice::JobCancelled { job: of, reason, .. } if *of == job => {
            Some(Err(Refused::new("JobCancelled", reason).into()))
        }
        _ => None,
    })
}
