//! A job to be held: its terms, and what is sealed for it.

use blobs::{Binding, Opening, seal};
use market::{
    Address, Amount, Asset, Award, Board, Command, Evaluators, JobId, Metric, MinerTerms, Offer,
    Score, SealedBlob, Sealing, Terms, Timestamp, Unmet, Work,
};
use wire::job_name;

use crate::stage::{APP, CHAIN, NOW, SECONDS, named};

pub(crate) const SPONSOR: Address = Address([0xa1; 20]);
const SALT: [u8; 32] = [0x5a; 32];
/// Seats for miners.
pub(crate) const SEATS: u32 = 100;

/// A job to be held.
pub(crate) struct Plan {
    pub(crate) job: JobId,
    terms: Terms,
}

impl Plan {
    /// A job with a prize, whose hold-out of so many rows is open or sealed; `change` makes other
    /// choices.
    pub(crate) fn new(
        [base, slice]: [&[u8]; 2],
        sealing: Sealing,
        rows: u32,
        change: impl FnOnce(&mut Terms),
    ) -> Self {
        let (quota, ladder_step) = (1, Score(1));
        let mut terms = Terms {
            title: [0; 32],
            asset: Asset::Ether,
            close: Timestamp(NOW + u64::from(SECONDS)),
            places: 8,
            offer: Offer {
                metric: Metric::Accuracy,
                min_score: Score(0),
                min_gain: Score(1),
                min_worst_class: Score(0),
                max_model_bytes: 1 << 20,
                max_work: Work(1 << 40),
                max_inputs: 1_000,
                rows,
                base_model: named(base),
                board: Some(Board { public_slice: named(slice), quota, ladder_step }),
            },
            sealing,
            evaluators: Evaluators::Machine,
            award: Award::Prize {
                prize: Amount::new(1_000_000),
                significance: Score(50_000),
                unmet: Unmet::Return,
            },
        };
        change(&mut terms);
        Self { job: job_name(CHAIN, APP, SPONSOR, SALT, &terms), terms }
    }

    pub(crate) fn open(&self) -> Command {
        Command::OpenJob { job: self.job, salt: SALT, terms: Box::new(self.terms) }
    }

    pub(crate) fn reveal(&self, opening: Opening) -> Command {
        let Opening { key, salt, plain: plaintext } = opening;
        Command::Reveal { job: self.job, key, salt, plaintext }
    }
}

/// Miners for all seats, who say of so many rows what they find; of all when there are none.
pub(crate) fn miners(sample_rows: u32) -> Evaluators {
    Evaluators::Miners(MinerTerms {
        seats: SEATS,
        bond: Amount::new(10),
        pool: Amount::new(200),
        buy_in: Amount::new(10),
        attest_seconds: SECONDS,
        sample_rows,
    })
}

/// A sealed hold-out, its ciphertext, and what opens it.
pub(crate) fn sealed_hold_out(plain: &[u8]) -> (Sealing, Vec<u8>, Opening) {
    let (hold_out, ciphertext, opening) = sealed(SPONSOR, SALT, plain);
    let sponsor_bond = Amount::new(1_000_000);
    let sealing = Sealing::Sealed { hold_out, reveal_seconds: SECONDS, sponsor_bond };
    (sealing, ciphertext, opening)
}

/// What an account commits to, the ciphertext, and what opens it.
pub(crate) fn sealed(
    sender: Address,
    scope: [u8; 32],
    plain: &[u8],
) -> (SealedBlob, Vec<u8>, Opening) {
    let opening = Opening { key: [0x4b; 32], salt: SALT, plain: named(plain) };
    let binding = Binding { chain_id: CHAIN, app: APP.0, scope, sender: sender.0 };
    let commitment = opening.commitment(&binding);
    let bytes = seal(&opening.key, commitment, plain);
    (SealedBlob { commitment, ciphertext: named(&bytes) }, bytes, opening)
}
