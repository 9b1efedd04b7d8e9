//! Divergences: how something that is wrong is named, and the list of those an audit finds.

use std::fmt;

use alloy::primitives::{B256, Bytes};
use clap::ValueEnum;
use serde::Serialize;

use super::drill::DrillDown;
use super::evaluation::ToldEvaluation;

/// How many divergences are listed; later ones are only counted.
const LISTED: usize = 100;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
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

impl fmt::Display for Kind {
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
pub enum Place {
    /// What was claimed on Ethereum: it can be executed, or already was.
    Claim,
    /// Only the node's answers.
    Node,
}

impl fmt::Display for Place {
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
    pub kind: Kind,
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
    pub place: Place,
    /// All of it in words.
    pub sentence: String,
    /// For a score, where its evaluation goes another way.
    pub drill_down: Option<DrillDown>,
}

impl Divergence {
    /// Something wrong, said in words; the rest is filled in by whoever knows it.
    pub fn new(kind: Kind, sentence: impl fmt::Display) -> Self {
        Self {
            kind,
            input: None,
            output: None,
            expected: None,
            found: None,
            transaction: None,
            place: Place::Claim,
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
        line("place", Some(self.place.to_string()))
    }
}

/// The divergences of an audit, the earliest first. Each is independent of the others: after one,
/// an audit goes on with what was told.
#[derive(Debug, Default)]
pub(super) struct Findings {
    found: Vec<(Divergence, Option<ToldEvaluation>)>,
    left_out: u64,
}

impl Findings {
    /// Adds one, with the evaluation of a score that is wrong; the earliest are kept, and of the
    /// same output one.
    pub(super) fn add(&mut self, wrong: Divergence, evaluation: Option<ToldEvaluation>) {
        let is_same = |(found, _): &(Divergence, _)| {
            let place = (found.input, found.output);
            wrong.output.is_some() && place == (wrong.input, wrong.output)
        };
        if self.found.iter().any(is_same) {
            return;
        }
        let place = self.found.partition_point(|(found, _)| !wrong.is_before(found));
        self.found.insert(place, (wrong, evaluation));
        if self.found.len() > LISTED {
            self.found.pop();
            self.left_out += 1;
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Those that only the node tells of were claimed on Ethereum, up to an input.
    pub(super) fn claimed_up_to(&mut self, last_input: u64) {
        let claimed = self.found.iter_mut().map(|(found, _)| found);
        claimed
            .filter(|found| found.input.is_some_and(|input| input <= last_input))
            .for_each(|found| found.place = Place::Claim);
    }

    /// Those with an evaluation, to be looked into.
    pub(super) fn scores(&mut self) -> impl Iterator<Item = (&mut Divergence, &ToldEvaluation)> {
        self.found.iter_mut().filter_map(|(found, evaluation)| Some((found, evaluation.as_ref()?)))
    }

    /// The first, the others, and how many more there are.
    pub(super) fn into_parts(self) -> (Option<Divergence>, Vec<Divergence>, u64) {
        let mut all = self.found.into_iter().map(|(found, _)| found);
        (all.next(), all.collect(), self.left_out)
    }
}

/// An output as evidence shows it.
pub(super) fn shown(output: &Bytes) -> Option<String> {
    Some(output.to_string())
}
