//! What moves a job on: one step after the other, as far as time and the input allow.
//!
//! Whoever calls, the next step is the same; each costs about as much however many take part.
//! After the last date a job gives each its own without judging, whatever went wrong before.

use crate::{
    command::Context,
    decide,
    decision::Outcome,
    effect::Effect,
    evaluation::Evaluated,
    job::Job,
    judge::Judge,
    judging::hold_out_failure,
    payout,
    prize::{self, Search},
    refusal::ModelRefusal,
    rewards, sample,
    seat::Offence,
    seats,
    stage::Stage,
    state::State,
    submission::SubmissionState,
    terms::Award,
    units::{JobId, Timestamp, Work},
    work::Worker,
};

/// How many steps one input takes at most, as each may be an output that costs work of its own.
const STEPS_PER_INPUT: usize = 64;

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Pay the next who is to be paid.
    Pay,
    /// It is known how the job ends.
    End(Outcome),
    /// The job never opened.
    Expire,
    /// A submission's bytes did not come in time.
    Undelivered(u32),
    /// A submission was not revealed in time.
    Unrevealed(u32),
    /// A submission was not evaluated in time.
    Unevaluated(u32),
    /// No more is submitted.
    Close,
    /// No more keys are taken.
    EndReveal,
    /// No more attestations are taken.
    EndAttesting,
    /// Decide rewards in order.
    Decide,
    /// Compare the best with the next before it.
    Search,
}

/// Takes steps as long as there are any and they fit the input; whether there was one.
pub(crate) fn advance(
    state: &mut State,
    context: &Context,
    id: JobId,
    judge: &mut dyn Judge,
    effects: &mut Vec<Effect>,
) -> bool {
    let mut has_moved = false;
    for _ in 0..STEPS_PER_INPUT {
        let Some(step) = next(state, id) else { break };
        let cost = cost(state, id, step);
        if !state.meter.may_begin(&state.settings, cost) {
            break;
        }
        state.meter.advance(cost);
        let before = effects.len();
        take(state, context, id, step, judge, effects);
        if step == Step::Decide && effects.len() == before {
            break;
        }
        has_moved = true;
    }
    has_moved
}

/// What a step costs at most.
fn cost(state: &State, id: JobId, step: Step) -> Work {
    let (prices, job) = (&state.settings.prices, state.known(id));
    let more = match step {
        Step::EndReveal => prices.drawing(
            job.terms
                .miners()
                .map_or(0, |miners| usize::try_from(miners.seats).unwrap_or(usize::MAX)),
        ),
        Step::EndAttesting => {
            let rows = usize::try_from(job.terms.sample_rows().unwrap_or(0));
            let drawn = prices.drawing(rows.unwrap_or(usize::MAX));
            drawn.plus(prices.outputs(job.seats.len().saturating_mul(2)))
        }
        Step::Search => prices.comparing(job.terms.offer.rows),
        Step::Pay
        | Step::End(_)
        | Step::Expire
        | Step::Undelivered(_)
        | Step::Unrevealed(_)
        | Step::Unevaluated(_)
        | Step::Close
        | Step::Decide => Work(0),
    };
    more.plus(Work(prices.ending).times(2))
}

fn take(
    state: &mut State,
    context: &Context,
    id: JobId,
    step: Step,
    judge: &mut dyn Judge,
    effects: &mut Vec<Effect>,
) {
    match step {
        Step::Pay => payout::pay_next(state, id, effects),
        Step::End(outcome) => payout::decide(state, id, (outcome, None), effects),
        Step::Expire => {
            let job = state.known_mut(id);
            job.cancelled_for = Some(ModelRefusal::NotEvaluated { until: job.terms.close });
            payout::decide(state, id, (Outcome::Cancelled, None), effects);
        }
        Step::Undelivered(number) => {
            let until = state.known(id).until(number);
            let lost = (ModelRefusal::NotDelivered { until }, Offence::NotDelivered);
            decide::forfeit(state, id, number, lost, effects);
        }
        Step::Unrevealed(number) => {
            let until = state.known(id).terms.reveal_until();
            let lost = (ModelRefusal::NotRevealed { until }, Offence::NotRevealed);
            decide::forfeit(state, id, number, lost, effects);
        }
        Step::Unevaluated(number) => {
            let until = state.known(id).until(number);
            decide::refuse(state, id, number, ModelRefusal::NotEvaluated { until }, effects);
        }
        Step::Close => close(state, id),
        Step::EndReveal => end_reveal(state, context, id, effects),
        Step::EndAttesting => {
            seats::blame_silent(state, id, effects);
            sample::draw(state, context, id);
            state.known_mut(id).judging_since = Some(state.now());
        }
        Step::Decide => {
            let worker = Worker::new(context.sender);
            rewards::decide_next(state, id, worker, judge, effects);
        }
        Step::Search => match prize::search(state, id, effects) {
            Search::Unfinished => {}
            Search::Nobody => payout::decide(state, id, (Outcome::NoWinner, None), effects),
            Search::Winner(winner) => {
                payout::decide(state, id, (Outcome::Won, Some(winner)), effects);
            }
        },
    }
}

/// The next step; `None` if only time, bytes, keys or evaluations move the job on.
pub(crate) fn next(state: &State, id: JobId) -> Option<Step> {
    let (job, now) = (state.known(id), state.now());
    if !job.stage.is_live() {
        return None;
    }
    if job.decision.is_some() {
        return Some(Step::Pay);
    }
    if now >= job.last_date {
        return Some(Step::End(Outcome::Returned));
    }
    match job.stage {
        Stage::Announced => (now >= job.terms.close).then_some(Step::Expire),
        Stage::Open => open(job, now),
        Stage::Revealing if now < job.terms.reveal_until() => None,
        Stage::Revealing => {
            let unrevealed = job.sealed.first().copied().map(Step::Unrevealed);
            Some(unrevealed.unwrap_or(Step::EndReveal))
        }
        Stage::Evaluating if job.terms.sealing.is_sealed() => evaluating_sealed(state, id, now),
        Stage::Evaluating => evaluating_open(job, now),
        Stage::Settled | Stage::Cancelled => None,
    }
}

fn open(job: &Job, now: Timestamp) -> Option<Step> {
    let is_closed = now >= job.terms.close;
    let is_paid = matches!(job.terms.award, Award::Rewards { .. }) && job.rewards_left() == 0;
    match job.late(now) {
        Some(step) => Some(step),
        None if is_paid => Some(Step::End(Outcome::Won)),
        None if job.next_reward().is_some() && !is_closed => Some(Step::Decide),
        None if is_closed && job.clients.is_empty() && job.terms.sealing.is_sealed() => {
            Some(Step::End(Outcome::NobodySubmitted))
        }
        None if is_closed && job.submitted == 0 => Some(Step::End(Outcome::NobodySubmitted)),
        None => is_closed.then_some(Step::Close),
    }
}

fn evaluating_open(job: &Job, now: Timestamp) -> Option<Step> {
    let is_paid = matches!(job.terms.award, Award::Rewards { .. }) && job.rewards_left() == 0;
    let is_over = |number: &u32| job.known(*number).evaluated.finding().is_some();
    let all_found = job.expecting.is_empty() && job.whole.iter().all(is_over);
    match job.late(now) {
        Some(step) => Some(step),
        None if is_paid => Some(Step::End(Outcome::Won)),
        None if job.next_reward().is_some() => Some(Step::Decide),
        None if job.expecting.is_empty() && job.whole.is_empty() => Some(job.end()),
        None if all_found && matches!(job.terms.award, Award::Prize { .. }) => Some(Step::Search),
        None => None,
    }
}

fn evaluating_sealed(state: &State, id: JobId, now: Timestamp) -> Option<Step> {
    let job = state.known(id);
    let Some(since) = job.judging_since else {
        let until = job.attestations_until().unwrap_or(now);
        return (now >= until).then_some(Step::EndAttesting);
    };
    match hold_out_failure(state, id) {
        Some(ModelRefusal::AttestedOtherwise {}) => return Some(Step::End(Outcome::Returned)),
        Some(_) => return Some(Step::End(Outcome::SponsorFailed)),
        None => {}
    }
    let is_late = now >= since.after(judging_window(state, id));
    if is_late && job.base_on_hold_out.finding().is_none() {
        return Some(Step::End(Outcome::Returned));
    }
    let is_missing = |number: &&u32| job.known(**number).evaluated.finding().is_none();
    let missing = job.whole.iter().find(is_missing);
    let is_prize = matches!(job.terms.award, Award::Prize { .. });
    match (missing, job.whole.first()) {
        (_, None) => Some(job.end()),
        (Some(number), _) if is_late => Some(Step::Unevaluated(*number)),
        (Some(_), _) => None,
        (None, _) if is_prize => Some(Step::Search),
        (None, _) if job.rewards_left() == 0 => Some(Step::End(Outcome::Won)),
        (None, _) => job.next_reward().map(|_| Step::Decide),
    }
}

/// How long the machine has for the models of a sealed job that were revealed.
pub(crate) fn judging_window(state: &State, id: JobId) -> u64 {
    let job = state.known(id);
    let models = u64::try_from(job.revealed.len()).unwrap_or(u64::MAX).saturating_add(1);
    let work = job.terms.evaluation_work(&state.settings);
    state.settings.evaluation_window(work.times(models))
}

/// Nobody submits any more.
fn close(state: &mut State, id: JobId) {
    let now = state.now();
    let job = state.known_mut(id);
    if job.terms.sealing.is_sealed() {
        job.stage = Stage::Revealing;
    } else {
        job.stage = Stage::Evaluating;
        job.evaluating_since = Some(now);
        job.judging_since = Some(now);
    }
}

/// No more keys are taken: without a hold-out, or without models, it is decided; else the seats are
/// drawn, or the machine judges at once.
fn end_reveal(state: &mut State, context: &Context, id: JobId, effects: &mut Vec<Effect>) {
    let job = state.known(id);
    let has_failed = job.hold_out.is_none() || hold_out_failure(state, id).is_some();
    let job = state.known(id);
    match (job.revealed.is_empty(), has_failed) {
        (true, _) => payout::decide(state, id, (Outcome::NobodyRevealed, None), effects),
        (false, true) => payout::decide(state, id, (Outcome::SponsorFailed, None), effects),
        (false, false) => {
            let now = state.now();
            let job = state.known_mut(id);
            job.stage = Stage::Evaluating;
            job.evaluating_since = Some(now);
            seats::draw(state, context, id, effects);
            let job = state.known_mut(id);
            match (job.seats.is_empty(), job.terms.sample_rows()) {
                // Nobody can say what is beyond the machine.
                (true, Some(_)) => payout::decide(state, id, (Outcome::Returned, None), effects),
                (true, None) => job.judging_since = Some(now),
                (false, _) => {}
            }
        }
    }
}

impl Job {
    /// A submission that is out of time, in an open job or before the close of a sealed one.
    fn late(&self, now: Timestamp) -> Option<Step> {
        let is_late = |number: &&u32| self.until(**number) <= now;
        let expected = self.expecting.iter().find(is_late).copied().map(Step::Undelivered);
        let is_missing = |number: &&u32| {
            is_late(number)
                && match self.known(**number).evaluated {
                    Evaluated::Waiting | Evaluated::UnderWay(_) => true,
                    // Deciding takes only somebody's input.
                    Evaluated::Done(_) | Evaluated::Failed(_) => false,
                }
        };
        let whole = || self.whole.iter().find(is_missing).copied().map(Step::Unevaluated);
        expected.or_else(whole)
    }

    /// Until when a submission has time for what it waits for.
    fn until(&self, number: u32) -> Timestamp {
        match self.known(number).state {
            SubmissionState::Expecting { until } | SubmissionState::Whole { until } => until,
            SubmissionState::Sealed | SubmissionState::Decided(_) => self.terms.reveal_until(),
        }
    }

    /// How a job ends whose submissions are all decided.
    fn end(&self) -> Step {
        Step::End(if self.payouts > 0 { Outcome::Won } else { Outcome::NoWinner })
    }
}
