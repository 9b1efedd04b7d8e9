//! `deml message read`: messages to an account and from it, as they are on Ethereum.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use anyhow::Result;
use blobs::Digest;
use clap::Args;
use client::{
    convert::to_market,
    inbox::{Inbox, Letter},
    jobs::JobRef,
    printer::{ExitStatus, Refused},
    quantity::{count, date},
    session::Session,
};
use market::{JobId, Timestamp};
use messages::Binding;
use serde::Serialize;
use wire::JobView;

use super::{mailbox::Mailbox, parties::Parties};
use crate::{commands::job::show, config::Config};

/// Arguments of `deml message read`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  deml --account 1 message read
  deml --account 1 message read 0

Senders and texts are checked against Ethereum, and no node can change or hide one. The node is
asked only who is a party of a job; --all asks nobody, and shows what strangers wrote, too.")]
pub struct Read {
    /// The job: its number, or its name: 0x and at least its first 8 digits [default: all]
    pub job: Option<JobRef>,
    /// Show also messages of blocked accounts, and of accounts that are no party of the job
    #[arg(long)]
    pub all: bool,
}

/// Messages.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Messages {
    /// Those that are shown, the oldest first.
    pub messages: Vec<Shown>,
    /// Number of messages of accounts that are blocked, or no party of the job.
    pub hidden: u64,
    /// Number of messages to this account whose key is not on this computer.
    pub unreadable: u64,
}

/// A message.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// The job.
    pub job: JobId,
    /// The submission that it is about.
    pub submission: u32,
    /// Its number among those of its sender about the submission.
    pub sequence: u32,
    /// Its sender.
    pub from: market::Address,
    /// Whether this account sent it.
    pub is_own: bool,
    /// Time of its block.
    pub time: Timestamp,
    /// Its input.
    pub input: u64,
    /// Whether it was not shown before.
    pub is_new: bool,
    /// Why it is shown with --all only.
    pub hidden_as: Option<Reason>,
    /// The text; `None` if this account sent it from another computer.
    pub text: Option<String>,
}

/// Why a message is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Its sender is blocked.
    Blocked,
    /// Its sender is no party of the job, so that the market refused it.
    NotParty,
}

impl fmt::Display for Messages {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { messages, hidden, unreadable } = self;
        let mut parts: Vec<String> = messages.iter().map(Shown::to_string).collect();
        if messages.is_empty() {
            parts.push("no messages".to_owned());
        }
        if *hidden > 0 {
            let hidden = count(*hidden, "message");
            parts.push(format!("{hidden} of blocked accounts or strangers: --all shows them"));
        }
        if *unreadable > 0 {
            let unreadable = count(*unreadable, "message");
            parts.push(format!("{unreadable} encrypted for a key that is not on this computer"));
        }
        out.write_str(&parts.join("\n"))
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job, submission, sequence, from, time, .. } = self;
        let sender = if self.is_own { "this account".to_owned() } else { from.to_string() };
        let job = format!("{job:.10}");
        write!(out, "{} {sender} ", date(*time))?;
        write!(out, "(job {job:.10}, submission {submission}, message {sequence}")?;
        out.write_str(if self.is_new { ", new)" } else { ")" })?;
        match self.hidden_as {
            Some(Reason::Blocked) => out.write_str(" BLOCKED")?,
            Some(Reason::NotParty) => out.write_str(" NO PARTY OF THE JOB")?,
            None => {}
        }
        let text = self.text.as_deref().unwrap_or("(sent from another computer)");
        // Indented, so that no text looks like the next message.
        text.lines().try_for_each(|line| write!(out, "\n    {line}"))
    }
}

/// Shows messages.
///
/// - Errors: Ethereum does not answer
pub async fn run(config: &Config, read: Read) -> Result<ExitStatus> {
    let session = config.session()?;
    let mut mailbox = Mailbox::open(config, &session).await?;
    let job = match &read.job {
        Some(job) => Some(session.job(job).await?.job),
        None => None,
    };
    let inbox = Inbox::read(&session.chain, session.application()).await?;
    let letters = inbox.letters().iter().filter(|letter| job.is_none_or(|job| letter.job == job));
    let mut reader = Reader::new(&session, !read.all).await?;
    let mut messages = Messages::default();
    for letter in letters {
        reader.add(&mailbox, letter, &mut messages).await?;
    }
    if job.is_none()
        && let Some(last) = inbox.letters().last()
    {
        mailbox.kept.seen_inputs = last.input + 1;
        mailbox.save()?;
    }
    config.printer.answer(&messages)?;
    Ok(ExitStatus::Done)
}

/// Reads letters, and looks up whose the submissions are.
struct Reader<'a> {
    session: &'a Session,
    chain_id: u64,
    /// Whether messages of some are not shown.
    hides: bool,
    /// Messages that were read: one that its sender sends twice is one.
    known: BTreeSet<(market::Address, Digest)>,
    parties: BTreeMap<JobId, Option<Parties>>,
}

impl<'a> Reader<'a> {
    async fn new(session: &'a Session, hides: bool) -> Result<Self> {
        let chain_id = session.chain.chain_id().await?;
        let (known, parties) = (BTreeSet::new(), BTreeMap::new());
        Ok(Self { session, chain_id, hides, known, parties })
    }

    /// Adds what a letter is to the account, if anything.
    async fn add(
        &mut self,
        mailbox: &Mailbox,
        letter: &Letter,
        messages: &mut Messages,
    ) -> Result<()> {
        if !self.known.insert((letter.from, Digest::of(&letter.ciphertext.0))) {
            return Ok(());
        }
        let is_own = letter.from == mailbox.account;
        let text = match is_own {
            true => mailbox.sent(&letter.ciphertext).map(str::to_owned),
            false => self.opened(mailbox, letter),
        };
        if !is_own && text.is_none() {
            let is_ours = self.recipient(letter).await? == Some(Some(mailbox.account));
            messages.unreadable += u64::from(is_ours);
            return Ok(());
        }
        let hidden_as = if mailbox.kept.blocked.contains(&letter.from) {
            Some(Reason::Blocked)
        } else if self.hides && !is_own && self.recipient(letter).await? == Some(None) {
            Some(Reason::NotParty)
        } else {
            None
        };
        if self.hides && hidden_as.is_some() {
            messages.hidden += 1;
            return Ok(());
        }
        let Letter { job, submission, sequence, from, time, input, .. } = *letter;
        let is_new = !is_own && input >= mailbox.kept.seen_inputs;
        messages.messages.push(Shown {
            job,
            submission,
            sequence,
            from,
            is_own,
            time,
            input,
            is_new,
            hidden_as,
            text,
        });
        Ok(())
    }

    /// The text of a letter to the account; `None` if none of its keys opens it.
    fn opened(&self, mailbox: &Mailbox, letter: &Letter) -> Option<String> {
        let Letter { job, submission, from, sequence, .. } = *letter;
        let app = to_market(self.session.application());
        let (chain_id, to) = (self.chain_id, mailbox.account);
        let binding = Binding { chain_id, app, job, submission, from, to, sequence };
        mailbox.secrets().find_map(|secret| binding.open(&secret, &letter.ciphertext).ok())
    }

    /// To whom the market lets its sender write: `Some(None)` to nobody; `None` if the job is not
    /// stored any more, so that nobody can tell.
    async fn recipient(&mut self, letter: &Letter) -> Result<Option<Option<market::Address>>> {
        if !self.parties.contains_key(&letter.job) {
            let parties = parties(self.session, letter.job).await?;
            self.parties.insert(letter.job, parties);
        }
        let parties = self.parties.get(&letter.job).and_then(Option::as_ref);
        Ok(parties.map(|parties| parties.recipient(letter)))
    }
}

/// The parties of a job; `None` if the market has no such job.
async fn parties(session: &Session, job: JobId) -> Result<Option<Parties>> {
    let JobView { sponsor, .. } = match session.job(job).await {
        Ok(view) => view,
        Err(error) if error.is::<Refused>() => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(Parties::new(sponsor, &show::submissions(session, job).await?)))
}
