//! Files and blobs: small ones that the judge of this crate can read, and large ones that never
//! come whole.

use blobs::{BlobRef, Chunk, Digest, Profile, blob_ref, split};

/// A base model, which answers four in ten rows right.
pub const BASE: &[u8] = b"400";
/// A better model, which answers nine in ten rows right.
pub const MODEL: &[u8] = b"900";
/// What all models are judged on.
pub const HOLD_OUT: &[u8] = b"a thousand rows";
/// What the models on a public board are judged on.
pub const SLICE: &[u8] = b"some rows";

/// A file's reference.
pub fn file(bytes: &[u8]) -> BlobRef {
    blob_ref(bytes, Profile::Kubo)
}

/// A blob of so many bytes that nobody has.
pub fn absent(name: &[u8], size: u64) -> BlobRef {
    BlobRef { digest: Digest::of(name), size, profile: Profile::Kubo }
}

/// Chunks of nearly the whole of a blob that is never complete, a few bytes of theirs standing for
/// many.
pub fn chunks_but_the_last(size: u64) -> Vec<Chunk> {
    let block = |n: u64| [Digest::of(&n.to_le_bytes()).0[0]; 24];
    let bytes: Vec<u8> = (0..size / 24).flat_map(block).collect();
    let mut chunks = split(&bytes, 60_000);
    chunks.pop();
    chunks
}
