//! The report of an audit: one line if everything holds, otherwise all divergences.

use std::{collections::BTreeMap, fmt};

use client::printer::ExitStatus;
use client::quantity::count;
use market::{Asset, Solvency};
use serde::{Deserialize, Serialize};

use super::divergence::Divergence;
use super::summary::JobSummaries;
use super::timeline::Timeline;

/// Overall result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// All checks passed.
    Holds,
    /// A check failed.
    Diverges,
}

/// JSON result of an audit that could not be completed.
#[derive(Clone, Debug, Serialize)]
pub struct Unchecked {
    verdict: &'static str,
    error: String,
}

impl Unchecked {
    /// From the error that stopped it.
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

/// Amounts of checked items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Replayed inputs.
    pub inputs: u64,
    /// Their outputs.
    pub outputs: u64,
    /// Recomputed scores.
    pub scores: u64,
    /// Payments explained by terms and balances.
    pub payouts: u64,
    /// Compared claims.
    pub claims: u64,
}

/// Result of an audit.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Overall result.
    pub verdict: Verdict,
    /// The first divergence.
    #[serde(flatten)]
    pub divergence: Option<Divergence>,
    /// All divergences after it, whatever caused them.
    pub later: Vec<Divergence>,
    /// Number of unlisted divergences.
    pub left_out: u64,
    /// Amounts of checked items.
    #[serde(flatten)]
    pub counts: Counts,
    /// The block of the checkpoint it resumed from; `None` if it started at genesis.
    pub resumed: Option<u64>,
    /// The newest block that was read.
    pub block: u64,
    /// Duration.
    pub seconds: f64,
    /// Explanations of what could not be checked.
    pub notes: Vec<String>,
    /// Timeline for the page.
    #[serde(skip)]
    pub timeline: Timeline,
    /// Jobs for the page.
    #[serde(skip)]
    pub jobs: JobSummaries,
    /// Both sides of every asset, for the page.
    #[serde(skip)]
    pub totals: BTreeMap<Asset, Solvency>,
}

impl Report {
    /// All listed divergences.
    pub fn divergences(&self) -> impl Iterator<Item = &Divergence> {
        self.divergence.iter().chain(&self.later)
    }

    /// Exit status of the command.
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
