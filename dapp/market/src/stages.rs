//! Advancing a job: one step after the other, as far as time and the input allow.
//!
//! The next step does not depend on the caller, nor its cost on the number of participants. After
//! the last date a job returns all stakes without judging, whatever went wrong before.

use crate::{
    decide,
    decision::Outcome,
    evaluation::Evaluated,
    input::Input,
    job::Job,
    payout,
    prize::{self, Search},
    refusal::ModelRefusal,
    rewards, sample,
    seat::Offence,
    seats,
    settings::Settings,
    stage::Stage,
    submission::SubmissionState,
    terms::Award,
    units::{Timestamp, Work},
};

/// Maximum number of steps of one input, as each may emit outputs, which cost work of their own.
const STEPS_PER_INPUT: usize = 64;

/// The next step of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Pay the next recipient.
    Pay,
    /// Decide with this outcome.
    End(Outcome),
    /// End a job that never opened.
    Expire,
    /// Refuse a submission whose bytes did not arrive in time.
    Undelivered(u32),
    /// Refuse a submission that was not revealed in time.
    Unrevealed(u32),
    /// Refuse a submission that was not evaluated in time.
    Unevaluated(u32),
    /// Accept no more submissions.
    Close,
    /// Accept no more keys.
    EndReveal,
    /// Accept no more attestations.
    EndAttesting,
    /// Decide rewards in order.
    Decide,
    /// Compare the best submission with an earlier one.
    Search,
}

/// Takes steps as long as there are any and they fit the input; returns whether it took one.
pub(crate) fn advance(input: &mut Input<'_>) -> bool {
    let mut has_moved = false;
    for _ in 0..STEPS_PER_INPUT {
        let settings = &input.state.settings;
        let Some(step) = next(input.job(), settings, input.now()) else { break };
        let cost = cost(input.job(), settings, step);
        if !input.state.meter.may_begin(settings, cost) {
            break;
        }
        input.state.meter.advance(cost);
        let before = input.effects.len();
        take(input, step);
        if step == Step::Decide && input.effects.len() == before {
            break;
        }
        has_moved = true;
    }
    has_moved
}

/// Largest cost of a step.
fn cost(job: &Job, settings: &Settings, step: Step) -> Work {
    let prices = &settings.prices;
    let drawing = |count| prices.drawing(usize::try_from(count).unwrap_or(usize::MAX));
    let more = match step {
        Step::EndReveal => drawing(job.terms.miners().map_or(0, |miners| miners.seats)),
        Step::EndAttesting => {
            let blaming = prices.outputs(job.seats.len().saturating_mul(2));
            drawing(job.terms.sample_rows().unwrap_or(0)).plus(blaming)
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
    more.plus(prices.ending.times(2))
}

fn take(input: &mut Input<'_>, step: Step) {
    match step {
        Step::Pay => payout::pay_next(input),
        Step::End(outcome) => payout::decide(input, outcome, None),
        Step::Expire => {
            let until = input.job().terms.close;
            payout::cancel(input, Some(ModelRefusal::NotEvaluated { until }));
        }
        Step::Undelivered(number) => {
            let until = input.job().until(number);
            let reason = ModelRefusal::NotDelivered { until };
            decide::forfeit(input, number, reason, Offence::NotDelivered);
        }
        Step::Unrevealed(number) => {
            let until = input.job().terms.reveal_until();
            let reason = ModelRefusal::NotRevealed { until };
            decide::forfeit(input, number, reason, Offence::NotRevealed);
        }
        Step::Unevaluated(number) => {
            let until = input.job().until(number);
            decide::refuse(input, number, ModelRefusal::NotEvaluated { until });
        }
        Step::Close => close(input),
        Step::EndReveal => end_reveal(input),
        Step::EndAttesting => {
            let now = input.now();
            seats::blame_silent(input);
            sample::draw(input);
            input.job_mut().judging_since = Some(now);
        }
        Step::Decide => {
            rewards::decide_next(input);
        }
        Step::Search => match prize::search(input) {
            Search::Unfinished => {}
            Search::Nobody => payout::decide(input, Outcome::NoWinner, None),
            Search::Winner(winner) => payout::decide(input, Outcome::Won, Some(winner)),
        },
    }
}

/// The next step; `None` if only time, bytes, keys or evaluations can advance the job.
pub(crate) fn next(job: &Job, settings: &Settings, now: Timestamp) -> Option<Step> {
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
        Stage::Evaluating if job.terms.sealing.is_sealed() => evaluating_sealed(job, settings, now),
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

fn evaluating_sealed(job: &Job, settings: &Settings, now: Timestamp) -> Option<Step> {
    let Some(since) = job.judging_since else {
        let until = job.attestations_until().unwrap_or(now);
        return (now >= until).then_some(Step::EndAttesting);
    };
    match job.hold_out_failure() {
        Some(ModelRefusal::AttestedOtherwise {}) => return Some(Step::End(Outcome::Returned)),
        Some(_) => return Some(Step::End(Outcome::SponsorFailed)),
        None => {}
    }
    let is_late = now >= since.after(job.judging_window(settings));
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

/// Accepts no more submissions.
fn close(input: &mut Input<'_>) {
    let now = input.now();
    let job = input.job_mut();
    if job.terms.sealing.is_sealed() {
        job.stage = Stage::Revealing;
    } else {
        job.stage = Stage::Evaluating;
        (job.evaluating_since, job.judging_since) = (Some(now), Some(now));
    }
}

/// Accepts no more keys: without a hold-out, or without models, the job is decided; else the seats
/// are drawn, or the machine judges at once.
fn end_reveal(input: &mut Input<'_>) {
    let now = input.now();
    let job = input.job_mut();
    if job.revealed.is_empty() {
        return payout::decide(input, Outcome::NobodyRevealed, None);
    }
    if job.hold_out.is_none() || job.hold_out_failure().is_some() {
        return payout::decide(input, Outcome::SponsorFailed, None);
    }
    job.stage = Stage::Evaluating;
    job.evaluating_since = Some(now);
    seats::draw(input);
    let job = input.job_mut();
    match (job.seats.is_empty(), job.terms.sample_rows()) {
        // Without seats nobody can evaluate models that are beyond the machine.
        (true, Some(_)) => payout::decide(input, Outcome::Returned, None),
        (true, None) => job.judging_since = Some(now),
        (false, _) => {}
    }
}

impl Job {
    /// Time that the machine has for the revealed models of a sealed job.
    pub(crate) fn judging_window(&self, settings: &Settings) -> u64 {
        let models = u64::try_from(self.revealed.len()).unwrap_or(u64::MAX).saturating_add(1);
        settings.evaluation_window(self.terms.evaluation_work(settings).times(models))
    }

    /// A submission past its deadline, in an open job or before the close of a sealed one.
    fn late(&self, now: Timestamp) -> Option<Step> {
        let is_late = |number: &&u32| self.until(**number) <= now;
        let expected = self.expecting.iter().find(is_late).copied().map(Step::Undelivered);
        let is_missing = |number: &&u32| {
            is_late(number)
                && match self.known(**number).evaluated {
                    Evaluated::Waiting | Evaluated::UnderWay(_) => true,
                    // Evaluated: only an input is needed to decide it.
                    Evaluated::Done(_) | Evaluated::Failed(_) => false,
                }
        };
        let whole = || self.whole.iter().find(is_missing).copied().map(Step::Unevaluated);
        expected.or_else(whole)
    }

    /// Deadline of a submission in its present state.
    fn until(&self, number: u32) -> Timestamp {
        match self.known(number).state {
            SubmissionState::Expecting { until } | SubmissionState::Whole { until } => until,
            SubmissionState::Sealed | SubmissionState::Decided(_) => self.terms.reveal_until(),
        }
    }

    /// Outcome of a job whose submissions are all decided.
    fn end(&self) -> Step {
        Step::End(if self.payouts > 0 { Outcome::Won } else { Outcome::NoWinner })
    }
}
