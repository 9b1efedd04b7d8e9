//! A job as the twin in the browser needs it: read from the node, decided there.

use std::{collections::BTreeSet, str::FromStr};

use alloy::primitives::Address;
use anyhow::{Context as _, Error, Result, bail};
use blobs::BlobRef;
use client::{
    archive::{Archive, Trail},
    convert::to_market,
    delivery::{self, Delivery},
    jobs::JobRef,
    printer::Refused,
    session::Session,
};
use market::{Sealing, Slot, SlotKey};
use twin::{
    entry::{Client, Entry},
    transactions::Purse,
};
use wire::{JobView, QuoteView, SubmissionView};

use super::desk;
use crate::commands::job::evaluate;

/// A file of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JobFile {
    /// Its base model.
    Base,
    /// The dataset that models can be evaluated on now.
    Dataset,
}

impl FromStr for JobFile {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "base" => Self::Base,
            "dataset" => Self::Dataset,
            _ => bail!("a job has the files base and dataset"),
        })
    }
}

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

/// A file of a job, from the store.
///
/// - Errors: `NothingPublic`; the store does not have it
pub(super) async fn file(session: &Session, job: &JobRef, file: JobFile) -> Result<Vec<u8>> {
    let job = session.job(job).await?;
    let (blob, what) = match file {
        JobFile::Base => (Some(job.terms.offer.base_model), "base model"),
        JobFile::Dataset => (job.hold_out.or_else(|| job.terms.opening_dataset()), "dataset"),
    };
    let blob = blob.ok_or_else(|| {
        let why = "its hold-out is sealed, and it has no public slice";
        Refused::new("NothingPublic", why)
    })?;
    if let Ok(bytes) = session.store.get(blob.cid(), blob.size).await {
        return Ok(bytes);
    }
    let bytes = from_inputs(session, &job, blob).await.with_context(|| {
        format!("the {what} of job {} is in no store: say with --ipfs where it is", job.number)
    })?;
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
        Some(sealed) => archive.plain(job.sponsor, (sealed, blob)),
        None => Ok(archive.blob(blob)?.to_vec()),
    }
}
