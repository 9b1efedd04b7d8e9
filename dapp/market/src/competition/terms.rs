//! A competition's terms, fixed for good when it opens.

use std::fmt;

use blobs::{BlobRef, Digest};

use crate::{
    metric::Metric,
    units::{Amount, Asset, Score, Timestamp, Work},
};

/// Who takes the prize when models cannot be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub enum Tied {
    /// All of them, in equal parts.
    Equal,
    /// The one that was committed to first.
    Earliest,
}

impl Tied {
    /// Both, in the order of their codes.
    pub const ALL: [Self; 2] = [Self::Equal, Self::Earliest];
}

impl fmt::Display for Tied {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Equal => "equal",
            Self::Earliest => "earliest",
        })
    }
}

/// Who takes the prize when models were revealed and none is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub enum Unmet {
    /// The sponsor has it back.
    Return,
    /// All who revealed, in equal parts: the sponsor vouches that its terms can be met.
    Share,
}

impl Unmet {
    /// Both, in the order of their codes.
    pub const ALL: [Self; 2] = [Self::Return, Self::Share];
}

impl fmt::Display for Unmet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Return => "return",
            Self::Share => "share",
        })
    }
}

/// A blob published as ciphertext, and what its key will have to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub struct SealedBlob {
    /// SHA-256 of chain, application, job, sender, the plaintext's CID and size, and a salt.
    pub commitment: Digest,
    /// The ciphertext.
    pub ciphertext: BlobRef,
}

/// A sponsor's terms.
///
/// - Units: amounts in the asset's smallest unit; scores, the step and the significance in parts
///   per million; `close` in block seconds; `max_work` in instructions
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub struct CompetitionTerms {
    /// Short UTF-8 name, zero-padded.
    pub title: [u8; 32],
    /// What everything is paid in.
    pub asset: Asset,
    /// For the best model.
    pub prize: Amount,
    /// For the miners, beside the buy-ins.
    pub miners_pool: Amount,
    /// Paid by each entrant.
    pub buy_in: Amount,
    /// Returned to an entrant who reveals.
    pub entrant_bond: Amount,
    /// Returned to a miner who is right, or not drawn.
    pub miner_bond: Amount,
    /// Seats for miners; none when the machine evaluates alone.
    pub miners: u32,
    /// From this block time on nobody enters.
    pub close: Timestamp,
    /// How long keys are taken after that.
    pub reveal_seconds: u32,
    /// How long each of attesting, unveiling and objecting takes after that.
    pub attest_seconds: u32,
    /// How many models an entrant may show on the public slice.
    pub quota: u32,
    /// By how much a shown model must beat what the board has of its entrant.
    pub ladder_step: Score,
    /// What the score measures.
    pub metric: Metric,
    /// Smallest score that wins.
    pub min_score: Score,
    /// Smallest gain over the base model's score on the hold-out.
    pub min_gain: Score,
    /// Smallest recall of the worst class.
    pub min_worst_class: Score,
    /// Models are told apart when the exact test's probability is at most this.
    pub significance: Score,
    /// Who takes the prize otherwise.
    pub tied: Tied,
    /// Who takes the prize when no model is accepted.
    pub unmet: Unmet,
    /// Largest model file in bytes.
    pub max_model_bytes: u64,
    /// Largest work of one evaluation.
    pub max_work: Work,
    /// Whether evaluations are beyond the machine, which then only checks sampled rows.
    pub miners_only: bool,
    /// How many rows it checks.
    pub sample_rows: u32,
    /// The model to beat, and to train from.
    pub base_model: BlobRef,
    /// The dataset of the public board.
    pub public_slice: BlobRef,
    /// The dataset that decides.
    pub hold_out: SealedBlob,
}

impl CompetitionTerms {
    /// When keys are no longer taken, and miners begin to attest.
    #[must_use]
    pub fn reveal_until(&self) -> Timestamp {
        self.close.after(self.reveal_seconds.into())
    }

    /// When attestations are no longer committed to, but unveiled.
    #[must_use]
    pub fn attest_until(&self) -> Timestamp {
        self.reveal_until().after(self.attest_seconds.into())
    }

    /// When attestations are no longer unveiled, but may be doubted.
    #[must_use]
    pub fn unveil_until(&self) -> Timestamp {
        self.attest_until().after(self.attest_seconds.into())
    }

    /// When nobody may doubt them any more.
    #[must_use]
    pub fn object_until(&self) -> Timestamp {
        self.unveil_until().after(self.attest_seconds.into())
    }
}
