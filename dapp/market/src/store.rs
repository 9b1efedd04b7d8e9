//! The store: the bytes held by jobs, each blob in a slot of one job.
//!
//! All bytes that a job may come to hold are reserved when it opens, so that no participant can
//! ever meet a full store. No two jobs share bytes; the drive's belong to no job.

use std::collections::BTreeMap;

use blobs::{BlobRef, Cid, Encoding, Piece, Upload};
use serde::{Deserialize, Serialize};

use crate::{context::Slot, invariant::there, refusal::Refusal, shared::Shared};

/// A slot of a job or of one of its submissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SlotKey {
    /// Kind of slot.
    pub slot: Slot,
    /// Number of the submission; `None` for the job's own slot.
    pub submission: Option<u32>,
}

impl SlotKey {
    /// A slot of the job itself.
    pub const fn job(slot: Slot) -> Self {
        Self { slot, submission: None }
    }

    /// A slot of a submission.
    pub const fn of(slot: Slot, submission: u32) -> Self {
        Self { slot, submission: Some(submission) }
    }
}

/// State of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobState {
    /// All its bytes have arrived.
    Whole {
        /// Length in bytes.
        size: u64,
    },
    /// Some of its bytes are missing.
    Expected {
        /// Bytes received so far; the next chunk's offset.
        received: u64,
        /// Declared length in bytes.
        size: u64,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Held {
    Expected(Shared<Upload>),
    Whole(Shared<Vec<u8>>),
    Drive(Cid),
}

/// The deployment's blobs, which need not be published.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Drive(BTreeMap<Cid, Vec<u8>>);

impl Drive {
    pub(crate) fn new(blobs: impl IntoIterator<Item = (Cid, Vec<u8>)>) -> Self {
        Self(blobs.into_iter().collect())
    }

    pub(crate) fn blob(&self, cid: Cid) -> Option<&[u8]> {
        self.0.get(&cid).map(Vec::as_slice)
    }

    fn holds(&self, blob: BlobRef) -> bool {
        self.blob(blob.cid()).is_some_and(|bytes| length(bytes) == blob.size)
    }
}

/// The slots of one job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Slots(BTreeMap<SlotKey, Held>);

impl Slots {
    /// Expects a blob, unless the drive has it.
    pub(crate) fn expect(&mut self, drive: &Drive, key: SlotKey, blob: BlobRef) {
        let held = if drive.holds(blob) {
            Held::Drive(blob.cid())
        } else {
            Held::Expected(Shared::new(Upload::new(blob)))
        };
        self.0.insert(key, held);
    }

    /// The blob in a slot; `None` if it is not complete.
    pub(crate) fn blob<'a>(&'a self, drive: &'a Drive, key: SlotKey) -> Option<&'a [u8]> {
        match self.0.get(&key)? {
            Held::Expected(_) => None,
            Held::Whole(bytes) => Some(bytes.as_slice()),
            Held::Drive(cid) => drive.blob(*cid),
        }
    }

    /// Whether a slot's blob is complete.
    pub(crate) fn is_whole(&self, key: SlotKey) -> bool {
        matches!(self.0.get(&key), Some(Held::Whole(_) | Held::Drive(_)))
    }

    /// States of all slots.
    pub(crate) fn states<'a>(
        &'a self,
        drive: &'a Drive,
    ) -> impl Iterator<Item = (SlotKey, BlobState)> + 'a {
        self.0.iter().map(|(key, held)| {
            let state = match held {
                Held::Expected(upload) => {
                    BlobState::Expected { received: upload.received(), size: upload.blob().size }
                }
                Held::Whole(bytes) => BlobState::Whole { size: length(bytes) },
                Held::Drive(cid) => BlobState::Whole { size: drive.blob(*cid).map_or(0, length) },
            };
            (*key, state)
        })
    }

    /// Number of bytes of an expected blob that are missing from `offset` on.
    ///
    /// - Errors: `NotExpected`, `BadChunk`
    pub(crate) fn missing(&self, key: SlotKey, offset: u64) -> Result<u64, Refusal> {
        let upload = self.expected(key)?;
        upload.missing(offset).map_err(|reason| Refusal::BadChunk { reason })
    }

    fn expected(&self, key: SlotKey) -> Result<&Upload, Refusal> {
        match self.0.get(&key) {
            Some(Held::Expected(upload)) => Ok(upload),
            Some(Held::Whole(_) | Held::Drive(_)) | None => Err(Refusal::NotExpected {}),
        }
    }

    /// Checks a chunk of an expected blob.
    ///
    /// - Errors: `NotExpected`, `BadChunk`
    pub(crate) fn check<'a>(
        &self,
        key: SlotKey,
        offset: u64,
        encoding: Encoding,
        data: &'a [u8],
    ) -> Result<Piece<'a>, Refusal> {
        let upload = self.expected(key)?;
        upload.check(offset, encoding, data).map_err(|reason| Refusal::BadChunk { reason })
    }

    /// Takes a checked chunk; returns the blob if it is now complete.
    pub(crate) fn take(&mut self, key: SlotKey, piece: Piece<'_>) -> Option<BlobRef> {
        let upload = match self.0.get_mut(&key) {
            Some(Held::Expected(upload)) => Some(upload),
            Some(Held::Whole(_) | Held::Drive(_)) | None => None,
        };
        let upload = there(upload, "a chunk was checked in its slot").to_mut();
        let blob = upload.blob();
        let bytes = upload.post(piece)?;
        self.put(key, bytes);
        Some(blob)
    }

    /// Puts complete bytes into a slot.
    pub(crate) fn put(&mut self, key: SlotKey, bytes: Vec<u8>) {
        self.0.insert(key, Held::Whole(Shared::new(bytes)));
    }

    /// Empties a slot.
    pub(crate) fn clear(&mut self, key: SlotKey) {
        self.0.remove(&key);
    }

    /// Empties all slots.
    pub(crate) fn clear_all(&mut self) {
        self.0 = BTreeMap::new();
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
