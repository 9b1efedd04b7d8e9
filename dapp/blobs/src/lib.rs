//! Content addressing without I/O: CIDs, balanced UnixFS trees, chunks and their reassembly.

mod cid;

pub use cid::{BlobRef, Cid, CidRefused, Codec, Digest, Profile};
