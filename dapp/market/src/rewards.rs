//! Rewards: paid strictly in the order of commitments, and one model once.
//!
//! The earliest commitment that is not decided is decided next; one whose bytes do not come has its
//! delivery window and no more. Were a later one paid before it, whoever sees its bytes on their
//! way in could be paid for a copy first. A model that is a copy of an accepted one is refused.

use blobs::Digest;

use crate::{
    command::{Slot, Target},
    decide,
    effect::Effect,
    evaluation::{Done, Evaluated},
    invariant::there,
    job::Job,
    judge::{Comparison, Exhibit, Judge, Similarity, WeightDistance},
    meter::Meter,
    refusal::{ModelRefusal, Refusal},
    state::State,
    store::SlotKey,
    terms::Award,
    units::{JobId, Work},
    work::{self, Worker},
};

/// How many submissions one input decides at most.
const DECISIONS_PER_INPUT: usize = 64;
/// No shorter than the payload of an input that goes on with something.
const SMALL_PAYLOAD_BYTES: u64 = 1_024;

/// Decides what can be decided, in order, as far as the input allows; why it went no further, if
/// the sender could have paid for that.
pub(crate) fn decide_next(
    state: &mut State,
    id: JobId,
    worker: Worker,
    judge: &mut dyn Judge,
    effects: &mut Vec<Effect>,
) -> Option<Refusal> {
    for _ in 0..DECISIONS_PER_INPUT {
        let number = state.known(id).next_reward()?;
        let ending = Work(state.settings.prices.ending);
        if !state.meter.may_begin(&state.settings, ending) {
            return None;
        }
        match compare(state, id, number, worker, judge, effects) {
            Compared::Waits(reason) => return reason,
            Compared::Refused(reason) => decide::refuse(state, id, number, reason, effects),
            Compared::Original => decide::accept(state, id, number, effects),
        }
        state.meter.advance(ending);
    }
    None
}

impl Job {
    /// The next submission to be decided, if it can be.
    pub(crate) fn next_reward(&self) -> Option<u32> {
        if !matches!(self.terms.award, Award::Rewards { .. }) || self.decision.is_some() {
            return None;
        }
        let number = self.first_undecided()?;
        (self.rewards_left() > 0).then_some(())?;
        self.known(number).evaluated.finding()?;
        self.whole.contains(&number).then_some(number)
    }

    /// The earliest commitment that is not decided.
    pub(crate) fn first_undecided(&self) -> Option<u32> {
        let first = [self.expecting.first(), self.whole.first()];
        first.into_iter().flatten().min().copied()
    }
}

enum Compared {
    /// The input has no room for it, or its sender has not what it costs.
    Waits(Option<Refusal>),
    Refused(ModelRefusal),
    Original,
}

/// Compares a submission's model with all accepted ones that it was not compared with before.
fn compare(
    state: &mut State,
    id: JobId,
    number: u32,
    worker: Worker,
    judge: &mut dyn Judge,
    effects: &mut Vec<Effect>,
) -> Compared {
    let from = state.known(id).known(number).evaluated.finding();
    let from = from.map_or(0, |finding| usize::try_from(finding.compared).unwrap_or(usize::MAX));
    let others = state.known(id).accepted.clone();
    for original in others.into_iter().skip(from) {
        let pair = [original, number];
        let (similarity, prepaid) = match similarity(state, id, pair, worker, judge) {
            Found::Nothing(reason) => return Compared::Waits(reason),
            Found::Similarity(similarity, work) => (Ok(similarity), work),
            Found::Unfit(reason, work) => (Err(reason), work),
        };
        if let Evaluated::Done(finding) = &mut state.known_mut(id).known_mut(number).evaluated {
            finding.compared = finding.compared.saturating_add(1);
        }
        if prepaid > Work(0) {
            let done = Done { prepaid, borne: Work(0), is_comparing: true };
            work::pay(state, id, Target::Submission(number), worker, done, effects);
        }
        match similarity {
            Err(reason) => return Compared::Refused(reason),
            Ok(similarity) if similarity.is_copy() => {
                let agreement = similarity.agreement;
                return Compared::Refused(ModelRefusal::Copy { original, agreement });
            }
            Ok(_) => {}
        }
    }
    Compared::Original
}

/// What comparing two submissions' models found.
enum Found {
    /// The input has no room for it, or its sender has not what it costs beyond the stake.
    Nothing(Option<Refusal>),
    Similarity(Similarity, Work),
    /// The later one cannot be compared.
    Unfit(ModelRefusal, Work),
}

/// How alike two submissions' models are, and what finding out took.
fn similarity(
    state: &mut State,
    id: JobId,
    pair: [u32; 2],
    worker: Worker,
    judge: &mut dyn Judge,
) -> Found {
    let mut meter = state.meter;
    let comparison = there(comparison(state, id, pair), "what was evaluated has its bytes");
    if comparison.first.cid == comparison.second.cid {
        let distance = Some(WeightDistance::EQUAL);
        return Found::Similarity(Similarity { agreement: 1_000_000, distance }, Work(0));
    }
    let reading = judge.reading_comparison(&comparison);
    let (fresh, maximum) = (fresh_input(state), state.settings.input_work);
    let too_large = |found| ModelRefusal::StepTooLarge { maximum, found };
    if !fresh.fits(reading) {
        return Found::Unfit(too_large(reading), Work(0));
    }
    if !meter.fits(reading) {
        return Found::Nothing(None);
    }
    meter.spend(reading);
    let probes = judge.quote_comparison(&comparison);
    let work = reading.plus(probes.unwrap_or_default());
    let short = work::short_of(state, id, pair[1], worker.account, work);
    let found = match probes {
        Err(unfit) => Found::Unfit(ModelRefusal::Unfit { unfit }, reading),
        Ok(_) if !fresh.fits(work) => Found::Unfit(too_large(work), reading),
        Ok(probes) if short.is_some() || !meter.fits(probes) => Found::Nothing(short),
        Ok(probes) => {
            meter.answer(probes);
            match judge.compare(&comparison) {
                Ok(similarity) => Found::Similarity(similarity, work),
                Err(unfit) => Found::Unfit(ModelRefusal::Unfit { unfit }, work),
            }
        }
    };
    state.meter = meter;
    found
}

/// What any input has room for that does nothing else.
fn fresh_input(state: &State) -> Meter {
    let mut meter = Meter::new(&state.settings, SMALL_PAYLOAD_BYTES);
    meter.spend(Work(state.settings.prices.ending).times(3));
    meter
}

fn comparison(state: &State, id: JobId, numbers: [u32; 2]) -> Option<Comparison<'_>> {
    let job = state.known(id);
    let base_cid = job.terms.offer.base_model.cid();
    let base = job.slots.blob(&state.drive, SlotKey::job(Slot::BaseModel))?;
    let hold_out = job.slots.blob(&state.drive, SlotKey::job(Slot::HoldOut))?;
    let [first, second] = numbers.map(|number| {
        let cid = job.known(number).model?.cid();
        let key = SlotKey::of(Slot::Submission, number);
        Some(Exhibit { cid, bytes: job.slots.blob(&state.drive, key)? })
    });
    Some(Comparison {
        base: Exhibit { cid: base_cid, bytes: base },
        first: first?,
        second: second?,
        hold_out: Exhibit { cid: job.hold_out?.cid(), bytes: hold_out },
        metric: job.terms.offer.metric,
        seed: Digest::of(&[state.randao, id.0, job.commitments.0].concat()),
    })
}
