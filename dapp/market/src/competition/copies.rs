//! Copies: among models that cannot be told apart, one whose weights betray another is dropped,
//! whichever was committed to later.

use super::{Competition, Phase};
use crate::{
    effect::{Effect, Event},
    judge::Judge,
    market::Market,
    meter::Meter,
    refusal::ModelRefusal,
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
    _market: &Market,
    _id: JobId,
    _entries: [u32; 2],
    meter: &mut Meter,
    _judge: &mut dyn Judge,
) -> Result<Option<u32>, Waits> {
    if !meter.fits(Work(0)) {
        return Err(Waits);
    }
    Ok(None)
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
