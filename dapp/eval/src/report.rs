//! Reports on a model for people: its graph and cost, and its performance on a dataset. They run
//! the judge's code and so give the same integers.

use std::{
    num::NonZeroUsize,
    thread,
    time::{Duration, Instant},
};

use market::{Measure, MetricAccumulator, Output, Score, Scores};

use crate::{
    answers,
    cost::Cost,
    dataset::Dataset,
    judge::answer_next,
    marking::{self, EvaluationRefused},
    model::Model,
    refusal::NodeId,
    shape::Shape,
};

/// A model's graph and its cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The shape of one row of the input.
    pub row: Shape,
    /// Numbers answered for each row.
    pub answers: usize,
    /// What they are, and the node that shows it; `None` if the graph does not show it.
    pub output: Option<(Output, NodeId)>,
    /// The nodes in the order they run.
    pub nodes: Vec<NodeSummary>,
    /// Number of f32 values that the file fixes.
    pub parameters: usize,
    /// Number of them that are weights, which training may change.
    pub trainable_parameters: usize,
    /// Cost of a batch.
    pub batch_cost: Cost,
    /// Rows in a batch.
    pub batch_rows: usize,
    /// Peak bytes of live tensors while a batch runs, weights aside.
    pub batch_bytes: usize,
}

/// A node's part in a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NodeSummary {
    /// The node.
    pub node: NodeId,
    /// Shape of its output, the rows of a batch first; `None` for a node that only rearranges whole
    /// numbers fixed in the file.
    pub output: Option<Shape>,
    /// Its cost.
    pub cost: Cost,
}

/// A model's performance on a dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The scores by both metrics of the measure.
    pub scores: Scores,
    /// Each class's recall, `None` for a class without rows; empty for regression.
    pub recalls: Vec<Option<Score>>,
    /// The accumulated counts.
    pub accumulator: MetricAccumulator,
    /// The answers, row after row.
    pub answers: Vec<f32>,
    /// Numbers per answer.
    pub per_row: usize,
    /// What they are, as shown or stated; `FromGraph` if neither is, and nothing depends on it.
    pub output: Output,
}

/// Describes a model.
#[must_use]
pub fn summary(model: &Model) -> Summary {
    let plan = &model.batch;
    let nodes = model.graph.nodes.iter().zip(plan.shapes.iter().zip(&plan.costs));
    Summary {
        row: model.row(),
        answers: model.answers(),
        output: model.output(),
        nodes: nodes
            .map(|(node, (output, cost))| NodeSummary {
                node: node.id,
                output: *output,
                cost: *cost,
            })
            .collect(),
        parameters: model.parameters(),
        trainable_parameters: model.trainable_parameters(),
        batch_cost: plan.cost,
        batch_rows: plan.rows,
        batch_bytes: plan.bytes,
    }
}

/// Number of threads that this computer runs in parallel.
#[must_use]
pub fn cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Evaluates a model on a dataset, on all cores; `progress` receives the rows done and all rows
/// after each step.
///
/// - Errors: model, dataset and metric do not fit together, or an answer is not finite
pub fn evaluate(
    model: &Model,
    dataset: &Dataset,
    measure: impl Into<Measure>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Report, EvaluationRefused> {
    evaluate_on(cores(), model, dataset, measure, progress)
}

/// As [`evaluate`], on this many threads: the report is the same.
pub fn evaluate_on(
    threads: NonZeroUsize,
    model: &Model,
    dataset: &Dataset,
    measure: impl Into<Measure>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Report, EvaluationRefused> {
    let measure = marking::understand(model, dataset, measure.into())?;
    let rows = dataset.rows();
    let stride = answers::stride(model, threads);
    let mut accumulator = MetricAccumulator::new(dataset.classes());
    let mut answers = Vec::with_capacity(rows * model.answers());
    while answers.len() < rows * model.answers() {
        answers.extend(answer_next(stride, model, dataset, measure, &mut accumulator, threads)?);
        progress(answers.len() / model.answers(), rows);
    }
    Ok(Report {
        scores: accumulator.scores(measure),
        recalls: accumulator.recalls(),
        accumulator,
        answers,
        per_row: model.answers(),
        output: measure.output,
    })
}

impl Report {
    /// The predicted class of each row.
    pub fn predicted(&self) -> impl Iterator<Item = u16> {
        let rows = self.answers.chunks_exact(self.per_row.max(1));
        rows.map(|answer| marking::predicted(answer, self.output))
    }
}

/// Speed at which this computer evaluates.
#[derive(Clone, Copy, Debug)]
pub struct Speed {
    /// Cost of what was evaluated.
    pub cost: Cost,
    /// Time taken.
    pub elapsed: Duration,
}

/// Measures this computer's speed in evaluating a model, in whole batches for at least this long.
///
/// - Errors: the model cannot answer
pub fn speed(model: &Model, at_least: Duration) -> Result<Speed, EvaluationRefused> {
    let elements = model.batch_rows() * model.row().elements();
    // Neither zeros nor a pattern: the factors must not make the work easier.
    let rows = (0..elements).map(|index| f32::from(u8::try_from(index % 251).unwrap_or(1)) / 251.0);
    let rows = rows.collect::<Vec<_>>();
    let (mut cost, start) = (Cost::default(), Instant::now());
    loop {
        model.answer(rows.clone())?;
        cost = cost.plus(model.batch.cost).unwrap_or(cost);
        let elapsed = start.elapsed();
        if elapsed >= at_least {
            return Ok(Speed { cost, elapsed });
        }
    }
}
