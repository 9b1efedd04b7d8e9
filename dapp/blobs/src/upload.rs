//! An expected blob and its bytes received so far.
//!
//! `check` only reads, `post` writes: a caller can refuse in between with nothing changed. The tree
//! is hashed as bytes arrive, so a chunk costs its own length, however long the blob is.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{
    BlobRef,
    chunk::{ChunkRefused, Encoding, MAX_INFLATED_BYTES, decode},
    unixfs::Tree,
};

/// A blob being uploaded; chunks arrive in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Upload {
    blob: BlobRef,
    received: Vec<u8>,
    tree: Tree,
}

/// The tree is derived from the bytes, so comparing the bytes is enough.
impl PartialEq for Upload {
    fn eq(&self, other: &Self) -> bool {
        self.blob == other.blob && self.received == other.received
    }
}

impl Eq for Upload {}

/// A chunk that has been checked against an upload.
#[derive(Debug)]
pub struct Piece<'a> {
    offset: u64,
    bytes: Cow<'a, [u8]>,
    tree: Tree,
}

impl Piece<'_> {
    /// Number of bytes it adds to the blob.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.bytes.len() as u64
    }
}

impl Upload {
    /// An upload without any bytes yet.
    #[must_use]
    pub fn new(blob: BlobRef) -> Self {
        Self { blob, received: Vec::new(), tree: Tree::new(blob.profile) }
    }

    /// The expected blob.
    #[must_use]
    pub fn blob(&self) -> BlobRef {
        self.blob
    }

    /// Bytes received so far.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received.len() as u64
    }

    /// Number of bytes missing from `offset` on, where a chunk may begin.
    ///
    /// - Errors: `OffsetMismatch`
    pub fn missing(&self, offset: u64) -> Result<u64, ChunkRefused> {
        let expected = self.received();
        if offset != 0 && offset != expected {
            return Err(ChunkRefused::OffsetMismatch { expected, found: offset });
        }
        Ok(self.blob.size.saturating_sub(offset))
    }

    /// Decodes a chunk and checks that it continues or restarts the upload and, if it completes the
    /// blob, that the blob is the expected one.
    ///
    /// - Units: `offset` in bytes of the blob
    /// - Errors: checked in the order of `ChunkRefused`
    pub fn check<'a>(
        &self,
        offset: u64,
        encoding: Encoding,
        data: &'a [u8],
    ) -> Result<Piece<'a>, ChunkRefused> {
        self.missing(offset)?;
        let size = self.blob.size;
        let bytes = decode(encoding, data, MAX_INFLATED_BYTES)?;
        let end = offset + bytes.len() as u64;
        if end > size {
            return Err(ChunkRefused::TooLong { size, found: end });
        }
        if bytes.is_empty() && size > 0 {
            return Err(ChunkRefused::Empty);
        }
        let mut tree = if offset == 0 { Tree::new(self.blob.profile) } else { self.tree.clone() };
        tree.extend(&bytes);
        if end == size {
            let (expected, found) = (self.blob.digest, tree.clone().cid().digest);
            if found != expected {
                return Err(ChunkRefused::DigestMismatch { expected, found });
            }
        }
        Ok(Piece { offset, bytes, tree })
    }

    /// Appends a piece that this upload has just checked; returns the blob if it is complete.
    ///
    /// - Panics: if the piece was checked against another state of the upload, which is a bug
    pub fn post(&mut self, piece: Piece<'_>) -> Option<Vec<u8>> {
        if piece.offset == 0 {
            self.received.clear();
        }
        assert_eq!(piece.offset, self.received(), "a piece is posted where it was checked");
        self.make_room(piece.bytes.len());
        self.received.extend_from_slice(&piece.bytes);
        self.tree = piece.tree;
        (self.received() == self.blob.size).then(|| {
            self.received.shrink_to_fit();
            std::mem::take(&mut self.received)
        })
    }

    /// Reserves room for more bytes, plus an eighth of the present length: few reallocations, and
    /// little more memory than the uploads' bytes, where doubling might exhaust the memory.
    fn make_room(&mut self, more: usize) {
        if self.received.capacity() - self.received.len() < more {
            self.received.reserve_exact(more.max(self.received.len() / 8));
        }
    }
}

/// Serialised fields of an upload: the tree is derived from the bytes.
#[derive(Serialize, Deserialize)]
struct Kept(BlobRef, Vec<u8>);

impl From<Upload> for Kept {
    fn from(upload: Upload) -> Self {
        Self(upload.blob, upload.received)
    }
}

impl From<Kept> for Upload {
    fn from(Kept(blob, received): Kept) -> Self {
        let mut tree = Tree::new(blob.profile);
        tree.extend(&received);
        Self { blob, received, tree }
    }
}

#[cfg(test)]
mod tests {
    use miniz_oxide::deflate::compress_to_vec;

    use super::*;
    use crate::{Digest, MAX_INFLATION, Profile, blob_ref, cid_of};

    fn expecting(bytes: &[u8]) -> Upload {
        Upload::new(blob_ref(bytes, Profile::Kubo))
    }

    fn send(
        upload: &mut Upload,
        offset: u64,
        data: &[u8],
    ) -> Result<Option<Vec<u8>>, ChunkRefused> {
        let piece = upload.check(offset, Encoding::Plain, data)?;
        Ok(upload.post(piece))
    }

    #[test]
    fn chunks_join_in_order_and_offset_zero_starts_over() {
        let mut upload = expecting(b"abcdef");
        assert_eq!(send(&mut upload, 0, b"ab"), Ok(None));
        assert_eq!(send(&mut upload, 2, b"cd"), Ok(None));
        assert_eq!(upload.received(), 4);
        assert_eq!(send(&mut upload, 0, b"abc"), Ok(None));
        assert_eq!(upload.received(), 3);
        assert_eq!(send(&mut upload, 3, b"def"), Ok(Some(b"abcdef".to_vec())));
    }

    #[test]
    fn an_empty_blob_is_complete_with_one_empty_chunk() {
        assert_eq!(send(&mut expecting(b""), 0, b""), Ok(Some(Vec::new())));
        let deflated = compress_to_vec(b"", 6);
        let mut upload = expecting(b"");
        let piece = upload.check(0, Encoding::Deflate, &deflated).unwrap();
        assert_eq!(upload.post(piece), Some(Vec::new()));
    }

    #[test]
    fn every_refusal_leaves_the_upload_as_it_was() {
        let mut upload = expecting(b"abcdef");
        send(&mut upload, 0, b"abcd").unwrap();
        let bomb = compress_to_vec(&vec![0; MAX_INFLATED_BYTES + 1], 6);
        let long = compress_to_vec(b"efghij", 6);
        let digest = |bytes| cid_of(bytes, Profile::Kubo).digest;
        let limit = (bomb.len() * MAX_INFLATION) as u64;
        use ChunkRefused::*;
        use Encoding::*;
        let table: [(u64, Encoding, &[u8], ChunkRefused); 9] = [
            (3, Plain, b"def", OffsetMismatch { expected: 4, found: 3 }),
            (u64::MAX, Plain, b"ef", OffsetMismatch { expected: 4, found: u64::MAX }),
            (4, Deflate, b"\xff\xff", InflateMalformed),
            (4, Deflate, &long[..4], InflateTruncated),
            (4, Deflate, &bomb, InflateTooLong { limit }),
            (4, Plain, b"efg", TooLong { size: 6, found: 7 }),
            (4, Deflate, &long, TooLong { size: 6, found: 10 }),
            (4, Plain, b"", Empty),
            (
                4,
                Plain,
                b"EF",
                DigestMismatch { expected: digest(b"abcdef"), found: digest(b"abcdEF") },
            ),
        ];
        for (offset, encoding, data, refused) in table {
            assert_eq!(upload.check(offset, encoding, data).map(|_| ()), Err(refused));
            assert_eq!(upload.received(), 4);
        }
        assert_eq!(send(&mut upload, 4, b"ef"), Ok(Some(b"abcdef".to_vec())));
    }

    #[test]
    fn an_upload_takes_little_more_room_than_its_bytes() {
        let bytes = vec![7; 200_000];
        let mut upload = expecting(&bytes);
        let mut offset = 0;
        for chunk in bytes[..199_999].chunks(999) {
            send(&mut upload, offset, chunk).unwrap();
            offset += chunk.len() as u64;
            let (held, room) = (upload.received.len(), upload.received.capacity());
            assert!(room <= held + held / 8 + 999, "{room} bytes of room for {held}");
        }
        let whole = send(&mut upload, offset, &bytes[199_999..]).unwrap().unwrap();
        assert_eq!((whole.len(), whole.capacity()), (200_000, 200_000));
    }

    #[test]
    fn the_digest_of_an_empty_blob_does_not_pass_for_another() {
        let blob = BlobRef { digest: Digest::of(b"a"), size: 0, profile: Profile::UnixfsV1 };
        let expected = blob.digest;
        let refused = Upload::new(blob).check(0, Encoding::Plain, b"").map(|_| ());
        assert_eq!(refused, Err(ChunkRefused::DigestMismatch { expected, found: Digest::of(b"") }));
    }
}
