//! `deml job reveal`: reveals an account's sealed model, or the sponsor's hold-out.

use std::{fmt, time::Duration};

use anyhow::Result;
use clap::Args;
use client::{
    chain::Sender,
    convert::to_market,
    jobs::JobRef,
    printer::{ExitStatus, Refused},
    quantity::until,
    seals::{self, Seal},
    session::{Session, TransactionCost},
    vault::Vault,
};
use market::{Command, JobId, SubmittedModel, Timestamp};
use serde::Serialize;
use wire::{JobView, Notice};

use crate::{
    commands::{
        job::evaluate,
        sending::{Calldata, Sending},
    },
    config::Config,
};

/// Arguments of `deml job reveal`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  deml --account 2 job reveal 0 --wait

Who does not reveal in time loses the place bond; a sponsor loses its bond and the award.")]
pub struct Reveal {
    /// The job: its number, or its name: 0x and at least its first 8 digits
    pub job: JobRef,
    /// Wait until keys are accepted
    #[arg(long)]
    pub wait: bool,
    /// Options for sending.
    #[command(flatten)]
    pub sending: Sending,
}

/// A revealed blob.
#[derive(Clone, Debug, Serialize)]
pub struct Revealed {
    /// The job.
    pub job: JobId,
    /// Its number, for display.
    pub number: u32,
    /// The submission; `None` for the hold-out.
    pub submission: Option<u32>,
    /// The plain blob.
    pub plain: blobs::Cid,
    /// Transaction cost.
    #[serde(flatten)]
    pub spent: TransactionCost,
}

impl fmt::Display for Revealed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, submission, plain, spent, .. } = self;
        match submission {
            Some(submission) => {
                writeln!(
                    out,
                    "submission {submission} to job {number} is open; its place bond is safe"
                )?;
            }
            None => {
                writeln!(out, "the hold-out of job {number} is open; the sponsor's bond is safe")?
            }
        }
        writeln!(out, "  {plain}")?;
        write!(out, "  {spent}")
    }
}

/// This account's sealed blobs of a job.
struct Sealed {
    view: JobView,
    submission: Option<u32>,
    seal: Seal,
}

impl Sealed {
    async fn find(
        session: &Session,
        vault: &Vault,
        account: market::Address,
        job: impl Into<JobRef>,
    ) -> Result<Self> {
        let view = session.job(job).await?;
        if let market::Sealing::Sealed { hold_out, .. } = view.terms.sealing
            && view.sponsor == account
        {
            let seal = seals::find(vault, hold_out.commitment)?;
            return Ok(Self { view, submission: None, seal });
        }
        let number = view.number;
        let own = evaluate::submission_of(session, view.job, account).await?;
        let Some(own) = own else {
            let why = format_args!("{account} has submitted nothing to job {number}");
            return Err(Refused::new("NotSubmitted", why).into());
        };
        let SubmittedModel::Sealed(sealed) = own.submitted else {
            let why = format_args!("nothing in job {number} is sealed");
            return Err(Refused::new("NotSealed", why).into());
        };
        let seal = seals::find(vault, sealed.commitment)?;
        Ok(Self { view, submission: Some(own.submission), seal })
    }

    fn command(&self) -> Result<Command> {
        let opening = self.seal.opening();
        let (key, salt, plaintext) = (opening.key, opening.salt, opening.plain);
        Ok(Command::Reveal { job: self.view.job, key, salt, plaintext })
    }
}

/// Reveals, or prints what would be sent.
pub async fn run(config: &Config, reveal: Reveal) -> Result<ExitStatus> {
    let session = config.session()?;
    let (sender, vault) = config.signer(&session).await?;
    if reveal.sending.calldata {
        let account = to_market(sender.address());
        let sealed = Sealed::find(&session, &vault, account, &reveal.job).await?;
        return Calldata::inputs([&sealed.command()?]).answer(&config.printer);
    }
    let revealed = self::reveal(&session, &sender, &vault, &reveal.job, reveal.wait).await?;
    config.printer.answer(&revealed)?;
    Ok(ExitStatus::Done)
}

/// Reveals the key of this account's sealed blob of a job; with `wait`, once the job closes.
///
/// - Errors: the key is not on this computer; `NotYet`, or the market's refusal
pub async fn reveal(
    session: &Session,
    sender: &Sender,
    vault: &Vault,
    job: impl Into<JobRef>,
    wait: bool,
) -> Result<Revealed> {
    let sealed = Sealed::find(session, vault, to_market(sender.address()), job).await?;
    let close = sealed.view.windows.close;
    if wait {
        wait_until(session, close).await?;
    } else {
        let now = session.moment().await?;
        if now < close {
            let why = format_args!("keys are taken {}: --wait waits until then", until(close, now));
            return Err(Refused::new("NotYet", why).into());
        }
    }
    let (processed, spent) = session.carry_out(sender, &sealed.command()?).await?;
    let opens = |notice: &Notice| {
        matches!(notice, Notice::ModelRevealed { .. } | Notice::HoldOutRevealed { .. })
    };
    if !processed.notices.iter().any(opens) {
        let why = "what was published does not hold what was committed to: the bond is lost";
        return Err(Refused::new("WrongContent", why).into());
    }
    let Sealed { view, submission, seal } = sealed;
    seals::note_revealed(vault, blobs::Digest(seal.commitment.0))?;
    // It is public now, so it can be served from here, too.
    let plain = seal.opening().plain;
    if let Ok(bytes) = std::fs::read(&seal.file)
        && blobs::blob_ref(&bytes, plain.profile) == plain
    {
        session.store.put(&bytes, plain.profile).await?;
    }
    let JobView { job, number, .. } = view;
    Ok(Revealed { job, number, submission, plain: plain.cid(), spent })
}

/// Waits until a block produced now would have at least this timestamp.
async fn wait_until(session: &Session, moment: Timestamp) -> Result<()> {
    let mut is_said = false;
    loop {
        let now = session.moment().await?;
        if now >= moment {
            return Ok(());
        }
        if !is_said {
            session.printer.say(format_args!("waiting: it closes {}", until(moment, now)));
            is_said = true;
        }
        tokio::time::sleep(session.patience.pause.max(Duration::from_millis(200))).await;
    }
}
