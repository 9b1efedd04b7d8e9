//! What the demo came to: for programs as JSON, for people as tables.

use std::{collections::BTreeMap, fmt};

use alloy::primitives::Address;
use market::Outcome;
use serde::Serialize;

use crate::{
    commands::{
        competition::board::{Board, Test},
        mine::Earned,
    },
    convert::to_ethereum,
    demo,
    quantity::percent,
};

/// The whole demo.
#[derive(Debug, Serialize)]
pub struct Played {
    /// What every demo comes to; submissions are the entries, in the order of their commitments.
    #[serde(flatten)]
    pub common: demo::Played,
    /// Board, ranking and who won.
    pub board: Board,
    /// The exact tests of the first of the ranking and others.
    pub test: Vec<Test>,
    /// What became of the miners.
    pub miners: Vec<MinerLine>,
    #[serde(skip)]
    pub(super) names: BTreeMap<Address, &'static str>,
}

/// What became of a miner.
#[derive(Debug, Serialize)]
pub struct MinerLine {
    /// Who.
    pub name: &'static str,
    /// How many pages it has unveiled.
    pub unveiled: u32,
    /// Why its bond is lost.
    pub offence: Option<String>,
    /// What it earned and lost.
    pub earned: Vec<Earned>,
}

impl AsMut<demo::Played> for Played {
    fn as_mut(&mut self) -> &mut demo::Played {
        &mut self.common
    }
}

impl Played {
    fn name(&self, entrant: market::Address) -> &str {
        self.names.get(&to_ethereum(entrant)).copied().unwrap_or("?")
    }

    /// The entrant of an entry.
    fn entrant(&self, entry: u32) -> &str {
        let entry = self.board.entries.iter().find(|known| known.entry == entry);
        entry.map_or("?", |entry| self.name(entry.entrant))
    }

    fn fmt_ranking(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("\nranking        score  entry  entrant\n")?;
        for (place, line) in (1..).zip(&self.board.ranking) {
            let (score, who) = (percent(line.score), self.name(line.entrant));
            writeln!(out, "{place:>3}.      {score:>10}  {:<5}  {who}", line.entry)?;
        }
        for entry in &self.board.entries {
            let (number, who) = (entry.entry, self.name(entry.entrant));
            match &entry.model {
                Some(model) => {
                    if let Some(why) = &model.refusal {
                        writeln!(out, "out:       entry {number} of {who}: {}", why.message)?;
                    }
                }
                None => writeln!(out, "out:       entry {number} of {who} was not revealed")?,
            }
        }
        for test in &self.test {
            let told = if test.separated { "told apart" } else { "not told apart: they share" };
            writeln!(
                out,
                "test:      {} is right alone on {} rows, {} on {}: {told}",
                self.entrant(test.first),
                test.first_better,
                self.entrant(test.other),
                test.other_better
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Played {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.common.fmt_people(out)?;
        self.fmt_ranking(out)?;
        if let Some(decision) = &self.board.decision {
            let winners = decision.winners.iter().map(|entry| self.entrant(*entry));
            let winners = winners.collect::<Vec<_>>().join(" and ");
            let who = match decision.outcome {
                Outcome::Won => format!("the prize goes to {winners}"),
                Outcome::SponsorFailed => "all goes to those who revealed".to_owned(),
                _ => "the prize goes back".to_owned(),
            };
            writeln!(out, "outcome:   {}: {who}", decision.outcome)?;
        }
        out.write_str("\nminer        pages  offence\n")?;
        for MinerLine { name, unveiled, offence, .. } in &self.miners {
            writeln!(out, "{name:<12} {unveiled:>5}  {}", offence.as_deref().unwrap_or("-"))?;
        }
        self.common.fmt_end(out)
    }
}
