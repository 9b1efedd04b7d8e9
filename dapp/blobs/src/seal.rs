//! Sealed blobs: ciphertext published early, its key later, the plaintext fixed from the start.
//!
//! A commitment names the plaintext and says for which market, scope and sender it counts. It is
//! also what the ciphertext is authenticated with, so a ciphertext opens under its own commitment
//! only, and a commitment for nobody but its sender.

use chacha20poly1305::{AeadInPlace as _, ChaCha20Poly1305, KeyInit as _, Tag};
use sha2::{Digest as _, Sha256};

use crate::{BlobRef, Digest, blob_ref};

/// How much longer a sealed blob is than the plain one: the tag at its end.
pub const SEAL_BYTES: u64 = TAG_BYTES as u64;
const TAG_BYTES: usize = 16;

/// What every commitment begins with, filled up with zeros.
const DOMAIN: [u8; 32] = *b"DeML sealed blob 2\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// A key seals one blob only, so that a fixed nonce is never used twice with it.
const NONCE: [u8; 12] = [0; 12];

/// For whom a commitment counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The chain the market is on.
    pub chain_id: u64,
    /// The market's application contract.
    pub app: [u8; 20],
    /// What it is for: a submission's job, by its name; or the salt of a job that is not named yet.
    pub scope: [u8; 32],
    /// Who commits.
    pub sender: [u8; 20],
}

/// What is kept secret until the reveal, beside the plain bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// Encrypts this one blob; random.
    pub key: [u8; 32],
    /// Hides which plaintext is committed to; random.
    pub salt: [u8; 32],
    /// The plaintext.
    pub plain: BlobRef,
}

/// Why a sealed blob does not open, by the part that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum SealRefused {
    /// Plaintext or salt are not those committed to, or not for this chain, market, scope or
    /// sender.
    #[error("what is revealed has commitment {found}, expected {expected}")]
    WrongCommitment {
        /// What was committed.
        expected: Digest,
        /// What the revealed values come to.
        found: Digest,
    },
    /// The ciphertext is not authentic under the key.
    #[error("the key does not open the ciphertext")]
    WrongKey,
    /// The plaintext is not the one committed to.
    #[error("the plaintext has {size} bytes and root {found}, not those committed to")]
    WrongContent {
        /// Digest of the CID of what came out.
        found: Digest,
        /// Its length.
        size: u64,
    },
}

impl Opening {
    /// The commitment to this opening: sha2-256 of fixed-width fields.
    ///
    /// ```text
    /// byte   0  "DeML sealed blob 2", then zeros    112  digest of the plaintext's CID
    ///       32  chain id, big-endian                144  its size, big-endian
    ///       40  application                         152  its leaf size, big-endian
    ///       60  scope                               156  key
    ///       92  sender                              188  salt, to byte 220
    /// ```
    #[must_use]
    pub fn commitment(&self, binding: &Binding) -> Digest {
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        hash.update(binding.chain_id.to_be_bytes());
        hash.update(binding.app);
        hash.update(binding.scope);
        hash.update(binding.sender);
        hash.update(self.plain.digest.0);
        hash.update(self.plain.size.to_be_bytes());
        hash.update(self.plain.profile.leaf_size().to_be_bytes());
        hash.update(self.key);
        hash.update(self.salt);
        Digest(hash.finalize().into())
    }

    /// Checks that these are the values committed to.
    ///
    /// - Errors: `WrongCommitment`
    pub fn check(&self, binding: &Binding, expected: Digest) -> Result<(), SealRefused> {
        let found = self.commitment(binding);
        if found == expected {
            Ok(())
        } else {
            Err(SealRefused::WrongCommitment { expected, found })
        }
    }

    /// The plain bytes of a ciphertext sealed under this commitment, in the ciphertext's room.
    ///
    /// - Errors: `WrongKey`, `WrongContent`
    pub fn open(&self, commitment: Digest, sealed: Vec<u8>) -> Result<Vec<u8>, SealRefused> {
        let bytes = unseal(&self.key, commitment, sealed).ok_or(SealRefused::WrongKey)?;
        let found = blob_ref(&bytes, self.plain.profile);
        if found == self.plain {
            Ok(bytes)
        } else {
            Err(SealRefused::WrongContent { found: found.digest, size: found.size })
        }
    }
}

/// Seals bytes with a fresh key under the commitment to them: ciphertext, then the tag.
///
/// - Source: RFC 8439 with nonce zero and the commitment as associated data
/// - Panics: for bytes beyond the cipher's 256 GiB
#[must_use]
pub fn seal(key: &[u8; 32], commitment: Digest, plain: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(plain.len() + TAG_BYTES);
    sealed.extend_from_slice(plain);
    let tag = ChaCha20Poly1305::new(key.into())
        .encrypt_in_place_detached(&NONCE.into(), &commitment.0, &mut sealed)
        .expect("a blob is smaller than the cipher's limit");
    sealed.extend_from_slice(&tag);
    sealed
}

/// The plain bytes that this key sealed under this commitment, in the ciphertext's room; nothing
/// when there are none.
#[must_use]
pub fn unseal(key: &[u8; 32], commitment: Digest, mut sealed: Vec<u8>) -> Option<Vec<u8>> {
    let length = sealed.len().checked_sub(TAG_BYTES)?;
    let tag = Tag::clone_from_slice(&sealed.split_off(length));
    ChaCha20Poly1305::new(key.into())
        .decrypt_in_place_detached(&NONCE.into(), &commitment.0, &mut sealed, &tag)
        .ok()?;
    Some(sealed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Profile;

    const BINDING: Binding = Binding { chain_id: 1, app: [2; 20], scope: [3; 32], sender: [4; 20] };

    fn opening(plain: &[u8]) -> Opening {
        Opening { key: [5; 32], salt: [6; 32], plain: blob_ref(plain, Profile::Kubo) }
    }

    #[test]
    fn what_is_sealed_opens_under_its_own_commitment_only() {
        for plain in [&b""[..], b"a", &[7; 300_000]] {
            let opening = opening(plain);
            let commitment = opening.commitment(&BINDING);
            let sealed = seal(&opening.key, commitment, plain);
            assert_eq!(sealed.len() as u64, plain.len() as u64 + SEAL_BYTES);
            assert!(opening.open(commitment, sealed.clone()).as_deref() == Ok(plain));
            let copied = opening.commitment(&Binding { sender: [9; 20], ..BINDING });
            assert_eq!(opening.open(copied, sealed.clone()), Err(SealRefused::WrongKey));
            let other = Opening { key: [8; 32], ..opening };
            assert_eq!(other.open(commitment, sealed), Err(SealRefused::WrongKey));
        }
    }

    #[test]
    fn every_field_is_committed_to() {
        let opening = opening(b"abc");
        let commitment = opening.commitment(&BINDING);
        assert_eq!(opening.check(&BINDING, commitment), Ok(()));
        let bindings = [
            Binding { chain_id: 2, ..BINDING },
            Binding { app: [1; 20], ..BINDING },
            Binding { scope: [4; 32], ..BINDING },
            Binding { sender: [3; 20], ..BINDING },
        ];
        let plain = opening.plain;
        let openings = [
            Opening { key: [6; 32], ..opening },
            Opening { salt: [5; 32], ..opening },
            Opening { plain: BlobRef { digest: Digest::of(b"abd"), ..plain }, ..opening },
            Opening { plain: BlobRef { size: 4, ..plain }, ..opening },
            Opening { plain: BlobRef { profile: Profile::UnixfsV1, ..plain }, ..opening },
        ];
        let others = bindings
            .map(|binding| (binding, opening))
            .into_iter()
            .chain(openings.map(|opening| (BINDING, opening)));
        for (binding, opening) in others {
            let found = opening.commitment(&binding);
            let refused = SealRefused::WrongCommitment { expected: commitment, found };
            assert_eq!(opening.check(&binding, commitment), Err(refused));
            assert_ne!(found, commitment);
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_and_a_missing_end_do_not_open() {
        let opening = opening(b"some bytes");
        let commitment = opening.commitment(&BINDING);
        let sealed = seal(&opening.key, commitment, b"some bytes");
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(opening.open(commitment, flipped), Err(SealRefused::WrongKey));
        }
        for length in 0..sealed.len() {
            let cut = sealed[..length].to_vec();
            assert_eq!(opening.open(commitment, cut), Err(SealRefused::WrongKey));
        }
    }

    #[test]
    fn another_plaintext_than_the_one_committed_to_is_refused() {
        let opening = opening(b"what was promised");
        let commitment = opening.commitment(&BINDING);
        let sealed = seal(&opening.key, commitment, b"something else");
        let found = blob_ref(b"something else", Profile::Kubo).digest;
        let refused = SealRefused::WrongContent { found, size: 14 };
        assert_eq!(opening.open(commitment, sealed), Err(refused));
    }
}
