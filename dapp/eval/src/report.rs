//! What people want to know of a model: its graph and what it costs, and how it does on a dataset.
//! The same code and so the same integers as the judge's.

use std::{
    num::NonZeroUsize,
    thread,
    time::{Duration, Instant},
};

use market::{Metric, Score, Scores, MetricAccumulator};

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

/// A model's graph and what it costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The shape of one row of the input.
    pub row: Shape,
    /// Numbers answered for each row.
    pub answers: usize,
    /// The nodes in the order they run.
    pub nodes: Vec<NodeSummary>,
    /// How many numbers of f32 the file fixes.
    pub parameters: usize,
    /// How many of them are weights that training may change.
    pub trainable_parameters: usize,
    /// What a batch costs.
    pub batch_cost: Cost,
    /// Rows in a batch.
    pub batch_rows: usize,
    /// Bytes of tensors alive at once while a batch runs, weights aside.
    pub batch_bytes: usize,
}

/// What a node does in a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NodeSummary {
    /// Which one.
    pub node: NodeId,
    /// The shape it makes, the rows of a batch first; none for a node that only arranges whole
    /// numbers fixed in the file.
    pub output: Option<Shape>,
    /// What it costs.
    pub cost: Cost,
}

/// How a model does on a dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The score by the metric, and that of the worst class.
    pub scores: Scores,
    /// Each class's recall, none for a class without rows; empty for regression.
    pub recalls: Vec<Option<Score>>,
    /// What was counted.
    pub accumulator: MetricAccumulator,
    /// The answers, row after row.
    pub answers: Vec<f32>,
    /// Numbers in a row's answer.
    pub per_row: usize,
}

/// Describes a model.
#[must_use]
pub fn summary(model: &Model) -> Summary {
    let plan = &model.batch;
    let nodes = model.graph.nodes.iter().zip(plan.shapes.iter().zip(&plan.costs));
    Summary {
        row: model.row(),
        answers: model.answers(),
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

/// How many threads this computer runs at once.
#[must_use]
pub fn cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Evaluates a model on a dataset, on all cores; `progress` is told the rows done and all rows
/// after each step.
///
/// - Errors: model, dataset and metric do not fit together, or an answer is not finite
pub fn evaluate(
    model: &Model,
    dataset: &Dataset,
    metric: Metric,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Report, EvaluationRefused> {
    evaluate_on(cores(), model, dataset, metric, progress)
}

/// As [`evaluate`], on so many threads: the report is the same.
pub fn evaluate_on(
    threads: NonZeroUsize,
    model: &Model,
    dataset: &Dataset,
    metric: Metric,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Report, EvaluationRefused> {
    marking::check(model, dataset, metric)?;
    let rows = dataset.rows();
    let stride = answers::stride(model, threads);
    let mut accumulator = MetricAccumulator::new(dataset.classes());
    let mut answers = Vec::with_capacity(rows * model.answers());
    while answers.len() < rows * model.answers() {
        answers.extend(answer_next(stride, model, dataset, metric, &mut accumulator, threads)?);
        progress(answers.len() / model.answers(), rows);
    }
    Ok(Report {
        scores: accumulator.scores(metric),
        recalls: accumulator.recalls(),
        accumulator,
        answers,
        per_row: model.answers(),
    })
}

impl Report {
    /// The class each row was answered with.
    pub fn predicted(&self) -> impl Iterator<Item = u16> {
        self.answers.chunks_exact(self.per_row.max(1)).map(marking::predicted)
    }
}

/// How fast this computer evaluates.
#[derive(Clone, Copy, Debug)]
pub struct Speed {
    /// What was evaluated.
    pub cost: Cost,
    /// How long it took.
    pub elapsed: Duration,
}

/// Measures how fast this computer evaluates a model, in whole batches for at least this long.
///
/// - Errors: the model cannot answer
pub fn speed(model: &Model, at_least: Duration) -> Result<Speed, EvaluationRefused> {
    let elements = model.batch_rows() * model.row().elements();
    // Neither zeros nor a pattern: what is multiplied with must not make the work easier.
    let rows = (0..elements).map(|place| f32::from(u8::try_from(place % 251).unwrap_or(1)) / 251.0);
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
