//! Metrics: the definition of a score, and its computation from counts.

use blobs::names;
use serde::{Deserialize, Serialize};

use crate::units::Score;

names! {
    /// Definition of a score.
    Metric: "a metric" {
        /// Share of rows answered correctly.
        Accuracy = "accuracy",
        /// Smallest per-class share of rows answered correctly.
        WorstClassRecall = "worst_class_recall",
        /// Mean of F1 over the classes.
        MacroF1 = "macro_f1",
        /// `1 / (1 + L)`, with L the mean squared error.
        MeanSquaredError = "mean_squared_error",
        /// `1 / (1 + L)`, with L the mean absolute error.
        MeanAbsoluteError = "mean_absolute_error",
        /// `1 / (1 + L)`, with L the mean of −ln of the probability assigned to the true class.
        LogLoss = "log_loss",
    }
}

impl Metric {
    /// Whether the metric compares numbers instead of classes.
    pub const fn is_regression(self) -> bool {
        matches!(self, Self::MeanSquaredError | Self::MeanAbsoluteError)
    }

    /// Whether each row has a loss instead of a right or wrong answer.
    pub const fn is_loss(self) -> bool {
        self.is_regression() || matches!(self, Self::LogLoss)
    }
}

/// Scores of an evaluated model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scores {
    /// Score under the job's metric.
    pub score: Score,
    /// Lowest recall of any class; zero for regression.
    pub worst_class: Score,
}

/// `10^12 / (10^6 + mean loss in parts per million)`, the mean rounded up.
pub(crate) fn inverse_loss(loss_ppm: u128, rows: u32) -> Score {
    let rows = u128::from(rows);
    let Some(sum) = loss_ppm.checked_add(rows.saturating_sub(1)) else {
        return Score::default();
    };
    let mean = sum.checked_div(rows).and_then(|mean| mean.checked_add(1_000_000));
    let score = mean.and_then(|mean| 1_000_000_000_000_u128.checked_div(mean));
    Score(score.and_then(|score| u32::try_from(score).ok()).unwrap_or_default())
}

pub(crate) fn ratio(part: u64, whole: u64) -> Score {
    let ppm = part.checked_mul(1_000_000).and_then(|part| part.checked_div(whole));
    Score(ppm.and_then(|ppm| u32::try_from(ppm).ok()).unwrap_or_default())
}
