//! `deml submit`: computes the verdict and prints the maximum cost first; then it commits to the
//! model, whose bytes leave this computer only once the commitment is final.

mod answer;
mod plan;
mod rounding;

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use blobs::BlobRef;
use clap::Args;
use client::{
    chain::Sender,
    convert::to_market,
    delivery, earlier,
    files::{self, File},
    jobs::JobRef,
    printer::{ExitStatus, Refused},
    quantity::{count, percent},
    seals::{self, Scope},
    session::{Session, TransactionCost},
    vault::Vault,
};
use market::{Command, JobId, Refusal, Slot, SlotKey, SubmittedModel, Target, Verdict};
use trainer::local;
use wire::{JobView, Notice, SubmissionStateView, SubmissionView};

pub use self::{answer::Submitted, plan::Plan, rounding::round};
use crate::{
    budget::{Budget, Caps},
    commands::{
        funding::{Funding, send_paid},
        job::evaluate,
        sending::Sending,
    },
    config::Config,
    deltas,
    rehearsal::{self, Drive, Rehearsal},
    terms,
};

/// Arguments of `deml submit`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  deml --account 2 submit --job 0 --model better.onnx --data mine.csv

It says what it may cost before it begins. Of the data only a CID is sent; of a sealed job's model
only a ciphertext, whose key stays on this computer: reveal it after the close with `deml job
reveal`, or lose the place bond. An interrupted submission goes on where it stopped.

A model whose weights are few steps from the base model's is sent as that difference, in a tenth of
the gas. With --delta the change is rounded to such steps first, as coarsely as the score allows:
another model, which is written beside the file and is the one that is submitted.")]
pub struct Submit {
    /// The job: its number, or its name: 0x and at least its first 8 digits
    #[arg(long)]
    pub job: JobRef,
    /// ONNX file
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// Training data; its bytes are not sent [default: not stated]
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// Round the change from the base model, and submit the model that this gives
    #[arg(long)]
    pub delta: bool,
    /// Submit even if the local checks say it will be refused
    #[arg(long)]
    pub force: bool,
    /// Also advance earlier submissions that must be decided before this one
    #[arg(long)]
    pub evaluate_earlier: bool,
    /// Pay from the free balance in the market, without a deposit
    #[arg(long)]
    pub from_balance: bool,
    /// Limits on sending and paying.
    #[command(flatten)]
    pub caps: Caps,
    /// Options for sending.
    #[command(flatten)]
    pub sending: Sending,
}

/// A submission to make.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// The job.
    pub job: JobRef,
    /// The model.
    pub model: &'a File,
    /// Its training data; only its reference is sent.
    pub data: BlobRef,
    /// Submit even if it will be refused.
    pub force: bool,
    /// Also advance earlier submissions that must be decided first.
    pub evaluates_earlier: bool,
    /// Pay from the free balance alone.
    pub from_balance: bool,
}

impl<'a> Entry<'a> {
    /// The usual submission: paid by a deposit, with unstated training data.
    #[must_use]
    pub fn new(job: impl Into<JobRef>, model: &'a File) -> Self {
        Self {
            job: job.into(),
            model,
            data: blobs::blob_ref(&[], files::PROFILE),
            force: false,
            evaluates_earlier: false,
            from_balance: false,
        }
    }
}

/// The commitment to a model, and the blob to publish.
struct Publication {
    submitted: SubmittedModel,
    bytes: Vec<u8>,
    /// The base model, if chunks may be deltas of it.
    base: Option<Vec<u8>>,
}

impl Publication {
    /// The commands that publish what follows the first `received` bytes.
    fn chunks(&self, job: JobId, received: u64) -> Result<Vec<Command>> {
        let files = (self.base.as_deref(), self.bytes.as_slice());
        deltas::chunks(job, Slot::Submission, files, received)
    }
}

/// Submits, or prints what would be sent.
pub async fn run(config: &Config, submit: Submit) -> Result<ExitStatus> {
    let mut model = files::read(&submit.model)?;
    let session = config.session()?;
    if submit.delta {
        let view = session.job(&submit.job).await?;
        model = round(&session, &view, model).await?;
    }
    let data = submit.data.as_deref().map(files::read).transpose()?.map(|file| file.blob);
    let fresh = Entry::new(&submit.job, &model);
    let entry = Entry {
        data: data.unwrap_or(fresh.data),
        force: submit.force,
        evaluates_earlier: submit.evaluate_earlier,
        from_balance: submit.from_balance,
        ..fresh
    };
    let (sender, vault) = config.signer(&session).await?;
    let view = session.job(&entry.job).await?;
    let budget = &mut Budget::new(&session, &submit.caps, view.terms.asset).await?;
    if submit.sending.calldata {
        let publication = publication(&session, &sender, &vault, &view, &entry).await?;
        let plan = Plan::new(&session, &sender, &view, &publication, &entry, budget).await?;
        return plan.calldata(&view, &publication).answer(&config.printer);
    }
    let submitted = self::submit(&session, &sender, &vault, &entry, budget).await?;
    config.printer.answer(&submitted)?;
    Ok(submitted.exit_status())
}

/// A job's base model, and the dataset that models can be evaluated on now: the hold-out, or the
/// public slice while that is sealed; from the store.
///
/// - Errors: the store does not have them
pub async fn job_bytes(session: &Session, job: &JobView) -> Result<(BlobRef, Drive)> {
    let decides = job.hold_out.or_else(|| job.terms.opening_dataset());
    let decides = decides.context("the job has no dataset that is public")?;
    let mut drive = Drive::new();
    for (blob, what) in [(job.terms.offer.base_model, "base model"), (decides, "dataset")] {
        let bytes = session.store.get(blob.cid(), blob.size).await.with_context(|| {
            format!("the {what} of job {} is needed: say with --ipfs where it is", job.number)
        })?;
        drive.insert(blob.cid(), bytes);
    }
    Ok((decides, drive))
}

/// The market's expected verdict on a model, by the terms and the visible state of the job.
///
/// - Errors: the market's refusal, without any gas
pub async fn rehearse(session: &Session, job: &JobView, model: &File) -> Result<Rehearsal> {
    let (decides, drive) = job_bytes(session, job).await?;
    let (settings, printer, terms) = (session.settings().await?, session.printer, job.terms);
    let (blob, bytes) = (model.blob, model.bytes.clone());
    local::in_background(move || {
        rehearsal::rehearse(&printer, &settings, &terms, decides, &drive, (blob, &bytes))
    })
    .await
}

/// Enters a model, publishes it, and advances its evaluation; resumes an interrupted submission.
///
/// - Errors: the model would be refused, unless forced; the market's refusal
pub async fn submit(
    session: &Session,
    sender: &Sender,
    vault: &Vault,
    entry: &Entry<'_>,
    budget: &mut Budget,
) -> Result<Submitted> {
    let view = session.job(&entry.job).await?;
    let mut spent = TransactionCost::default();
    let is_entry =
        |command: &Command| matches!(command, Command::Submit { job, .. } if *job == view.job);
    // Where models are sealed, the same model entered again would be another one, paid again.
    earlier::go_on(session, sender, is_entry).await?;
    let begun = begun(session, sender, vault, &view, entry.model).await?;
    let (number, publication) = match begun {
        Some(begun) => begun,
        None => enter(session, sender, vault, (&view, entry), budget, &mut spent).await?,
    };
    // The commitment is public and final, so nobody can front-run it. The bytes go only to the very
    // job that was checked.
    let job = session.job(view.job).await?;
    let is_same = (job.number, job.terms) == (view.number, view.terms);
    ensure!(is_same, "job {} is another one than before: do not trust the node", view.number);
    let mut all = Vec::new();
    let blob = publication.submitted.published();
    if !view.terms.sealing.is_sealed() {
        session.store.put(&publication.bytes, blob.profile).await?;
    }
    let own = evaluate::submission(session, view.job, number).await?;
    if own.state == SubmissionStateView::Expecting {
        let key = (view.job, SlotKey::of(Slot::Submission, number));
        let cut = |received| publication.chunks(view.job, received);
        let delivered = delivery::deliver_cut(session, sender, key, blob, cut).await?;
        spent.absorb(delivered.spent);
        all.extend(delivered.completed);
    }
    let target = Target::Submission(number);
    let evaluated = if entry.evaluates_earlier {
        evaluate::carry_on_with_earlier(session, sender, view.job, target, budget).await?
    } else {
        evaluate::carry_on(session, sender, view.job, target, budget).await?
    };
    spent.absorb(evaluated.spent);
    all.extend(evaluated.last);
    let own = evaluate::submission(session, view.job, number).await?;
    let next = evaluated.stopped.words(view.number, target);
    answer::answer(session, &view, (own, entry.model.blob), &all, (spent, next)).await
}

/// This account's submission of this model, if it is interrupted or waiting.
///
/// - Errors: `AlreadySubmitted` of another model, `AlreadyPaid`
async fn begun(
    session: &Session,
    sender: &Sender,
    vault: &Vault,
    view: &JobView,
    model: &File,
) -> Result<Option<(u32, Publication)>> {
    let me = to_market(sender.address());
    let own = evaluate::submission_of(session, view.job, me).await?;
    let Some(SubmissionView { submission, submitted, state, .. }) = own else { return Ok(None) };
    match state {
        SubmissionStateView::Refused => return Ok(None),
        SubmissionStateView::Accepted => return Err(refused(&Refusal::AlreadyPaid { submission })),
        SubmissionStateView::Expecting
        | SubmissionStateView::Sealed
        | SubmissionStateView::Whole => {}
    }
    let base = deltas::base_model(session, view).await;
    let publication = match submitted {
        SubmittedModel::Open { model: blob, .. } => {
            let bytes = || model.bytes.clone();
            (blob == model.blob).then(|| Publication { submitted, bytes: bytes(), base })
        }
        SubmittedModel::Sealed(sealed) => {
            let seal = seals::find(vault, sealed.commitment)?;
            let files = (base.as_deref(), model.bytes.as_slice());
            let bytes = deltas::resealed(&seal, sealed.ciphertext, files);
            bytes.map(|bytes| Publication { submitted, bytes, base: None })
        }
    };
    let Some(publication) = publication else {
        return Err(refused(&Refusal::AlreadySubmitted { submission }));
    };
    session.printer.say(format_args!("going on with submission {submission}"));
    Ok(Some((submission, publication)))
}

/// The commitment to a model and the blob to publish; a seal's key is stored before this returns.
async fn publication(
    session: &Session,
    sender: &Sender,
    vault: &Vault,
    view: &JobView,
    entry: &Entry<'_>,
) -> Result<Publication> {
    let Entry { model, data, .. } = *entry;
    let base = deltas::base_model(session, view).await;
    if !view.terms.sealing.is_sealed() {
        let submitted = SubmittedModel::Open { model: model.blob, data };
        return Ok(Publication { submitted, bytes: model.bytes.clone(), base });
    }
    let seal = seals::seal(session, sender, vault, Scope::Model(view.job), model).await?;
    let delta = deltas::content(base.as_deref(), &model.bytes);
    let (sealed, bytes) = seal.sealed(delta.as_deref().unwrap_or(&model.bytes));
    Ok(Publication { submitted: SubmittedModel::Sealed(sealed), bytes, base: None })
}

/// Commits to a model, with the missing part of its stake.
async fn enter(
    session: &Session,
    sender: &Sender,
    vault: &Vault,
    (view, entry): (&JobView, &Entry<'_>),
    budget: &Budget,
    spent: &mut TransactionCost,
) -> Result<(u32, Publication)> {
    if let Err(why) = check(session, sender, view, entry.model).await {
        if !entry.force || !why.is::<Refused>() {
            return Err(why);
        }
        session.printer.say(format_args!("submitting all the same: {why}"));
    }
    let publication = publication(session, sender, vault, view, entry).await?;
    let plan = Plan::new(session, sender, view, &publication, entry, budget).await?;
    session.printer.say(&plan);
    let funding = Funding::new(entry.from_balance);
    let command = Command::Submit { job: view.job, model: publication.submitted };
    let sent = send_paid(session, sender, plan.price(), &command, funding, spent).await?;
    let me = to_market(sender.address());
    let submission = sent.accepted()?.notices.iter().find_map(|notice| match notice {
        Notice::Submitted { job, submission, client, model, .. }
            if (*job, *client, *model) == (view.job, me, publication.submitted) =>
        {
            Some(*submission)
        }
        _ => None,
    });
    let submission = submission.context("the market took the submission without a notice")?;
    Ok((submission, publication))
}

/// Prints the expected verdict, before any gas is spent.
async fn check(session: &Session, sender: &Sender, view: &JobView, model: &File) -> Result<()> {
    twin::entry::check_open(view, to_market(sender.address()), session.now().await?)
        .map_err(|why| refused(&why))?;
    let Rehearsal { base, verdict, cost, inputs, .. } = rehearse(session, view, model).await?;
    let is_sealed = view.terms.sealing.is_sealed();
    let on = if is_sealed { " on the public slice; the hold-out is sealed" } else { "" };
    if let Some(scores) = verdict.scores() {
        session.printer.say(format_args!(
            "scores {}; the base model {}{on}",
            terms::scores_text(view.terms.offer.measure(), scores),
            percent(base.score)
        ));
    }
    if let Some(cost) = cost {
        let currency = session.currency(view.terms.asset).await;
        session.printer.say(format_args!(
            "its evaluation uses up {} of the stake, and takes {} after its bytes, if nobody else \
             does it; earlier submissions, and whether it is a copy of one, are not known here",
            currency.show(cost),
            count(inputs.into(), "input")
        ));
    }
    match verdict {
        // On the public slice the sponsor's thresholds do not apply.
        Verdict::Refused { scores: Some(_), .. } if is_sealed => Ok(()),
        Verdict::Refused { reason, .. } => Err(Refused((&reason).into()).into()),
        Verdict::Accepted(_) => Ok(()),
    }
}

fn refused(why: &Refusal) -> anyhow::Error {
    Refused(why.into()).into()
}
