//! The demo's result: as JSON for programs, as tables for people.

use std::{collections::BTreeMap, fmt};

use alloy::primitives::Address;
use client::{convert::to_ethereum, quantity::percent};
use market::{Decision, Outcome};
use serde::Serialize;
use wire::{BoardLineView, RankView};

use crate::{commands::mine::Earned, demo};

/// Results of the competition.
#[derive(Debug, Serialize)]
pub struct Played {
    /// Results of any demo; submissions are in the order of their commitments.
    #[serde(flatten)]
    pub common: demo::Played,
    /// Models shown on the public slice, best first.
    pub board: Vec<BoardLineView>,
    /// Submissions on the hold-out, best first; then those that do not count.
    pub ranking: Vec<RankView>,
    /// The exact tests of the best against others.
    pub tests: Vec<Test>,
    /// The division of the award.
    pub decision: Option<Decision>,
    /// Outcomes of the miners.
    pub miners: Vec<MinerLine>,
    #[serde(skip)]
    pub(super) names: BTreeMap<Address, &'static str>,
}

/// An exact test of two submissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Test {
    /// The best.
    pub best: u32,
    /// Another.
    pub other: u32,
    /// Rows that the best answers better.
    pub best_better: u32,
    /// Rows that the other answers better.
    pub other_better: u32,
    /// Whether the difference is significant.
    pub separated: bool,
}

/// Outcome of a miner.
#[derive(Debug, Serialize)]
pub struct MinerLine {
    /// Its name.
    pub name: &'static str,
    /// Number of revealed attestation pages.
    pub revealed: u32,
    /// Reason for losing its bond, if it did.
    pub offence: Option<String>,
    /// Earnings and losses.
    pub earned: Vec<Earned>,
}

impl AsMut<demo::Played> for Played {
    fn as_mut(&mut self) -> &mut demo::Played {
        &mut self.common
    }
}

impl Played {
    fn name(&self, client: market::Address) -> &str {
        self.names.get(&to_ethereum(client)).copied().unwrap_or("?")
    }

    /// The client of a submission.
    fn client(&self, submission: u32) -> &str {
        let line = self.ranking.iter().find(|line| line.submission == submission);
        line.map_or("?", |line| self.name(line.client))
    }

    fn fmt_ranking(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("\nranking        score  submission\n")?;
        for RankView { rank, submission, client, scores, refusal } in &self.ranking {
            let position = rank.map_or_else(|| "-".to_owned(), |rank| format!("{rank}."));
            let score = scores.map_or_else(|| "–".to_owned(), |scores| percent(scores.score));
            let who = self.name(*client);
            let why = refusal.as_ref().map(|why| format!(": {}", why.message)).unwrap_or_default();
            writeln!(out, "{position:>4} {score:>15}  {submission} of {who}{why}")?;
        }
        for Test { best, other, best_better, other_better, separated } in &self.tests {
            let told = if *separated { "told apart" } else { "not told apart" };
            let (best, other) = (self.client(*best), self.client(*other));
            writeln!(
                out,
                "test: {best} is right alone on {best_better} rows, {other} on {other_better}: {told}"
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Played {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.common.fmt_people(out)?;
        self.fmt_ranking(out)?;
        if let Some(decision) = &self.decision {
            let who = match (decision.outcome, decision.winner) {
                (Outcome::Won, Some(winner)) => {
                    format!("the prize goes to {}, the earliest of the best", self.client(winner))
                }
                (Outcome::SponsorFailed, _) => "the award goes to those who revealed".to_owned(),
                _ => "the prize goes back".to_owned(),
            };
            writeln!(out, "outcome: {}: {who}", decision.outcome)?;
        }
        out.write_str("\nminer        pages  offence\n")?;
        for MinerLine { name, revealed, offence, .. } in &self.miners {
            writeln!(out, "{name:<12} {revealed:>5}  {}", offence.as_deref().unwrap_or("-"))?;
        }
        self.common.fmt_end(out)
    }
}
