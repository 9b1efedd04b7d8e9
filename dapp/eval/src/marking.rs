//! From a model's answers to integers: the only place where floats are compared or rounded into the
//! parts of a score.

use market::{EvaluationError, Fault, MAX_LOSS_PPM, Metric, MetricAccumulator};
use thiserror::Error;

use crate::{
    dataset::{Dataset, DatasetRefused, Labels},
    model::Model,
    refusal::ModelRefused,
};

/// The least probability of which a log loss is taken.
const LEAST_PROBABILITY: f64 = 1e-15;

/// Reason why a model cannot be scored on a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EvaluationRefused {
    /// The model cannot be evaluated at all.
    #[error("model: {0}")]
    Model(#[from] ModelRefused),
    /// The dataset cannot be used at all.
    #[error("dataset: {0}")]
    Dataset(#[from] DatasetRefused),
    /// The model expects rows of another size than the dataset's.
    #[error("the model takes {model} numbers for a row, the dataset has {dataset}")]
    Features {
        /// Numbers the model expects.
        model: usize,
        /// Numbers the dataset has.
        dataset: usize,
    },
    /// The model's answers are too few or too many.
    #[error(
        "the model answers {answers} numbers for a row, which cannot be one for each of {classes} classes"
    )]
    Answers {
        /// Numbers the model answers.
        answers: usize,
        /// Classes of the dataset, zero if its labels are numbers.
        classes: u16,
    },
    /// The metric is for the other kind of labels.
    #[error("the metric does not suit the dataset's labels")]
    Metric,
    /// The rows to be counted are not rows of the dataset in ascending order.
    #[error("the chosen rows are not rows of the dataset in ascending order")]
    Rows,
    /// An answer is not a finite number.
    #[error("the answer to row {row} is not a finite number")]
    NotFinite {
        /// Counted from zero.
        row: usize,
    },
}

impl From<EvaluationRefused> for EvaluationError {
    fn from(refused: EvaluationRefused) -> Self {
        let fault = match refused {
            EvaluationRefused::Model(refused) => return refused.into(),
            EvaluationRefused::Dataset(refused) => return refused.into(),
            EvaluationRefused::Features { .. }
            | EvaluationRefused::Answers { .. }
            | EvaluationRefused::Metric
            | EvaluationRefused::Rows => Fault::Mismatch,
            EvaluationRefused::NotFinite { .. } => Fault::AnswerNotFinite,
        };
        Self { fault, node: None }
    }
}

/// Checks that a model can be scored on a dataset by a metric.
///
/// A class is answered with one number per class or, for two classes, with the probability of class
/// 1 alone. A number is answered with one number.
pub(crate) fn check(
    model: &Model,
    dataset: &Dataset,
    metric: Metric,
) -> Result<(), EvaluationRefused> {
    let (takes, has) = (model.row().elements(), dataset.row().elements());
    if takes != has {
        return Err(EvaluationRefused::Features { model: takes, dataset: has });
    }
    let classes = dataset.classes();
    if metric.is_regression() != (classes == 0) {
        return Err(EvaluationRefused::Metric);
    }
    let answers = model.answers();
    let fits = match classes {
        0 => answers == 1,
        2 => true,
        classes => answers >= usize::from(classes),
    };
    if fits { Ok(()) } else { Err(EvaluationRefused::Answers { answers, classes }) }
}

/// Counts the answers to the rows from `first` on, `per_row` numbers each.
///
/// - Errors: `NotFinite` with the row; the accumulator is then invalid
pub(crate) fn count(
    accumulator: &mut MetricAccumulator,
    metric: Metric,
    labels: &Labels,
    first: usize,
    answers: &[f32],
    per_row: usize,
) -> Result<(), EvaluationRefused> {
    for (row, answer) in (first..).zip(answers.chunks_exact(per_row)) {
        if !answer.iter().all(|number| number.is_finite()) {
            return Err(EvaluationRefused::NotFinite { row });
        }
        match labels {
            Labels::Classes(classes) => {
                let truth = classes[row];
                let loss = match metric {
                    Metric::LogLoss => log_loss(answer, truth),
                    _ => 0.0,
                };
                accumulator.count_class(truth.into(), predicted(answer), parts_per_million(loss));
            }
            Labels::Targets(targets) => {
                let error = f64::from(answer[0]) - f64::from(targets[row]);
                let loss = match metric {
                    Metric::MeanSquaredError => error * error,
                    _ => error.abs(),
                };
                accumulator.count_loss(parts_per_million(loss));
            }
        }
    }
    Ok(())
}

/// The class an answer predicts: that of the greatest number, the lowest among equals; for a single
/// number, class 1 if it is above one half.
pub(crate) fn predicted(answer: &[f32]) -> u16 {
    if let [probability] = answer {
        return u16::from(*probability > 0.5);
    }
    let mut best = 0;
    for (class, number) in answer.iter().enumerate() {
        if *number > answer[best] {
            best = class;
        }
    }
    u16::try_from(best).unwrap_or(u16::MAX)
}

/// −ln of the probability of the right class, after each probability has been clamped to [10⁻¹⁵, 1]
/// and the row normalised to sum to one; added up in index order, in f64.
fn log_loss(answer: &[f32], truth: u8) -> f64 {
    let bounded = |probability: f64| probability.clamp(LEAST_PROBABILITY, 1.0);
    let truth = usize::from(truth);
    let (right, sum) = if let [probability] = *answer {
        let probability = f64::from(probability);
        let both = [bounded(1.0 - probability), bounded(probability)];
        (both[truth.min(1)], both[0] + both[1])
    } else {
        let sum = answer.iter().map(|probability| bounded(f64::from(*probability))).sum();
        (bounded(f64::from(answer[truth])), sum)
    };
    libm::log(sum) - libm::log(right)
}

/// A loss in parts per million, rounded to the nearest, at most `MAX_LOSS_PPM`.
fn parts_per_million(loss: f64) -> u64 {
    let rounded = libm::round(loss * 1e6);
    if rounded >= 1e12 {
        return MAX_LOSS_PPM;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number within 10¹², and not below zero"
    )]
    let whole = rounded.max(0.0) as u64;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_stand_for_classes() {
        for (answer, class) in [
            (&[0.1, 0.7, 0.2][..], 1),
            (&[0.5, 0.5], 0),
            (&[-3.0, -1.0, -1.0], 1),
            (&[0.5], 0),
            (&[0.500_001], 1),
        ] {
            assert_eq!(predicted(answer), class, "{answer:?}");
        }
    }

    #[test]
    fn losses_are_rounded_in_one_place() {
        for (loss, ppm) in [
            (0.0, 0),
            (-1e-17, 0),
            (4.9e-7, 0),
            (5.1e-7, 1),
            (0.25, 250_000),
            (1e6, MAX_LOSS_PPM),
            (1e300, MAX_LOSS_PPM),
            (f64::INFINITY, MAX_LOSS_PPM),
        ] {
            assert_eq!(parts_per_million(loss), ppm, "{loss}");
        }
    }

    #[test]
    fn a_log_loss_gains_nothing_from_large_answers() {
        for (answer, truth, ppm) in [
            (&[0.25, 0.75][..], 1, 287_682),
            (&[1.0, 1.0, 1.0, 1.0], 2, 1_386_294),
            (&[1e30, 1e30], 0, 693_147),
            (&[0.0, 1.0], 0, 34_538_776),
            (&[-5.0, 3.0], 1, 0),
            (&[0.75], 1, 287_682),
            (&[0.75], 0, 1_386_294),
            (&[2.0], 1, 0),
        ] {
            assert_eq!(parts_per_million(log_loss(answer, truth)), ppm, "{answer:?} {truth}");
        }
    }
}
