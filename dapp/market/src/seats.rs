//! Seats: drawn at random by a seed that nobody controls, and secured by bonds.
//!
//! The seed combines values from many parties with the block's random number: the hold-out's key,
//! fixed when the job opened, all commitments, all revealed keys, and the input's `prevRandao`.

use blobs::Digest;

use crate::{
    attestation::Attestation,
    effect::{Event, Share},
    input::{Input, Route},
    invariant::{less, sum},
    job::Job,
    seat::{Offence, Seat},
    shuffle::SeededShuffle,
    units::Amount,
};

/// Draws the seats of a job with miners; none if no miner has enlisted.
pub(crate) fn draw(input: &mut Input<'_>) {
    let (id, randao) = (input.id, input.context.prev_randao);
    let job = input.job_mut();
    let Some(terms) = job.terms.miners().copied() else { return };
    let seed = Digest::of(&[randao, id.0, job.commitments.0, job.keys.0].concat());
    let seats = usize::try_from(terms.seats).unwrap_or(usize::MAX);
    let drawn = SeededShuffle::new(seed, job.enlisted.len()).take(seats);
    let miners: Vec<_> = drawn.filter_map(|index| job.enlisted.get(index).copied()).collect();
    job.seed = Some(seed);
    job.seat_of = miners.iter().enumerate().map(|(seat, miner)| (*miner, seat)).collect();
    job.seats = miners.iter().copied().map(Seat::new).collect();
    if !miners.is_empty() {
        input.emit(Event::SeatsDrawn { job: id, seed, miners });
    }
}

/// Takes the bonds of seats that have not revealed every page.
pub(crate) fn blame_silent(input: &mut Input<'_>) {
    let job = input.job();
    let pages = job.pages();
    let silent = job.seats.iter().enumerate().filter(|(_, seat)| seat.revealed < pages);
    let silent: Vec<_> = silent.map(|(index, _)| index).collect();
    for seat in silent {
        blame(input, seat, Offence::Silent);
    }
}

/// Takes the bonds of seats whose attestation of a model differs from the machine's result; the
/// bonds first repay what the machine's work has cost the submission.
pub(crate) fn blame_others(input: &mut Input<'_>, number: u32, found: Attestation) {
    let job = input.job();
    let answers = &job.known(number).answers.by_seats;
    let others = answers.iter().filter(|(answer, _)| *answer != found);
    let wrong: Vec<usize> =
        others.flat_map(|(_, by)| (0..job.seats.len()).filter(|seat| by.contains(*seat))).collect();
    blame_wrong(input, Some(number), wrong);
}

/// Takes the bonds of wrong seats; a submission's work is repaid from them first.
pub(crate) fn blame_wrong(input: &mut Input<'_>, number: Option<u32>, wrong: Vec<usize>) {
    for seat in wrong {
        blame(input, seat, Offence::Wrong);
    }
    let Some(number) = number else { return };
    let published = input.submission(number).submitted.published().size;
    let whole = input.job().terms.submission_stake(&input.state.settings, published);
    let Ok(whole) = whole else { return };
    let job = input.job_mut();
    let left = job.known(number).stake.work;
    let repaid = whole.work.checked_sub(left).unwrap_or_default().min(job.forfeits);
    job.forfeits = less(job.forfeits, repaid);
    job.known_mut(number).stake.work = sum([left, repaid]);
}

/// Records a seat's first offence: a silent seat's bond goes to the sink, a wrong one's is kept for
/// those whose work it caused and those who were right.
fn blame(input: &mut Input<'_>, seat: usize, offence: Offence) {
    let (id, sink) = (input.id, input.state.settings.sink);
    let job = input.job_mut();
    let bond = job.miner_bond();
    let Some(seat) = job.seats.get_mut(seat).filter(|seat| seat.offence.is_none()) else { return };
    seat.offence = Some(offence);
    let account = seat.miner;
    input.emit(Event::Forfeited { job: id, account, bond, offence });
    if offence == Offence::Wrong {
        let job = input.job_mut();
        job.forfeits = sum([job.forfeits, bond]);
    } else {
        input.pay(sink, Share::Sink, bond, Route::Balance);
    }
}

/// Reports the machine's result if the job has seats.
pub(crate) fn note(input: &mut Input<'_>, number: u32, attestation: Attestation) {
    if input.job().seats.is_empty() {
        return;
    }
    let submission = input.submission(number);
    let agreed = submission.answers.by_seats.iter().find(|(answer, _)| *answer == attestation);
    let agreed = agreed.map_or(0, |(_, by)| u32::try_from(by.len()).unwrap_or(u32::MAX));
    let (job, submission, model) = (input.id, number, submission.digest());
    input.emit(Event::ModelEvaluated { job, submission, model, attestation, agreed });
}

impl Job {
    /// Bond of each miner.
    pub fn miner_bond(&self) -> Amount {
        self.terms.miners().map_or(Amount::ZERO, |miners| miners.bond)
    }
}
