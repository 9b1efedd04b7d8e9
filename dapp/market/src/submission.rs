//! A submission: one account's model for one job.

use blobs::{BlobRef, Digest, choice};
use serde::{Deserialize, Serialize};

use crate::{
    attestation::Answers,
    evaluation::Evaluated,
    message::MessageCounts,
    metric::Scores,
    refusal::ModelRefusal,
    terms::{SealedBlob, SubmissionStake},
    units::{Address, Amount, Score, Timestamp},
};

choice! {
    /// A model in the form in which it is submitted.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum SubmittedModel {
        /// Plain bytes follow.
        Open {
            /// The model.
            model: BlobRef,
            /// Dataset that it was trained on; never published.
            data: BlobRef,
        },
        /// Ciphertext follows, and the key after the close.
        Sealed(SealedBlob),
    }
}

impl SubmittedModel {
    /// The published blob: the plain model, or the ciphertext.
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

    /// The plain model; `None` if it is sealed.
    pub const fn plain(&self) -> Option<BlobRef> {
        match self {
            Self::Open { model, .. } => Some(*model),
            Self::Sealed(_) => None,
        }
    }

    /// Digest that the submission commits to: the model's, or the commitment.
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
    /// Account that submitted it.
    pub client: Address,
    /// The model as it was submitted.
    pub submitted: SubmittedModel,
    /// The plain model; `None` as long as it is sealed.
    pub model: Option<BlobRef>,
    /// Part of its stake still held.
    pub stake: SubmissionStake,
    /// Current state.
    pub state: SubmissionState,
    /// Index among the revealed models; `None` if it is not revealed.
    pub position: Option<u32>,
    /// The machine's evaluation on the hold-out.
    pub evaluated: Evaluated,
    /// The seats' attestations.
    pub answers: Answers,
    /// Its account's entry on the public board.
    pub board: Shows,
    /// Messages about it.
    pub messages: MessageCounts,
}

/// State of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubmissionState {
    /// Its published bytes have not all arrived.
    Expecting {
        /// Deadline for the bytes.
        until: Timestamp,
    },
    /// Its ciphertext is complete; its key is not revealed.
    Sealed,
    /// Its plain bytes are complete.
    Whole {
        /// Deadline for evaluating it in an open job; a sealed job has one window for all.
        until: Timestamp,
    },
    /// It is decided.
    Decided(Verdict),
}

/// Final verdict on a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Paid a reward or the prize.
    Accepted(Scores),
    /// Not paid; has scores if it was evaluated.
    Refused {
        /// Its scores.
        scores: Option<Scores>,
        /// Reason for refusing it.
        reason: ModelRefusal,
    },
}

impl Verdict {
    /// The scores; `None` if the model was not evaluated.
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

/// An account's entry on the public board.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shows {
    /// Number of models shown.
    pub shown: u32,
    /// Score on the board; `None` if it has none.
    pub score: Option<Score>,
    /// The model shown last, until it is evaluated.
    pub model: Option<BlobRef>,
    /// Amount held for its evaluation.
    pub stake: Amount,
    /// Progress of its evaluation.
    pub evaluated: Evaluated,
}

impl Submission {
    /// The verdict; `None` until it is decided.
    pub const fn verdict(&self) -> Option<Verdict> {
        match self.state {
            SubmissionState::Decided(verdict) => Some(verdict),
            SubmissionState::Expecting { .. }
            | SubmissionState::Sealed
            | SubmissionState::Whole { .. } => None,
        }
    }

    /// Whether its plain bytes are complete and it is not decided.
    pub const fn is_whole(&self) -> bool {
        matches!(self.state, SubmissionState::Whole { .. })
    }
}

impl Submission {
    /// The plain model's digest, or its commitment until that is known.
    pub fn digest(&self) -> Digest {
        self.model.map_or(self.submitted.commitment(), |model| model.digest)
    }
}
