//! Rewards: paid in the order of commitments, and one model once.
//!
//! The first submission whose bytes are here is decided next. It is accepted if it is no copy of an
//! accepted one, and if rewards are left beside those for which earlier ones are still expected:
//! these can hold up nobody longer than their bytes have time. A copy made of what others publish
//! is behind them, and a commitment names bytes, so that none becomes a copy later.

use blobs::Digest;

use crate::{
    command::{Slot, Target},
    decide,
    effect::Effect,
    evaluation::{Done, Evaluated},
    job::Job,
    judge::{Comparison, Exhibit, Judge, Similarity},
    meter::Meter,
    refusal::ModelRefusal,
    state::State,
    store::SlotKey,
    submission::SubmissionState,
    terms::Award,
    units::{JobId, Work},
    work::{self, Worker},
};

/// How many submissions one input decides at most.
const DECISIONS_PER_INPUT: usize = 64;

/// Decides what can be decided, in order, as far as the input allows.
pub(crate) fn decide_next(
    state: &mut State,
    id: JobId,
    worker: Worker,
    judge: &mut dyn Judge,
    effects: &mut Vec<Effect>,
) {
    for _ in 0..DECISIONS_PER_INPUT {
        let Some(number) = state.known(id).next_reward() else { return };
        let ending = Work(state.settings.prices.ending);
        if !state.meter.may_begin(&state.settings, ending) {
            return;
        }
        if state.known(id).rewards_left() == 0 {
            return;
        }
        match compare(state, id, number, worker, judge, effects) {
            Compared::Waits => return,
            Compared::Copy(reason) => decide::refuse(state, id, number, reason, effects),
            Compared::Original => decide::accept(state, id, number, effects),
        }
        state.meter.advance(ending);
        give_time(state, id);
    }
}

impl Job {
    /// The next submission to be decided, if it can be.
    pub(crate) fn next_reward(&self) -> Option<u32> {
        if !matches!(self.terms.award, Award::Rewards { .. }) || self.decision.is_some() {
            return None;
        }
        let number = *self.whole.first()?;
        self.known(number).evaluated.finding()?;
        let left = usize::try_from(self.rewards_left()).unwrap_or(usize::MAX);
        let earlier = self.expecting.range(..number).take(left).count();
        (earlier < left || left == 0).then_some(number)
    }
}

/// Whoever is first now and found acceptable has had to wait for others: its time begins.
pub(crate) fn give_time(state: &mut State, id: JobId) {
    let now = state.now();
    let work = state.known(id).terms.evaluation_work(&state.settings);
    let window = state.settings.evaluation_window(work);
    let job = state.known_mut(id);
    let Some(&first) = job.whole.first() else { return };
    let submission = job.known_mut(first);
    if let (SubmissionState::Whole { until }, Evaluated::Done(_)) =
        (submission.state, &submission.evaluated)
    {
        submission.state = SubmissionState::Whole { until: until.max(now.after(window)) };
    }
}

enum Compared {
    /// The input has no room for it.
    Waits,
    Copy(ModelRefusal),
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
        let Some((similarity, prepaid)) = similarity(state, id, pair, worker, judge) else {
            return Compared::Waits;
        };
        if let Evaluated::Done(finding) = &mut state.known_mut(id).known_mut(number).evaluated {
            finding.compared = finding.compared.saturating_add(1);
        }
        let done = Done { prepaid, borne: Work(0) };
        work::pay(state, id, Target::Submission(number), worker, done, effects);
        if similarity.is_copy() {
            let agreement = similarity.agreement;
            return Compared::Copy(ModelRefusal::Copy { original, agreement });
        }
    }
    Compared::Original
}

/// How alike two submissions' models are, and what finding out took; `None` if the input has no
/// room for it, or the sender has not what it costs beyond the stake.
fn similarity(
    state: &mut State,
    id: JobId,
    [original, number]: [u32; 2],
    worker: Worker,
    judge: &mut dyn Judge,
) -> Option<(Similarity, Work)> {
    let mut meter = state.meter;
    let comparison = comparison(state, id, [original, number])?;
    let reading = judge.reading_comparison(&comparison);
    let fresh = Meter::new(&state.settings, 0);
    // What an accepted model cannot be compared with is no copy of it.
    let unlike = Similarity { agreement: 0, distance: None };
    if !fresh.fits(reading) {
        return Some((unlike, Work(0)));
    }
    if !meter.fits(reading) {
        return None;
    }
    let probes = judge.quote_comparison(&comparison).unwrap_or(Work(0));
    let work = reading.plus(probes);
    meter.spend(reading);
    if !fresh.fits(work) {
        state.meter = meter;
        return Some((unlike, reading));
    }
    let fits = meter.fits(probes);
    let similarity = if fits { judge.compare(&comparison).unwrap_or(unlike) } else { unlike };
    if fits {
        meter.answer(probes);
    }
    state.meter = meter;
    let is_paid = work::affords(state, id, Target::Submission(number), worker.account, work);
    (fits && is_paid).then_some((similarity, work))
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
