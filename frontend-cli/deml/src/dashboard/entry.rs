//! A job as the twin in the browser needs it: read from the node, decided there.

use std::collections::BTreeSet;

use alloy::primitives::Address;
use anyhow::{Context as _, Result};
use blobs::{BlobRef, Cid};
use client::{
    archive::{Archive, Trail},
    convert::to_market,
    delivery::{self, Delivery},
    jobs::JobRef,
    printer::Refused,
    session::Session,
};
use drafts::named;
use market::{Sealing, Slot, SlotKey};
use serde::Serialize;
use twin::{
    entry::{Client, Entry},
    files::JobFile,
    transactions::Purse,
};
use wire::{JobView, QuoteView, SubmissionView};

use super::desk;
use crate::commands::{job::evaluate, trainer::given::TRAINER_BYTES_MAX};

/// A job, and an account's part in it.
///
/// - Errors: `NotFound`; its name is not the hash of its terms
pub(super) async fn entry(
    session: &Session,
    job: &JobRef,
    account: Option<Address>,
) -> Result<Entry> {
    let job = session.job(job).await?;
    let QuoteView { settings, now, .. } = session.quote().await?;
    let currency = session.currency(job.terms.asset).await;
    let client = match account {
        Some(account) => Some(client(session, &job, account).await?),
        None => None,
    };
    Ok(Entry {
        chain_id: session.chain.chain_id().await?,
        application: to_market(session.application()),
        contracts: desk::contracts(session),
        decides: match job.hold_out {
            Some(hold_out) => Some((hold_out, true)),
            None => {
                job.terms.opening_dataset().map(|slice| (slice, !job.terms.sealing.is_sealed()))
            }
        },
        settings,
        now,
        currency,
        client,
        job,
    })
}

async fn client(session: &Session, job: &JobView, account: Address) -> Result<Client> {
    let asset = job.terms.asset;
    let submission = evaluate::submission_of(session, job.job, to_market(account)).await?;
    let received = match &submission {
        None => 0,
        Some(SubmissionView { submission, submitted, .. }) => {
            let key = SlotKey::of(Slot::Submission, *submission);
            match delivery::holding(session, job.job, key).await? {
                Delivery::Whole => submitted.published().size,
                Delivery::Part { received } => received,
                Delivery::Nothing => 0,
            }
        }
    };
    let Purse { free, allowance, .. } = desk::purse(session, account, asset).await?;
    Ok(Client { account: to_market(account), free, allowance, submission, received })
}

/// The dataset that models can be evaluated on now: the hold-out if it is public, else the slice.
///
/// - Errors: as of [`file`]
pub(super) async fn dataset(session: &Session, job: &JobRef) -> Result<Vec<u8>> {
    let view = session.job(job).await?;
    let of = [JobFile::HoldOut, JobFile::Slice].into_iter().find(|file| file.blob(&view).is_some());
    file(session, job, of.unwrap_or(JobFile::HoldOut)).await
}

/// A file of a job, from the store.
///
/// - Errors: `NothingPublic`; the store does not have it
pub(super) async fn file(session: &Session, job: &JobRef, file: JobFile) -> Result<Vec<u8>> {
    let job = session.job(job).await?;
    let missing =
        || format!("the {file} of job {} is in no store: say with --ipfs where it is", job.number);
    let none = || Refused::new("NothingPublic", format_args!("the job has no public {file}"));
    if file == JobFile::Trainer {
        let cid = trainer_of(session, &job).await?.ok_or_else(none)?;
        return session.store.get(cid, TRAINER_BYTES_MAX).await.with_context(missing);
    }
    let blob = file.blob(&job).ok_or_else(none)?;
    if let Ok(bytes) = session.store.get(blob.cid(), blob.size).await {
        return Ok(bytes);
    }
    let bytes = from_inputs(session, &job, blob).await.with_context(missing)?;
    // A gateway cannot store it; it is read from Ethereum again then.
    session.store.put(&bytes, blob.profile).await.ok();
    Ok(bytes)
}

/// A file of a job as inputs on Ethereum carried it, for jobs that were opened elsewhere.
async fn from_inputs(session: &Session, job: &JobView, blob: BlobRef) -> Result<Vec<u8>> {
    let mut trail = Trail::default();
    trail.follow(session).await?;
    let (mut wanted, owners) = (BTreeSet::from([blob]), BTreeSet::from([job.sponsor]));
    let sealed = match job.terms.sealing {
        Sealing::Sealed { hold_out, .. } if job.hold_out == Some(blob) => Some(hold_out),
        _ => None,
    };
    wanted.extend(sealed.map(|sealed| sealed.ciphertext));
    let archive = Archive::read(session, &trail, job.job, &wanted, &owners).await?;
    match sealed {
        Some(sealed) => archive.plain(job.sponsor, (sealed, blob), |_| None),
        None => Ok(archive.blob(blob)?.to_vec()),
    }
}

/// The trainer that a job's base model names, if the model is in the store and names one.
async fn trainer_of(session: &Session, job: &JobView) -> Result<Option<Cid>> {
    let base = job.terms.offer.base_model;
    let base = session.store.get(base.cid(), base.size).await?;
    Ok(named::of(&base).and_then(|cid| cid.parse().ok()))
}

/// A file that a job names.
#[derive(Debug, Serialize)]
pub(super) struct Named {
    /// Its place in paths.
    file: &'static str,
    what: String,
    cid: Cid,
    /// Its size; `None` of a trainer, of which only the CID is named.
    bytes: Option<u64>,
    /// Whether it has rows to look through.
    is_dataset: bool,
}

/// The files of a job that are public.
pub(super) async fn files(session: &Session, job: &JobRef) -> Result<Vec<Named>> {
    let job = session.job(job).await?;
    let named = |file: JobFile, cid, bytes| Named {
        file: file.path(),
        what: file.to_string(),
        cid,
        bytes,
        is_dataset: file.is_dataset(),
    };
    let blobs = JobFile::ALL.into_iter().filter_map(|file| Some((file, file.blob(&job)?)));
    let mut files: Vec<_> =
        blobs.map(|(file, blob)| named(file, blob.cid(), Some(blob.size))).collect();
    // A base model that is in no store has no trainer to show.
    if let Ok(Some(cid)) = trainer_of(session, &job).await {
        files.push(named(JobFile::Trainer, cid, None));
    }
    Ok(files)
}
