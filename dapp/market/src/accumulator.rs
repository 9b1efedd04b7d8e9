//! The metric accumulator: counts over the rows that a model has answered.

use serde::{Deserialize, Serialize};

use crate::{
    metric::{Measure, Metric, RowLoss, Scores, ratio},
    ranking::Ranking,
    results::Results,
    units::Score,
};

/// Each row's loss is capped at this, in parts per million.
pub const MAX_LOSS_PPM: u64 = 1_000_000_000_000;

/// Counts over the rows that a model has answered; integers only, so that they can be kept between
/// inputs and added up in any number of steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricAccumulator {
    classes: usize,
    rows: u32,
    /// By true class, then by predicted class; each axis has one more entry, for no class at all.
    confusion: Vec<u32>,
    loss_ppm: u128,
    /// The same under the threshold's metric, if its row losses are others than the metric's.
    threshold_loss_ppm: u128,
    /// Each row's result, if results are kept.
    results: Option<Results>,
    /// Each row's truth and score, for a metric of their order.
    ranking: Ranking,
}

impl MetricAccumulator {
    /// An empty accumulator for this many classes (zero for regression).
    pub fn new(classes: u16) -> Self {
        let classes = usize::from(classes);
        let columns = classes.saturating_add(1);
        let confusion = vec![0; columns.saturating_mul(columns)];
        Self {
            classes,
            rows: 0,
            confusion,
            loss_ppm: 0,
            threshold_loss_ppm: 0,
            results: None,
            ranking: Ranking::default(),
        }
    }

    /// As [`new`](Self::new), but also keeps each row's result by this metric.
    pub fn with_results(classes: u16, metric: Metric) -> Self {
        Self { results: Some(Results::new(metric)), ..Self::new(classes) }
    }

    /// Each row's result; `None` if results are not kept.
    pub const fn results(&self) -> Option<&Results> {
        self.results.as_ref()
    }

    /// Each row's result, by value; `None` if results are not kept.
    pub fn into_results(self) -> Option<Results> {
        self.results
    }

    /// Number of rows counted so far, which is the index of the next row to answer.
    pub const fn rows(&self) -> u32 {
        self.rows
    }

    /// Counts the predicted class of a row, and its loss (zero unless the metric is a loss).
    ///
    /// A predicted class out of range counts as no class: the row is wrong.
    pub fn count_class(&mut self, truth: u16, predicted: u16, loss_ppm: u64) {
        let [truth, predicted] =
            [truth, predicted].map(|class| usize::from(class).min(self.classes));
        let cell = truth.saturating_mul(self.columns()).saturating_add(predicted);
        if let Some(count) = self.confusion.get_mut(cell) {
            *count = count.saturating_add(1);
        }
        self.count_row(truth == predicted && truth < self.classes, loss_ppm);
    }

    /// Counts one row's loss, in parts per million, at most [`MAX_LOSS_PPM`].
    pub fn count_loss(&mut self, loss_ppm: u64) {
        self.count_row(false, loss_ppm);
    }

    /// Adds the loss under the threshold's metric of the row counted next, in parts per million, at
    /// most [`MAX_LOSS_PPM`]; for measures with a [`threshold_loss`](Measure::threshold_loss).
    pub fn add_threshold_loss(&mut self, loss_ppm: u64) {
        let loss_ppm = loss_ppm.min(MAX_LOSS_PPM);
        self.threshold_loss_ppm = self.threshold_loss_ppm.saturating_add(loss_ppm.into());
    }

    /// Notes the truth and the score of the row counted next, for a metric of their order: integers
    /// that order as the numbers do.
    pub fn rank(&mut self, truth: u32, score: u32) {
        self.ranking.push(truth, score);
    }

    fn count_row(&mut self, is_right: bool, loss_ppm: u64) {
        let loss_ppm = loss_ppm.min(MAX_LOSS_PPM);
        self.rows = self.rows.saturating_add(1);
        self.loss_ppm = self.loss_ppm.saturating_add(loss_ppm.into());
        if let Some(results) = &mut self.results {
            results.push(is_right, loss_ppm);
        }
    }

    /// The scores under both metrics of the measure by which the rows were counted.
    pub fn scores(&self, measure: Measure) -> Scores {
        let Measure { metric, threshold_metric, .. } = measure;
        let score = self.score(metric);
        let threshold_score = if threshold_metric == metric {
            score
        } else if measure.threshold_loss() == RowLoss::None {
            self.score(threshold_metric)
        } else {
            threshold_metric.of_losses(self.threshold_loss_ppm, self.rows)
        };
        Scores { score, threshold_score }
    }

    /// The score under this metric, which is the measure's or needs no losses.
    ///
    /// - Units: parts per million, rounded down
    pub fn score(&self, metric: Metric) -> Score {
        match metric {
            Metric::Accuracy => ratio(self.diagonal().sum(), self.rows.into()),
            Metric::WorstClassRecall => self.worst_class_recall(),
            Metric::MacroF1 => self.macro_f1(),
            Metric::BalancedAccuracy => self.balanced_accuracy(),
            Metric::MeanSquaredError
            | Metric::MeanAbsoluteError
            | Metric::R2
            | Metric::LogLoss
            | Metric::Brier => metric.of_losses(self.loss_ppm, self.rows),
            Metric::Auroc
            | Metric::AveragePrecision
            | Metric::SensitivityAt90
            | Metric::SensitivityAt95
            | Metric::SensitivityAt99
            | Metric::Spearman => self.ranking.score(metric),
        }
    }

    /// The lowest recall of all classes that have rows.
    fn worst_class_recall(&self) -> Score {
        self.recalls().into_iter().flatten().min().unwrap_or_default()
    }

    /// The recall of each class; `None` for a class without rows.
    pub fn recalls(&self) -> Vec<Option<Score>> {
        self.diagonal()
            .zip(self.by_truth())
            .map(|(right, rows)| (rows > 0).then(|| ratio(right, rows)))
            .collect()
    }

    /// The number of rows of each class, and beside it of those answered with each class; a class
    /// out of range is counted last on either axis.
    pub fn confusion(&self) -> impl Iterator<Item = &[u32]> {
        self.confusion.chunks_exact(self.columns())
    }

    /// The mean of the recalls, each rounded down; a class without rows is left out.
    fn balanced_accuracy(&self) -> Score {
        mean(self.recalls().into_iter().flatten())
    }

    /// F1 of a class is `2·right / (rows of the class + predictions of it)`, rounded down; a class
    /// with neither rows nor predictions is left out.
    fn macro_f1(&self) -> Score {
        let mut answered = vec![0_u64; self.classes];
        for row in self.confusion.chunks_exact(self.columns()) {
            for (sum, count) in answered.iter_mut().zip(row) {
                *sum = sum.saturating_add((*count).into());
            }
        }
        let f1 = self.diagonal().zip(self.by_truth()).zip(answered).filter_map(
            |((right, rows), answered)| {
                let either = rows.saturating_add(answered);
                (either > 0).then(|| ratio(right.saturating_mul(2), either))
            },
        );
        mean(f1)
    }

    /// The number of classes, and one for no class.
    const fn columns(&self) -> usize {
        self.classes.saturating_add(1)
    }

    fn diagonal(&self) -> impl Iterator<Item = u64> {
        let rows = self.by_class().enumerate();
        rows.map(|(class, row)| row.get(class).copied().unwrap_or_default().into())
    }

    fn by_truth(&self) -> impl Iterator<Item = u64> {
        let rows = self.by_class();
        rows.map(|row| row.iter().copied().map(u64::from).fold(0, u64::saturating_add))
    }

    /// The predictions for the rows of each class.
    fn by_class(&self) -> impl Iterator<Item = &[u32]> {
        self.confusion.chunks_exact(self.columns()).take(self.classes)
    }
}

/// The mean, rounded down; zero of none.
fn mean(scores: impl Iterator<Item = Score>) -> Score {
    let (sum, count) = scores.fold((0_u64, 0_u64), |(sum, count), Score(score)| {
        (sum.saturating_add(score.into()), count.saturating_add(1))
    });
    let mean = sum.checked_div(count).unwrap_or_default();
    Score(u32::try_from(mean).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accumulator(classes: u16, answers: &[(u16, u16)]) -> MetricAccumulator {
        let mut accumulator = MetricAccumulator::new(classes);
        for &(truth, predicted) in answers {
            accumulator.count_class(truth, predicted, 0);
        }
        accumulator
    }

    #[test]
    fn scores_of_classes() {
        let accumulator = accumulator(3, &[(0, 0), (0, 0), (0, 1), (1, 1), (1, 0), (1, 0), (1, 0)]);
        assert_eq!(accumulator.score(Metric::Accuracy), Score(428_571));
        assert_eq!(accumulator.score(Metric::WorstClassRecall), Score(250_000));
        // F1: 2·2/(3+5) = 0.5 and 2·1/(4+2) = 0.333333; class 2 has neither rows nor predictions.
        assert_eq!(accumulator.score(Metric::MacroF1), Score(416_666));
        // Recalls 0.666666 and 0.25; class 2 has no rows.
        assert_eq!(accumulator.score(Metric::BalancedAccuracy), Score(458_333));
        assert_eq!(accumulator.recalls(), [Some(Score(666_666)), Some(Score(250_000)), None]);
    }

    #[test]
    fn scores_of_losses() {
        for (losses, score) in [
            (&[0_u64][..], [1_000_000, 1_000_000]),
            (&[1_000_000, 1_000_000][..], [500_000, 0]),
            (&[1, 0, 0][..], [999_999, 999_999]),
            (&[500_000, 0][..], [800_000, 750_000]),
            (&[3_000_000][..], [250_000, 0]),
            (&[u64::MAX][..], [0, 0]),
            (&[][..], [0, 0]),
        ] {
            let mut accumulator = MetricAccumulator::new(0);
            losses.iter().for_each(|loss| accumulator.count_loss(*loss));
            let found = [Metric::LogLoss, Metric::R2].map(|metric| accumulator.score(metric).0);
            assert_eq!(found, score, "{losses:?}");
        }
    }

    #[test]
    fn an_unknown_class_is_wrong() {
        let accumulator = accumulator(2, &[(0, 0), (1, 1), (1, 7), (7, 0), (7, 7)]);
        assert_eq!(accumulator.score(Metric::Accuracy), Score(400_000));
        assert_eq!(accumulator.score(Metric::WorstClassRecall), Score(500_000));
        // F1: 2·1/(1+2) and 2·1/(2+1).
        assert_eq!(accumulator.score(Metric::MacroF1), Score(666_666));
    }
}
