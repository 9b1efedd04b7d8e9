//! Board, ranking, tests and who won.

use std::fmt;

use anyhow::Result;
use market::JobId;
use serde::Serialize;
use wire::{DecisionView, EntryView, LeaderboardView, Notice, Paging, PlaceView, Query};

use crate::{
    convert::as_number,
    quantity::percent,
    session::{Currency, Session},
};

/// Where everybody stands.
#[derive(Clone, Debug, Serialize)]
pub struct Board {
    /// The competition.
    #[serde(serialize_with = "as_number")]
    pub job: JobId,
    /// What was shown on the public slice, the best first.
    pub board: Vec<PlaceView>,
    /// Accepted entries on the hold-out, the best first.
    pub ranking: Vec<PlaceView>,
    /// Exact tests of the first of the ranking and others.
    pub tests: Vec<Test>,
    /// The entries.
    pub entries: Vec<EntryView>,
    /// Who gets what, once it is decided.
    pub decision: Option<DecisionView>,
    #[serde(skip)]
    currency: Currency,
}

/// An exact test of two entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Test {
    /// The first of the ranking.
    pub first: u32,
    /// Another.
    pub other: u32,
    /// Rows that the first answers better.
    pub first_better: u32,
    /// Rows that the other answers better.
    pub other_better: u32,
    /// Whether that is more than chance.
    pub separated: bool,
}

/// Asks the market where everybody stands.
///
/// - Errors: `NotFound`, `WrongKind`
pub async fn board(session: &Session, job: JobId) -> Result<Board> {
    let view = session.competition(job).await?;
    let paging = Paging { offset: 0, limit: Paging::MAX_LIMIT };
    let places: LeaderboardView = session.ask(&Query::Leaderboard(job, paging)).await?;
    let mut tests = Vec::new();
    for payload in session.node.notices().await? {
        if let Some(Notice::Compared {
            job: of,
            first,
            other,
            first_better,
            other_better,
            separated,
        }) = Notice::decode(&payload)
            && of == job
        {
            tests.push(Test { first, other, first_better, other_better, separated });
        }
    }
    Ok(Board {
        job,
        board: places.board.items,
        ranking: places.ranking.items,
        tests,
        entries: session.all(|paging| Query::Submissions(job, paging)).await?,
        decision: view.decision,
        currency: session.currency(view.terms.asset).await,
    })
}

impl fmt::Display for Board {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, places) in [("board", &self.board), ("ranking", &self.ranking)] {
            writeln!(out, "{name} of competition {}", self.job)?;
            for (place, PlaceView { entry, entrant, score }) in (1..).zip(places) {
                writeln!(out, "  {place:>3}. {:>10}  entry {entry:<4} {entrant}", percent(*score))?;
            }
        }
        for EntryView { entry, model, .. } in &self.entries {
            let refusal = model.as_ref().and_then(|model| model.refusal.as_ref());
            if let Some(why) = refusal {
                writeln!(out, "  out: entry {entry}: {}", why.message)?;
            }
        }
        for Test { first, other, first_better, other_better, separated } in &self.tests {
            let told = if *separated { "told apart" } else { "not told apart" };
            writeln!(
                out,
                "entry {first} beats entry {other} on {first_better} rows and loses on \
                 {other_better}: {told}"
            )?;
        }
        match &self.decision {
            None => write!(out, "not decided yet"),
            Some(decision) => {
                let prize = self.currency.show(decision.prize);
                write!(out, "{}: ", decision.outcome)?;
                match &decision.winners[..] {
                    [] => write!(out, "nobody takes the prize"),
                    [winner] => write!(out, "entry {winner} takes {prize}"),
                    winners => {
                        let winners: Vec<_> = winners.iter().map(u32::to_string).collect();
                        write!(out, "entries {} share {prize}", winners.join(", "))
                    }
                }
            }
        }
    }
}
