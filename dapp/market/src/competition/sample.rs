//! Competitions for miners only: where miners differ, the machine looks at some rows, drawn after
//! all have committed themselves, and whoever says otherwise of one of them is wrong.

use blobs::Digest;

use super::{Attestation, Competition, Finding, Offence, judging, urn::Urn};
use crate::{
    command::Context, effect::Effect, judge::Judge, market::Market, meter::Meter, meter::Prices,
    refusal::ModelRefusal, results::Results, turn::Found, units::JobId, units::Work,
};

/// Finds out how many rows the hold-out has, and whether it fits the base model; whether there was
/// room for that in this input.
pub(super) fn count_rows(
    market: &mut Market,
    id: JobId,
    meter: &mut Meter,
    judge: &mut dyn Judge,
    effects: &mut Vec<Effect>,
) -> bool {
    let assignment = judging::prepare(market, id, super::Task::BaseOnHoldOut);
    let quote = match &assignment {
        Ok(assignment) => {
            let reading = judge.reading(&assignment.exam);
            if !meter.may_begin(&market.settings, reading) {
                return false;
            }
            meter.advance(reading);
            judge.quote(&assignment.exam).ok()
        }
        Err(_) => None,
    };
    let Some(job) = market.competitions.get_mut(&id) else { return false };
    job.drop_tasks();
    match quote.filter(|quote| quote.work <= job.terms.max_work) {
        Some(quote) => job.rows = quote.rows,
        None => effects.extend(judging::hold_out_fails(market, id)),
    }
    true
}

impl Competition {
    /// Draws the rows that the machine looks at.
    pub(super) fn draw_sample(&mut self, context: &Context) {
        let (Some(seed), true) = (self.seed, self.terms.miners_only) else { return };
        let seed = Digest::of(&[context.prev_randao, seed.0].concat());
        let rows = usize::try_from(self.rows).unwrap_or_default();
        let drawn = Urn::new(seed, rows).take(self.rows_to_draw());
        self.sample = drawn.map(|row| u32::try_from(row).unwrap_or(u32::MAX)).collect();
        self.sample.sort_unstable();
    }

    /// How many rows are drawn for the machine.
    pub(super) fn rows_to_draw(&self) -> usize {
        let rows = if self.terms.miners_only { self.terms.sample_rows.min(self.rows) } else { 0 };
        usize::try_from(rows).unwrap_or_default()
    }

    /// What it costs to compare what is said of a model's sampled rows with what the machine sees.
    pub(super) fn checking(&self, prices: &Prices, position: u32) -> Work {
        let answers = self.model(position).map_or(0, |model| model.answers.len());
        prices.checking(self.sample.len(), answers)
    }

    /// The machine has looked at a model's sampled rows: of the answers that say the same of them,
    /// the one of most seats stands, the first unveiled if as many say another.
    pub(super) fn found_sample(
        &mut self,
        id: JobId,
        position: u32,
        result: Result<Found, ModelRefusal>,
    ) -> Vec<Effect> {
        let too_large = |reason: &ModelRefusal| matches!(reason, ModelRefusal::StepTooLarge { .. });
        let (seen, reason) = match result {
            Ok(found) => (found.results, None),
            Err(reason) if too_large(&reason) => return self.find_majority(id, position),
            Err(reason) => (None, Some(reason)),
        };
        let Some(model) = self.model(position) else { return Vec::new() };
        let is_right = |answer: &Attestation| match &seen {
            Some(seen) => {
                let said = model.results(answer.results);
                said.and_then(|said| said.of_rows(&self.sample)).as_ref() == Some(seen)
            }
            None => *answer == Attestation::UNFIT,
        };
        let (right, wrong): (Vec<_>, Vec<_>) =
            model.answers.iter().copied().partition(|(answer, _)| is_right(answer));
        let mut stands: Option<(Attestation, usize)> = None;
        for (answer, by) in &right {
            if stands.is_none_or(|(_, most)| by.len() > most) {
                stands = Some((*answer, by.len()));
            }
        }
        let seats = self.seats.len();
        let objector = model.objector;
        let attestation = stands.map_or(Attestation::UNFIT, |(answer, _)| answer);
        let is_vain = model.agreed(seats) == Some(attestation);
        let liars = (0..seats).filter(|seat| wrong.iter().any(|(_, by)| by.contains(*seat)));
        let liars: Vec<_> = liars.collect();
        let mut effects: Vec<_> =
            liars.into_iter().filter_map(|seat| self.blame(id, seat, Offence::Wrong)).collect();
        let bond = self.terms.miner_bond;
        effects.extend(
            objector
                .filter(|_| is_vain)
                .map(|account| Effect::forfeited(id, account, bond, Offence::Objection)),
        );
        let finding = Finding { attestation, by_machine: true };
        effects.extend(self.find(id, position, finding, reason));
        effects
    }

    /// The answer of most seats stands where the machine cannot look.
    pub(super) fn find_majority(&mut self, id: JobId, position: u32) -> Vec<Effect> {
        let deadline = self.stage_deadline();
        let majority = self.model(position).and_then(|model| model.majority(self.seats.len()));
        let attestation = majority.unwrap_or(Attestation::UNFIT);
        let late = ModelRefusal::Expired { deadline };
        let finding = Finding { attestation, by_machine: false };
        self.find(id, position, finding, majority.is_none().then_some(late))
    }

    /// What miners say of an entry row by row.
    pub(super) fn attested_results(&self, entry: u32) -> Option<Results> {
        let model = self.model(self.position_of(entry)?)?;
        model.results(model.finding?.attestation.results).cloned()
    }
}
