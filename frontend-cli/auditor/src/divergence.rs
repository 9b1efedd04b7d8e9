//! Divergences: how something that is wrong is named.

use std::fmt;

use alloy::primitives::{B256, Bytes};
use clap::ValueEnum;
use serde::Serialize;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum DivergenceKind {
    /// An output more than the application makes.
    Added,
    /// An output of the application is missing.
    Dropped,
    /// The application's outputs in another order.
    Reordered,
    /// An output in the place of another one, be it by one bit.
    Flipped,
    /// A score, or the mark of the worst class, that the model did not earn.
    Score,
    /// A payment or a stake of another amount, or of someone else, than the job's terms and the
    /// rules say.
    Payout,
    /// A model accepted, refused, ranked or compared otherwise than its scores and the job's terms
    /// say, or a draw that was not by chance.
    Ruling,
    /// An output of an input that was rejected, and so never happened.
    RejectedKept,
    /// Ethereum accepted another root than that of the outputs.
    WrongClaim,
    /// An epoch's claim did not come.
    MissingClaim,
    /// An input the node does not know, or does not process.
    Withheld,
    /// An input that is another application's, or another one than Ethereum holds.
    ForeignInput,
    /// An input whose hash is not the one the InputBox keeps.
    InputHash,
    /// The application on Ethereum was made of another template than what is replayed.
    Template,
    /// Ethereum executed an output that the application did not make.
    Executed,
    /// Money came from nowhere, or went nowhere.
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

/// Who carries the lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeenIn {
    /// What was claimed on Ethereum: it can be executed, or already was.
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

/// One thing that is wrong, with what shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Divergence {
    /// What is wrong.
    pub kind: DivergenceKind,
    /// The input it happened at; for a claim the last one it covers.
    pub input: Option<u64>,
    /// The output, counted since genesis.
    pub output: Option<u64>,
    /// What should be there: an output's bytes, a root, a hash, or a score in parts per million.
    pub expected: Option<String>,
    /// What is there instead.
    pub found: Option<String>,
    /// The transaction that shows it: the input's, or the claim's.
    pub transaction: Option<B256>,
    /// Who carries the lie.
    pub seen_in: SeenIn,
    /// All of it in words.
    pub sentence: String,
    /// For a score, where its evaluation goes another way.
    pub drill_down: Option<DrillDown>,
}

impl Divergence {
    /// Something wrong, said in words; the rest is filled in by whoever knows it.
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

    /// At this input, which came in this transaction.
    #[must_use]
    pub fn at(self, input: u64, transaction: B256) -> Self {
        Self { input: Some(input), transaction: Some(transaction), ..self }
    }

    /// With what should be there and what is.
    #[must_use]
    pub fn between(self, expected: Option<String>, found: Option<String>) -> Self {
        Self { expected, found, ..self }
    }

    /// Whether this comes before `other`: by input, then by output; a whole input or claim comes
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

/// An output as evidence shows it.
pub(super) fn shown(output: &Bytes) -> Option<String> {
    Some(output.to_string())
}

/// What a check comes to.
pub(super) type Checked<T = ()> = Result<T, Box<Divergence>>;

/// A payment or a stake that does not follow from anything.
pub(super) fn payout<T>(sentence: impl std::fmt::Display) -> Checked<T> {
    Err(Divergence::new(DivergenceKind::Payout, sentence).into())
}

/// Money from nowhere, or to nowhere.
pub(super) fn conservation<T>(sentence: impl std::fmt::Display) -> Checked<T> {
    Err(Divergence::new(DivergenceKind::Conservation, sentence).into())
}

/// Where an evaluation goes another way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DrillDown {
    /// How far apart the scores are, in words.
    pub apart: String,
    /// The first difference; nothing if there is no other program to compare with.
    #[serde(flatten)]
    pub first: Option<FirstDifference>,
}

/// The first number that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FirstDifference {
    /// The row of the hold-out, counted from zero.
    pub sample: usize,
    /// The node's place in the model's file.
    pub node: u32,
    /// What the node does.
    pub operator: String,
    /// Which of the numbers that the node makes of the sample.
    pub element: usize,
    /// The bits of the number as it must be.
    pub expected_bits: String,
    /// The bits of the other program's number.
    pub found_bits: String,
    /// The number as it must be.
    pub expected_value: f32,
    /// The other program's number.
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
