//! Submitting: the verdict is computed here first, then the model is entered, delivered and judged.

use std::fmt;

use alloy::primitives::Address;
use anyhow::{Context, Result};
use blobs::{BlobRef, Cid};
use market::{Amount, Asset, Command, JobId, Refusal, Score, SubmissionId, Verdict};
use serde::Serialize;
use wire::{JobView, Notice, Page, Paging, Query, QuoteView, SubmissionStateView, SubmissionView};

use super::job_end;
use crate::{
    chain::Sender,
    convert::{as_number, as_text, to_market},
    delivery::{self, Holding},
    files::File,
    follow::Processed,
    native::{self, JobBytes, Rehearsal},
    quantity::percent,
    session::{Currency, Session, Spent},
    talk::{Ending, Refused},
};

/// What to submit.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The job.
    pub job: JobId,
    /// The model.
    pub model: &'a File,
    /// What it was trained on; only its name is sent.
    pub data: BlobRef,
    /// Submit although it will be refused.
    pub force: bool,
}

/// A submission that was judged.
#[derive(Clone, Debug, Serialize)]
pub struct Submitted {
    /// The job.
    #[serde(serialize_with = "as_number")]
    pub job: JobId,
    /// Its number in the job.
    pub submission: u32,
    /// Whose.
    pub client: Address,
    /// The model.
    #[serde(serialize_with = "as_text")]
    pub model_cid: Cid,
    /// Its score, when it was evaluated; in parts per million.
    pub score: Option<u32>,
    /// The recall of its worst class, in parts per million.
    pub worst_class: Option<u32>,
    /// Whether it was paid.
    pub accepted: bool,
    /// Why not.
    pub refusal: Option<Refused>,
    /// What it was paid in.
    #[serde(serialize_with = "as_text")]
    pub asset: Asset,
    /// What it was paid.
    #[serde(serialize_with = "as_text")]
    pub reward: Amount,
    /// The voucher that pays, when the market gave it in an input of ours.
    pub voucher: Option<u64>,
    /// The block after which that voucher's claim comes.
    pub claimed_after_block: Option<u64>,
    /// What it cost.
    #[serde(flatten)]
    pub spent: Spent,
    #[serde(skip)]
    currency: Currency,
}

impl fmt::Display for Submitted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (job, submission) = (self.job, self.submission);
        let verdict = if self.accepted { "accepted" } else { "refused" };
        writeln!(out, "submission {submission} to job {job} is {verdict}")?;
        writeln!(out, "  model       {}", self.model_cid)?;
        if let Some((score, worst)) = self.score.zip(self.worst_class) {
            let (score, worst) = (percent(Score(score)), percent(Score(worst)));
            writeln!(out, "  score       {score}, worst class {worst}")?;
        }
        if let Some(refusal) = &self.refusal {
            writeln!(out, "  reason      {refusal}")?;
        }
        if self.accepted {
            writeln!(out, "  reward      {}", self.currency.show(self.reward))?;
        }
        if let Some((voucher, block)) = self.voucher.zip(self.claimed_after_block) {
            writeln!(
                out,
                "  voucher     {voucher}, claimed after block {block}; `deml claim --wait` executes it"
            )?;
        }
        write!(out, "  {}", self.spent)
    }
}

impl Submitted {
    /// How the command ends.
    #[must_use]
    pub const fn ending(&self) -> Ending {
        if self.accepted { Ending::Done } else { Ending::Refused }
    }
}

/// The bytes of a job's blobs, from the store.
///
/// - Errors: the store has them not
pub async fn job_bytes(session: &Session, job: &JobView) -> Result<JobBytes> {
    let terms = &job.terms;
    let fetch = async |blob: BlobRef, what: &str| {
        let bytes = session.store.get(blob.cid(), blob.size).await;
        bytes.with_context(|| {
            format!("the {what} of job {} is needed: say with --ipfs where it is", job.job)
        })
    };
    let base = fetch(terms.base_model, "base model").await?;
    Ok(JobBytes { base, hold_out: fetch(terms.hold_out, "hold-out").await? })
}

/// What the market would say of a model, by its terms and by what it knows of the job.
///
/// - Errors: the market's refusal, without any gas
pub async fn rehearse(session: &Session, job: &JobView, model: &File) -> Result<Rehearsal> {
    let files = job_bytes(session, job).await?;
    let quote: QuoteView =
        session.ask(&Query::Quote(job.job, model.blob.size, market::Work(0))).await?;
    // What the real job knows and a rehearsal does not: its stage, the rewards left, the time.
    if let Some(refusal) = quote.refusal {
        return Err(Refused(refusal).into());
    }
    let (deadline, now) = (quote.deadline, session.now().await?);
    if now >= deadline {
        return Err(Refused((&Refusal::DeadlinePassed { deadline, now }).into()).into());
    }
    let (talk, terms, input_work) = (session.talk, job.terms, quote.input_work);
    let (blob, bytes) = (model.blob, model.bytes.clone());
    let rehearsal = native::in_background(move || {
        native::rehearse(&talk, &terms, &files, (blob, &bytes), input_work)
    });
    rehearsal.await
}

/// Enters a model, delivers it, and waits for the verdict; goes on with what was interrupted.
///
/// - Errors: the model would be refused, unless forced; the market's refusal
pub async fn submit(session: &Session, sender: &Sender, entry: Entry<'_>) -> Result<Submitted> {
    let job = session.job(entry.job).await?;
    if let Err(why) = check(session, &job, entry.model).await {
        if !entry.force || !why.is::<Refused>() {
            return Err(why);
        }
        session.talk.say(format_args!("submitting all the same: {why}"));
    }
    let model = entry.model.blob;
    session.store.put(&entry.model.bytes, model.profile).await?;
    let mut spent = Spent::default();
    let id = enter(session, sender, entry, &mut spent).await?;
    let mut last = None;
    if let Holding::Part { .. } = delivery::holding(session, sender.address(), model).await? {
        let delivered = delivery::deliver(session, sender, model, &entry.model.bytes).await?;
        spent.absorb(delivered.spent);
        last = delivered.completed;
    }
    let mut view = submission(session, id).await?;
    if is_pending(&view) {
        let judged = job_end::evaluate(session, sender, id.job, None, |processed| {
            let is_judged = processed.notices.iter().any(|notice| decides(notice, id));
            if is_judged {
                last = Some(processed.clone());
            }
            is_judged
        });
        spent.absorb(judged.await?.spent);
        view = submission(session, id).await?;
    }
    report(session, &job, view, last.as_ref(), spent).await
}

/// Says what the market will say, before any gas is spent.
async fn check(session: &Session, job: &JobView, model: &File) -> Result<()> {
    let Rehearsal { base, verdict, .. } = rehearse(session, job, model).await?;
    if let Some(marks) = verdict.marks() {
        session.talk.say(format_args!(
            "scores {} (worst class {}), the base model {}",
            percent(marks.score),
            percent(marks.worst_class),
            percent(base.score)
        ));
    }
    match verdict {
        Verdict::Accepted(_) => Ok(()),
        Verdict::Refused { reason, .. } => Err(Refused((&reason).into()).into()),
    }
}

/// The submission of this model: an interrupted one of this client, or a new one.
async fn enter(
    session: &Session,
    sender: &Sender,
    entry: Entry<'_>,
    spent: &mut Spent,
) -> Result<SubmissionId> {
    let Entry { job, model, data, .. } = entry;
    let me = to_market(sender.address());
    if let Some(index) = interrupted(session, job, sender.address(), model.blob).await? {
        session.talk.say(format_args!("going on with submission {index}"));
        return Ok(SubmissionId { job, index });
    }
    let command = Command::Submit { job, model: model.blob, data };
    let (processed, cost) = session.carry_out(sender, &command).await?;
    spent.absorb(cost);
    let index = processed.notices.iter().find_map(|notice| match notice {
        Notice::ModelSubmitted { submission, client, .. } if *client == me => Some(*submission),
        _ => None,
    });
    let index = index.context("the market took the submission without a notice")?;
    Ok(SubmissionId { job, index })
}

/// This client's submission of this model that is not judged yet, among the newest.
async fn interrupted(
    session: &Session,
    job: JobId,
    client: Address,
    model: BlobRef,
) -> Result<Option<u32>> {
    const NEWEST: u64 = 10 * Paging::MAX_LIMIT;
    let view = session.job(job).await?;
    let holding = delivery::holding(session, client, model).await?;
    if view.pending == 0 && !matches!(holding, Holding::Part { .. }) {
        return Ok(None);
    }
    let client = to_market(client);
    let total = u64::from(view.submissions);
    let mut end = total;
    while end > total.saturating_sub(NEWEST) {
        let offset = end.saturating_sub(Paging::MAX_LIMIT);
        let paging = Paging { offset, limit: end - offset };
        let page: Page<SubmissionView> = session.ask(&Query::Submissions(job, paging)).await?;
        let mine = page.items.iter().rev().find(|submission| {
            submission.client == client && submission.model == model && is_pending(submission)
        });
        if let Some(mine) = mine {
            return Ok(Some(mine.submission));
        }
        end = offset;
    }
    Ok(None)
}

const fn is_pending(submission: &SubmissionView) -> bool {
    matches!(submission.state, SubmissionStateView::Expecting | SubmissionStateView::Queued)
}

fn decides(notice: &Notice, id: SubmissionId) -> bool {
    match notice {
        Notice::ModelScored { job, submission, .. }
        | Notice::ModelRefused { job, submission, .. } => *job == id.job && *submission == id.index,
        _ => false,
    }
}

async fn submission(session: &Session, id: SubmissionId) -> Result<SubmissionView> {
    let paging = Paging { offset: id.index.into(), limit: 1 };
    let page: Page<SubmissionView> = session.ask(&Query::Submissions(id.job, paging)).await?;
    page.items.into_iter().next().context("the market has lost the submission: ask another node")
}

async fn report(
    session: &Session,
    job: &JobView,
    view: SubmissionView,
    last: Option<&Processed>,
    spent: Spent,
) -> Result<Submitted> {
    let paid = last.into_iter().flat_map(|processed| &processed.payments);
    let voucher =
        paid.filter(|(payment, _)| payment.to == view.client).map(|(_, record)| record).next();
    let claimed_after_block = match voucher {
        Some(record) => Some(session.node.epoch(record.epoch_index).await?.last_block),
        None => None,
    };
    Ok(Submitted {
        job: job.job,
        submission: view.submission,
        client: crate::convert::to_ethereum(view.client),
        model_cid: view.model.cid(),
        score: view.marks.map(|marks| marks.score.0),
        worst_class: view.marks.map(|marks| marks.worst_class.0),
        accepted: view.state == SubmissionStateView::Accepted,
        refusal: view.refusal.map(Refused),
        asset: job.terms.asset,
        reward: job.terms.reward,
        voucher: voucher.map(|record| record.index),
        claimed_after_block,
        spent,
        currency: session.currency(job.terms.asset).await,
    })
}
