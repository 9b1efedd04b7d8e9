//! What an account needs to write and read about a job: keys and ciphertexts, as Ethereum has them.
//! The browser encrypts and opens; no secret comes here.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use anyhow::Result;
use client::{
    convert::to_market,
    inbox::{Inbox, Letter},
    jobs::JobRef,
    session::Session,
};
use market::JobId;
use messages::PublicKey;
use serde::Serialize;
use wire::{JobView, SubmissionView};

use crate::commands::{job::show, message::parties::Parties};

/// Most messages that a page is told of, the newest.
const LETTERS_MAX: usize = 500;

/// An account's part in a job's messages.
#[derive(Debug, Serialize)]
pub(super) struct Correspondence {
    mailbox: Mailbox,
    /// The account's newest key.
    key: Option<PublicKey>,
    /// To whom it may write.
    recipients: Vec<Recipient>,
    /// Messages to it and from it, the oldest first.
    letters: Vec<Letter>,
}

/// Where messages belong, as the twin takes it.
#[derive(Debug, Serialize)]
struct Mailbox {
    chain_id: u64,
    application: market::Address,
    input_box: market::Address,
    job: JobId,
    account: market::Address,
}

#[derive(Debug, Serialize)]
struct Recipient {
    account: market::Address,
    is_sponsor: bool,
    submission: u32,
    /// Number of the next message to it.
    sequence: u32,
    key: Option<PublicKey>,
}

/// What an account has of a job's messages.
///
/// - Errors: `NotFound`; Ethereum does not answer
pub(super) async fn correspondence(
    session: &Session,
    job: &JobRef,
    account: Address,
) -> Result<Correspondence> {
    let JobView { job, sponsor, .. } = session.job(job).await?;
    let submissions = show::submissions(session, job).await?;
    let inbox = Inbox::read(&session.chain, session.application()).await?;
    let account = to_market(account);
    let parties = Parties::new(sponsor, &submissions);
    let is_ours = |letter: &&Letter| {
        let recipient = parties.recipient(letter);
        letter.job == job && recipient.is_some_and(|to| [letter.from, to].contains(&account))
    };
    let mut letters: Vec<Letter> = inbox.letters().iter().filter(is_ours).cloned().collect();
    letters.drain(..letters.len().saturating_sub(LETTERS_MAX));
    let key_of = |of| inbox.key_of(of).map(|published| PublicKey(published.key));
    let mailbox = Mailbox {
        chain_id: session.chain.chain_id().await?,
        application: to_market(session.application()),
        input_box: to_market(session.chain.contracts().input_box),
        job,
        account,
    };
    let recipients = recipients(account, sponsor, &submissions, key_of);
    Ok(Correspondence { mailbox, key: key_of(account), recipients, letters })
}

/// The sponsor for a client, all clients for the sponsor; each about the newest submission.
fn recipients(
    account: market::Address,
    sponsor: market::Address,
    submissions: &[SubmissionView],
    key_of: impl Fn(market::Address) -> Option<PublicKey>,
) -> Vec<Recipient> {
    let newest: BTreeMap<_, _> = submissions.iter().map(|one| (one.client, one)).collect();
    let about = newest.into_values().filter(|one| [sponsor, one.client].contains(&account));
    let recipients = about.map(|one| {
        let is_sponsor = account != sponsor;
        let (to, sequence) = match is_sponsor {
            true => (sponsor, one.messages.from_client),
            false => (one.client, one.messages.from_sponsor),
        };
        let (submission, key) = (one.submission, key_of(to));
        Recipient { account: to, is_sponsor, submission, sequence, key }
    });
    recipients.collect()
}
