//! `deml job open`: rehearses everything locally, sends the deposit with the command riding on it,
//! then publishes the job's blobs, until the base model is scored.

use std::{fmt, path::PathBuf};

use alloy::primitives::{Address, B256};
use anyhow::{Context, Result, bail};
use blobs::{BlobRef, Cid};
use clap::Args;
use client::{
    chain::Sender,
    convert::to_market,
    delivery::{self, Delivered, Delivery},
    earlier,
    follow::Processed,
    printer::{ExitStatus, Refused},
    quantity::{count, date_until},
    seals::{self, Scope},
    session::{Currency, Session, TransactionCost},
    vault::{self, Vault},
};
use drafts::stake_items;
use market::{
    Amount, Command, JobId, Measure, Score, Scores, Sealing, Slot, SlotKey, SponsorStake, Target,
    Terms,
};
use serde::Serialize;
use trainer::local;
use wire::Notice;

use crate::{
    budget::Budget,
    commands::{
        funding::{self, Funding, send_paid},
        job::evaluate,
        sending::{Calldata, Sending},
    },
    config::Config,
    effort::Speed,
    rehearsal::{self, JobRehearsal, OpeningFiles},
    terms::{self, JobFiles, TermsDraft},
};

/// Arguments of `deml job open`.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = "\
Examples:
  deml --account 1 job open --title Health --base base.onnx --hold-out holdout.safetensors \\
       --metric accuracy --reward 0.5ether --rewards 2 --min-gain 1% --close 2h
  deml --account 1 job open --title Digits --base base.onnx --hold-out holdout.safetensors \\
       --public-slice slice.safetensors --sealed --miners 5 --prize 10ether --close 7d

All of it is tried on this computer first, and what goes to escrow is shown before anything is sent.
With --sealed the hold-out's key stays on this computer: reveal it after the close with `deml job
reveal`, or the award goes to those who revealed. Give the terms in a file with --terms terms.toml,
keys as the options, in sections [offer], [sealing], [evaluators] and [award].")]
pub struct Open {
    /// TOML or JSON file with these terms
    #[arg(long, value_name = "FILE")]
    pub terms: Option<PathBuf>,
    /// The terms.
    #[command(flatten)]
    pub draft: TermsDraft,
    /// Distinguishes jobs of equal terms [default: random]
    #[arg(long, value_name = "HEX", help_heading = "Sending")]
    pub salt: Option<B256>,
    /// Pay from the free balance in the market, without a deposit
    #[arg(long, help_heading = "Sending")]
    pub from_balance: bool,
    /// Show what goes to escrow, and send nothing
    #[arg(long, help_heading = "Sending")]
    pub dry_run: bool,
    /// Options for sending.
    #[command(flatten, next_help_heading = "Sending")]
    pub sending: Sending,
}

/// A job about to be opened, checked locally.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The terms; a sealed hold-out is sealed again when the job is opened.
    pub terms: Terms,
    /// The stake that goes to escrow, item by item.
    pub stake: SponsorStake,
    /// Its total.
    pub total: Amount,
    /// Distinguishes jobs of equal terms.
    pub salt: B256,
    /// The files.
    #[serde(skip)]
    pub files: JobFiles,
    /// The expected evaluation of the base model.
    #[serde(skip)]
    pub rehearsal: JobRehearsal,
    /// Currency of all amounts.
    #[serde(skip)]
    pub currency: Currency,
}

impl fmt::Display for Plan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "to escrow     {}", self.currency.show(self.total))?;
        fmt_stake(out, &self.stake, &self.currency)
    }
}

/// A sponsor's stake, one item per line.
pub(super) fn fmt_stake(
    out: &mut fmt::Formatter<'_>,
    stake: &SponsorStake,
    currency: &Currency,
) -> fmt::Result {
    stake_items(stake, currency)
        .into_iter()
        .try_for_each(|(name, words)| write!(out, "\n    {name:<12}  {words}"))
}

/// Reads a draft and its files, and rehearses the opening by the market's own rules.
///
/// - Errors: something is missing; the market's refusal of the terms or the base model
pub async fn plan(session: &Session, draft: &TermsDraft) -> Result<Plan> {
    let (currency, _) = session.money(terms::award_money(draft)?).await?;
    let files = terms::read_files(draft)?;
    let quoted = session.quote().await?;
    // One moment for all durations, and not the newest block's, which is old on a quiet chain.
    let now = session.moment().await?;
    let (printer, draft, given) = (session.printer, draft.clone(), files.clone());
    let money = currency.clone();
    let planned = local::in_background(move || {
        let files = OpeningFiles {
            base: &given.base.bytes,
            hold_out: &given.hold_out.bytes,
            public_slice: given.public_slice.as_ref().map(|slice| &*slice.bytes),
        };
        rehearsal::plan(&printer, &quoted, now, &money, &draft, &files)
    });
    let rehearsal::Plan { terms: planned, stake, total, rehearsal } = planned.await?;
    let measure = planned.offer.measure();
    let salt = vault::random().into();
    let plan = Plan { terms: planned, stake, total, salt, files, rehearsal, currency };
    session.printer.say(format_args!(
        "the base model scores {} on the hold-out and takes {} instructions, {:.3} s of a machine",
        terms::scores_text(measure, rehearsal.base),
        rehearsal.quote.work,
        Speed::MEASURED.seconds(&rehearsal.quote)
    ));
    let places = count(planned.places.into(), "place");
    session
        .printer
        .say(format_args!("it has {places} and closes {}", date_until(planned.close, now)));
    if !planned.sealing.is_sealed() {
        session.printer.say("its hold-out becomes public: models can be trained on it");
    }
    session.printer.say(&plan);
    Ok(plan)
}

/// Why a sealed job is not opened for another account.
const NO_KEY: &str = "a sealed hold-out is sealed and revealed with its sponsor's own key: say \
                      --keystore, or open the job without --sealed";

/// A job that is ready to be opened: its terms, its command, and the blobs to publish afterwards.
struct Opening {
    job: JobId,
    terms: Terms,
    command: Command,
    uploads: Vec<(Slot, BlobRef, Vec<u8>)>,
}

impl Opening {
    /// Seals the hold-out if the job is sealed; its key is stored before this returns.
    ///
    /// - Errors: `NoKey` if it is to be sealed, and the sponsor's key is not here
    async fn new(
        session: &Session,
        sponsor: Address,
        keys: Option<(&Sender, &Vault)>,
        plan: &Plan,
    ) -> Result<Self> {
        let Plan { files, salt, .. } = plan;
        let mut terms = plan.terms;
        let mut bytes = files.hold_out.bytes.clone();
        if let Sealing::Sealed { hold_out, .. } = &mut terms.sealing {
            let scope = Scope::HoldOut(salt.0);
            let (sender, vault) = keys.ok_or_else(|| Refused::new("NoKey", NO_KEY))?;
            let seal = seals::seal(session, sender, vault, scope, &files.hold_out).await?;
            (*hold_out, bytes) = seal.sealed(&files.hold_out.bytes);
        }
        let app = to_market(session.application());
        let (chain_id, sponsor) = (session.chain.chain_id().await?, to_market(sponsor));
        let job = wire::job_name(chain_id, app, sponsor, salt.0, &terms);
        if let (Sealing::Sealed { hold_out, .. }, Some((_, vault))) = (terms.sealing, keys) {
            seals::note_job(vault, hold_out.commitment, job)?;
        }
        let command = Command::OpenJob { job, salt: salt.0, terms: Box::new(terms) };
        let uploads = uploads(files, &terms, bytes);
        Ok(Self { job, terms, command, uploads })
    }

    /// The opening that an earlier run of the same command sent, and its results.
    ///
    /// The close, the salt and the keys are others in each run: it would be paid twice.
    async fn earlier(
        session: &Session,
        sender: &Sender,
        vault: &Vault,
        plan: &Plan,
    ) -> Result<Option<(Self, Processed)>> {
        let is_like = |command: &Command| match command {
            Command::OpenJob { terms, .. } => is_same_job(terms, &plan.terms),
            _ => false,
        };
        let sent = earlier::go_on(session, sender, is_like).await?;
        let taken = sent.into_iter().find(|(_, processed)| processed.refusals.is_empty());
        let Some((command, processed)) = taken else { return Ok(None) };
        let Command::OpenJob { job, ref terms, .. } = command else { return Ok(None) };
        let (terms, plain) = (**terms, &plan.files.hold_out.bytes);
        let bytes = match terms.sealing {
            Sealing::Open { .. } => plain.clone(),
            Sealing::Sealed { hold_out, .. } => {
                seals::find(vault, hold_out.commitment)?.sealed(plain).1
            }
        };
        let uploads = uploads(&plan.files, &terms, bytes);
        Ok(Some((Self { job, terms, command, uploads }, processed)))
    }
}

/// The blobs to publish; `hold_out` as it is published.
fn uploads(files: &JobFiles, terms: &Terms, hold_out: Vec<u8>) -> Vec<(Slot, BlobRef, Vec<u8>)> {
    let mut uploads = vec![(Slot::BaseModel, files.base.blob, files.base.bytes.clone())];
    let slice = files.public_slice.iter();
    uploads.extend(slice.map(|file| (Slot::PublicSlice, file.blob, file.bytes.clone())));
    uploads.push((Slot::HoldOut, terms.sealing.published_hold_out(), hold_out));
    uploads
}

/// Whether two runs of one command may have made these terms.
fn is_same_job(one: &Terms, two: &Terms) -> bool {
    let mut other = Terms { close: one.close, places: one.places, ..*two };
    if let (Sealing::Sealed { hold_out, .. }, Sealing::Sealed { hold_out: its, .. }) =
        (one.sealing, &mut other.sealing)
    {
        *its = hold_out;
    }
    *one == other
}

/// An opened job.
#[derive(Clone, Debug, Serialize)]
pub struct Opened {
    /// Its name.
    pub job: JobId,
    /// Its number, for display.
    pub number: u32,
    /// The base model's score, in parts per million: on the hold-out, or on the public slice while
    /// that is sealed.
    pub base_score: Score,
    /// Its score by the threshold's metric, in parts per million.
    pub base_threshold_score: Score,
    /// The stake in escrow.
    pub stake: SponsorStake,
    /// The base model's CID.
    pub base_model: Cid,
    /// CID of the published hold-out; if sealed, of the ciphertext.
    pub hold_out: Cid,
    /// Transaction cost.
    #[serde(flatten)]
    pub spent: TransactionCost,
    #[serde(skip)]
    currency: Currency,
    #[serde(skip)]
    measure: Measure,
    #[serde(skip)]
    is_sealed: bool,
}

impl fmt::Display for Opened {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job, number, stake, currency, spent, .. } = self;
        write!(out, "job {number} is open: {job}")?;
        fmt_stake(out, stake, currency)?;
        let (score, threshold_score) = (self.base_score, self.base_threshold_score);
        let scores = terms::scores_text(self.measure, Scores { score, threshold_score });
        writeln!(out, "\n  base model  {} ({scores})", self.base_model)?;
        writeln!(out, "  hold-out    {}", self.hold_out)?;
        write!(out, "  {spent}")?;
        if self.is_sealed {
            write!(out, "\n  reveal the hold-out after the close: `deml job reveal {number}`")?;
        }
        Ok(())
    }
}

/// Opens the job that the arguments describe, or prints what would be sent.
pub async fn run(config: &Config, open: Open) -> Result<ExitStatus> {
    let session = config.session()?;
    let mut plan = plan(&session, &terms::draft(open.terms.as_deref(), &open.draft)?).await?;
    if let Some(salt) = open.salt {
        plan.salt = salt;
    }
    if open.dry_run {
        config.printer.answer(&plan)?;
        return Ok(ExitStatus::Done);
    }
    if open.sending.calldata && config.signs_elsewhere() {
        let sponsor = config.account(&session).await?;
        let opening = Opening::new(&session, sponsor, None, &plan).await?;
        return print_opening(config, &session, sponsor, opening, &plan).await;
    }
    let (sender, vault) = config.signer(&session).await?;
    if open.sending.calldata {
        let (sponsor, keys) = (sender.address(), Some((&sender, &vault)));
        let opening = Opening::new(&session, sponsor, keys, &plan).await?;
        return print_opening(config, &session, sponsor, opening, &plan).await;
    }
    let funding = Funding::new(open.from_balance);
    config.printer.answer(&self::open(&session, &sender, &vault, &plan, funding).await?)?;
    Ok(ExitStatus::Done)
}

/// Prints what the sponsor is to send.
async fn print_opening(
    config: &Config,
    session: &Session,
    sponsor: Address,
    Opening { job, command, uploads, .. }: Opening,
    plan: &Plan,
) -> Result<ExitStatus> {
    let price = (&plan.currency, plan.total);
    let lacking = funding::lacking(session, sponsor, price).await?;
    let mut calldata = Calldata::paid(plan.terms.asset, lacking, &command);
    for (slot, _, bytes) in uploads {
        calldata = calldata.then(&delivery::chunks_from(job, slot, &bytes, 0)?);
    }
    calldata.answer(&config.printer)
}

/// Opens a planned job and advances it until it takes submissions.
///
/// - Errors: `WalletTooSmall`, or the market's refusal; a deposit stands all the same
pub async fn open(
    session: &Session,
    sender: &Sender,
    vault: &Vault,
    plan: &Plan,
    funding: Funding,
) -> Result<Opened> {
    let Plan { files, currency, total, rehearsal, .. } = plan;
    let mut spent = TransactionCost::default();
    let (Opening { job, terms, uploads, .. }, opening) =
        match Opening::earlier(session, sender, vault, plan).await? {
            Some(earlier) => earlier,
            None => {
                let keys = Some((sender, vault));
                let opening = Opening::new(session, sender.address(), keys, plan).await?;
                let (price, command) = ((currency, *total), &opening.command);
                // The rehearsal may have taken a while.
                terms::check(&plan.terms, &session.settings().await?, session.moment().await?)?;
                let sent = send_paid(session, sender, price, command, funding, &mut spent).await?;
                (opening, sent.accepted()?)
            }
        };
    let opened = opening.notices.iter().find_map(|notice| match notice {
        Notice::JobOpened { job: of, number, stake, .. } if *of == job => Some((*number, *stake)),
        _ => None,
    });
    let (number, stake) = opened.context("the market opened the job without a notice")?;
    session.printer.say(format_args!("job {number} is {job}"));
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
        if let Delivery::Part { .. } = delivery::holding(session, job, key).await? {
            let delivered = delivery::deliver(session, sender, (job, key), blob, &bytes).await;
            let delivered = delivered.with_context(|| {
                format!("job {number} is paid for and lacks files: `deml data publish` goes on")
            })?;
            say_delivered(session, &delivered);
            spent.absorb(delivered.spent);
            notices = delivered.completed.map_or(notices, |last| last.notices);
        }
    }
    let budget = &mut Budget::default();
    budget.inputs = budget.inputs.max(rehearsal.inputs.saturating_add(2));
    let base = match terms.sample_rows() {
        // Where the machine only samples, the job opens with its bytes; the score is the local one.
        Some(_) => rehearsal.base,
        None => ready(session, sender, job, notices, budget, &mut spent).await?,
    };
    Ok(Opened {
        job,
        number,
        base_score: base.score,
        base_threshold_score: base.threshold_score,
        stake,
        base_model: terms.offer.base_model.cid(),
        hold_out,
        spent,
        currency: currency.clone(),
        measure: terms.offer.measure(),
        is_sealed: terms.sealing.is_sealed(),
    })
}

fn say_delivered(session: &Session, delivered: &Delivered) {
    let Delivered { cid, size, had, chunks, .. } = delivered;
    let kept = if *had > 0 { format!(", {had} were there") } else { String::new() };
    let chunks = count(*chunks as u64, "chunk");
    session.printer.say(format_args!("published {cid}: {size} bytes in {chunks}{kept}"));
}

/// The base model's scores, once the market has them; advances its evaluation.
///
/// - Errors: the job was cancelled, with the reason; more inputs are needed than predicted
async fn ready(
    session: &Session,
    sender: &Sender,
    job: JobId,
    mut notices: Vec<Notice>,
    budget: &mut Budget,
    spent: &mut TransactionCost,
) -> Result<Scores> {
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

fn outcome(job: JobId, notices: &[Notice]) -> Option<Result<Scores>> {
    notices.iter().find_map(|notice| match notice {
        Notice::JobReady { job: of, base } if *of == job => Some(Ok(*base)),
        Notice::JobEnded { job: of, reason, .. } if *of == job => {
            Some(Err(Refused::new("JobCancelled", reason).into()))
        }
        _ => None,
    })
}
