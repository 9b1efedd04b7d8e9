//! `deml message send`: writes to a job's sponsor, or as its sponsor to a client.

use std::{
    fmt,
    io::Read as _,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context as _, Result};
use clap::Args;
use client::{
    convert,
    convert::to_market,
    files,
    inbox::Inbox,
    jobs::JobRef,
    printer::{ExitStatus, Refused},
    session::{Session, TransactionCost},
    vault,
};
use market::{Command, JobId};
use messages::{Binding, MAX_TEXT_BYTES, PublicKey, padded_bytes};
use serde::Serialize;
use wire::{JobView, SubmissionView};

use super::mailbox::Mailbox;
use crate::{
    commands::{
        job::evaluate,
        sending::{Calldata, Sending},
    },
    config::Config,
};

/// Arguments of `deml message send`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  deml --account 2 message send 0 --to sponsor \"Are the images of one camera?\"
  deml --account 1 message send 0 --to 0x… < answer.txt
  deml --keystore alice --as 0x… message send 0 --to 0x… --file answer.txt --calldata

Everybody sees who writes to whom about which job, when, and how long in steps of 256 bytes; the
text can be read by the recipient alone. Who has submitted nothing to a job cannot write about it.")]
pub struct Send {
    /// The job: its number, or its name: 0x and at least its first 8 digits
    pub job: JobRef,
    /// The recipient: `sponsor`, or a client's address
    #[arg(long, value_name = "ADDRESS")]
    pub to: Recipient,
    /// The text; without it and without --file, standard input
    pub text: Option<String>,
    /// A file with the text
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    pub file: Option<PathBuf>,
    /// Options for sending.
    #[command(flatten)]
    pub sending: Sending,
}

/// Whom a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// The job's sponsor.
    Sponsor,
    /// This account.
    Account(market::Address),
}

impl FromStr for Recipient {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "sponsor" {
            return Ok(Self::Sponsor);
        }
        Ok(Self::Account(to_market(convert::address(text)?)))
    }
}

/// A sent message.
#[derive(Clone, Debug, Serialize)]
pub struct SentMessage {
    /// The job.
    pub job: JobId,
    /// The submission that it is about.
    pub submission: u32,
    /// Its recipient.
    pub to: market::Address,
    /// Its number among those to this recipient about the submission.
    pub sequence: u32,
    /// What everybody sees of its length.
    pub padded_bytes: usize,
    /// Transaction cost.
    #[serde(flatten)]
    pub spent: TransactionCost,
}

impl fmt::Display for SentMessage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { submission, to, sequence, padded_bytes, spent, .. } = self;
        writeln!(
            out,
            "message {sequence} about submission {submission} is sent to {to}, which alone can \
             read it; all see {padded_bytes} bytes"
        )?;
        write!(out, "  {spent}")
    }
}

/// A message before it is encrypted.
struct Draft {
    binding: Binding,
    key: PublicKey,
}

/// Sends a message, or prints what would be sent.
///
/// - Errors: `NotParty`, `NoKey`; the text is too long; the market's refusal
pub async fn run(config: &Config, send: Send) -> Result<ExitStatus> {
    let session = config.session()?;
    let text = text(&send)?;
    let view = session.job(&send.job).await?;
    let mut mailbox = Mailbox::open(config, &session).await?;
    let inbox = Inbox::read(&session.chain, session.application()).await?;
    let draft = draft(&session, &inbox, &view, mailbox.account, send.to).await?;
    if inbox.key_of(mailbox.account).is_none() {
        session.printer.say(
            "nobody can answer: this account has published no key; `deml message publish` does",
        );
    }
    let Draft { binding, key } = draft;
    let ciphertext = binding.seal(key, vault::random(), &text)?;
    let Binding { job, submission, to, sequence, .. } = binding;
    let padded_bytes = padded_bytes(&ciphertext);
    mailbox.note_sent(&ciphertext, &text)?;
    let command = Command::SendMessage { job, submission, sequence, ciphertext };
    if send.sending.calldata {
        return Calldata::inputs([&command]).answer(&config.printer);
    }
    let sender = config.sender(&session).await?;
    let (_, spent) = session.carry_out(&sender, &command).await?;
    let sent = SentMessage { job, submission, to, sequence, padded_bytes, spent };
    config.printer.answer(&sent)?;
    Ok(ExitStatus::Done)
}

/// The text as it was given.
///
/// - Errors: it cannot be read; it is too long; it is not UTF-8
fn text(send: &Send) -> Result<String> {
    let most = MAX_TEXT_BYTES as u64;
    let bytes = match (&send.text, &send.file) {
        (Some(text), _) => return Ok(text.clone()),
        (None, Some(file)) if file != Path::new("-") => files::read_within(file, most)?,
        (None, _) => {
            let mut bytes = Vec::new();
            let read = std::io::stdin().take(most + 1).read_to_end(&mut bytes);
            read.context("cannot read the text from standard input")?;
            bytes
        }
    };
    let text = String::from_utf8(bytes).context("a message is a text in UTF-8")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// Between whom a message goes, and the recipient's key.
///
/// - Errors: `NotParty`, `NoKey`
async fn draft(
    session: &Session,
    inbox: &Inbox,
    view: &JobView,
    from: market::Address,
    recipient: Recipient,
) -> Result<Draft> {
    let (job, sponsor) = (view.job, view.sponsor);
    let to = match recipient {
        Recipient::Sponsor => sponsor,
        Recipient::Account(account) => account,
    };
    let is_sponsor = from == sponsor;
    let client = if is_sponsor { to } else { from };
    let about = evaluate::submission_of(session, job, client).await?;
    let Some(about) = about.filter(|_| (to == sponsor) != is_sponsor) else {
        return Err(not_party(view, from, to).into());
    };
    let SubmissionView { submission, messages, .. } = about;
    let sequence = if is_sponsor { messages.from_sponsor } else { messages.from_client };
    let Some(published) = inbox.key_of(to) else {
        let why = format_args!(
            "{to} has published no key to encrypt for: it runs `deml message publish` first"
        );
        return Err(Refused::new("NoKey", why).into());
    };
    let app = to_market(session.application());
    let chain_id = session.chain.chain_id().await?;
    let binding = Binding { chain_id, app, job, submission, from, to, sequence };
    Ok(Draft { binding, key: PublicKey(published.key) })
}

fn not_party(view: &JobView, from: market::Address, to: market::Address) -> Refused {
    let JobView { number, sponsor, .. } = view;
    let why = if from == *sponsor {
        format!("{to} has submitted nothing to job {number}: its sponsor writes to clients only")
    } else if to == *sponsor {
        format!("{from} has submitted nothing to job {number}: write once you have")
    } else {
        format!("clients write to the sponsor only: --to sponsor is {sponsor}")
    };
    Refused::new("NotParty", why)
}
