//! Metrics: what a score measures, and how counts become one.

use crate::units::Score;

/// What a score measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub enum Metric {
    /// Share of rows answered right.
    Accuracy,
    /// Smallest share of a class's rows answered right.
    WorstClassRecall,
    /// Mean over the classes of the F1 measure.
    MacroF1,
    /// `1 / (1 + L)`, with L the mean squared error.
    MeanSquaredError,
    /// `1 / (1 + L)`, with L the mean absolute error.
    MeanAbsoluteError,
    /// `1 / (1 + L)`, with L the mean of −ln of the probability given to the right class.
    LogLoss,
}

impl Metric {
    /// All metrics, in the order of their codes.
    pub const ALL: [Self; 6] = [
        Self::Accuracy,
        Self::WorstClassRecall,
        Self::MacroF1,
        Self::MeanSquaredError,
        Self::MeanAbsoluteError,
        Self::LogLoss,
    ];

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
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
