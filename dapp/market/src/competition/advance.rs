//! What moves a competition on: one step after the other, as far as time and the input allow.
//!
//! Whoever calls, the next step is the same; each costs about as much however many there are.

use super::{Competition, Offence, Outcome, Phase, Task, close, decide, finals, judging, pay};
use crate::{
    command::Context,
    effect::Effect,
    job::Stage,
    judge::Judge,
    market::{Market, Settings},
    meter::Meter,
    refusal::{ModelRefusal, Refusal},
    units::{JobId, Timestamp, Work},
};

/// How many steps one input takes at most, as each may be an output that costs work of its own.
const STEPS_PER_INPUT: usize = 64;

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Go on with the evaluation at the head of the queue.
    Evaluate,
    /// Find the winners.
    Finals,
    /// Something whose cost is small and known.
    Small(SmallStep),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SmallStep {
    /// End what never opened.
    Cancel,
    /// End what takes entries, and draw the seats.
    Close,
    /// Return the bond of the next miner that was not drawn.
    ReturnBond,
    /// End what takes keys.
    EndReveal,
    /// Look for seats that owe attestations.
    FindSilent,
    /// See what is said of the next revealed model.
    Sort,
    /// Give up evaluating: it took too long.
    GiveUp,
    /// Pay the next who is to be paid.
    Pay,
}

/// Moves on what has something to do.
///
/// - Errors: `JobNotOpen` when it has ended, `DeadlineAhead` when only time can move it
pub(crate) fn settle(
    market: &mut Market,
    context: &Context,
    id: JobId,
    judge: &mut dyn Judge,
) -> Result<Vec<Effect>, Refusal> {
    let job = market.competition_or_refuse(id)?;
    if !job.is_live() {
        return Err(Refusal::JobNotOpen { job: id, stage: job.stage });
    }
    if next_step(&market.settings, job, context.now).is_none() {
        return Err(Refusal::DeadlineAhead { deadline: job.stage_deadline(), now: context.now });
    }

    // Nothing below can fail.
    let meter = Meter::new(&market.settings);
    Ok(run(market, context, id, meter, judge))
}

/// Goes on with evaluations, by at most so much work.
///
/// - Errors: `JobNotOpen` when it has ended, `NothingPending` when none waits
pub(crate) fn evaluate(
    market: &mut Market,
    context: &Context,
    id: JobId,
    work: Work,
    judge: &mut dyn Judge,
) -> Result<Vec<Effect>, Refusal> {
    let job = market.competition_or_refuse(id)?;
    if !job.is_live() {
        return Err(Refusal::JobNotOpen { job: id, stage: job.stage });
    }
    if next_step(&market.settings, job, context.now).is_none() {
        return Err(Refusal::NothingPending { job: id });
    }

    // Nothing below can fail.
    let meter = Meter::new(&market.settings).wanting(work);
    Ok(run(market, context, id, meter, judge))
}

/// Takes steps as long as there are any and they fit the input. An input that has done nothing
/// else takes one at least.
pub(crate) fn run(
    market: &mut Market,
    context: &Context,
    id: JobId,
    mut meter: Meter,
    judge: &mut dyn Judge,
) -> Vec<Effect> {
    let mut effects = Vec::new();
    for _ in 0..STEPS_PER_INPUT {
        let next = market.competitions.get(&id);
        let next = next.and_then(|job| next_step(&market.settings, job, context.now));
        let Some(step) = next else { break };
        let moved = match step {
            Step::Evaluate => judging::evaluate(market, id, &mut meter, judge, &mut effects),
            Step::Finals => finals::step(market, id, &mut meter, judge, &mut effects),
            Step::Small(step) => {
                let cost = cost(market, id, step);
                let begins = meter.may_begin(&market.settings, cost);
                if begins {
                    meter.advance(cost);
                    effects.extend(take(market, context, id, step));
                }
                begins
            }
        };
        if !moved {
            break;
        }
    }
    effects
}

/// What a small step costs at most.
fn cost(market: &Market, id: JobId, step: SmallStep) -> Work {
    let prices = &market.settings.prices;
    let job = market.competitions.get(&id);
    let [draws, outputs] = match (step, job) {
        (SmallStep::Close, Some(job)) => close::draws(job, market.standing.len()),
        (SmallStep::FindSilent, Some(job)) => [job.rows_to_draw(), job.seats.len()],
        _ => [0, 0],
    };
    prices.drawing(draws).plus(prices.saying(outputs)).plus(Work(prices.ending))
}

fn take(market: &mut Market, context: &Context, id: JobId, step: SmallStep) -> Vec<Effect> {
    match step {
        SmallStep::Cancel => {
            let deadline = market.competitions.get(&id).map_or(context.now, |job| job.terms.close);
            decide::cancel(market, id, Some(ModelRefusal::Expired { deadline }))
        }
        SmallStep::Close => close::close(market, context, id),
        SmallStep::ReturnBond => pay::return_bond(market, id),
        SmallStep::EndReveal => end_reveal(market, id),
        SmallStep::FindSilent => find_silent(market, context, id),
        SmallStep::Sort => judging::sort(market, id),
        SmallStep::GiveUp => judging::give_up(market, id),
        SmallStep::Pay => pay::pay_next(market, id),
    }
}

fn next_step(settings: &Settings, job: &Competition, now: Timestamp) -> Option<Step> {
    let waiting = (!job.queue.is_empty()).then_some(Step::Evaluate);
    let small = |step| Some(Step::Small(step));
    match job.stage {
        Stage::Announced if now >= job.terms.close => small(SmallStep::Cancel),
        Stage::Open if now >= job.terms.close => small(SmallStep::Close),
        Stage::Announced | Stage::Open => waiting,
        Stage::Revealing if job.returned < job.enlisted.len() => small(SmallStep::ReturnBond),
        Stage::Revealing if now >= job.terms.reveal_until() => small(SmallStep::EndReveal),
        Stage::Revealing => waiting,
        Stage::Evaluating => evaluating(settings, job, now),
        Stage::Settled | Stage::Cancelled => None,
    }
}

fn evaluating(settings: &Settings, job: &Competition, now: Timestamp) -> Option<Step> {
    let judged_from = job.stage_deadline();
    let until = judged_from.after(settings.evaluation_window_seconds);
    match &job.phase {
        Phase::Paying(_) => Some(Step::Small(SmallStep::Pay)),
        _ if now >= until && !job.queue.is_empty() => Some(Step::Small(SmallStep::GiveUp)),
        _ if !job.queue.is_empty() => Some(Step::Evaluate),
        Phase::Waiting if now >= judged_from => Some(Step::Small(SmallStep::FindSilent)),
        Phase::Waiting => None,
        Phase::Sorting { next } if *next < job.models.len() => Some(Step::Small(SmallStep::Sort)),
        Phase::Sorting { .. } | Phase::Finals(_) => Some(Step::Finals),
    }
}

/// No more keys are taken: without a hold-out, or without models, it is decided.
fn end_reveal(market: &mut Market, id: JobId) -> Vec<Effect> {
    let Some(job) = market.competitions.get_mut(&id) else { return Vec::new() };
    job.stage = Stage::Evaluating;
    let has_hold_out = job.hold_out.is_some() && !job.hold_out_failed;
    let has_models = job.revealed() > 0;
    match (has_hold_out, has_models) {
        (_, false) => decide::decide(market, id, Outcome::NobodyRevealed, Vec::new()),
        (false, true) => decide::decide(market, id, Outcome::SponsorFailed, Vec::new()),
        (true, true) => Vec::new(),
    }
}

/// Drawn miners that have not unveiled every page lose their bonds.
fn find_silent(market: &mut Market, context: &Context, id: JobId) -> Vec<Effect> {
    let Some(job) = market.competitions.get_mut(&id) else { return Vec::new() };
    job.phase = Phase::Sorting { next: 0 };
    job.draw_sample(context);
    let pages = job.pages();
    let silent = |seat: &usize| job.seats.get(*seat).is_some_and(|seat| seat.unveiled < pages);
    let silent: Vec<usize> = (0..job.seats.len()).filter(silent).collect();
    silent.into_iter().filter_map(|seat| job.blame(id, seat, Offence::Silent)).collect()
}

impl Competition {
    /// Takes note of a seat's first offence.
    pub(super) fn blame(&mut self, id: JobId, seat: usize, offence: Offence) -> Option<Effect> {
        let bond = self.terms.miner_bond;
        let seat = self.seats.get_mut(seat).filter(|seat| seat.offence.is_none())?;
        seat.offence = Some(offence);
        Some(Effect::forfeited(id, seat.miner, bond, offence))
    }

    /// Gives up what waits for the machine.
    pub(super) fn drop_tasks(&mut self) {
        self.queue.clear();
        self.progress = None;
    }

    pub(super) fn enqueue(&mut self, task: Task) {
        self.queue.push_back(task);
    }
}
