//! `deml show`: shows an open model on a job's public board.

use std::{fmt, path::PathBuf};

use anyhow::{Result, ensure};
use clap::Args;
use client::{
    chain::Sender,
    convert::to_market,
    delivery::{self, Delivery},
    files::{self, File},
    jobs::JobRef,
    printer::{ExitStatus, Refused},
    quantity::percent,
    session::{Currency, Session, TransactionCost},
};
use market::{Amount, Command, JobId, Score, Slot, SlotKey, Target};
use serde::Serialize;
use wire::{JobView, Notice};

use crate::{
    budget::{Budget, Caps},
    commands::{
        funding::{Funding, lacking, send_paid},
        job::evaluate::{self, Stopped},
        sending::{Calldata, Sending},
    },
    config::Config,
    deltas,
};

/// Arguments of `deml show`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml --account 2 show --job 0 --model better.onnx")]
pub struct Show {
    /// The job: its number, or its name: 0x and at least its first 8 digits
    #[arg(long)]
    pub job: JobRef,
    /// ONNX file; it becomes public
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
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

/// A shown model.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// The job.
    pub job: JobId,
    /// Its number, for display.
    pub number: u32,
    /// The account's submission.
    pub submission: u32,
    /// The model.
    pub model_cid: blobs::Cid,
    /// The account's new score on the board, in parts per million; `None` if it did not change.
    pub board: Option<u32>,
    /// Reason why it did not.
    pub reason: Option<String>,
    /// Advice on the next step, if it is not evaluated yet.
    pub next: Option<String>,
    /// Transaction cost.
    #[serde(flatten)]
    pub spent: TransactionCost,
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, submission, model_cid, board, reason, next, spent, .. } = self;
        match (board, reason) {
            (Some(score), _) => {
                let score = percent(Score(*score));
                writeln!(out, "the board of job {number} has submission {submission} at {score}")?;
            }
            (None, Some(why)) => writeln!(out, "the board of job {number} stays: {why}")?,
            (None, None) => writeln!(out, "not evaluated yet")?,
        }
        if let Some(next) = next {
            writeln!(out, "  {next}")?;
        }
        writeln!(out, "  model       {model_cid}")?;
        write!(out, "  {spent}")
    }
}

impl Shown {
    /// Exit status of the command.
    #[must_use]
    pub const fn exit_status(&self) -> ExitStatus {
        if self.board.is_some() { ExitStatus::Done } else { ExitStatus::Refused }
    }
}

/// Shows a model, or prints what would be sent.
pub async fn run(config: &Config, show: Show) -> Result<ExitStatus> {
    let model = files::read(&show.model)?;
    let session = config.session()?;
    let view = session.job(&show.job).await?;
    let funding = Funding::new(show.from_balance);
    let sender = config.sender(&session).await?;
    if show.sending.calldata {
        let (currency, stake) = stake(&session, &view).await?;
        let lacking = lacking(&session, sender.address(), (&currency, stake)).await?;
        let deposit = if funding == Funding::Deposit { lacking } else { Amount::ZERO };
        let command = Command::Show { job: view.job, model: model.blob };
        let base = deltas::base_model(&session, &view).await;
        let files = (base.as_deref(), model.bytes.as_slice());
        let chunks = deltas::chunks(view.job, Slot::Shown, files, 0)?;
        let calldata = Calldata::paid(view.terms.asset, deposit, &command).then(&chunks);
        return calldata.answer(&config.printer);
    }
    let budget = &mut Budget::new(&session, &show.caps, view.terms.asset).await?;
    let shown = self::show(&session, &sender, (&show.job, &model), funding, budget).await?;
    config.printer.answer(&shown)?;
    Ok(shown.exit_status())
}

/// Shows a model and advances its evaluation on the public slice until it is decided.
///
/// - Errors: the market's refusal
pub async fn show(
    session: &Session,
    sender: &Sender,
    (job, model): (&JobRef, &File),
    funding: Funding,
    budget: &mut Budget,
) -> Result<Shown> {
    let view = session.job(job).await?;
    let (blob, me) = (model.blob, to_market(sender.address()));
    let own = evaluate::submission_of(session, view.job, me).await?;
    let own = own.ok_or_else(|| {
        Refused::new("NotSubmitted", "submit a model first: who has may show others on the board")
    })?;
    let submission = own.submission;
    let mut spent = TransactionCost::default();
    if own.showing == Some(blob) {
        session.printer.say("going on with the model shown before");
    } else {
        let (currency, stake) = stake(session, &view).await?;
        session.printer.say(format_args!(
            "showing costs {} at most; what its evaluation does not use returns",
            currency.show(stake)
        ));
        let command = Command::Show { job: view.job, model: blob };
        let price = (&currency, stake);
        send_paid(session, sender, price, &command, funding, &mut spent).await?.accepted()?;
    }
    // The model's bytes leave this computer only now that it is committed to.
    ensure!(session.job(view.job).await?.number == view.number, "the node shows another job");
    session.store.put(&model.bytes, blob.profile).await?;
    let key = (view.job, SlotKey::of(Slot::Shown, submission));
    let mut notices = Vec::new();
    if let Delivery::Part { .. } = delivery::holding(session, key.0, key.1).await? {
        let base = deltas::base_model(session, &view).await;
        let files = (base.as_deref(), model.bytes.as_slice());
        let cut = |received| deltas::chunks(view.job, Slot::Shown, files, received);
        let delivered = delivery::deliver_cut(session, sender, key, blob, cut).await?;
        spent.absorb(delivered.spent);
        notices.extend(delivered.completed.into_iter().flat_map(|last| last.notices));
    }
    let target = Target::Shown(submission);
    let evaluated = evaluate::carry_on(session, sender, view.job, target, budget).await?;
    spent.absorb(evaluated.spent);
    notices.extend(evaluated.notices);
    let outcome = notices.into_iter().find_map(|notice| match notice {
        Notice::ShowEvaluated { job, submission: of, model, board }
            if (job, of, model) == (view.job, submission, blob.digest) =>
        {
            Some(board)
        }
        _ => None,
    });
    let is_done = evaluated.stopped == Stopped::Done;
    let next = evaluated.stopped.words(view.number, target).filter(|_| !is_done);
    let (board, reason) = match outcome {
        Some(board) => (board.score.map(|score| score.0), Some(board.reason)),
        None => (None, None),
    };
    let reason = reason.filter(|reason| !reason.is_empty());
    let (job, number, model_cid) = (view.job, view.number, blob.cid());
    Ok(Shown { job, number, submission, model_cid, board, reason, next, spent })
}

/// Maximum cost of showing a model.
async fn stake(session: &Session, view: &JobView) -> Result<(Currency, Amount)> {
    let stake = view.terms.show_stake(&session.settings().await?);
    let stake = stake.map_err(|why| Refused((&why).into()))?;
    Ok((session.currency(view.terms.asset).await, stake))
}
