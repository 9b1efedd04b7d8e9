//! Sealed blobs: ciphertext published early, key later; the plaintext is fixed from the start.
//!
//! A commitment covers the plaintext and the market, scope and sender it is bound to. It is also
//! the associated data of the ciphertext, so a ciphertext opens under its own commitment only, and
//! a commitment is valid for its sender only.

use chacha20poly1305::{AeadInPlace as _, ChaCha20Poly1305, KeyInit as _, Tag};
use sha2::{Digest as _, Sha256};

use crate::{BlobRef, Digest, blob_ref};

/// Length added by sealing: the authentication tag at the end.
pub const SEAL_BYTES: u64 = TAG_BYTES as u64;
const TAG_BYTES: usize = 16;

/// Domain separator at the start of every commitment, zero-padded.
const DOMAIN: [u8; 32] = *b"DeML sealed blob 2\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// Each key seals one blob only, so the fixed nonce is never reused with a key.
const NONCE: [u8; 12] = [0; 12];

/// The context that a commitment is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The chain the market is on.
    pub chain_id: u64,
    /// Address of the market's application contract.
    pub app: [u8; 20],
    /// The name of a submission's job, or the salt of a job that has no name yet.
    pub scope: [u8; 32],
    /// Account that commits.
    pub sender: [u8; 20],
}

/// Values kept secret until the reveal, besides the plaintext bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// Random; encrypts this one blob.
    pub key: [u8; 32],
    /// Random; hides which plaintext is committed to.
    pub salt: [u8; 32],
    /// The plaintext.
    pub plain: BlobRef,
}

/// Reason why a sealed blob does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum SealRefused {
    /// Plaintext or salt do not match the commitment, or it is bound to another chain, market,
    /// scope or sender.
    #[error("what is revealed has commitment {found}, expected {expected}")]
    WrongCommitment {
        /// Commitment made before.
        expected: Digest,
        /// Commitment of the revealed values.
        found: Digest,
    },
    /// The ciphertext is not authentic under the key.
    #[error("the key does not open the ciphertext")]
    WrongKey,
    /// The plaintext is not the one that was committed to.
    #[error("the plaintext has {size} bytes and root {found}, not those committed to")]
    WrongContent {
        /// Digest of the CID of the decrypted bytes.
        found: Digest,
        /// Length of the decrypted bytes.
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

    /// Checks that these values match the commitment.
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

    /// Decrypts a ciphertext sealed under this commitment, in place.
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

/// Seals bytes with a fresh key under their commitment: ciphertext, then the tag.
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

/// Decrypts a ciphertext with this key and commitment, in place; `None` if it is not authentic.
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
