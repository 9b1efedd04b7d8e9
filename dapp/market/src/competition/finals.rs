//! Finding the winners: the first of the ranking, and those the exact test cannot tell from it.
//!
//! Each finalist is evaluated by the machine, which yields its results row by row. If that corrects
//! the ranking, the finals begin anew.

use std::cmp::Reverse;

use super::{Competition, Outcome, Phase, Task, decide};
use crate::{
    effect::{Effect, Event},
    judge::Judge,
    market::Market,
    meter::Meter,
    results::Results,
    significance::separated,
    units::JobId,
};

/// How many may share a prize.
const MAX_WINNERS: usize = 64;

/// How far the finals have come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Finals {
    /// Entries that cannot be told from the first, the first included, in the ranking's order.
    tied: Vec<u32>,
    /// The first's results.
    first: Option<Results>,
    /// The next in the ranking.
    candidate: Option<Candidate>,
    /// Whether it took too long.
    is_late: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
struct Candidate {
    entry: u32,
    results: Option<Results>,
    /// Whether it cannot be told from the first.
    is_tied: bool,
    /// How many of the tied it is no copy of.
    unlike: usize,
}

/// One step; whether it was taken.
pub(super) fn step(
    market: &mut Market,
    id: JobId,
    meter: &mut Meter,
    judge: &mut dyn Judge,
    effects: &mut Vec<Effect>,
) -> bool {
    let Some(job) = market.competitions.get_mut(&id) else { return false };
    if let Phase::Finals(finals) = &job.phase
        && finals.pair().is_some()
    {
        return super::copies::step(market, id, meter, judge, effects);
    }
    let cost = market.settings.prices.comparing(job.rows_to_compare());
    if !meter.may_begin(&market.settings, cost) {
        return false;
    }
    if !matches!(job.phase, Phase::Finals(_)) {
        job.phase = Phase::Finals(Box::default());
    }
    let Phase::Finals(finals) = &mut job.phase else { return false };
    meter.advance(cost);
    let Some(candidate) = finals.candidate.as_mut().filter(|_| !finals.is_late) else {
        choose(market, id, effects);
        return true;
    };
    let Some(results) = candidate.results.take() else {
        finals.candidate = None;
        return true;
    };
    let Some((first, &first_entry)) = finals.first.as_ref().zip(finals.tied.first()) else {
        finals.tied.push(candidate.entry);
        (finals.first, finals.candidate) = (Some(results), None);
        return true;
    };
    let (first_better, other_better) = first.against(&results).unwrap_or_default();
    let is_separated = separated(first_better, other_better, job.terms.significance.0);
    effects.push(Effect::Event(Event::Compared {
        job: id,
        first: first_entry,
        other: candidate.entry,
        first_better,
        other_better,
        separated: is_separated,
    }));
    if is_separated {
        end(market, id, effects);
    } else {
        candidate.is_tied = true;
    }
    true
}

/// Takes the next of the ranking, or ends when there is none.
fn choose(market: &mut Market, id: JobId, effects: &mut Vec<Effect>) {
    let Some(job) = market.competitions.get_mut(&id) else { return };
    let Phase::Finals(finals) = &mut job.phase else { return };
    let more = finals.tied.len() < MAX_WINNERS && !finals.is_late;
    let next = job.ranking.iter().nth(finals.tied.len()).filter(|_| more);
    let Some(&(_, entry)) = next else { return end(market, id, effects) };
    // In competitions for miners only, what they say is all that there is.
    let is_theirs = job.terms.miners_only;
    let results = if is_theirs { job.attested_results(entry) } else { None };
    let position = job.position_of(entry).filter(|_| !is_theirs);
    let Phase::Finals(finals) = &mut job.phase else { return };
    finals.candidate = Some(Candidate { entry, results, is_tied: false, unlike: 0 });
    if let Some(position) = position {
        job.look_at(position);
    }
}

/// The finals are over.
fn end(market: &mut Market, id: JobId, effects: &mut Vec<Effect>) {
    let Some(job) = market.competitions.get_mut(&id) else { return };
    let Phase::Finals(finals) = &mut job.phase else { return };
    let mut winners = std::mem::take(&mut finals.tied);
    if winners.is_empty() && finals.is_late {
        winners.extend(job.ranking.first().map(|(_, entry)| *entry));
    }
    if job.terms.tied == super::Tied::Earliest {
        winners = winners.into_iter().min().into_iter().collect();
    }
    let outcome = if winners.is_empty() { Outcome::NoWinner } else { Outcome::Won };
    effects.extend(decide::decide(market, id, outcome, winners));
}

/// The machine has looked at a model of the finals; the ranking may be another one now.
pub(super) fn found(job: &mut Competition, position: u32, results: Option<Results>) {
    let entry = job.model(position).and_then(|model| model.entry);
    let Phase::Finals(finals) = &mut job.phase else { return };
    let Some(candidate) = finals.candidate.as_mut().filter(|c| Some(c.entry) == entry) else {
        return;
    };
    let mut ranking = job.ranking.iter().map(|(_, entry)| entry);
    let stands = finals.tied.iter().all(|tied| ranking.next() == Some(tied));
    if !stands {
        **finals = Finals::default();
    } else if ranking.next() == Some(&candidate.entry) {
        candidate.results = results;
    } else {
        finals.candidate = None;
    }
}

/// Nobody evaluated a model of the finals in time.
pub(super) fn give_up(job: &mut Competition, _: u32) {
    if let Phase::Finals(finals) = &mut job.phase {
        finals.is_late = true;
        finals.candidate = None;
    }
}

impl Finals {
    /// A candidate that cannot be told from the first, and the tied entry it is to be looked at
    /// beside next.
    pub(super) fn pair(&self) -> Option<(u32, Option<u32>)> {
        let candidate = self.candidate.as_ref().filter(|candidate| candidate.is_tied)?;
        Some((candidate.entry, self.tied.get(candidate.unlike).copied()))
    }

    /// The candidate is no copy of the entry it was looked at beside.
    pub(super) fn unlike(&mut self) {
        if let Some(candidate) = &mut self.candidate {
            candidate.unlike = candidate.unlike.saturating_add(1);
        }
    }

    /// The candidate shares with the tied.
    pub(super) fn tie(&mut self) {
        self.tied.extend(self.candidate.take().map(|candidate| candidate.entry));
    }

    /// An entry is out; whether it was tied already decides what is left of the finals.
    pub(super) fn drop_entry(&mut self, entry: u32) {
        if self.tied.contains(&entry) {
            *self = Self::default();
        } else {
            self.candidate = None;
        }
    }
}

impl Competition {
    /// How many rows are compared next.
    fn rows_to_compare(&self) -> u32 {
        match &self.phase {
            Phase::Finals(finals) => finals.first.as_ref().map_or(0, Results::rows),
            Phase::Waiting | Phase::Sorting { .. } | Phase::Paying(_) => 0,
        }
    }

    /// Has the machine evaluate a finalist.
    fn look_at(&mut self, position: u32) {
        self.enqueue(Task::Model(position));
    }

    /// Takes an entry out of the ranking.
    pub(super) fn unrank(&mut self, entry: u32) {
        let position = self.position_of(entry);
        let finding = position.and_then(|position| self.model(position)?.finding);
        if let Some(marks) = finding.and_then(|finding| finding.attestation.marks()) {
            self.ranking.remove(&(Reverse(marks.score), entry));
        }
    }
}
