//! The sealing: models and hold-out are published as bytes, or as ciphertext first and key later.

use blobs::{BlobRef, Digest, Opening, SEAL_BYTES, blob_ref, choice, unseal};
use serde::{Deserialize, Serialize};

use super::Terms;
use crate::{refusal::Refusal, settings::Settings, units::Amount};

choice! {
    /// Publication of models and hold-out: open, or sealed until the close.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Sealing {
        /// Everything is public from the start.
        Open {
            /// The dataset that decides the score.
            hold_out: BlobRef,
        },
        /// Ciphertext first; keys after the close.
        Sealed {
            /// The dataset that decides the score.
            hold_out: SealedBlob,
            /// Time for revealing keys.
            reveal_seconds: u32,
            /// Lost by a sponsor who does not reveal a valid hold-out; at least a quarter of the
            /// award.
            sponsor_bond: Amount,
        },
    }
}

/// A blob published as ciphertext, and the commitment to its opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedBlob {
    /// SHA-256 of chain, application, job, sender, the plaintext's CID and size, and a salt.
    pub commitment: Digest,
    /// The ciphertext.
    pub ciphertext: BlobRef,
}

impl SealedBlob {
    /// Whether the ciphertext holds a delta: it has another length than the sealed plaintext.
    pub const fn is_delta(&self, plain: BlobRef) -> bool {
        self.ciphertext.size != plain.size.saturating_add(SEAL_BYTES)
    }

    /// The plaintext of a ciphertext, rebuilt if that holds a delta; `None` if it is not the one
    /// committed to.
    pub fn open(
        &self,
        opening: &Opening,
        ciphertext: Vec<u8>,
        rebuild: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
    ) -> Option<Vec<u8>> {
        let plain = opening.plain;
        if !self.is_delta(plain) {
            return opening.open(self.commitment, ciphertext).ok();
        }
        let rebuilt = rebuild(&unseal(&opening.key, self.commitment, ciphertext)?)?;
        (blob_ref(&rebuilt, plain.profile) == plain).then_some(rebuilt)
    }
}

impl Sealing {
    /// Whether submissions are sealed.
    pub const fn is_sealed(&self) -> bool {
        matches!(self, Self::Sealed { .. })
    }

    /// The published hold-out: the plain dataset, or the ciphertext.
    pub const fn published_hold_out(&self) -> BlobRef {
        match self {
            Self::Open { hold_out } => *hold_out,
            Self::Sealed { hold_out, .. } => hold_out.ciphertext,
        }
    }

    /// The sponsor's bond; zero if nothing is sealed.
    pub const fn sponsor_bond(&self) -> Amount {
        match self {
            Self::Open { .. } => Amount::ZERO,
            Self::Sealed { sponsor_bond, .. } => *sponsor_bond,
        }
    }

    /// Length that sealing adds to a published model.
    pub const fn overhead(&self) -> u64 {
        if self.is_sealed() { SEAL_BYTES } else { 0 }
    }

    pub(super) fn check(&self, settings: &Settings, terms: &Terms) -> Result<(), Refusal> {
        let published = self.published_hold_out();
        settings.check_size(published.size)?;
        let Self::Sealed { reveal_seconds, sponsor_bond, .. } = *self else { return Ok(()) };
        if terms.offer.board.is_none() {
            return Err(Refusal::NoPublicSlice {});
        }
        if published.size <= SEAL_BYTES {
            return Err(Refusal::CiphertextTooShort { size: published.size });
        }
        let longest = terms.offer.max_model_bytes.saturating_add(SEAL_BYTES);
        settings.check_size(longest)?;
        let prices = &settings.prices;
        let opening_model = prices.opening_model(terms.offer.max_model_bytes);
        let opening = opening_model.times(terms.places.into());
        let opening = settings.reading_seconds(opening.plus(prices.opening(published.size)));
        let shortest = settings.windows.reveal_seconds.max(opening);
        settings.check_window(reveal_seconds, shortest)?;
        let least = terms.award.total()?.scaled_up(1.into(), 4.into());
        let least = least.ok_or(Refusal::AwardOverflow {})?;
        if sponsor_bond < least {
            let (found, asset) = (sponsor_bond, terms.asset);
            return Err(Refusal::SponsorBondTooSmall { found, least, asset });
        }
        let opening = prices.opening(published.size).max(opening_model);
        let (found, maximum) = (opening.plus(settings.prices.input), settings.input_work);
        if found > maximum {
            return Err(Refusal::OpeningTooExpensive { maximum, found });
        }
        Ok(())
    }
}
