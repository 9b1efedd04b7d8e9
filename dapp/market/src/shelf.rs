//! The shelf: the bytes the market keeps, and the blobs it expects from whom.
//!
//! Only expected blobs are taken, up to their declared size, and all of them together stay below a
//! stated bound. What no job needs any more is dropped.

use std::collections::{BTreeMap, btree_map::Entry};

use blobs::{BlobRef, Cid, Digest, Encoding, Piece, Upload};

use crate::{
    refusal::Refusal,
    units::{Address, JobId, SubmissionId},
};

/// What a blob is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// A job's own: its base model or datasets.
    Job(JobId),
    /// A submitted or revealed model.
    Model(SubmissionId),
    /// The ciphertext of an entry.
    Sealed(SubmissionId),
    /// A shown model, by its place among those shown.
    Shown(SubmissionId),
}

/// A blob that is expected from an account, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) purpose: Purpose,
    upload: Upload,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    bytes: Vec<u8>,
    /// Jobs that need it; a blob of the drive has one more, so that it stays.
    needed_by: u64,
}

/// What is known of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobState {
    /// All its bytes are here.
    Held {
        /// Length in bytes.
        size: u64,
    },
    /// Expected from an account.
    Expected {
        /// From whom.
        publisher: Address,
        /// Bytes that came so far; the next chunk's offset.
        received: u64,
        /// Declared length in bytes.
        size: u64,
    },
}

/// The bytes the market keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shelf {
    capacity: u64,
    stored: u64,
    held: BTreeMap<Cid, Held>,
    /// Whole blobs that are not a job's own.
    waiting: BTreeMap<Purpose, Vec<u8>>,
    /// Boxed, as the map moves its entries about, and there can be many.
    expected: BTreeMap<(Address, Digest), Box<Expected>>,
}

impl Shelf {
    /// A shelf that takes `capacity` bytes beside those of the drive.
    pub(crate) fn new(capacity: u64, drive: impl IntoIterator<Item = (Cid, Vec<u8>)>) -> Self {
        let held = drive.into_iter().map(|(cid, bytes)| (cid, Held { bytes, needed_by: 1 }));
        let (held, waiting, expected) = (held.collect(), BTreeMap::new(), BTreeMap::new());
        Self { capacity, stored: 0, held, waiting, expected }
    }

    /// Bytes kept, without those of the drive.
    #[must_use]
    pub const fn stored(&self) -> u64 {
        self.stored
    }

    /// The whole blob, if it is held for a job or on the drive.
    #[must_use]
    pub fn blob(&self, cid: Cid) -> Option<&[u8]> {
        self.held.get(&cid).map(|held| held.bytes.as_slice())
    }

    /// A whole blob that waits for what it is for.
    pub(crate) fn waiting(&self, purpose: Purpose) -> Option<&[u8]> {
        self.waiting.get(&purpose).map(Vec::as_slice)
    }

    /// All that is known of the blob with this digest.
    pub fn states(&self, digest: Digest) -> impl Iterator<Item = BlobState> {
        let held = self.held.iter().filter(move |(cid, _)| cid.digest == digest);
        let held = held.map(|(_, held)| BlobState::Held { size: length(&held.bytes) });
        let expected = self.expected.iter().filter(move |((_, expected), _)| *expected == digest);
        held.chain(expected.map(|(&(publisher, _), expected)| BlobState::Expected {
            publisher,
            received: expected.upload.received(),
            size: expected.upload.blob().size,
        }))
    }

    /// What is known of a blob awaited from this publisher.
    #[must_use]
    pub fn awaited(&self, publisher: Address, digest: Digest) -> Option<BlobState> {
        self.expected.get(&(publisher, digest)).map(|expected| BlobState::Expected {
            publisher,
            received: expected.upload.received(),
            size: expected.upload.blob().size,
        })
    }

    /// Whether exactly this blob is held.
    pub(crate) fn holds(&self, blob: BlobRef) -> bool {
        self.blob(blob.cid()).is_some_and(|bytes| length(bytes) == blob.size)
    }

    /// Checks that a blob may be expected from this account.
    pub(crate) fn check_expect(&self, from: Address, blob: BlobRef) -> Result<(), Refusal> {
        let key = (from, blob.digest);
        let free = !self.expected.contains_key(&key);
        free.then_some(()).ok_or(Refusal::AlreadyExpected { digest: blob.digest })
    }

    /// Expects a blob from this account; checked before.
    pub(crate) fn expect(&mut self, from: Address, blob: BlobRef, purpose: Purpose) {
        let expected = Box::new(Expected { purpose, upload: Upload::new(blob) });
        self.expected.insert((from, blob.digest), expected);
    }

    /// Stops expecting a blob and drops what came of it.
    pub(crate) fn forget(&mut self, from: Address, digest: Digest) {
        if let Some(expected) = self.expected.remove(&(from, digest)) {
            self.stored = self.stored.saturating_sub(expected.upload.received());
        }
    }

    /// The same, if the blob is expected for this.
    pub(crate) fn forget_for(&mut self, from: Address, digest: Digest, purpose: Purpose) {
        if self.expected.get(&(from, digest)).is_some_and(|expected| expected.purpose == purpose) {
            self.forget(from, digest);
        }
    }

    /// The blob with this digest that is expected from this account.
    pub(crate) fn expected(&self, from: Address, digest: Digest) -> Result<&Expected, Refusal> {
        let expected = self.expected.get(&(from, digest));
        expected.map(Box::as_ref).ok_or(Refusal::NotExpected { digest })
    }

    /// Checks a chunk of an expected blob.
    pub(crate) fn check<'a>(
        &self,
        Expected { upload, .. }: &Expected,
        offset: u64,
        encoding: Encoding,
        data: &'a [u8],
    ) -> Result<Piece<'a>, Refusal> {
        let piece = upload.check(offset, encoding, data);
        let piece = piece.map_err(|reason| Refusal::BadChunk { reason })?;
        let needed = piece.size();
        // Starting over gives up what came before.
        let dropped = if offset == 0 { upload.received() } else { 0 };
        let free = self.capacity.saturating_sub(self.stored.saturating_sub(dropped));
        if needed > free {
            return Err(Refusal::StoreFull { needed, free });
        }
        Ok(piece)
    }

    /// Takes a checked chunk; returns the blob when it is whole. Whole blobs of jobs are held,
    /// others wait for what they are for.
    pub(crate) fn take(
        &mut self,
        from: Address,
        digest: Digest,
        piece: Piece<'_>,
    ) -> Option<BlobRef> {
        let Entry::Occupied(mut entry) = self.expected.entry((from, digest)) else { return None };
        let upload = &mut entry.get_mut().upload;
        let blob = upload.blob();
        let before = upload.received();
        let whole = upload.post(piece);
        let now = whole.as_ref().map_or_else(|| upload.received(), |bytes| length(bytes));
        self.stored = self.stored.saturating_sub(before).saturating_add(now);
        let bytes = whole?;
        match entry.remove().purpose {
            Purpose::Job(_) => self.hold(blob, bytes),
            purpose @ (Purpose::Model(_) | Purpose::Sealed(_) | Purpose::Shown(_)) => {
                self.waiting.insert(purpose, bytes);
            }
        }
        Some(blob)
    }

    /// Counts one more job that needs a held blob.
    pub(crate) fn need(&mut self, blob: BlobRef) {
        if let Some(held) = self.held.get_mut(&blob.cid()) {
            held.needed_by = held.needed_by.saturating_add(1);
        }
    }

    /// Counts one job less; the blob nobody needs is dropped.
    pub(crate) fn release(&mut self, blob: BlobRef) {
        let cid = blob.cid();
        if let Some(held) = self.held.get_mut(&cid) {
            held.needed_by = held.needed_by.saturating_sub(1);
            if held.needed_by == 0 {
                self.stored = self.stored.saturating_sub(length(&held.bytes));
                self.held.remove(&cid);
            }
        }
    }

    /// Takes a waiting blob off the shelf.
    pub(crate) fn remove(&mut self, purpose: Purpose) -> Option<Vec<u8>> {
        let bytes = self.waiting.remove(&purpose)?;
        self.stored = self.stored.saturating_sub(length(&bytes));
        Some(bytes)
    }

    /// Checks that there is room for bytes that are kept elsewhere.
    pub(crate) fn check_keep(&self, needed: u64) -> Result<(), Refusal> {
        let free = self.capacity.saturating_sub(self.stored);
        (needed <= free).then_some(()).ok_or(Refusal::StoreFull { needed, free })
    }

    /// Counts bytes that are kept elsewhere.
    pub(crate) fn keep(&mut self, bytes: u64) {
        self.stored = self.stored.saturating_add(bytes);
    }

    /// Counts them no more.
    pub(crate) fn drop_kept(&mut self, bytes: u64) {
        self.stored = self.stored.saturating_sub(bytes);
    }

    /// Has the plain bytes of an entry wait in the place of the sealed ones.
    pub(crate) fn unseal(&mut self, entry: SubmissionId, plain: Vec<u8>) {
        self.remove(Purpose::Sealed(entry));
        self.stored = self.stored.saturating_add(length(&plain));
        self.waiting.insert(Purpose::Model(entry), plain);
    }

    /// Holds a dataset for a job in the place of its ciphertext.
    pub(crate) fn unseal_held(&mut self, ciphertext: BlobRef, blob: BlobRef, plain: Vec<u8>) {
        self.release(ciphertext);
        self.stored = self.stored.saturating_add(length(&plain));
        self.hold(blob, plain);
    }

    /// Holds a whole blob for one job; a copy of one already held is dropped.
    fn hold(&mut self, blob: BlobRef, bytes: Vec<u8>) {
        let size = length(&bytes);
        let mut held_before = true;
        let held = self.held.entry(blob.cid()).or_insert_with(|| {
            held_before = false;
            Held { bytes, needed_by: 0 }
        });
        held.needed_by = held.needed_by.saturating_add(1);
        if held_before {
            self.stored = self.stored.saturating_sub(size);
        }
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
