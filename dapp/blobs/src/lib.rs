//! Content addressing without I/O: CIDs, balanced UnixFS trees, chunks and their reassembly.
//!
//! Sending: `blob_ref` names a file, `split` cuts it into chunks, an `Upload` joins and verifies
//! them. Storing: `blocks` gives the blocks of a file, an `Assembly` joins and verifies them.
//! Sealing: an `Opening` is committed to, `seal` encrypts under the commitment.
//!
//! Values serialise themselves; `form` has the rules, for the crates above as well.

mod assembly;
mod chunk;
mod cid;
mod form;
mod node;
mod seal;
mod unixfs;
mod upload;

pub use assembly::{Assembly, BlockRefused};
pub use chunk::{
    Chunk, ChunkRefused, Encoding, MAX_INFLATED_BYTES, MAX_INFLATION, MAX_PAYLOAD_BYTES,
};
pub use chunk::{decode, deflate, split};
pub use cid::{BlobRef, Cid, CidRefused, Codec, Digest, Profile};
pub use form::{Text, exact, hex, read_text};
pub use node::{Link, NodeRefused, links};
pub use seal::{Binding, Opening, SEAL_BYTES, SealRefused, seal, unseal};
pub use unixfs::{Blocks, blob_ref, blocks, cid_of};
pub use upload::{Piece, Upload};
