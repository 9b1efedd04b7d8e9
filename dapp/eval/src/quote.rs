//! The cost of an evaluation from its files to its accumulator, known before any row is answered.

use std::ops::Range;

use market::{Measure, Metric, Output, Quote, RowLoss, Work};

use crate::{
    cost::{Cost, CostKind},
    dataset::{Dataset, Features},
    limits,
    marking::EvaluationRefused,
    model::Model,
    refusal::ModelRefused,
};

/// Bytes of the smallest row of a dataset with a target.
const LABELLED_ROW_BYTES: usize = 5;
/// Bytes of the smallest part of a model that is counted: a node or a constant.
const PART_BYTES: usize = 8;
/// Operations on each target for the losses of a constant answer: a mean, a median, two distances.
const BASELINE_OPERATIONS: usize = 5;
/// Number of times that a graph is planned for its quote: for one row, a batch, and the rest.
const PLANS: usize = 3;

/// The parts of an evaluation's cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Reading both files, planning, and packing constants.
    pub reading: Cost,
    /// The largest indivisible step.
    pub step: Cost,
    /// Number of such steps.
    pub steps: u64,
    /// The last, smaller step; zero if there is none.
    pub rest: Cost,
}

impl Estimate {
    /// Estimates the evaluation of a model on a dataset, whose files have these lengths.
    ///
    /// - Errors: the model cannot answer this many rows
    pub fn new(
        files: [usize; 2],
        model: &Model,
        dataset: &Dataset,
        measure: Measure,
    ) -> Result<Self, EvaluationRefused> {
        let (rows, batch) = (dataset.rows(), model.batch_rows().min(dataset.rows()));
        let (steps, rest) = (rows / batch, rows % batch);
        let cost = |rows| step(model, dataset, measure, rows);
        Ok(Self {
            reading: reading(files, model, dataset, measure.metric).ok_or(cost_limit_exceeded())?,
            step: cost(batch)?,
            steps: u64::try_from(steps).unwrap_or(u64::MAX),
            rest: if rest > 0 { cost(rest)? } else { Cost::default() },
        })
    }

    /// All steps.
    #[must_use]
    pub fn answering(&self) -> Option<Cost> {
        self.step.times(self.steps)?.plus(self.rest)
    }

    /// The same in instructions, in the form that the market needs.
    #[must_use]
    pub fn quote(&self, dataset: &Dataset) -> Quote {
        let [reading, step, rest] = [self.reading, self.step, self.rest].map(|cost| cost.work());
        let steps = Work(step.0.saturating_mul(self.steps));
        Quote {
            rows: u32::try_from(dataset.rows()).unwrap_or(u32::MAX),
            classes: dataset.classes(),
            work: reading.plus(steps).plus(rest),
            reading,
            // The last step is smaller, but is planned separately.
            step: step.max(rest),
        }
    }

    /// The same for chosen rows, in ascending order, which require the whole batches they are in.
    pub(crate) fn quote_of_rows(
        &self,
        dataset: &Dataset,
        batch_rows: usize,
        rows: &[u32],
    ) -> Quote {
        let [reading, step, rest] = [self.reading, self.step, self.rest].map(|cost| cost.work());
        let batches =
            rows.chunk_by(|row, next| *row as usize / batch_rows == *next as usize / batch_rows);
        let work = batches.fold(reading, |work, batch| {
            let batch = batch_of(batch[0] as usize, batch_rows, dataset.rows());
            let is_whole = batch.len() == batch_rows || rest == Work(0);
            work.plus(if is_whole { step } else { rest })
        });
        let counted = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        Quote { rows: counted, classes: dataset.classes(), work, reading, step: step.max(rest) }
    }
}

/// Upper bound on the cost of reading a model and a dataset of these lengths.
pub(crate) fn reading_at_most([model_bytes, dataset_bytes]: [usize; 2], metric: Metric) -> Work {
    let parts = (model_bytes / PART_BYTES).min(limits::NODES + limits::CONSTANTS);
    let (nodes, constants) = (parts.min(limits::NODES), parts.min(limits::CONSTANTS));
    let stored = CostKind::StoredBytes.weight().max(CostKind::StoredReals.weight() / 4);
    let stored = if stored == CostKind::StoredBytes.weight() {
        Cost::of(CostKind::StoredBytes, &[dataset_bytes])
    } else {
        Cost::of(CostKind::StoredReals, &[dataset_bytes.div_ceil(4)])
    };
    let bytes = u64::try_from(model_bytes).unwrap_or(u64::MAX);
    let [any, each] = limits::FOLDING_STEPS;
    let folding = bytes.saturating_mul(each + limits::LISTED_STEPS).saturating_add(any);
    let cost = (|| {
        Cost::of(CostKind::Evaluations, &[1])?
            .and(CostKind::ModelBytes, &[model_bytes])?
            .and(CostKind::Packed, &[model_bytes / size_of::<f32>()])?
            .and(CostKind::PackedLists, &[model_bytes / size_of::<f32>()])?
            .and(CostKind::Constants, &[constants])?
            .and(CostKind::Planned, &[nodes, PLANS])?
            .with(CostKind::PlainSteps, folding)?
            .plus(stored?)?
            .plus(baselines(metric, dataset_bytes / LABELLED_ROW_BYTES)?)
    })();
    cost.map_or(Work(u64::MAX), |cost| cost.work())
}

/// Cost of reading these files.
fn reading(
    [model_bytes, _]: [usize; 2],
    model: &Model,
    dataset: &Dataset,
    metric: Metric,
) -> Option<Cost> {
    let elements = dataset.rows().checked_mul(dataset.row().elements())?;
    let stored = match dataset.stored() {
        Features::Bytes { .. } => CostKind::StoredBytes,
        Features::Real(_) => CostKind::StoredReals,
    };
    let (nodes, constants) = model.parts();
    Cost::of(CostKind::Evaluations, &[1])?
        .and(CostKind::ModelBytes, &[model_bytes])?
        .plus(model.batch.packing)?
        .and(CostKind::Constants, &[constants])?
        .and(CostKind::Planned, &[nodes, PLANS])?
        .and(stored, &[elements])?
        .plus(baselines(metric, dataset.rows())?)
}

/// Cost of computing what the losses of a regression are relative to.
fn baselines(metric: Metric, rows: usize) -> Option<Cost> {
    if metric.is_regression() {
        Cost::of(CostKind::Arithmetic, &[rows, BASELINE_OPERATIONS])
    } else {
        Some(Cost::default())
    }
}

/// Cost of answering this many rows in one step, and of counting the answers.
///
/// - Errors: the model cannot answer this many rows
pub(crate) fn step(
    model: &Model,
    dataset: &Dataset,
    measure: Measure,
    rows: usize,
) -> Result<Cost, ModelRefused> {
    let mut answered = model.cost(rows)?;
    if rows < model.batch_rows() {
        answered =
            answered.and(CostKind::Replanned, &[model.parts().0]).ok_or(cost_limit_exceeded())?;
    }
    let others = || {
        let cost = features(dataset, rows)?
            .and(CostKind::Answers, &[rows, model.answers()])?
            .and(CostKind::Rows, &[rows])?;
        let cost = match (measure.is_ranked(), model.answers()) {
            (false, _) => cost,
            (true, ..=2) => cost.and(CostKind::Arithmetic, &[rows])?,
            (true, answers) => cost.and(CostKind::Exponentials, &[rows, answers])?,
        };
        let answers = [rows, model.answers()];
        let cost = cost.plus(losses(measure.metric.row_loss(), measure.output, answers)?)?;
        let threshold = match measure.threshold_loss() {
            // The error is at hand; one more is divided, rounded and added up.
            RowLoss::Squared | RowLoss::Absolute => Cost::of(CostKind::Arithmetic, &[rows, 3]),
            loss => losses(loss, measure.output, answers),
        };
        cost.plus(threshold?)
    };
    others().and_then(|others| answered.plus(others)).ok_or(cost_limit_exceeded())
}

/// Cost of the losses of so many rows with so many answers each, beside counting the rows.
fn losses(loss: RowLoss, output: Output, answers: [usize; 2]) -> Option<Cost> {
    let [rows, each] = answers;
    let read = || Cost::of(CostKind::LogLosses, &[rows])?.and(CostKind::Probabilities, &answers);
    let cost = match loss {
        RowLoss::None | RowLoss::Squared | RowLoss::Absolute => return Some(Cost::default()),
        RowLoss::Log => read()?,
        RowLoss::Brier => read()?.and(CostKind::Arithmetic, &[rows, each, 3])?,
    };
    match output {
        Output::Logits | Output::LogProbabilities => cost.and(CostKind::Exponentials, &answers),
        Output::FromGraph | Output::Probabilities | Output::Labels => Some(cost),
    }
}

/// Cost of reading the features of this many rows.
pub(crate) fn features(dataset: &Dataset, rows: usize) -> Option<Cost> {
    let made = match dataset.stored() {
        Features::Bytes { .. } => CostKind::FromBytes,
        Features::Real(_) => CostKind::Copied,
    };
    Cost::of(made, &[rows, dataset.row().elements()])
}

pub(crate) fn cost_limit_exceeded() -> ModelRefused {
    ModelRefused::CostLimitExceeded { limit: limits::ROW_WORK }
}

/// The rows of the batch that contains a row.
pub(crate) fn batch_of(row: usize, batch_rows: usize, rows: usize) -> Range<usize> {
    let first = row / batch_rows * batch_rows;
    first..rows.min(first + batch_rows)
}
