//! From a model's answers to integers: what the answers are, which class they predict, and what
//! each adds to the parts of a score (`losses`).

use market::{EvaluationError, Fault, Measure, Metric, MetricAccumulator, Output, RowLoss};
use thiserror::Error;

use crate::{
    dataset::{Dataset, DatasetRefused, Labels},
    losses::{self, parts_per_million},
    model::Model,
    refusal::ModelRefused,
};

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
    /// The graph does not show what the answers are, and the metric depends on it.
    #[error(
        "the model's graph does not show what its answers are, and {metric} depends on it: state it \
         with --output logits, probabilities, log-probabilities or labels"
    )]
    OutputUnknown {
        /// The metric.
        metric: Metric,
    },
    /// The graph shows that the answers are something else than stated.
    #[error(
        "the output is stated to be {stated}, but the model's graph shows that it is {shown}: state \
         nothing, or leave the last operator out"
    )]
    OutputDiffers {
        /// What is stated.
        stated: Output,
        /// What the graph shows.
        shown: Output,
    },
    /// The metric cannot be computed from answers of this kind.
    #[error("{metric} cannot be computed from {output}")]
    OutputUnfit {
        /// The metric.
        metric: Metric,
        /// What the answers are.
        output: Output,
    },
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
            | EvaluationRefused::OutputUnfit { .. }
            | EvaluationRefused::Rows => Fault::Mismatch,
            EvaluationRefused::OutputUnknown { .. } | EvaluationRefused::OutputDiffers { .. } => {
                Fault::UnknownOutput
            }
            EvaluationRefused::NotFinite { .. } => Fault::AnswerNotFinite,
        };
        Self { fault, node: None }
    }
}

/// Checks that a model can be scored on a dataset, and returns the measure with what the model's
/// answers are: as its graph shows, or as stated. `FromGraph` is left where neither is the case and
/// nothing depends on it.
///
/// A class is answered with one number per class; for two classes, with one number for class 1
/// alone; or with its label. A number is answered with one number.
///
/// - Errors: they do not fit together; the metric depends on what the answers are, and the graph
///   does not show it, or shows something else than stated
pub fn understand(
    model: &Model,
    dataset: &Dataset,
    measure: Measure,
) -> Result<Measure, EvaluationRefused> {
    let (takes, has) = (model.row().elements(), dataset.row().elements());
    if takes != has {
        return Err(EvaluationRefused::Features { model: takes, dataset: has });
    }
    let (classes, answers) = (dataset.classes(), model.answers());
    let suits = |metric: Metric| {
        let is_two = classes == 2 || !metric.needs_two_classes();
        metric.is_regression() == (classes == 0) && is_two
    };
    if !measure.metrics().into_iter().all(suits) {
        return Err(EvaluationRefused::Metric);
    }
    let output = output(model, measure)?;
    let fits = match (classes, output) {
        (0, _) | (_, Output::Labels) => answers == 1,
        (2, _) => true,
        (classes, _) => answers >= usize::from(classes),
    };
    if !fits {
        return Err(EvaluationRefused::Answers { answers, classes });
    }
    let needs =
        |metric: &Metric| answers == 1 || metric.needs_probabilities() || metric.is_ranked();
    match measure.metrics().into_iter().find(needs) {
        Some(metric) if classes > 0 && output == Output::FromGraph => {
            Err(EvaluationRefused::OutputUnknown { metric })
        }
        _ => Ok(Measure { output, ..measure }),
    }
}

/// What a model's answers are, of those that both metrics can be computed from.
fn output(model: &Model, measure: Measure) -> Result<Output, EvaluationRefused> {
    let Measure { metric, output: stated, .. } = measure;
    if metric.is_regression() {
        let output = stated;
        let is_number = output == Output::FromGraph;
        let unfit = EvaluationRefused::OutputUnfit { metric, output };
        return if is_number { Ok(output) } else { Err(unfit) };
    }
    let output = match (model.output(), stated) {
        (None, stated) => stated,
        (Some((shown, _)), Output::FromGraph) => shown,
        (Some((shown, _)), stated) if shown == stated => shown,
        (Some((shown, _)), stated) => {
            return Err(EvaluationRefused::OutputDiffers { stated, shown });
        }
    };
    let mut metrics = measure.metrics().into_iter();
    match metrics.find(|metric| metric.needs_probabilities()) {
        Some(metric) if output == Output::Labels => {
            Err(EvaluationRefused::OutputUnfit { metric, output })
        }
        _ => Ok(output),
    }
}

/// Counts the answers to the rows from `first` on, `per_row` numbers each.
///
/// - Errors: `NotFinite` with the row; the accumulator is then invalid
pub(crate) fn count(
    accumulator: &mut MetricAccumulator,
    measure: Measure,
    dataset: &Dataset,
    first: usize,
    answers: &[f32],
    per_row: usize,
) -> Result<(), EvaluationRefused> {
    for (row, answer) in (first..).zip(answers.chunks_exact(per_row)) {
        if !answer.iter().all(|number| number.is_finite()) {
            return Err(EvaluationRefused::NotFinite { row });
        }
        match dataset.labels() {
            Labels::Classes(classes) => count_class(accumulator, measure, answer, classes[row]),
            Labels::Targets(targets) => {
                count_target(accumulator, measure, dataset, answer[0], targets[row]);
            }
        }
    }
    Ok(())
}

/// Counts an answer to a row of this class.
fn count_class(accumulator: &mut MetricAccumulator, measure: Measure, answer: &[f32], truth: u8) {
    let output = measure.output;
    let loss = |loss| {
        parts_per_million(match loss {
            RowLoss::Log => losses::log_loss(answer, truth, output),
            RowLoss::Brier => losses::brier(answer, truth, output),
            RowLoss::None | RowLoss::Squared | RowLoss::Absolute => 0.0,
        })
    };
    accumulator.add_threshold_loss(loss(measure.threshold_loss()));
    if measure.is_ranked() {
        let score = losses::for_class_one(answer, output);
        accumulator.rank(truth.into(), losses::order(score));
    }
    let predicted = predicted(answer, output);
    accumulator.count_class(truth.into(), predicted, loss(measure.metric.row_loss()));
}

/// Counts an answer to a row with this target.
fn count_target(
    accumulator: &mut MetricAccumulator,
    measure: Measure,
    dataset: &Dataset,
    answer: f32,
    target: f32,
) {
    let loss = |loss| parts_per_million(relative_loss(loss, dataset, answer, target));
    accumulator.add_threshold_loss(loss(measure.threshold_loss()));
    if measure.is_ranked() {
        accumulator.rank(losses::order(target), losses::order(answer));
    }
    accumulator.count_loss(loss(measure.metric.row_loss()));
}

/// A row's squared or absolute error, relative to the mean one of the best constant answer.
fn relative_loss(loss: RowLoss, dataset: &Dataset, answer: f32, target: f32) -> f64 {
    let error = f64::from(answer) - f64::from(target);
    let baselines = dataset.baselines();
    match loss {
        RowLoss::Squared => losses::relative(error * error, baselines.squared),
        RowLoss::Absolute => losses::relative(error.abs(), baselines.absolute),
        RowLoss::None | RowLoss::Log | RowLoss::Brier => 0.0,
    }
}

/// The class an answer predicts: that of the greatest number, the lowest among equals; for a single
/// number, class 1 if its probability is above one half; of a label, itself if it is a class.
pub(crate) fn predicted(answer: &[f32], output: Output) -> u16 {
    if let &[number] = answer {
        let half = match output {
            Output::Labels => return class(number),
            Output::Logits => 0.0,
            Output::LogProbabilities => -std::f32::consts::LN_2,
            Output::Probabilities | Output::FromGraph => 0.5,
        };
        return u16::from(number > half);
    }
    let mut best = 0;
    for (class, number) in answer.iter().enumerate() {
        if *number > answer[best] {
            best = class;
        }
    }
    u16::try_from(best).unwrap_or(u16::MAX)
}

/// The class of this number; one that does not exist unless it is whole and not negative.
fn class(number: f32) -> u16 {
    let is_class = number >= 0.0 && number < f32::from(u16::MAX) && number.fract() == 0.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number within the range"
    )]
    let class = number as u16;
    if is_class { class } else { u16::MAX }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_stand_for_classes() {
        for (answer, output, class) in [
            (&[0.1, 0.7, 0.2][..], Output::FromGraph, 1),
            (&[0.5, 0.5], Output::Probabilities, 0),
            (&[-3.0, -1.0, -1.0], Output::Logits, 1),
            (&[0.5], Output::Probabilities, 0),
            (&[0.500_001], Output::Probabilities, 1),
            (&[0.0], Output::Logits, 0),
            (&[0.1], Output::Logits, 1),
            (&[-0.7], Output::LogProbabilities, 0),
            (&[-0.69], Output::LogProbabilities, 1),
            (&[2.0], Output::Labels, 2),
            (&[-0.0], Output::Labels, 0),
            (&[0.5], Output::Labels, u16::MAX),
            (&[-1.0], Output::Labels, u16::MAX),
            (&[1e30], Output::Labels, u16::MAX),
        ] {
            assert_eq!(predicted(answer, output), class, "{answer:?} {output}");
        }
    }
}
