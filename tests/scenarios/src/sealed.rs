//! Sealed blobs, with their openings.

use blobs::{Binding, Opening};
use market::{Context, SealedBlob};

use crate::file;

/// A key, for tests only.
pub const KEY: [u8; 32] = [0x4b; 32];
/// A salt, for jobs and commitments alike.
pub const SALT: [u8; 32] = [0x5a; 32];

/// A sealed blob and its opening.
#[derive(Clone)]
pub struct Secret {
    /// The reference stated by its account.
    pub sealed: SealedBlob,
    /// The published bytes.
    pub ciphertext: Vec<u8>,
    /// The revealed values.
    pub opening: Opening,
}

impl Secret {
    /// Commits to an opening and seals these bytes, its plaintext if the sender is honest.
    pub fn new(sender: &Context, scope: [u8; 32], opening: Opening, bytes: &[u8]) -> Self {
        let Context { chain_id, app, sender, .. } = *sender;
        let binding = Binding { chain_id, app: app.0, scope, sender: sender.0 };
        let commitment = opening.commitment(&binding);
        let ciphertext = blobs::seal(&opening.key, commitment, bytes);
        let sealed = SealedBlob { commitment, ciphertext: file(&ciphertext) };
        Self { sealed, ciphertext, opening }
    }
}

/// Seals a file for its sender: a hold-out in the scope of its job's salt, a model in the scope of
/// its job's name.
pub fn seal(sender: &Context, scope: [u8; 32], plain: &[u8]) -> Secret {
    let opening = Opening { key: KEY, salt: SALT, plain: file(plain) };
    Secret::new(sender, scope, opening, plain)
}
