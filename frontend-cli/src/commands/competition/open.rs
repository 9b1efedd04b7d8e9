//! Opening a competition: checks on this computer, the hold-out sealed for the number the job will
//! get, the deposit with the command on it, three blobs, and the base model's score.

use std::fmt;

use anyhow::{Context, Result, bail};
use market::{Amount, Command, CompetitionTerms, JobId, Marks, Score, Work};
use serde::Serialize;
use wire::{AnyJobView, Notice, Page, Paging, Query};

use crate::{
    args::CompetitionDraft,
    chain::Sender,
    commands::{
        funding::{Funding, send_paid},
        job_end,
    },
    competition_terms::{self, CompetitionFiles, Known},
    convert::{as_number, as_ppm, as_text},
    delivery::{self, Holding},
    files::File,
    native,
    quantity::{percent, until},
    seals::{self, Seal},
    session::{Currency, Session, Spent},
    talk::Refused,
    terms::check_reach,
    vault::Vault,
};

/// A competition that was opened.
#[derive(Clone, Debug, Serialize)]
pub struct Opened {
    /// Its number.
    #[serde(serialize_with = "as_number")]
    pub job: JobId,
    /// The base model's score on the public slice, in parts per million.
    #[serde(serialize_with = "as_ppm")]
    pub base_score: Score,
    /// What is in escrow.
    #[serde(serialize_with = "as_text")]
    pub escrow: Amount,
    /// The base model's CID.
    #[serde(serialize_with = "as_text")]
    pub base_model: blobs::Cid,
    /// The public slice's CID.
    #[serde(serialize_with = "as_text")]
    pub public_slice: blobs::Cid,
    /// The commitment to the hold-out.
    #[serde(serialize_with = "as_text")]
    pub commitment: blobs::Digest,
    /// What it cost.
    #[serde(flatten)]
    pub spent: Spent,
    #[serde(skip)]
    currency: Currency,
}

impl fmt::Display for Opened {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "competition {} is open", self.job)?;
        writeln!(out, "  escrow      {}", self.currency.show(self.escrow))?;
        writeln!(out, "  base model  {} ({})", self.base_model, percent(self.base_score))?;
        writeln!(out, "  slice       {}", self.public_slice)?;
        writeln!(out, "  hold-out    sealed, commitment {}", self.commitment)?;
        writeln!(out, "  {}", self.spent)?;
        write!(out, "  reveal the hold-out after the close: `deml competition reveal {}`", self.job)
    }
}

/// What a sponsor is about to open, checked on this computer; the hold-out is not sealed yet.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The terms.
    pub terms: CompetitionTerms,
    /// The files.
    pub files: CompetitionFiles,
    /// What everything is paid in.
    pub currency: Currency,
}

/// Reads a draft and its files, and evaluates the base model on both datasets.
///
/// - Errors: what is missing; `Unfit`
pub async fn plan(session: &Session, draft: &CompetitionDraft) -> Result<Plan> {
    let prize = draft.prize.context("what prize? say --prize 10ether")?;
    let (currency, _) = session.money(prize).await?;
    let files = competition_terms::read_files(draft)?;
    let (base_work, slice, hold_out) = look_at(&files, competition_terms::metric(draft)).await?;
    let now = session.now().await?;
    let known = Known { currency: currency.clone(), now, base_work };
    let terms = competition_terms::terms(draft, &files, &known)?;
    check_reach((base_work, terms.max_work), (hold_out.score, terms.min_gain))?;
    session.talk.say(format_args!(
        "the base model scores {} on the slice and {} on the hold-out, and takes {base_work} \
         instructions",
        percent(slice.score),
        percent(hold_out.score),
    ));
    session.talk.say(format_args!("entries are taken until {}", until(terms.close, now)));
    Ok(Plan { terms, files, currency })
}

/// The base model's work on the larger of both datasets, and its marks on the slice and the
/// hold-out.
async fn look_at(files: &CompetitionFiles, metric: market::Metric) -> Result<(Work, Marks, Marks)> {
    let files = files.clone();
    let looked = native::in_background(move || {
        let examine = |data: &File| native::examine(&files.base, data, metric);
        Ok((examine(&files.public_slice)?, examine(&files.hold_out)?))
    });
    let (slice, hold_out) = looked.await?;
    Ok((slice.0.max(hold_out.0), slice.1, hold_out.1))
}

/// The terms with the hold-out sealed for the next job, for which this computer then has the key.
///
/// - Errors: the market does not answer
pub async fn seal_hold_out(
    session: &Session,
    sender: &Sender,
    vault: &Vault,
    plan: &Plan,
) -> Result<(JobId, CompetitionTerms, Seal, Vec<u8>)> {
    let paging = Paging { offset: 0, limit: 0 };
    let jobs: Page<AnyJobView> = session.ask(&Query::Jobs(paging)).await?;
    let next = jobs.total.and_then(|total| u32::try_from(total).ok());
    let job = JobId(next.context("the market does not say how many jobs it has")?);
    let hold_out = &plan.files.hold_out;
    let seal = seals::seal(session, sender, vault, job, hold_out).await?;
    let (sealed, ciphertext) = seal.sealed(&hold_out.bytes);
    Ok((job, CompetitionTerms { hold_out: sealed, ..plan.terms }, seal, ciphertext))
}

/// Opens a planned competition and brings it to where it takes entries.
///
/// - Errors: `WalletTooSmall`, or the market's refusal; a deposit stands all the same
pub async fn open(
    session: &Session,
    sender: &Sender,
    vault: &Vault,
    plan: &Plan,
    mut funding: Funding,
) -> Result<Opened> {
    let Plan { files, currency, .. } = plan;
    for file in [&files.base, &files.public_slice] {
        session.store.put(&file.bytes, file.blob.profile).await?;
    }
    let escrow = plan.terms.prize.checked_add(plan.terms.miners_pool);
    let escrow = escrow.context("prize and pool exceed 256 bits")?;
    let mut spent = Spent::default();
    let (job, terms, ciphertext, mut last) = loop {
        let (job, terms, _, ciphertext) = seal_hold_out(session, sender, vault, plan).await?;
        let command = Command::OpenCompetition { job, terms: Box::new(terms) };
        let price = (currency, escrow);
        let processed = send_paid(session, sender, price, &command, funding, &mut spent).await?;
        let taken = |refused: &Refused| refused.0.refused == "JobNumberTaken";
        if !processed.refusals.iter().any(taken) {
            break (job, terms, ciphertext, processed.accepted()?);
        }
        session.talk.say(format_args!("another opened job {job} first: sealing again"));
        funding = Funding::Balance;
    };
    session.talk.say(format_args!("competition {job} has {} in escrow", currency.show(escrow)));
    let blobs = [
        (terms.base_model, &files.base.bytes),
        (terms.public_slice, &files.public_slice.bytes),
        (terms.hold_out.ciphertext, &ciphertext),
    ];
    for (blob, bytes) in blobs {
        if delivery::holding(session, sender.address(), blob).await? != Holding::Whole {
            let delivered = delivery::deliver(session, sender, blob, bytes).await?;
            spent.absorb(delivered.spent);
            last = delivered.completed.unwrap_or(last);
        }
    }
    let base_score = ready(session, sender, job, &last.notices, &mut spent).await?;
    Ok(Opened {
        job,
        base_score,
        escrow,
        base_model: terms.base_model.cid(),
        public_slice: terms.public_slice.cid(),
        commitment: terms.hold_out.commitment,
        spent,
        currency: currency.clone(),
    })
}

/// The base model's score on the slice, once the market has it; its evaluation is helped along.
async fn ready(
    session: &Session,
    sender: &Sender,
    job: JobId,
    last: &[Notice],
    spent: &mut Spent,
) -> Result<Score> {
    let view = session.competition(job).await?;
    if view.terms.miners_only {
        return Ok(Score(0));
    }
    if let Some(outcome) = outcome(job, last) {
        return outcome;
    }
    let evaluated = job_end::evaluate(session, sender, job, None, |processed| {
        outcome(job, &processed.notices).is_some()
    });
    let evaluated = evaluated.await?;
    spent.absorb(evaluated.spent);
    let Some(outcome) = outcome(job, &evaluated.decided) else {
        bail!("the market came to no score of the base model");
    };
    outcome
}

fn outcome(job: JobId, notices: &[Notice]) -> Option<Result<Score>> {
    notices.iter().find_map(|notice| match notice {
        Notice::JobReady { job: of, base_score, .. } if *of == job => Some(Ok(*base_score)),
        Notice::JobCancelled { job: of, reason, .. } if *of == job => {
            Some(Err(Refused::new("JobCancelled", reason).into()))
        }
        _ => None,
    })
}
