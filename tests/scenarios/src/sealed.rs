//! Sealed blobs, with what it takes to open them.

use blobs::{Binding, Opening};
use market::{Context, SealedBlob};

use crate::file;

/// A key that is no secret.
pub const KEY: [u8; 32] = [0x4b; 32];
/// A salt, of jobs and commitments alike.
pub const SALT: [u8; 32] = [0x5a; 32];

/// A sealed blob and what it takes to open it.
#[derive(Clone)]
pub struct Secret {
    /// What its account states.
    pub sealed: SealedBlob,
    /// What it publishes.
    pub ciphertext: Vec<u8>,
    /// What it reveals.
    pub opening: Opening,
}

impl Secret {
    /// The sender commits to an opening, and seals these bytes, which an honest one has named in it.
    pub fn new(sender: &Context, scope: [u8; 32], opening: Opening, bytes: &[u8]) -> Self {
        let Context { chain_id, app, sender, .. } = *sender;
        let binding = Binding { chain_id, app: app.0, scope, sender: sender.0 };
        let commitment = opening.commitment(&binding);
        let ciphertext = blobs::seal(&opening.key, commitment, bytes);
        let sealed = SealedBlob { commitment, ciphertext: file(&ciphertext) };
        Self { sealed, ciphertext, opening }
    }
}

/// Seals a file for its sender: a hold-out in the scope of its job's salt, a model in that of its
/// job's name.
pub fn seal(sender: &Context, scope: [u8; 32], plain: &[u8]) -> Secret {
    let opening = Opening { key: KEY, salt: SALT, plain: file(plain) };
    Secret::new(sender, scope, opening, plain)
}
