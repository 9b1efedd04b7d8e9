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
    /// What is demanded beside that under a metric of its own.
    pub threshold: Threshold,
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

/// A smallest score under a metric beside the offer's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threshold {
    /// Definition of this score; of classes or of numbers, as the offer's own.
    pub metric: Metric,
    /// Smallest such score that is accepted; if zero, the score is only told.
    pub min_score: Score,
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

impl Threshold {
    /// Nothing demanded beside a score under this metric.
    pub const fn none(metric: Metric) -> Self {
        Self { metric: metric.usual_threshold(), min_score: Score(0) }
    }
}

impl Offer {
    /// How a model's answers become its scores.
    pub const fn measure(&self) -> Measure {
        let Self { metric, output, threshold, .. } = *self;
        Measure { metric, threshold_metric: threshold.metric, output }
    }

    pub(super) fn check(&self, settings: &Settings) -> Result<(), Refusal> {
        let step = self.board.map_or(Score(0), |board| board.ladder_step);
        let scores = [self.min_score, self.min_gain, self.threshold.min_score, step];
        if let Some(&found) = scores.iter().find(|score| **score > Score::MAX) {
            return Err(Refusal::ScoreOutOfRange { found, largest: Score::MAX });
        }
        if self.min_gain == Score(0) {
            return Err(Refusal::GainZero {});
        }
        let Measure { metric, threshold_metric: threshold, output } = self.measure();
        if metric.is_regression() != threshold.is_regression() {
            return Err(Refusal::ThresholdMismatch { metric, threshold });
        }
        let is_number = metric.is_regression() && output != Output::FromGraph;
        let needs_probabilities = metric.needs_probabilities() || threshold.needs_probabilities();
        if is_number || needs_probabilities && output == Output::Labels {
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

    /// Checks a model's scores: the smallest score, the gain over the base model, and the
    /// threshold, in this order.
    pub(crate) fn accept(&self, base: Scores, scores: Scores) -> Result<(), ModelRefusal> {
        let found = scores.score;
        if found < self.min_score {
            return Err(ModelRefusal::ScoreTooLow { minimum: self.min_score, found });
        }
        if found.gain_over(base.score) < self.min_gain {
            let (base, minimum) = (base.score, self.min_gain);
            return Err(ModelRefusal::GainTooSmall { base, minimum, found });
        }
        let Threshold { metric, min_score: minimum } = self.threshold;
        if scores.threshold_score < minimum {
            let found = scores.threshold_score;
            return Err(ModelRefusal::ThresholdNotMet { metric, minimum, found });
        }
        Ok(())
    }
}
