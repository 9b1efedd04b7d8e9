//! The offer: acceptance criteria for models.

use blobs::BlobRef;
use serde::{Deserialize, Serialize};

use crate::{
    metric::{Measure, Metric, Output, Scores},
    refusal::{ModelRefusal, Refusal},
    settings::Settings,
    units::{Score, Work},
};

/// Maximum number of inputs that one evaluation may be spread over.
pub const MAX_INPUTS: u32 = 10_000;

/// Acceptance criteria for models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Definition of the score.
    pub metric: Metric,
    /// What models answer.
    pub output: Output,
    /// Smallest score that is accepted.
    pub min_score: Score,
    /// Smallest gain over the base model's score on the hold-out.
    pub min_gain: Score,
    /// Smallest recall of the worst class.
    pub min_worst_class: Score,
    /// Largest model file, in bytes.
    #[serde(with = "blobs::exact")]
    pub max_model_bytes: u64,
    /// Largest work of one evaluation on the hold-out.
    pub max_work: Work,
    /// Maximum number of inputs that one evaluation may take.
    pub max_inputs: u32,
    /// Number of rows of the hold-out.
    pub rows: u32,
    /// The model to beat, and to train from.
    pub base_model: BlobRef,
    /// The public board, if there is one.
    pub board: Option<Board>,
}

/// A public board of models shown before the close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Board {
    /// Dataset on which shown models are scored.
    pub public_slice: BlobRef,
    /// Maximum number of models that each account may show.
    pub quota: u32,
    /// Least gain over the account's score on the board for the board to move.
    pub ladder_step: Score,
}

impl Offer {
    /// How a model's answers become its score.
    pub const fn measure(&self) -> Measure {
        Measure { metric: self.metric, output: self.output }
    }

    pub(super) fn check(&self, settings: &Settings) -> Result<(), Refusal> {
        let step = self.board.map_or(Score(0), |board| board.ladder_step);
        let scores = [self.min_score, self.min_gain, self.min_worst_class, step];
        if let Some(&found) = scores.iter().find(|score| **score > Score::MAX) {
            return Err(Refusal::ScoreOutOfRange { found, largest: Score::MAX });
        }
        if self.min_gain == Score(0) {
            return Err(Refusal::GainZero {});
        }
        if self.metric.is_regression() && self.min_worst_class != Score(0) {
            return Err(Refusal::WorstClassOfRegression {});
        }
        let Self { metric, output, .. } = *self;
        let is_number = metric.is_regression() && output != Output::FromGraph;
        if is_number || metric.needs_probabilities() && output == Output::Labels {
            return Err(Refusal::OutputMismatch { output });
        }
        if self.max_work == Work(0) || self.rows == 0 {
            return Err(Refusal::WorkZero {});
        }
        if !(1..=MAX_INPUTS).contains(&self.max_inputs) {
            return Err(Refusal::InputsOutOfRange { found: self.max_inputs, largest: MAX_INPUTS });
        }
        settings.check_size(self.max_model_bytes)?;
        settings.check_size(self.base_model.size)?;
        self.board.map_or(Ok(()), |board| settings.check_size(board.public_slice.size))
    }

    /// Checks a model's scores: the smallest score, the gain over the base model, and the worst
    /// class, in this order.
    pub(crate) fn accept(&self, base: Scores, scores: Scores) -> Result<(), ModelRefusal> {
        let found = scores.score;
        if found < self.min_score {
            return Err(ModelRefusal::ScoreTooLow { minimum: self.min_score, found });
        }
        if found.gain_over(base.score) < self.min_gain {
            let (base, minimum) = (base.score, self.min_gain);
            return Err(ModelRefusal::GainTooSmall { base, minimum, found });
        }
        if scores.worst_class < self.min_worst_class {
            let (minimum, found) = (self.min_worst_class, scores.worst_class);
            return Err(ModelRefusal::WorstClassTooLow { minimum, found });
        }
        Ok(())
    }
}
