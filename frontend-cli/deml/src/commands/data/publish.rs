//! `deml data publish`: sends the missing bytes of a file that a job expects.

use std::path::PathBuf;

use anyhow::{Result, bail};
use blobs::BlobRef;
use clap::Args;
use client::{
    convert::to_market,
    delivery::{self, Delivery},
    files::{self, File},
    jobs::JobRef,
    printer::ExitStatus,
    seals,
    session::Session,
    vault::Vault,
};
use market::{JobId, Slot, SlotKey};

use crate::{
    commands::{
        job::show,
        sending::{Calldata, Sending},
    },
    config::Config,
    deltas,
};

/// Arguments of `deml data publish`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  deml --account 1 data publish 0 holdout.safetensors

What the market has received already is not sent again. Of what is sealed, give the plain file on
the computer that sealed it: it is sealed again with the same key.")]
pub struct Publish {
    /// The job: its number, or its name: 0x and at least its first 8 digits
    pub job: JobRef,
    /// The file
    pub file: PathBuf,
    /// Options for sending.
    #[command(flatten)]
    pub sending: Sending,
}

/// A blob to publish: its job, its slot and its bytes.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The job.
    pub job: JobId,
    /// The blob's slot.
    pub key: SlotKey,
    /// The blob in its published form.
    pub blob: BlobRef,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Sends the missing bytes of a file.
///
/// - Errors: the job expects no such file from this account
pub async fn run(config: &Config, publish: Publish) -> Result<ExitStatus> {
    let file = files::read(&publish.file)?;
    let session = config.session()?;
    let (sender, vault) = config.signer(&session).await?;
    let account = to_market(sender.address());
    let Publication { job, key, blob, bytes } =
        publication(&session, account, &vault, &publish.job, file).await?;
    if publish.sending.calldata {
        let received = match delivery::holding(&session, job, key).await? {
            Delivery::Part { received } => received,
            Delivery::Whole | Delivery::Nothing => blob.size,
        };
        let chunks = delivery::chunks_from(job, key.slot, &bytes, received)?;
        return Calldata::inputs(&chunks).answer(&config.printer);
    }
    let delivered = delivery::deliver(&session, &sender, (job, key), blob, &bytes);
    config.printer.answer(&delivered.await?)?;
    Ok(ExitStatus::Done)
}

/// The blob of a job that matches a file, or that was sealed from it on this computer.
///
/// - Errors: the job expects no such file from this account
pub async fn publication(
    session: &Session,
    account: market::Address,
    vault: &Vault,
    job: &JobRef,
    file: File,
) -> Result<Publication> {
    let view = session.job(job).await?;
    let mut expected = Vec::new();
    let own = |slot| SlotKey { slot, submission: None };
    if view.sponsor == account {
        expected.push((own(Slot::BaseModel), view.terms.offer.base_model));
        let board = view.terms.offer.board.iter();
        expected.extend(board.map(|board| (own(Slot::PublicSlice), board.public_slice)));
        expected.push((own(Slot::HoldOut), view.terms.sealing.published_hold_out()));
    }
    for one in show::submissions(session, view.job).await? {
        if one.client == account {
            let submission = Some(one.submission);
            let key = |slot| SlotKey { slot, submission };
            expected.push((key(Slot::Submission), one.submitted.published()));
            expected.extend(one.showing.map(|shown| (key(Slot::Shown), shown)));
        }
    }
    let (job, bytes) = (view.job, file.bytes);
    let is = |bytes: &[u8], blob: BlobRef| blobs::blob_ref(bytes, blob.profile) == blob;
    if let Some(&(key, blob)) = expected.iter().find(|(_, blob)| is(&bytes, *blob)) {
        return Ok(Publication { job, key, blob, bytes });
    }
    // Users have the plain file of a sealed blob; whoever sealed it here can reproduce the
    // ciphertext.
    let base = deltas::base_model(session, &view).await;
    for seal in seals::list(vault)? {
        if seal.opening().plain != file.blob {
            continue;
        }
        let sealed = expected.iter().find_map(|&(key, blob)| {
            let files = (base.as_deref(), bytes.as_slice());
            Some((key, blob, deltas::resealed(&seal, blob, files)?))
        });
        if let Some((key, blob, bytes)) = sealed {
            return Ok(Publication { job, key, blob, bytes });
        }
    }
    let cids: Vec<String> = expected.iter().map(|(_, blob)| blob.cid().to_string()).collect();
    let (path, cids, number) = (file.path.display(), cids.join(", "), view.number);
    bail!("{path} is none of the blobs that job {number} expects from {account}: {cids}");
}
