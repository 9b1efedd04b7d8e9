//! Divergences: the kinds of faults an audit can find, and their evidence.

use std::fmt;

use alloy::primitives::{B256, Bytes};
use clap::ValueEnum;
use serde::Serialize;

/// Kind of a divergence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum DivergenceKind {
    /// An output that the application does not make.
    Added,
    /// An output of the application is missing.
    Dropped,
    /// The application's outputs in a different order.
    Reordered,
    /// An output that differs from the application's, even by a single bit.
    Flipped,
    /// A score, by the metric or the threshold's, that the model did not earn.
    Score,
    /// A payment or stake whose amount or owner contradicts the job's terms and the rules.
    Payout,
    /// A model accepted, refused, ranked or compared contrary to its scores and the job's terms, or
    /// a draw that was not random.
    Ruling,
    /// An output of a rejected input, which has no effects.
    RejectedKept,
    /// Ethereum accepted a root other than the outputs' root.
    WrongClaim,
    /// An epoch's claim is overdue.
    MissingClaim,
    /// An input that the node does not know or does not process.
    Withheld,
    /// An input of another application, or one that differs from Ethereum's.
    ForeignInput,
    /// An input whose hash differs from the InputBox's.
    InputHash,
    /// The application on Ethereum was deployed from a template other than the replayed one.
    Template,
    /// Ethereum executed an output that the application did not make.
    Executed,
    /// Money was created or destroyed.
    Conservation,
}

impl fmt::Display for DivergenceKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_possible_value() {
            Some(value) => out.write_str(value.get_name()),
            None => fmt::Debug::fmt(self, out),
        }
    }
}

/// Source of the wrong data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeenIn {
    /// A claim on Ethereum: the output can be executed, or already was.
    Claim,
    /// Only the node's answers.
    Node,
}

impl fmt::Display for SeenIn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Claim => "claimed on Ethereum",
            Self::Node => "only what the node answers",
        })
    }
}

/// A single fault, with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Divergence {
    /// Its kind.
    pub kind: DivergenceKind,
    /// The input it happened at; for a claim, the last one it covers.
    pub input: Option<u64>,
    /// The output's index since genesis.
    pub output: Option<u64>,
    /// The expected value: an output's bytes, a root, a hash, or a score in parts per million.
    pub expected: Option<String>,
    /// The value found instead.
    pub found: Option<String>,
    /// The transaction that proves it: the input's or the claim's.
    pub transaction: Option<B256>,
    /// Source of the wrong data.
    pub seen_in: SeenIn,
    /// Full description.
    pub sentence: String,
    /// For a score, the point where the two evaluations diverge.
    pub drill_down: Option<DrillDown>,
}

impl Divergence {
    /// A divergence with only a description; callers fill in the rest.
    pub fn new(kind: DivergenceKind, sentence: impl fmt::Display) -> Self {
        Self {
            kind,
            input: None,
            output: None,
            expected: None,
            found: None,
            transaction: None,
            seen_in: SeenIn::Claim,
            sentence: sentence.to_string(),
            drill_down: None,
        }
    }

    /// Sets the input and its transaction.
    #[must_use]
    pub fn at(self, input: u64, transaction: B256) -> Self {
        Self { input: Some(input), transaction: Some(transaction), ..self }
    }

    /// Sets the expected and the found value.
    #[must_use]
    pub fn between(self, expected: Option<String>, found: Option<String>) -> Self {
        Self { expected, found, ..self }
    }

    /// Whether this comes before `other`: by input, then by output; a whole input or claim sorts
    /// after its outputs.
    #[must_use]
    pub fn is_before(&self, other: &Self) -> bool {
        let order = |one: &Self| {
            (one.input.unwrap_or_default(), one.output.is_none(), one.output.unwrap_or_default())
        };
        order(self) < order(other)
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.kind, self.sentence)?;
        let mut line = |name: &str, value: Option<String>| match value {
            Some(value) => write!(out, "\n  {name:<12} {value}"),
            None => Ok(()),
        };
        line("input", self.input.map(|input| input.to_string()))?;
        line("output", self.output.map(|output| output.to_string()))?;
        line("expected", self.expected.clone())?;
        line("found", self.found.clone())?;
        line("transaction", self.transaction.map(|hash| hash.to_string()))?;
        line("drill-down", self.drill_down.as_ref().map(ToString::to_string))?;
        line("seen in", Some(self.seen_in.to_string()))
    }
}

/// An output as displayed in evidence.
pub(super) fn shown(output: &Bytes) -> Option<String> {
    Some(output.to_string())
}

/// Outcome of a check.
pub(super) type Checked<T = ()> = Result<T, Box<Divergence>>;

/// A payment or stake that nothing explains.
pub(super) fn payout<T>(sentence: impl std::fmt::Display) -> Checked<T> {
    Err(Divergence::new(DivergenceKind::Payout, sentence).into())
}

/// Money created or destroyed.
pub(super) fn conservation<T>(sentence: impl std::fmt::Display) -> Checked<T> {
    Err(Divergence::new(DivergenceKind::Conservation, sentence).into())
}

/// Point where two evaluations diverge.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DrillDown {
    /// Distance between the scores, in words.
    pub apart: String,
    /// The first difference; `None` if there is no other program to compare with.
    #[serde(flatten)]
    pub first: Option<FirstDifference>,
}

/// The first number that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FirstDifference {
    /// Zero-based row of the hold-out.
    pub sample: usize,
    /// The node's index in the model's file.
    pub node: u32,
    /// The node's operator.
    pub operator: String,
    /// Index of the number in the node's output for the sample.
    pub element: usize,
    /// The expected bits.
    pub expected_bits: String,
    /// The bits computed by the other program.
    pub found_bits: String,
    /// The expected value.
    pub expected_value: f32,
    /// The value computed by the other program.
    pub found_value: f32,
}

impl fmt::Display for DrillDown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.apart)?;
        let Some(first) = &self.first else { return Ok(()) };
        let FirstDifference { sample, node, operator, element, .. } = first;
        write!(
            out,
            "; first at sample {sample}, node {node} ({operator}), number {element}: \
             {} (bits {}) instead of {} (bits {})",
            first.found_value, first.found_bits, first.expected_value, first.expected_bits
        )
    }
}
