//! Seats: drawn by chance that nobody controls, held by bonds.
//!
//! The seed mixes what many revealed with the block's random number: the hold-out's key, fixed when
//! the job opened, all commitments, all revealed keys, and `prevRandao` of the input that draws.

use blobs::Digest;

use crate::{
    attestation::Attestation,
    command::Context,
    effect::{Effect, Event, Share},
    invariant::there,
    job::Job,
    seat::{Offence, Seat},
    shuffle::SeededShuffle,
    state::{Route, State},
    units::{Amount, JobId, SubmissionId},
};

/// Draws the seats of a job with miners; without miners on the list there are none.
pub(crate) fn draw(state: &mut State, context: &Context, id: JobId, effects: &mut Vec<Effect>) {
    let job = state.known_mut(id);
    let Some(miners) = job.terms.miners().copied() else { return };
    let parts = [context.prev_randao, id.0, job.commitments.0, job.keys.0];
    let seed = Digest::of(&parts.concat());
    let seats = usize::try_from(miners.seats).unwrap_or(usize::MAX);
    let drawn = SeededShuffle::new(seed, job.enlisted.len()).take(seats);
    let miners: Vec<_> = drawn.filter_map(|index| job.enlisted.get(index).copied()).collect();
    job.seed = Some(seed);
    job.seat_of = miners.iter().enumerate().map(|(seat, miner)| (*miner, seat)).collect();
    job.seats = miners.iter().copied().map(Seat::new).collect();
    if !miners.is_empty() {
        effects.push(Effect::Event(Event::SeatsDrawn { job: id, seed, miners }));
    }
}

/// Seats that have not revealed every page lose their bonds.
pub(crate) fn blame_silent(state: &mut State, id: JobId, effects: &mut Vec<Effect>) {
    let job = state.known(id);
    let pages = job.pages();
    let silent = |seat: &usize| job.seats.get(*seat).is_some_and(|seat| seat.revealed < pages);
    let silent: Vec<usize> = (0..job.seats.len()).filter(silent).collect();
    for seat in silent {
        blame(state, id, seat, Offence::Silent, effects);
    }
}

/// Seats that attest something else of a submission's model than the machine finds lose their
/// bonds, which first repay what the machine's work has cost the submission.
pub(crate) fn blame_others(
    state: &mut State,
    id: JobId,
    number: u32,
    found: Attestation,
    effects: &mut Vec<Effect>,
) {
    let job = state.known(id);
    let answers = &job.known(number).answers.by_seats;
    let others = answers.iter().filter(|(answer, _)| *answer != found);
    let wrong: Vec<usize> =
        others.flat_map(|(_, by)| (0..job.seats.len()).filter(|seat| by.contains(*seat))).collect();
    blame_wrong(state, id, Some(number), wrong, effects);
}

/// Takes the bonds of wrong seats; of a submission, its work is repaid from them first.
pub(crate) fn blame_wrong(
    state: &mut State,
    id: JobId,
    number: Option<u32>,
    wrong: Vec<usize>,
    effects: &mut Vec<Effect>,
) {
    for seat in wrong {
        blame(state, id, seat, Offence::Wrong, effects);
    }
    let Some(number) = number else { return };
    let published = state.known(id).known(number).submitted.published().size;
    let job = state.known(id);
    let Ok(whole) = job.terms.submission_stake(&state.settings, published) else { return };
    let job = state.known_mut(id);
    let left = job.known(number).stake.work;
    let used = whole.work.checked_sub(left).unwrap_or_default();
    let repaid = used.min(job.forfeits);
    job.forfeits = there(job.forfeits.checked_sub(repaid), "no more is repaid than is there");
    let sum = there(left.checked_add(repaid), "a stake is as before at most");
    job.known_mut(number).stake.work = sum;
}

/// Takes note of a seat's first offence: a silent one's bond is lost, a wrong one's is kept for
/// those whose work it caused and those who were right.
fn blame(state: &mut State, id: JobId, seat: usize, offence: Offence, effects: &mut Vec<Effect>) {
    let sink = state.settings.sink;
    let job = state.known_mut(id);
    let bond = job.miner_bond();
    let Some(seat) = job.seats.get_mut(seat).filter(|seat| seat.offence.is_none()) else { return };
    seat.offence = Some(offence);
    let account = seat.miner;
    effects.push(Effect::Event(Event::Forfeited { job: id, account, bond, offence }));
    if offence == Offence::Wrong {
        let forfeits = job.forfeits.checked_add(bond);
        job.forfeits = there(forfeits, "what a job holds fits the ledger");
    } else {
        state.pay(id, sink, (Share::Sink, bond), Route::Balance, effects);
    }
}

/// Says what the machine found, where seats have said something, too.
pub(crate) fn note(
    state: &State,
    id: JobId,
    number: u32,
    attestation: Attestation,
    effects: &mut Vec<Effect>,
) {
    let job = state.known(id);
    if job.seats.is_empty() {
        return;
    }
    let submission = job.known(number);
    let agreed = submission.answers.by_seats.iter().find(|(answer, _)| *answer == attestation);
    let agreed = agreed.map_or(0, |(_, by)| u32::try_from(by.len()).unwrap_or(u32::MAX));
    let model = submission.digest();
    let submission = SubmissionId { job: id, index: number };
    let event = Event::ModelEvaluated { submission, model, attestation, agreed };
    effects.push(Effect::Event(event));
}

impl Job {
    /// What each miner has at stake.
    #[must_use]
    pub fn miner_bond(&self) -> Amount {
        self.terms.miners().map_or(Amount::ZERO, |miners| miners.bond)
    }
}
