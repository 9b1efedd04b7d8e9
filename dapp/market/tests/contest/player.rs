//! An account in a competition: its strategy, its model, what opens it.

use blobs::{Binding, BlobRef, Digest, Opening, Profile, blob_ref, seal};
use market::{Address, JobId, SealedBlob};

use super::{APP, CHAIN, Strategy};

/// An account that plays.
pub(super) struct Player {
    pub(super) account: Address,
    pub(super) strategy: Strategy,
    pub(super) secret: Option<Secret>,
}

/// A sealed blob of this account's and what it takes to open it.
#[derive(Clone)]
pub(super) struct Secret {
    pub(super) plain: Vec<u8>,
    pub(super) ciphertext: Vec<u8>,
    pub(super) sealed: SealedBlob,
    pub(super) opening: Opening,
}

impl Player {
    pub(super) fn new(account: Address, strategy: Strategy) -> Self {
        Self { account, strategy, secret: None }
    }

    /// Whether it is a miner for all competitions.
    pub(super) fn stands(&self) -> bool {
        self.strategy.imitates() == Strategy::StandingHonest
    }

    /// Seals bytes for a job.
    pub(super) fn seal(&mut self, job: JobId, plain: Vec<u8>) -> SealedBlob {
        let own = |part: &[u8]| Digest::of(&[part, &self.account.0].concat()).0;
        let opening = Opening { key: own(b"key"), salt: own(b"salt"), plain: named(&plain) };
        let binding = Binding { chain_id: CHAIN, app: APP.0, job: job.0, sender: self.account.0 };
        let commitment = opening.commitment(&binding);
        let ciphertext = seal(&opening.key, commitment, &plain);
        let sealed = SealedBlob { commitment, ciphertext: named(&ciphertext) };
        self.secret = Some(Secret { plain, ciphertext, sealed, opening });
        sealed
    }
}

pub(super) fn named(bytes: &[u8]) -> BlobRef {
    blob_ref(bytes, Profile::Kubo)
}
