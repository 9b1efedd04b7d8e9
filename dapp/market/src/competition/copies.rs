//! Copies: among models that cannot be told apart, one whose weights betray another is dropped,
//! whichever was committed to later.

use super::{Competition, Phase};
use crate::{
    effect::{Effect, Event},
    judge::{Exhibit, Judge},
    market::Market,
    meter::Meter,
    refusal::ModelRefusal,
    shelf::Purpose,
    units::{JobId, SubmissionId, Work},
};

/// Looks at the candidate beside the next of those it is tied with.
pub(super) fn step(
    market: &mut Market,
    id: JobId,
    meter: &mut Meter,
    judge: &mut dyn Judge,
    effects: &mut Vec<Effect>,
) -> bool {
    let pair = market.competitions.get(&id).and_then(|job| match &job.phase {
        Phase::Finals(finals) => finals.pair(),
        Phase::Waiting | Phase::Sorting { .. } | Phase::Paying(_) => None,
    });
    let Some((candidate, other)) = pair else { return false };
    let Some(other) = other else {
        return with_finals(market, id, super::finals::Finals::tie);
    };
    let likeness = match liken(market, id, [other, candidate], meter, judge) {
        Ok(likeness) => likeness,
        Err(Waits) => return false,
    };
    let Some(distance) = likeness else {
        return with_finals(market, id, super::finals::Finals::unlike);
    };
    let (original, copy) = (candidate.min(other), candidate.max(other));
    let Some(job) = market.competitions.get_mut(&id) else { return false };
    effects.extend(job.drop_copy(id, copy, original, distance));
    with_finals(market, id, |finals| finals.drop_entry(copy))
}

/// There is no room in this input.
struct Waits;

/// The distance of two entries' models in parts per million, if one is a copy of the other.
fn liken(
    market: &Market,
    id: JobId,
    entries: [u32; 2],
    meter: &mut Meter,
    judge: &mut dyn Judge,
) -> Result<Option<u32>, Waits> {
    let Some([base, first, second]) = exhibits(market, id, entries) else { return Ok(None) };
    let lengths = [base, first, second].map(|exhibit| exhibit.bytes.len());
    let work = judge.comparing(lengths).plus(Work(market.settings.prices.ending));
    if !meter.fits(work) {
        // What fits no input at all is not compared.
        let alone = Meter::new(&market.settings).fits(work);
        return if alone { Err(Waits) } else { Ok(None) };
    }
    meter.advance(work);
    let likeness = judge.alike(base, first, second).ok();
    Ok(likeness.filter(|likeness| likeness.is_copy()).map(|likeness| likeness.0))
}

/// The base model and two entries' models.
fn exhibits(market: &Market, id: JobId, [first, second]: [u32; 2]) -> Option<[Exhibit<'_>; 3]> {
    let job = market.competitions.get(&id)?;
    let of = |index: u32| {
        let cid = job.model(job.position_of(index)?)?.model.cid();
        let bytes = market.shelf.waiting(Purpose::Model(SubmissionId { job: id, index }))?;
        Some(Exhibit { cid, bytes })
    };
    let cid = job.terms.base_model.cid();
    let base = Exhibit { cid, bytes: market.shelf.blob(cid)? };
    Some([base, of(first)?, of(second)?])
}

fn with_finals(
    market: &mut Market,
    id: JobId,
    change: impl FnOnce(&mut super::finals::Finals),
) -> bool {
    if let Some(job) = market.competitions.get_mut(&id)
        && let Phase::Finals(finals) = &mut job.phase
    {
        change(finals);
    }
    true
}

impl Competition {
    /// Takes a copy out of the ranking.
    pub(crate) fn drop_copy(
        &mut self,
        id: JobId,
        copy: u32,
        original: u32,
        distance: u32,
    ) -> Option<Effect> {
        self.unrank(copy);
        let position = self.position_of(copy)?;
        let model = self.model_mut(position)?;
        let reason = ModelRefusal::Copy { original, distance };
        model.refusal = Some(reason);
        let model = model.model.digest;
        let entry = SubmissionId { job: id, index: copy };
        Some(Effect::Event(Event::EntryRefused { entry, model, reason }))
    }
}
