//! Delivering a blob to a job: sends the missing chunks as inputs.

use std::fmt;

use anyhow::{Context, Result};
use blobs::BlobRef;
use market::{Command, JobId, Slot, SlotKey};
use serde::Serialize;
use wire::{JobList, Query, SlotView};

use crate::{
    chain::Sender,
    follow::Processed,
    printer::Refused,
    quantity::count,
    session::{Session, TransactionCost},
};

/// The part of a blob that a job has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// All of it.
    Whole,
    /// Its first bytes; the job expects the rest.
    Part {
        /// Number of bytes received.
        received: u64,
    },
    /// Nothing, and the job expects nothing in that slot.
    Nothing,
}

/// A delivered blob.
#[derive(Clone, Debug, Serialize)]
pub struct Delivered {
    /// The blob.
    pub cid: blobs::Cid,
    /// Its size in bytes.
    pub size: u64,
    /// Bytes the job had before.
    pub had: u64,
    /// Number of chunks sent.
    pub chunks: usize,
    /// Transaction costs.
    #[serde(flatten)]
    pub spent: TransactionCost,
    /// Result of the chunk that completed it; `None` if it was complete before.
    #[serde(skip)]
    pub completed: Option<Processed>,
}

/// The part of a blob that a job has in a slot.
pub async fn holding(session: &Session, job: JobId, key: SlotKey) -> Result<Delivery> {
    let slots: Vec<SlotView> =
        session.all(|paging| Query::List(job.into(), JobList::Blobs, paging)).await?;
    let slot = slots.iter().find(|one| (one.slot, one.submission) == (key.slot, key.submission));
    Ok(match slot {
        None => Delivery::Nothing,
        Some(slot) if slot.whole => Delivery::Whole,
        Some(slot) => Delivery::Part { received: slot.received },
    })
}

/// Sends the missing chunks of a blob to a job, and waits until it has all of it.
///
/// - Errors: `NotExpected` if the job expects nothing in that slot; the market's refusals
pub async fn deliver(
    session: &Session,
    sender: &Sender,
    (job, key): (JobId, SlotKey),
    blob: BlobRef,
    bytes: &[u8],
) -> Result<Delivered> {
    let cut = |received| chunks_from(job, key.slot, bytes, received);
    deliver_cut(session, sender, (job, key), blob, cut).await
}

/// As [`deliver`]; `cut` makes the `publish` commands for the bytes after those received.
pub async fn deliver_cut(
    session: &Session,
    sender: &Sender,
    (job, key): (JobId, SlotKey),
    blob: BlobRef,
    cut: impl FnOnce(u64) -> Result<Vec<Command>>,
) -> Result<Delivered> {
    let (cid, size) = (blob.cid(), blob.size);
    let received = match holding(session, job, key).await? {
        Delivery::Whole => {
            let (spent, completed) = (TransactionCost::default(), None);
            return Ok(Delivered { cid, size, had: size, chunks: 0, spent, completed });
        }
        Delivery::Part { received } => received,
        Delivery::Nothing => {
            let why = format_args!("job {job} expects no blob {cid} from {}", sender.address());
            return Err(Refused::new("NotExpected", why).into());
        }
    };
    let commands = cut(received)?;
    let bar = session.printer.bar(&format!("publishing {cid}"), commands.len() as u64);
    let mut spent = TransactionCost::default();
    let mut sent = Vec::new();
    for (done, command) in commands.iter().enumerate() {
        bar.set(done as u64);
        let one = session.send(sender, command).await?;
        spent.add(&one);
        sent.push(one);
    }
    let mut completed = None;
    for (done, one) in sent.iter().enumerate() {
        bar.set(done as u64);
        completed = Some(session.follow(one).await?.accepted()?);
    }
    let chunks = commands.len();
    Ok(Delivered { cid, size, had: received, chunks, spent, completed })
}

/// The `publish` commands for the bytes after the first `received`.
///
/// - Errors: the file is shorter than `received`
pub fn chunks_from(job: JobId, slot: Slot, bytes: &[u8], received: u64) -> Result<Vec<Command>> {
    wire::publishing(job, slot, bytes, received).with_context(|| {
        format!(
            "the market has {received} bytes and the file only {}: is it the right one?",
            bytes.len()
        )
    })
}

impl fmt::Display for Delivered {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cid, size, had, chunks, spent, .. } = self;
        let chunks = count(*chunks as u64, "chunk");
        writeln!(out, "{cid}: {size} bytes, {had} were there, the rest in {chunks}")?;
        write!(out, "  {spent}")
    }
}

#[cfg(test)]
mod tests {
    use blobs::{Encoding, Profile, Upload, blob_ref};

    use super::*;

    #[test]
    fn chunks_go_on_where_the_market_stopped() {
        let bytes: Vec<u8> =
            (0..200_000_u32).flat_map(|n| n.wrapping_mul(n).to_le_bytes()).collect();
        let blob = blob_ref(&bytes, Profile::Kubo);
        let mut upload = Upload::new(blob);
        let (first, rest) = bytes.split_at(1_000);
        let piece = upload.check(0, Encoding::Plain, first).unwrap();
        assert_eq!(upload.post(piece), None);
        let mut whole = None;
        for command in chunks_from(JobId::default(), Slot::HoldOut, &bytes, 1_000).unwrap() {
            let Command::Publish { offset, encoding, data, .. } = &command else { panic!() };
            let piece = upload.check(*offset, *encoding, data).unwrap();
            whole = upload.post(piece);
            assert!(wire::encode_command(&command).len() <= blobs::MAX_PAYLOAD_BYTES);
        }
        assert_eq!(whole.as_deref(), Some(bytes.as_slice()));
        assert!(!rest.is_empty());
        let beyond = bytes.len() as u64 + 1;
        assert!(chunks_from(JobId::default(), Slot::HoldOut, &bytes, beyond).is_err());
    }
}
