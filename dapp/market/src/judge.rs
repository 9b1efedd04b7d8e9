//! What the market asks of an evaluator. The market knows no floats; whoever judges hands it
//! integers.

use std::fmt;

use blobs::{Cid, Digest};

use crate::{metric::Metric, accumulator::MetricAccumulator, units::Work};

/// A blob shown to the judge: what it is called and its bytes, already verified.
#[derive(Clone, Copy)]
pub struct Blob<'a> {
    /// The bytes' CID; equal CIDs are equal bytes.
    pub cid: Cid,
    /// The whole blob.
    pub bytes: &'a [u8],
}

/// One evaluation: a model on a hold-out dataset, by a metric.
#[derive(Clone, Copy)]
pub struct Evaluation<'a> {
    /// The ONNX file.
    pub model: Blob<'a>,
    /// The safetensors file.
    pub hold_out: Blob<'a>,
    /// What is measured.
    pub metric: Metric,
    /// The rows that count, in ascending order; nothing for all. Each row's result is what it is
    /// when all count.
    pub rows: Option<&'a [u32]>,
}

/// What an evaluation takes, known before anything runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub struct Quote {
    /// Rows that count.
    pub rows: u32,
    /// Classes told apart; zero for regression.
    pub classes: u16,
    /// All of it: reading both files once, and every step.
    pub work: Work,
    /// Reading both files, with which each input begins that goes on with the evaluation.
    pub reading: Work,
    /// The largest step that cannot be divided.
    pub step: Work,
}

impl Quote {
    /// How many inputs all of it takes that have so much work for it each; nothing when a step
    /// does not fit.
    pub fn inputs(&self, each: Work) -> Option<u64> {
        let step = self.step.0.max(1);
        let steps = self.work.minus(self.reading).0.div_ceil(step);
        let together = each.minus(self.reading).0.checked_div(step).filter(|steps| *steps > 0)?;
        Some(steps.div_ceil(together).max(1))
    }
}

/// Evaluates models. A pure function of the evaluation: equal evaluations give equal answers everywhere.
pub trait Judge {
    /// What finding the quote costs at most, known from the files' lengths alone.
    fn reading(&self, evaluation: &Evaluation<'_>) -> Work;

    /// What the evaluation takes.
    ///
    /// - Errors: why the model or the dataset cannot be evaluated
    fn quote(&mut self, evaluation: &Evaluation<'_>) -> Result<Quote, EvaluationError>;

    /// Answers rows from `accumulator.rows()` on, at least one step and then as long as all of it stays
    /// within `budget`; counts them into `accumulator` and returns the work done. However the rows are
    /// divided over calls, the final accumulator is the same.
    ///
    /// - Errors: the model's answers are not finite; the accumulator is then of no use
    fn answer(&mut self, evaluation: &Evaluation<'_>, accumulator: &mut MetricAccumulator, budget: Work) -> Result<Work, EvaluationError>;

    /// What reading the files of a comparison and comparing their weights costs at most, known from
    /// their lengths alone.
    fn reading_comparison(&self, comparison: &Comparison<'_>) -> Work;

    /// What answering the probes of a comparison takes.
    ///
    /// - Errors: one of the models or the dataset cannot be evaluated
    fn quote_comparison(&mut self, comparison: &Comparison<'_>) -> Result<Work, EvaluationError>;

    /// How alike two models are. What the first has no finite answer to counts as answered
    /// differently, so that no accepted model speaks against later ones.
    ///
    /// - Errors: the second model or the dataset cannot be evaluated
    fn compare(&mut self, comparison: &Comparison<'_>) -> Result<Similarity, EvaluationError>;
}

/// Two models to be compared, both perhaps trained from the base model.
#[derive(Clone, Copy)]
pub struct Comparison<'a> {
    /// The base model.
    pub base: Blob<'a>,
    /// An accepted model.
    pub first: Blob<'a>,
    /// A later one.
    pub second: Blob<'a>,
    /// The dataset whose rows are mixed into probes.
    pub hold_out: Blob<'a>,
    /// What is measured.
    pub metric: Metric,
    /// Which rows are mixed, and how.
    pub seed: Digest,
}

/// How alike two models are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Similarity {
    /// How alike they answer probes, in parts per million: a million where no answer differs.
    pub agreement: u32,
    /// How far their weights are apart; `None` if they cannot be compared.
    pub distance: Option<WeightDistance>,
}

impl Similarity {
    /// Least agreement of a copy whose weights are alike.
    pub const COPY_WITH_WEIGHTS_ALIKE: u32 = 960_000;
    /// Least agreement of a copy whose weights cannot be compared.
    pub const COPY_WITHOUT_WEIGHTS: u32 = 990_000;
    /// Least agreement of a copy whose weights are far: what does not matter to the answers can be
    /// made as far as one likes.
    pub const COPY_WITH_WEIGHTS_FAR: u32 = 998_000;

    /// Whether the later model is taken for a copy of the other: the less their weights have in
    /// common, the more their answers must have. How often that errs is in `RULES.md`.
    pub const fn is_copy(self) -> bool {
        let least = match self.distance {
            Some(distance) if distance.is_alike() => Self::COPY_WITH_WEIGHTS_ALIKE,
            Some(_) => Self::COPY_WITH_WEIGHTS_FAR,
            None => Self::COPY_WITHOUT_WEIGHTS,
        };
        self.agreement >= least
    }
}

/// How far the weights of two models are apart, in parts per million of the longer way that one of
/// them has come from the base model; whatever the order, size and signs of their neurons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WeightDistance(pub u32);

impl WeightDistance {
    /// Equal in all but the order, size and signs of neurons.
    pub const EQUAL: Self = Self(0);
    /// As far as two models can be that went in opposite directions.
    pub const FARTHEST: Self = Self(2_000_000);
    /// How far apart weights are at most that are alike.
    pub const ALIKE: Self = Self(100_000);

    /// Whether the weights are alike.
    pub const fn is_alike(self) -> bool {
        self.0 <= Self::ALIKE.0
    }
}

/// Why a model or dataset cannot be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub struct EvaluationError {
    /// What is wrong.
    pub fault: Fault,
    /// The node of the model's graph it is wrong with, counted from zero.
    pub node: Option<u32>,
}

/// What can be wrong with a model or dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub enum Fault {
    /// The model's bytes are not an ONNX model within the stated limits.
    MalformedModel,
    /// An operator, or a version or domain of one, that is not supported.
    UnknownOperator,
    /// An attribute or type of a known operator that is not supported.
    UnsupportedUse,
    /// Missing, doubled or cyclic edges, or not exactly one input and one output.
    BadGraph,
    /// Shapes that are dynamic, do not fit together or are too large.
    BadShape,
    /// A weight that is not a finite number.
    WeightNotFinite,
    /// An answer that is not a finite number.
    AnswerNotFinite,
    /// The dataset's bytes are not a dataset within the stated limits.
    MalformedDataset,
    /// Model, dataset and metric do not fit together.
    Mismatch,
    /// The evaluator failed; ours to mend, but the model is refused all the same.
    Crashed,
}

impl fmt::Display for EvaluationError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.fault)?;
        self.node.map_or(Ok(()), |node| write!(out, " at node {node}"))
    }
}
