//! The interface between the market and an evaluator. The market uses no floats; a judge returns
//! integers.

use std::fmt;

use blobs::{ChunkRefused, Cid, Digest};
use serde::{Deserialize, Serialize};

use crate::{accumulator::MetricAccumulator, metric::Measure, units::Work};

/// A blob given to the judge: its CID and its bytes, already verified.
#[derive(Clone, Copy)]
pub struct Blob<'a> {
    /// CID of the bytes; equal CIDs mean equal bytes.
    pub cid: Cid,
    /// Bytes of the whole blob.
    pub bytes: &'a [u8],
}

/// One evaluation: a model on a hold-out dataset, by a metric.
#[derive(Clone, Copy)]
pub struct Evaluation<'a> {
    /// The ONNX file.
    pub model: Blob<'a>,
    /// The safetensors file.
    pub hold_out: Blob<'a>,
    /// How the answers become a score.
    pub measure: Measure,
    /// The sampled rows, in ascending order; `None` for all rows. A row's result does not depend on
    /// the sample.
    pub rows: Option<&'a [u32]>,
}

/// Cost of an evaluation, known before anything runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Number of rows to answer.
    pub rows: u32,
    /// Number of classes; zero for regression.
    pub classes: u16,
    /// Total cost: reading both files once, and every step.
    pub work: Work,
    /// Cost of reading both files, which each input that continues the evaluation pays again.
    pub reading: Work,
    /// Cost of the largest step, which is indivisible.
    pub step: Work,
}

impl Quote {
    /// Number of inputs needed if each has this much work for it; `None` if a step does not fit.
    /// does not fit.
    pub fn inputs(&self, each: Work) -> Option<u64> {
        let step = self.step.0.max(1);
        let steps = self.work.minus(self.reading).0.div_ceil(step);
        let together = each.minus(self.reading).0.checked_div(step).filter(|steps| *steps > 0)?;
        Some(steps.div_ceil(together).max(1))
    }
}

/// Bytes of a model, written as their difference from the base model.
#[derive(Clone, Copy)]
pub struct Delta<'a> {
    /// Bytes of the whole base model.
    pub base: &'a [u8],
    /// Position of the first byte in the model.
    pub offset: u64,
    /// The delta, as it was published.
    pub data: &'a [u8],
    /// Maximum number of bytes that it may stand for.
    pub limit: u64,
}

/// Evaluates models. Deterministic: equal evaluations give equal results everywhere.
pub trait Judge {
    /// Rebuilds the bytes that a delta stands for; the caller checks their CID.
    ///
    /// - Errors: it is malformed, or stands for too many bytes
    fn rebuild(&self, delta: &Delta<'_>) -> Result<Vec<u8>, ChunkRefused>;

    /// Largest cost of computing the quote, known from the files' lengths alone.
    fn reading(&self, evaluation: &Evaluation<'_>) -> Work;

    /// Cost of the evaluation.
    ///
    /// - Errors: reason why the model or the dataset cannot be evaluated
    fn quote(&mut self, evaluation: &Evaluation<'_>) -> Result<Quote, EvaluationError>;

    /// Answers rows from `accumulator.rows()` on: at least one step, then more as long as the total
    /// stays within `budget`. Counts them into `accumulator` and returns the work done. The final
    /// accumulator does not depend on how rows are divided over calls.
    ///
    /// - Errors: an answer of the model is not finite; the accumulator must then be discarded
    fn answer(
        &mut self,
        evaluation: &Evaluation<'_>,
        accumulator: &mut MetricAccumulator,
        budget: Work,
    ) -> Result<Work, EvaluationError>;

    /// Largest cost of reading the files of a comparison and comparing their weights, known from
    /// their lengths alone.
    fn reading_comparison(&self, comparison: &Comparison<'_>) -> Work;

    /// Cost of answering the probes of a comparison.
    ///
    /// - Errors: one of the models or the dataset cannot be evaluated
    fn quote_comparison(&mut self, comparison: &Comparison<'_>) -> Result<Work, EvaluationError>;

    /// Similarity of two models. A probe without a finite answer of the first counts as answered
    /// differently, so that no accepted model blocks later ones by it.
    ///
    /// - Errors: the second model or the dataset cannot be evaluated
    fn compare(&mut self, comparison: &Comparison<'_>) -> Result<Similarity, EvaluationError>;
}

/// Two models to compare, possibly both trained from the base model.
#[derive(Clone, Copy)]
pub struct Comparison<'a> {
    /// The base model.
    pub base: Blob<'a>,
    /// An accepted model.
    pub first: Blob<'a>,
    /// A later model.
    pub second: Blob<'a>,
    /// The dataset whose rows are mixed into probes.
    pub hold_out: Blob<'a>,
    /// How the answers become a score.
    pub measure: Measure,
    /// Seed that selects rows and mixes them.
    pub seed: Digest,
}

/// Similarity of two models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Similarity {
    /// Agreement of their answers to probes, in parts per million: a million if none differs.
    pub agreement: u32,
    /// Distance between their weights; `None` if they cannot be compared.
    pub distance: Option<WeightDistance>,
}

impl Similarity {
    /// Least agreement of a copy whose weights are close.
    pub const COPY_WITH_WEIGHTS_ALIKE: u32 = 960_000;
    /// Least agreement of a copy whose weights cannot be compared.
    pub const COPY_WITHOUT_WEIGHTS: u32 = 990_000;
    /// Least agreement of a copy whose weights are far apart: weights that do not affect the
    /// answers can be changed at will.
    pub const COPY_WITH_WEIGHTS_FAR: u32 = 998_000;

    /// Whether the later model counts as a copy: the farther apart their weights, the closer their
    /// answers must be. `RULES.md` has the error rates.
    pub const fn is_copy(self) -> bool {
        let least = match self.distance {
            Some(distance) if distance.is_alike() => Self::COPY_WITH_WEIGHTS_ALIKE,
            Some(_) => Self::COPY_WITH_WEIGHTS_FAR,
            None => Self::COPY_WITHOUT_WEIGHTS,
        };
        self.agreement >= least
    }
}

/// Distance between the weights of two models, in parts per million of the longer of their
/// distances from the base model; independent of the order, size and signs of their neurons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WeightDistance(pub u32);

impl WeightDistance {
    /// Equal up to order, size and signs of neurons.
    pub const EQUAL: Self = Self(0);
    /// Largest distance: two models that moved from the base model in opposite directions.
    pub const FARTHEST: Self = Self(2_000_000);
    /// Largest distance of weights that count as close.
    pub const ALIKE: Self = Self(100_000);

    /// Whether the weights are close.
    pub const fn is_alike(self) -> bool {
        self.0 <= Self::ALIKE.0
    }
}

/// Reason why a model or dataset cannot be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvaluationError {
    /// Kind of fault.
    pub fault: Fault,
    /// Index of the faulty node in the model's graph, from zero.
    pub node: Option<u32>,
}

/// Faults of a model or dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Fault {
    /// The model's bytes are not an ONNX model within the limits.
    MalformedModel,
    /// An operator, or a version or domain of one, that is not supported.
    UnknownOperator,
    /// An attribute or type of a known operator that is not supported.
    UnsupportedUse,
    /// Missing, duplicate or cyclic edges, or not exactly one input and one output.
    BadGraph,
    /// Shapes that are dynamic, incompatible or too large.
    BadShape,
    /// A weight that is not a finite number.
    WeightNotFinite,
    /// An answer that is not a finite number.
    AnswerNotFinite,
    /// The dataset's bytes are not a dataset within the limits.
    MalformedDataset,
    /// Model, dataset and metric are incompatible.
    Mismatch,
    /// What the model's output is does not show, or is not what the terms state.
    UnknownOutput,
    /// The evaluator failed; that is our bug, but the model is refused all the same.
    Crashed,
}

impl fmt::Display for EvaluationError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.fault)?;
        self.node.map_or(Ok(()), |node| write!(out, " at node {node}"))
    }
}
