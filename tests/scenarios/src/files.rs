//! Files and blobs: small ones that the judge of this crate can read, and large ones that are never
//! complete.

use blobs::{BlobRef, Chunk, Digest, Profile, blob_ref, split};

/// A base model, which answers four in ten rows correctly.
pub const BASE: &[u8] = b"400";
/// A better model, which answers nine in ten rows correctly.
pub const MODEL: &[u8] = b"900";
/// The hold-out.
pub const HOLD_OUT: &[u8] = b"a thousand rows";
/// The dataset of a public board.
pub const SLICE: &[u8] = b"some rows";

/// The reference to a file.
pub fn file(bytes: &[u8]) -> BlobRef {
    blob_ref(bytes, Profile::Kubo)
}

/// A blob of this many bytes that nobody has.
pub fn absent(name: &[u8], size: u64) -> BlobRef {
    BlobRef { digest: Digest::of(name), size, profile: Profile::Kubo }
}

/// Highly compressed chunks of a blob, without the last one, so that it is never completed.
pub fn chunks_but_the_last(size: u64) -> Vec<Chunk> {
    let block = |n: u64| [Digest::of(&n.to_le_bytes()).0[0]; 24];
    let bytes: Vec<u8> = (0..size / 24).flat_map(block).collect();
    let mut chunks = split(&bytes, 60_000);
    chunks.pop();
    chunks
}
