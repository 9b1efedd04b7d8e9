//! A job: a sponsor's terms, what is in escrow for them, and who has submitted.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
};

use blobs::BlobRef;

use crate::{
    judge::Quote,
    metric::{Marks, Metric, Tally},
    refusal::ModelRefusal,
    units::{Address, Amount, Asset, Score, Timestamp, Work},
};

/// How many submissions a job takes: bounds what its end has to clear away in one input.
pub const MAX_SUBMISSIONS: u32 = 100_000;

/// A sponsor's terms, fixed for good when the job opens.
///
/// - Units: `reward` in the asset's smallest unit; scores in parts per million; `deadline` in block
///   seconds; `max_work` in instructions
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub struct Terms {
    /// Short UTF-8 name, zero-padded.
    pub title: [u8; 32],
    /// What rewards are paid in.
    pub asset: Asset,
    /// Paid for each accepted model.
    pub reward: Amount,
    /// How many models may be paid.
    pub rewards: u32,
    /// From this block time on nothing more is accepted.
    pub deadline: Timestamp,
    /// What the score measures.
    pub metric: Metric,
    /// Smallest score that is paid.
    pub min_score: Score,
    /// Smallest gain over the base model's score.
    pub min_gain: Score,
    /// Smallest recall of the worst class.
    pub min_worst_class: Score,
    /// Largest model file in bytes.
    pub max_model_bytes: u64,
    /// Largest work of one evaluation.
    pub max_work: Work,
    /// The model to beat, and to train from.
    pub base_model: BlobRef,
    /// The dataset that decides the score.
    pub hold_out: BlobRef,
}

/// Where a job is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub enum Stage {
    /// Waits for its blobs and its base model's marks.
    Announced,
    /// Takes submissions or entries.
    Open,
    /// A competition takes keys.
    Revealing,
    /// A competition's models are evaluated, then paid for.
    Evaluating,
    /// Ended by settlement.
    Settled,
    /// Ended without one.
    Cancelled,
}

impl fmt::Display for Stage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Announced => "announced",
            Self::Open => "open",
            Self::Revealing => "revealing",
            Self::Evaluating => "evaluating",
            Self::Settled => "settled",
            Self::Cancelled => "cancelled",
        })
    }
}

/// A job and all that belongs to it except its submissions' own records.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub struct Job {
    /// Who pays.
    pub sponsor: Address,
    /// For what.
    pub terms: Terms,
    /// Where it is in its life.
    pub stage: Stage,
    /// What is still held for rewards.
    pub escrow: Amount,
    /// How many models were paid.
    pub payouts: u32,
    /// How many submissions were made; the next one's index.
    pub submissions: u32,
    /// The base model's marks, once known.
    pub base: Option<Marks>,
    /// The best accepted submission and its marks; the earlier of equals.
    pub best: Option<(u32, Marks)>,
    /// Which blobs are on the shelf for this job: base model, hold-out.
    pub(crate) has_blobs: [bool; 2],
    /// Each client's unfinished or paid submission.
    pub(crate) clients: BTreeMap<Address, Standing>,
    /// What waits for evaluation, first come first.
    pub(crate) queue: VecDeque<Task>,
    /// How far the evaluation of the queue's head has come.
    pub(crate) progress: Option<Progress>,
}

impl Job {
    pub(crate) fn new(sponsor: Address, terms: Terms, escrow: Amount) -> Self {
        Self {
            sponsor,
            terms,
            stage: Stage::Announced,
            escrow,
            payouts: 0,
            submissions: 0,
            base: None,
            best: None,
            has_blobs: [false, false],
            clients: BTreeMap::new(),
            queue: VecDeque::new(),
            progress: None,
        }
    }

    /// The job's blobs: base model, hold-out.
    #[must_use]
    pub const fn blobs(&self) -> [BlobRef; 2] {
        [self.terms.base_model, self.terms.hold_out]
    }

    /// Rewards not yet paid.
    #[must_use]
    pub const fn rewards_left(&self) -> u32 {
        self.terms.rewards.saturating_sub(self.payouts)
    }

    /// Evaluations that wait or have begun.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.queue.len()
    }

    /// Rows the evaluation under way has answered, and all it has to.
    #[must_use]
    pub fn progress(&self) -> Option<(u32, u32)> {
        self.progress.as_ref().map(|progress| (progress.tally.rows(), progress.quote.rows))
    }

    /// Whether the job has not ended.
    #[must_use]
    pub fn is_live(&self) -> bool {
        matches!(self.stage, Stage::Announced | Stage::Open)
    }
}

/// Where a client stands in a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Standing {
    /// The bytes of this submission are awaited.
    Expecting(u32),
    /// This submission waits for its evaluation.
    Queued(u32),
    /// Paid for this submission.
    Paid(u32),
}

/// What waits for evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Task {
    /// The job's base model.
    Base,
    /// A submission's model.
    Submission(u32),
}

/// An evaluation under way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Progress {
    pub(crate) quote: Quote,
    pub(crate) tally: Tally,
}

/// One client's model for one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub struct Submission {
    /// Whose.
    pub client: Address,
    /// The model.
    pub model: BlobRef,
    /// What it was trained on; never published.
    pub data: BlobRef,
    /// How far it has come.
    pub state: SubmissionState,
}

/// How far a submission has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub enum SubmissionState {
    /// Its bytes are awaited.
    Expecting,
    /// It waits for its evaluation.
    Queued,
    /// It is decided.
    Judged(Verdict),
}

/// What became of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub enum Verdict {
    /// Paid.
    Accepted(Marks),
    /// Not paid; with marks when it was evaluated.
    Refused {
        /// Its marks.
        marks: Option<Marks>,
        /// Why.
        reason: ModelRefusal,
    },
}

impl Verdict {
    /// The marks, if the model was evaluated.
    #[must_use]
    pub const fn marks(&self) -> Option<Marks> {
        match self {
            Self::Accepted(marks) => Some(*marks),
            Self::Refused { marks, .. } => *marks,
        }
    }
}

/// What terms ask of a model: the smallest score, gain over the base model, and worst class,
/// checked in this order.
pub(crate) fn assess(
    [min_score, min_gain, min_worst_class]: [Score; 3],
    base: Marks,
    marks: Marks,
) -> Result<(), ModelRefusal> {
    let found = marks.score;
    if found < min_score {
        return Err(ModelRefusal::ScoreTooLow { minimum: min_score, found });
    }
    if found.gain_over(base.score) < min_gain {
        return Err(ModelRefusal::GainTooSmall { base: base.score, minimum: min_gain, found });
    }
    if marks.worst_class < min_worst_class {
        let (minimum, found) = (min_worst_class, marks.worst_class);
        return Err(ModelRefusal::WorstClassTooLow { minimum, found });
    }
    Ok(())
}
