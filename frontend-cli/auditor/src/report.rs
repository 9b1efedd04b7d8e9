//! The report of an audit: one line when all holds, otherwise everything that does not.

use std::fmt;

use client::printer::ExitStatus;
use client::quantity::count;
use serde::{Deserialize, Serialize};

use super::divergence::Divergence;
use super::timeline::Timeline;

/// Whether all holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything that was checked is as it must be.
    Holds,
    /// Something is not.
    Diverges,
}

/// What an audit that could not be made comes to, for programs.
#[derive(Clone, Debug, Serialize)]
pub struct Unchecked {
    verdict: &'static str,
    error: String,
}

impl Unchecked {
    /// Because of this.
    #[must_use]
    pub fn new(error: &anyhow::Error) -> Self {
        Self { verdict: "unchecked", error: format!("{error:#}") }
    }
}

impl fmt::Display for Unchecked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.verdict, self.error)
    }
}

/// How much was checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Inputs that were replayed.
    pub inputs: u64,
    /// Outputs they led to.
    pub outputs: u64,
    /// Scores that were computed anew.
    pub scores: u64,
    /// Payments that follow from terms and balances.
    pub payouts: u64,
    /// Claims that were compared.
    pub claims: u64,
}

/// What an audit came to.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Whether all holds.
    pub verdict: Verdict,
    /// The first thing that does not.
    #[serde(flatten)]
    pub divergence: Option<Divergence>,
    /// Everything after it that does not hold either, whatever became of it.
    pub later: Vec<Divergence>,
    /// How many more there are than are listed.
    pub left_out: u64,
    /// How much was checked.
    #[serde(flatten)]
    pub counts: Counts,
    /// The block of the checkpoint it went on from; `None` if it began at genesis.
    pub resumed: Option<u64>,
    /// The newest block that was looked at.
    pub block: u64,
    /// How long it took.
    pub seconds: f64,
    /// What could not be checked, in sentences.
    pub notes: Vec<String>,
    /// What happened, for the page.
    #[serde(skip)]
    pub timeline: Timeline,
}

impl Report {
    /// All divergences that are listed.
    pub fn divergences(&self) -> impl Iterator<Item = &Divergence> {
        self.divergence.iter().chain(&self.later)
    }

    /// How the command ends.
    #[must_use]
    pub const fn exit_status(&self) -> ExitStatus {
        match self.verdict {
            Verdict::Holds => ExitStatus::Done,
            Verdict::Diverges => ExitStatus::Refused,
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { inputs, outputs, scores, payouts, claims } = *self;
        let parts =
            [(inputs, "input"), (outputs, "output"), (scores, "score"), (payouts, "payout")];
        for (number, what) in parts {
            write!(out, "{}, ", count(number, what))?;
        }
        out.write_str(&count(claims, "claim"))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.divergence {
            None => write!(out, "all holds: {} in {:.1} s", self.counts, self.seconds)?,
            Some(divergence) => write!(out, "{divergence}")?,
        }
        self.later.iter().try_for_each(|later| write!(out, "\n{later}"))?;
        if self.left_out > 0 {
            write!(out, "\nand {} more", self.left_out)?;
        }
        if self.divergence.is_some() {
            write!(out, "\nchecked: {}", self.counts)?;
        }
        self.notes.iter().try_for_each(|note| write!(out, "\nnote: {note}"))
    }
}
