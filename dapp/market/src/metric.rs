//! Metrics: the definition of a score, what answers stand for, and what follows from counts.
//!
//! Every score is in parts per million, larger is better, and is computed with integers alone, from
//! counts, row losses or ranks (`accumulator`, `ranking`), so that it is the same on every build.

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
        /// `1 − L / L₀`, at least 0: L the mean squared error, L₀ that of the targets' mean.
        MeanSquaredError = "mean_squared_error",
        /// `1 − L / L₀`, at least 0: L the mean absolute error, L₀ that of the targets' median.
        MeanAbsoluteError = "mean_absolute_error",
        /// `1 / (1 + L)`, with L the mean of −ln of the probability assigned to the true class.
        LogLoss = "log_loss",
        /// Mean of the per-class shares of rows answered correctly.
        BalancedAccuracy = "balanced_accuracy",
        /// `1 − L`, with L half the mean squared distance of probabilities from the truth.
        Brier = "brier",
        /// R², the explained share of the targets' variance, at least 0; as mean_squared_error.
        R2 = "r2",
        /// Share of pairs of rows of both classes in the right order; equal scores count half.
        Auroc = "auroc",
        /// Mean precision over the rows of class 1, at the score of each.
        AveragePrecision = "average_precision",
        /// Greatest recall of class 1 with at least 90 % of class 0 answered correctly.
        SensitivityAt90 = "sensitivity_at90",
        /// Greatest recall of class 1 with at least 95 % of class 0 answered correctly.
        SensitivityAt95 = "sensitivity_at95",
        /// Greatest recall of class 1 with at least 99 % of class 0 answered correctly.
        SensitivityAt99 = "sensitivity_at99",
        /// Correlation of the ranks of answers and targets, at least 0; equals share a mean rank.
        Spearman = "spearman",
    }

    /// What a model's answers are.
    Output: "a kind of output" {
        /// What each model's own graph shows.
        FromGraph = "from_graph",
        /// Probabilities of the classes, or that of class 1 alone.
        Probabilities = "probabilities",
        /// Natural logarithms of probabilities.
        LogProbabilities = "log_probabilities",
        /// Numbers before a softmax, or one before the logistic function.
        Logits = "logits",
        /// The number of the predicted class.
        Labels = "labels",
    }
}

/// What one row costs under a metric; the score is then computed from the sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowLoss {
    /// Nothing: rows are counted as right or wrong, or ranked.
    None,
    /// −ln of the probability of the true class.
    Log,
    /// Half the squared distance of the probabilities from the truth.
    Brier,
    /// The squared error, relative to that of the best constant answer.
    Squared,
    /// The absolute error, relative to that of the best constant answer.
    Absolute,
}

/// How a model's answers become scores: the metrics, and what the answers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// Definition of the score.
    pub metric: Metric,
    /// Definition of the score that the terms may have a threshold for.
    pub threshold_metric: Metric,
    /// What the answers are.
    pub output: Output,
}

impl From<Metric> for Measure {
    fn from(metric: Metric) -> Self {
        Self::new(metric, Output::FromGraph)
    }
}

impl Measure {
    /// The measure of a metric beside its usual threshold's.
    pub const fn new(metric: Metric, output: Output) -> Self {
        Self { metric, threshold_metric: metric.usual_threshold(), output }
    }

    /// Both metrics, the job's first.
    pub const fn metrics(self) -> [Metric; 2] {
        [self.metric, self.threshold_metric]
    }

    /// Whether a metric is computed from the order of all rows' scores.
    pub const fn is_ranked(self) -> bool {
        self.metric.is_ranked() || self.threshold_metric.is_ranked()
    }

    /// Number of different metrics that are computed from the order of all rows' scores.
    pub fn rankings(self) -> u64 {
        let is_second = self.threshold_metric.is_ranked() && self.threshold_metric != self.metric;
        u64::from(self.metric.is_ranked()).saturating_add(is_second.into())
    }

    /// What a row costs under the threshold's metric, if that is summed beside the metric's own
    /// row losses.
    pub fn threshold_loss(self) -> RowLoss {
        let loss = self.threshold_metric.row_loss();
        let is_summed = !self.threshold_metric.is_ranked() && loss != self.metric.row_loss();
        if is_summed { loss } else { RowLoss::None }
    }
}

impl Metric {
    /// What one row costs.
    pub const fn row_loss(self) -> RowLoss {
        match self {
            Self::Accuracy
            | Self::WorstClassRecall
            | Self::MacroF1
            | Self::BalancedAccuracy
            | Self::Auroc
            | Self::AveragePrecision
            | Self::SensitivityAt90
            | Self::SensitivityAt95
            | Self::SensitivityAt99 => RowLoss::None,
            Self::LogLoss => RowLoss::Log,
            Self::Brier => RowLoss::Brier,
            Self::MeanSquaredError | Self::R2 => RowLoss::Squared,
            Self::MeanAbsoluteError | Self::Spearman => RowLoss::Absolute,
        }
    }

    /// The threshold's metric unless the terms name another: recall of the worst class, or, for
    /// numbers, the metric itself.
    pub const fn usual_threshold(self) -> Self {
        if self.is_regression() { self } else { Self::WorstClassRecall }
    }

    /// Whether the metric compares numbers instead of classes.
    pub const fn is_regression(self) -> bool {
        matches!(self.row_loss(), RowLoss::Squared | RowLoss::Absolute)
    }

    /// Whether each row has a loss instead of a right or wrong answer.
    pub const fn is_loss(self) -> bool {
        !matches!(self.row_loss(), RowLoss::None)
    }

    /// Whether the metric is computed from the probability of each class.
    pub const fn needs_probabilities(self) -> bool {
        matches!(self.row_loss(), RowLoss::Log | RowLoss::Brier)
    }

    /// Whether the metric is computed from the order of all rows' scores.
    pub const fn is_ranked(self) -> bool {
        matches!(self, Self::Spearman) || self.needs_two_classes()
    }

    /// Whether the metric is of two classes alone.
    pub const fn needs_two_classes(self) -> bool {
        matches!(self, Self::Auroc | Self::AveragePrecision) || self.specificity().is_some()
    }

    /// Whether the score follows from each row's result alone, so that miners who attest to results
    /// have attested to the score.
    pub const fn is_told_by_rows(self) -> bool {
        matches!(self, Self::Accuracy) || self.is_loss() && !self.is_ranked()
    }

    /// The share of class 0 that has to be answered correctly.
    pub(crate) const fn specificity(self) -> Option<Score> {
        match self {
            Self::SensitivityAt90 => Some(Score(900_000)),
            Self::SensitivityAt95 => Some(Score(950_000)),
            Self::SensitivityAt99 => Some(Score(990_000)),
            Self::Accuracy
            | Self::WorstClassRecall
            | Self::MacroF1
            | Self::MeanSquaredError
            | Self::MeanAbsoluteError
            | Self::LogLoss
            | Self::BalancedAccuracy
            | Self::Brier
            | Self::R2
            | Self::Auroc
            | Self::AveragePrecision
            | Self::Spearman => None,
        }
    }

    /// The score of these summed losses, in parts per million of one row's: `1 / (1 + L)` for the
    /// logarithmic loss, else `1 − L`.
    pub(crate) fn of_losses(self, loss_ppm: u128, rows: u32) -> Score {
        match self.row_loss() {
            RowLoss::Log => inverse_loss(loss_ppm, rows),
            RowLoss::None | RowLoss::Brier | RowLoss::Squared | RowLoss::Absolute => {
                remaining(loss_ppm, rows)
            }
        }
    }
}

/// Scores of an evaluated model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scores {
    /// Score under the job's metric.
    pub score: Score,
    /// Score under the threshold's metric.
    pub threshold_score: Score,
}

/// `10^12 / (10^6 + mean loss in parts per million)`, the mean rounded up.
fn inverse_loss(loss_ppm: u128, rows: u32) -> Score {
    let mean = mean_rounded_up(loss_ppm, rows).and_then(|mean| mean.checked_add(1_000_000));
    let score = mean.and_then(|mean| 1_000_000_000_000_u128.checked_div(mean));
    Score(score.and_then(|score| u32::try_from(score).ok()).unwrap_or_default())
}

/// `10^6 − mean loss in parts per million`, the mean rounded up; zero if that is negative.
fn remaining(loss_ppm: u128, rows: u32) -> Score {
    let mean = mean_rounded_up(loss_ppm, rows).and_then(|mean| u32::try_from(mean).ok());
    mean.map_or(Score(0), |mean| Score::MAX.gain_over(Score(mean)))
}

fn mean_rounded_up(loss_ppm: u128, rows: u32) -> Option<u128> {
    let rows = u128::from(rows);
    loss_ppm.checked_add(rows.saturating_sub(1))?.checked_div(rows)
}

pub(crate) fn ratio(part: u64, whole: u64) -> Score {
    let ppm = part.checked_mul(1_000_000).and_then(|part| part.checked_div(whole));
    Score(ppm.and_then(|ppm| u32::try_from(ppm).ok()).unwrap_or_default())
}
