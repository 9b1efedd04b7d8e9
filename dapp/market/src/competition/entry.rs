//! An entry: one account's sealed model, and what it shows of its work before.

use blobs::BlobRef;

use super::SealedBlob;
use crate::units::{Address, Score};

/// One account's part in a competition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose.
    pub entrant: Address,
    /// The sealed model.
    pub model: SealedBlob,
    /// How many models were shown.
    pub shows: u32,
    /// What the board has of it.
    pub board: Option<Score>,
    /// How far the sealed model has come.
    pub state: EntryState,
}

/// How far a sealed model has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryState {
    /// Its ciphertext is awaited.
    Expecting,
    /// Its key is awaited.
    Sealed,
    /// It is open.
    Revealed {
        /// Its place among the revealed models.
        position: u32,
    },
}

/// A model shown on the public slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Show {
    /// Whose.
    pub entry: u32,
    /// The model.
    pub model: BlobRef,
}
