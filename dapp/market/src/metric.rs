//! Metrics: what a score measures, and how counts become one.

use blobs::names;
use serde::{Deserialize, Serialize};

use crate::units::Score;

names! {
    /// What a score measures.
    Metric: "a metric" {
        /// Share of rows answered right.
        Accuracy = "accuracy",
        /// Smallest share of a class's rows answered right.
        WorstClassRecall = "worst_class_recall",
        /// Mean over the classes of the F1 measure.
        MacroF1 = "macro_f1",
        /// `1 / (1 + L)`, with L the mean squared error.
        MeanSquaredError = "mean_squared_error",
        /// `1 / (1 + L)`, with L the mean absolute error.
        MeanAbsoluteError = "mean_absolute_error",
        /// `1 / (1 + L)`, with L the mean of −ln of the probability given to the right class.
        LogLoss = "log_loss",
    }
}

impl Metric {
    /// Whether the metric compares numbers, not classes.
    pub const fn is_regression(self) -> bool {
        matches!(self, Self::MeanSquaredError | Self::MeanAbsoluteError)
    }

    /// Whether each row has a loss, not only a right or wrong answer.
    pub const fn is_loss(self) -> bool {
        self.is_regression() || matches!(self, Self::LogLoss)
    }
}

/// What an evaluated model has to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scores {
    /// By the job's metric.
    pub score: Score,
    /// The recall of the class it answers worst; zero for regression.
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
