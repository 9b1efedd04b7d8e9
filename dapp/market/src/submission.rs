//! A submission: one account's model for one job.

use blobs::{BlobRef, Digest, choice};
use serde::{Deserialize, Serialize};

use crate::{
    attestation::Answers,
    evaluation::Evaluated,
    metric::Scores,
    refusal::ModelRefusal,
    terms::{SealedBlob, SubmissionStake},
    units::{Address, Amount, Score, Timestamp},
};

choice! {
    /// A model as it is submitted.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum SubmittedModel {
        /// Its bytes come next.
        Open {
            /// The model.
            model: BlobRef,
            /// What it was trained on; never published.
            data: BlobRef,
        },
        /// Its ciphertext comes next, its key after the close.
        Sealed(SealedBlob),
    }
}

impl SubmittedModel {
    /// The bytes that are published: plain, or the ciphertext.
    pub const fn published(&self) -> BlobRef {
        match self {
            Self::Open { model, .. } => *model,
            Self::Sealed(sealed) => sealed.ciphertext,
        }
    }

    /// Whether its bytes are published as ciphertext.
    pub const fn is_sealed(&self) -> bool {
        matches!(self, Self::Sealed(_))
    }

    /// The plain model, if it is known at once.
    pub const fn plain(&self) -> Option<BlobRef> {
        match self {
            Self::Open { model, .. } => Some(*model),
            Self::Sealed(_) => None,
        }
    }

    /// What the submission is committed to: the model's digest, or the commitment.
    pub const fn commitment(&self) -> Digest {
        match self {
            Self::Open { model, .. } => model.digest,
            Self::Sealed(sealed) => sealed.commitment,
        }
    }
}

/// One account's model for one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// Whose.
    pub client: Address,
    /// The model as it was submitted.
    pub submitted: SubmittedModel,
    /// The plain model, as far as it is known.
    pub model: Option<BlobRef>,
    /// What is still held of its stake.
    pub stake: SubmissionStake,
    /// How far it has come.
    pub state: SubmissionState,
    /// Its number among the revealed models, if it is one.
    pub position: Option<u32>,
    /// What the machine finds of it on the hold-out.
    pub evaluated: Evaluated,
    /// What the seats say of it.
    pub answers: Answers,
    /// What it shows on the public board.
    pub board: Shows,
}

/// How far a submission has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubmissionState {
    /// Its bytes, or its ciphertext, are awaited.
    Expecting {
        /// Until when.
        until: Timestamp,
    },
    /// Its ciphertext is whole; its key is awaited.
    Sealed,
    /// Its plain bytes are here.
    Whole {
        /// Until when the machine may evaluate it, in open jobs; sealed jobs have one window.
        until: Timestamp,
    },
    /// It is decided.
    Decided(Verdict),
}

/// What became of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Paid a reward or the prize.
    Accepted(Scores),
    /// Not paid; with scores when it was evaluated.
    Refused {
        /// Its scores.
        scores: Option<Scores>,
        /// Why.
        reason: ModelRefusal,
    },
}

impl Verdict {
    /// The scores, if the model was evaluated.
    pub const fn scores(&self) -> Option<Scores> {
        match self {
            Self::Accepted(scores) => Some(*scores),
            Self::Refused { scores, .. } => *scores,
        }
    }

    /// Whether it was paid.
    pub const fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted(_))
    }
}

/// What a submission's account shows on the public board.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shows {
    /// How many models were shown.
    pub shown: u32,
    /// What the board has of it.
    pub score: Option<Score>,
    /// The model shown last, until it is evaluated.
    pub model: Option<BlobRef>,
    /// What is held for its evaluation.
    pub stake: Amount,
    /// How far its evaluation has come.
    pub evaluated: Evaluated,
}

impl Submission {
    /// What became of it, once it is decided.
    pub const fn verdict(&self) -> Option<Verdict> {
        match self.state {
            SubmissionState::Decided(verdict) => Some(verdict),
            SubmissionState::Expecting { .. }
            | SubmissionState::Sealed
            | SubmissionState::Whole { .. } => None,
        }
    }

    /// Whether its plain bytes are here and nothing is decided.
    pub const fn is_whole(&self) -> bool {
        matches!(self.state, SubmissionState::Whole { .. })
    }
}

impl Submission {
    /// The plain model's digest, or what stands for it until that is known.
    pub fn digest(&self) -> Digest {
        self.model.map_or(self.submitted.commitment(), |model| model.digest)
    }
}
