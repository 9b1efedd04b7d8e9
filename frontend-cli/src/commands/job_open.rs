//! Opening a job: all of it is tried on this computer, then the deposit with the command on it is
//! sent, then the job's blobs, until the base model is scored.

use std::fmt;

use alloy::primitives::B256;
use anyhow::{Context, Result, bail};
use blobs::{BlobRef, Cid, Digest};
use eval::Evaluator;
use market::{
    Amount, Command, Evaluation, Blob, JobId, Judge as _, Metric, Quote, Score, SealedBlob, Sealing,
    Slot, SlotKey, SponsorStake, Target, Terms,
};
use serde::Serialize;
use wire::{Notice, QuoteView};

use super::{
    calldata::Calldata,
    evaluate,
    funding::{self, Funding, send_paid},
};
use crate::{
    args::{self, TermsDraft},
    budget::Budget,
    chain::Sender,
    config::Config,
    convert::{as_ppm, as_text, to_market},
    delivery::{self, Delivered, Holding},
    files::{self, File},
    native,
    quantity::{count, percent, until},
    rehearsal::{self, Drive, JobRehearsal},
    seals::{self, Scope},
    session::{Currency, Session, Spent},
    talk::{Ending, Refused},
    terms::{self, JobFiles, Known},
    vault::{self, Vault},
};

/// What a sponsor is about to open, checked on this computer.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The terms; a sealed hold-out is sealed anew when the job is opened.
    #[serde(with = "wire::json")]
    pub terms: Terms,
    /// What goes to escrow, item by item.
    #[serde(with = "wire::json")]
    pub stake: SponsorStake,
    /// All of it.
    #[serde(serialize_with = "as_text")]
    pub total: Amount,
    /// Distinguishes jobs of equal terms.
    pub salt: B256,
    /// The files.
    #[serde(skip)]
    pub files: JobFiles,
    /// What the market will say of the base model.
    #[serde(skip)]
    pub rehearsal: JobRehearsal,
    /// What everything is paid in.
    #[serde(skip)]
    pub currency: Currency,
}

impl fmt::Display for Plan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "to escrow     {}", self.currency.show(self.total))?;
        fmt_stake(out, &self.stake, &self.currency)
    }
}

/// A sponsor's stake item by item, each on a line of its own.
pub(super) fn fmt_stake(
    out: &mut fmt::Formatter<'_>,
    stake: &SponsorStake,
    currency: &Currency,
) -> fmt::Result {
    let SponsorStake { award, pool, bond, work, rent } = *stake;
    let items = [
        ("award", award, ""),
        ("miners' pool", pool, ""),
        ("bond", bond, ", back when the hold-out is revealed and fits"),
        ("work", work, " at most, for the base model"),
        ("rent", rent, " until the last date, what is not used back"),
    ];
    for (name, amount, words) in items.iter().filter(|item| item.1 != Amount::ZERO) {
        write!(out, "\n    {name:<12}{}{words}", currency.show(*amount))?;
    }
    Ok(())
}

/// Reads a draft and its files, and plays the opening through the market's own rules.
///
/// - Errors: what is missing; the market's refusal of such terms or of the base model
pub async fn plan(session: &Session, draft: &TermsDraft) -> Result<Plan> {
    let (currency, _) = session.money(terms::award_money(draft)?).await?;
    let files = terms::read_files(draft)?;
    let now = session.now().await?;
    // Its own clock stands still since its last input.
    let market = QuoteView { now, ..session.quote().await? };
    let metric = terms::metric(draft);
    let hold_out = quote(&files.base, &files.hold_out, metric)?;
    let slice = files.public_slice.as_ref().map(|slice| quote(&files.base, slice, metric));
    let slice = slice.transpose()?;
    let sealed = terms::is_sealed(draft).then(|| trial_seal(&files.hold_out));
    let known = Known {
        settings: &market.settings,
        reserved_bytes: market.reserved_bytes,
        currency: &currency,
        now,
        rows: hold_out.rows,
        base_work: slice.map_or(hold_out.work, |slice| slice.work.max(hold_out.work)),
        sealed: sealed.as_ref().map(|(sealed, _)| *sealed),
    };
    let planned = terms::terms(draft, &files, &known)?;
    let refused = |why: market::Refusal| Refused((&why).into());
    planned.check(&market.settings, now).map_err(refused)?;
    let stake = planned.sponsor_stake(&market.settings, market.now, market.reserved_bytes);
    let stake = stake.map_err(refused)?;
    let total = stake.total().map_err(refused)?;
    let rehearsal = rehearsed(session, &market, &planned, &files, sealed).await?;
    terms::check_gain(planned.offer.min_gain, rehearsal.base.score)?;
    let salt = vault::random().into();
    let plan = Plan { terms: planned, stake, total, salt, files, rehearsal, currency };
    session.talk.say(format_args!(
        "the base model scores {} (worst class {}) on the hold-out and takes {} instructions",
        percent(rehearsal.base.score),
        percent(rehearsal.base.worst_class),
        rehearsal.quote.work
    ));
    let places = count(planned.places.into(), "place");
    session.talk.say(format_args!("it has {places} and closes {}", until(planned.close, now)));
    if !planned.sealing.is_sealed() {
        session.talk.say("its hold-out becomes public: models can be trained on it");
    }
    session.talk.say(&plan);
    Ok(plan)
}

/// Plays the opening, with all blobs at hand.
async fn rehearsed(
    session: &Session,
    market: &QuoteView,
    terms: &Terms,
    files: &JobFiles,
    sealed: Option<(SealedBlob, Vec<u8>)>,
) -> Result<JobRehearsal> {
    let plain = [Some(&files.base), Some(&files.hold_out), files.public_slice.as_ref()];
    let plain = plain.into_iter().flatten().map(|file| (file.blob.cid(), file.bytes.clone()));
    let sealed = sealed.map(|(sealed, bytes)| (sealed.ciphertext.cid(), bytes));
    let drive: Drive = plain.chain(sealed).collect();
    let (talk, settings, now) = (session.talk, market.settings.clone(), market.now);
    let (terms, hold_out) = (*terms, files.hold_out.blob);
    native::in_background(move || {
        rehearsal::rehearse_job(&talk, &settings, now, &terms, hold_out, &drive)
    })
    .await
}

/// What evaluating the base model on a dataset takes.
fn quote(model: &File, data: &File, metric: Metric) -> Result<Quote> {
    let evaluation = Evaluation {
        model: Blob { cid: model.blob.cid(), bytes: &model.bytes },
        hold_out: Blob { cid: data.blob.cid(), bytes: &data.bytes },
        metric,
        rows: None,
    };
    Ok(Evaluator::new().quote(&evaluation).map_err(|why| Refused::new("EvaluationError", why))?)
}

/// A ciphertext of the right length, with a key that is thrown away.
fn trial_seal(hold_out: &File) -> (SealedBlob, Vec<u8>) {
    let commitment = Digest([0; 32]);
    let bytes = blobs::seal(&[0; 32], commitment, &hold_out.bytes);
    (SealedBlob { commitment, ciphertext: blobs::blob_ref(&bytes, files::PROFILE) }, bytes)
}

/// A job that is ready to be opened: its command, and what is published then.
struct Opening {
    job: JobId,
    command: Command,
    uploads: Vec<(Slot, BlobRef, Vec<u8>)>,
}

impl Opening {
    /// Seals the hold-out if the job is sealed; its key is kept before this returns.
    async fn new(session: &Session, sender: &Sender, vault: &Vault, plan: &Plan) -> Result<Self> {
        let Plan { files, salt, .. } = plan;
        let mut terms = plan.terms;
        let mut uploads = vec![(Slot::BaseModel, files.base.blob, files.base.bytes.clone())];
        let slice = files.public_slice.iter();
        uploads.extend(slice.map(|file| (Slot::PublicSlice, file.blob, file.bytes.clone())));
        let mut bytes = files.hold_out.bytes.clone();
        if let Sealing::Sealed { hold_out, .. } = &mut terms.sealing {
            let scope = Scope::HoldOut(salt.0);
            let seal = seals::seal(session, sender, vault, scope, &files.hold_out).await?;
            (*hold_out, bytes) = seal.sealed(&files.hold_out.bytes);
        }
        uploads.push((Slot::HoldOut, terms.sealing.published_hold_out(), bytes));
        let app = to_market(session.application());
        let (chain_id, sponsor) = (session.chain.chain_id().await?, to_market(sender.address()));
        let job = wire::job_name(chain_id, app, sponsor, salt.0, &terms);
        if let Sealing::Sealed { hold_out, .. } = terms.sealing {
            seals::note_job(vault, hold_out.commitment, job)?;
        }
        let command = Command::OpenJob { job, salt: salt.0, terms: Box::new(terms) };
        Ok(Self { job, command, uploads })
    }
}

/// A job that was opened.
#[derive(Clone, Debug, Serialize)]
pub struct Opened {
    /// Its name.
    #[serde(serialize_with = "as_text")]
    pub job: JobId,
    /// Its number, for display.
    pub number: u32,
    /// The base model's score, in parts per million: on the hold-out, or while that is sealed on
    /// the public slice.
    #[serde(serialize_with = "as_ppm")]
    pub base_score: Score,
    /// The recall of its worst class, in parts per million.
    #[serde(serialize_with = "as_ppm")]
    pub base_worst_class: Score,
    /// What is in escrow.
    #[serde(with = "wire::json")]
    pub stake: SponsorStake,
    /// The base model's CID.
    #[serde(serialize_with = "as_text")]
    pub base_model: Cid,
    /// The hold-out's CID as it is published: of a sealed one, the ciphertext's.
    #[serde(serialize_with = "as_text")]
    pub hold_out: Cid,
    /// What it cost.
    #[serde(flatten)]
    pub spent: Spent,
    #[serde(skip)]
    currency: Currency,
    #[serde(skip)]
    is_sealed: bool,
}

impl fmt::Display for Opened {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job, number, stake, currency, spent, .. } = self;
        write!(out, "job {number} is open: {job}")?;
        fmt_stake(out, stake, currency)?;
        let (score, worst) = (percent(self.base_score), percent(self.base_worst_class));
        writeln!(out, "\n  base model  {} ({score}, worst class {worst})", self.base_model)?;
        writeln!(out, "  hold-out    {}", self.hold_out)?;
        write!(out, "  {spent}")?;
        if self.is_sealed {
            write!(out, "\n  reveal the hold-out after the close: `deml job reveal {number}`")?;
        }
        Ok(())
    }
}

/// Opens the job that the arguments describe, or says what would be sent.
pub async fn run(config: &Config, open: args::JobOpen) -> Result<Ending> {
    let session = config.session()?;
    let mut plan = plan(&session, &terms::draft(&open)?).await?;
    if let Some(salt) = open.salt {
        plan.salt = salt;
    }
    if open.dry_run {
        config.talk.answer(&plan)?;
        return Ok(Ending::Done);
    }
    let (sender, vault) = config.signer(&session).await?;
    if open.sending.calldata {
        let Opening { job, command, uploads } =
            Opening::new(&session, &sender, &vault, &plan).await?;
        let price = (&plan.currency, plan.total);
        let lacking = funding::lacking(&session, sender.address(), price).await?;
        let mut calldata = Calldata::paid(plan.terms.asset, lacking, &command);
        for (slot, _, bytes) in uploads {
            calldata = calldata.then(&delivery::chunks_from(job, slot, &bytes, 0)?);
        }
        return calldata.answer(&config.talk);
    }
    let funding = Funding::new(open.from_balance);
    config.talk.answer(&self::open(&session, &sender, &vault, &plan, funding).await?)?;
    Ok(Ending::Done)
}

/// Opens a planned job and brings it to where it takes submissions.
///
/// - Errors: `WalletTooSmall`, or the market's refusal; a deposit stands all the same
pub async fn open(
    session: &Session,
    sender: &Sender,
    vault: &Vault,
    plan: &Plan,
    funding: Funding,
) -> Result<Opened> {
    let Plan { terms, files, currency, total, rehearsal, .. } = plan;
    let Opening { job, command, uploads } = Opening::new(session, sender, vault, plan).await?;
    let mut spent = Spent::default();
    let price = (currency, *total);
    let opening = send_paid(session, sender, price, &command, funding, &mut spent).await?;
    let opening = opening.accepted()?;
    let opened = opening.notices.iter().find_map(|notice| match notice {
        Notice::JobOpened { job: of, number, stake, .. } if *of == job => Some((*number, *stake)),
        _ => None,
    });
    let (number, stake) = opened.context("the market opened the job without a notice")?;
    session.talk.say(format_args!("job {number} is {job}"));
    let mut public = vec![&files.base];
    public.extend(&files.public_slice);
    public.extend((!terms.sealing.is_sealed()).then_some(&files.hold_out));
    for file in public {
        session.store.put(&file.bytes, file.blob.profile).await?;
    }
    let mut notices = opening.notices;
    let mut hold_out = terms.sealing.published_hold_out().cid();
    for (slot, blob, bytes) in uploads {
        let key = SlotKey { slot, submission: None };
        if slot == Slot::HoldOut {
            hold_out = blob.cid();
        }
        if let Holding::Part { .. } = delivery::holding(session, job, key).await? {
            let delivered = delivery::deliver(session, sender, (job, key), blob, &bytes).await?;
            say_delivered(session, &delivered);
            spent.absorb(delivered.spent);
            notices = delivered.completed.map_or(notices, |last| last.notices);
        }
    }
    let budget = &mut Budget::default();
    budget.inputs = budget.inputs.max(rehearsal.inputs.saturating_add(2));
    let base = match terms.sample_rows() {
        // Beyond the machine, the job opens with its bytes; the score is this computer's.
        Some(_) => (rehearsal.base.score, rehearsal.base.worst_class),
        None => ready(session, sender, job, notices, budget, &mut spent).await?,
    };
    Ok(Opened {
        job,
        number,
        base_score: base.0,
        base_worst_class: base.1,
        stake,
        base_model: terms.offer.base_model.cid(),
        hold_out,
        spent,
        currency: currency.clone(),
        is_sealed: terms.sealing.is_sealed(),
    })
}

fn say_delivered(session: &Session, delivered: &Delivered) {
    let Delivered { cid, size, had, chunks, .. } = delivered;
    let kept = if *had > 0 { format!(", {had} were there") } else { String::new() };
    let chunks = count(*chunks as u64, "chunk");
    session.talk.say(format_args!("published {cid}: {size} bytes in {chunks}{kept}"));
}

/// The base model's score and worst class, once the market has them; its evaluation is carried on.
///
/// - Errors: the job was cancelled, with the reason; more inputs are needed than were foreseen
async fn ready(
    session: &Session,
    sender: &Sender,
    job: JobId,
    mut notices: Vec<Notice>,
    budget: &mut Budget,
    spent: &mut Spent,
) -> Result<(Score, Score)> {
    if outcome(job, &notices).is_none() {
        let evaluated = evaluate::carry_on(session, sender, job, Target::Base, budget).await?;
        spent.absorb(evaluated.spent.clone());
        notices.extend(evaluated.notices.iter().cloned());
    }
    let Some(outcome) = outcome(job, &notices) else {
        bail!("the base model is not scored yet: go on with `deml job evaluate {job} --base`");
    };
    outcome
}

fn outcome(job: JobId, notices: &[Notice]) -> Option<Result<(Score, Score)>> {
    notices.iter().find_map(|notice| match notice {
        Notice::JobReady { job: of, base } if *of == job => {
            Some(Ok((base.score, base.worst_class)))
        }
        Notice::JobEnded { job: of, reason, .. } if *of == job => {
            Some(Err(Refused::new("JobCancelled", &reason.0).into()))
        }
        _ => None,
    })
}
