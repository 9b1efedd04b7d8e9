//! Evaluate: somebody goes on with an evaluation, by name. Nobody waits behind anybody, and
//! whoever goes on has a part of what was prepaid for it.

use super::Context;
use crate::{
    command::Target,
    effect::Effect,
    evaluation::Evaluated,
    job::Job,
    judge::Judge,
    judging,
    refusal::Refusal,
    rewards,
    stage::Stage,
    state::State,
    terms::Award,
    units::{Amount, JobId, Work},
    work::{self, Worker},
};

/// What is asked for.
pub(crate) struct Request {
    pub(crate) target: Target,
    pub(crate) from: u32,
    pub(crate) work: Work,
    pub(crate) max_surcharge: Amount,
}

pub(crate) fn apply(
    state: &mut State,
    context: &Context,
    id: JobId,
    request: &Request,
    judge: &mut dyn Judge,
) -> Result<Vec<Effect>, Refusal> {
    let job = state.named(id)?;
    if !job.stage.is_live() || job.decision.is_some() {
        return Err(Refusal::JobNotOpen { job: id, stage: job.stage });
    }
    let evaluated = check_target(state, id, request.target)?;
    let (expected, found) = (evaluated.step(), request.from);
    if expected != found {
        return Err(Refusal::StaleStep { expected, found });
    }
    let surcharge = state.surcharge();
    check_surcharge(state, context, id, request, surcharge)?;
    check_reading(state, context, id, request)?;

    // Nothing below fails once it has changed anything.
    state.meter.want(request.work);
    let worker = Worker { account: context.sender, surcharge };
    let mut effects = Vec::new();
    let is_found = evaluated_is_found(state.known(id), request.target);
    match request.target {
        Target::Submission(_) if is_found => {
            let stopped = rewards::decide_next(state, id, worker, judge, &mut effects);
            if let (Some(reason), true) = (stopped, effects.is_empty()) {
                // Nothing was done yet.
                return Err(reason);
            }
        }
        target @ (Target::Base
        | Target::BaseOnHoldOut
        | Target::Submission(_)
        | Target::Shown(_)) => {
            judging::go_on(state, id, target, worker, judge, &mut effects);
            super::settle::cancel_unfit(state, id, &mut effects);
        }
    }
    Ok(effects)
}

fn evaluated_is_found(job: &Job, target: Target) -> bool {
    matches!(target, Target::Submission(number) if job.known(number).evaluated.finding().is_some())
}

/// The evaluation, if the machine may go on with it now.
fn check_target(state: &State, id: JobId, target: Target) -> Result<&Evaluated, Refusal> {
    let (job, now) = (state.known(id), state.now());
    let unknown = Err(Refusal::UnknownTarget {});
    let is_sealed = job.terms.sealing.is_sealed();
    let is_sampled = job.terms.sample_rows().is_some();
    let until = job.attestations_until().unwrap_or(job.terms.reveal_until());
    let not_yet = Err(Refusal::NotYet { opens: until, now });
    let evaluated = match target {
        Target::Base if job.has_blobs() && !is_sampled => &job.base,
        Target::Base => return unknown,
        Target::BaseOnHoldOut if !is_sealed || job.hold_out.is_none() => return unknown,
        Target::BaseOnHoldOut if is_sampled && job.judging_since.is_none() => return not_yet,
        Target::BaseOnHoldOut => &job.base_on_hold_out,
        Target::Shown(number) => {
            let submission = job.submissions.get(&number).ok_or(Refusal::UnknownTarget {})?;
            let key = crate::store::SlotKey::of(crate::command::Slot::Shown, number);
            if job.stage == Stage::Announced || !job.slots.is_whole(key) {
                return unknown;
            }
            &submission.board.evaluated
        }
        Target::Submission(number) => {
            let submission = job.submissions.get(&number).ok_or(Refusal::UnknownTarget {})?;
            if !submission.is_whole() {
                return unknown;
            }
            if is_sealed && job.judging_since.is_none() {
                return not_yet;
            }
            if job.base_scores().is_none() {
                return Err(Refusal::BaseFirst {});
            }
            if submission.evaluated.finding().is_some() {
                check_decidable(state, id, number)?;
                return Ok(&submission.evaluated);
            }
            &submission.evaluated
        }
    };
    if evaluated.is_over() { Err(Refusal::AlreadyEvaluated {}) } else { Ok(evaluated) }
}

/// What is found is compared and decided when it is next.
fn check_decidable(state: &State, id: JobId, number: u32) -> Result<(), Refusal> {
    let job = state.known(id);
    if matches!(job.terms.award, Award::Prize { .. }) {
        return Err(Refusal::AlreadyEvaluated {});
    }
    if let (Award::Rewards { count, .. }, 0) = (job.terms.award, job.rewards_left()) {
        return Err(Refusal::NoRewardLeft { rewards: count });
    }
    match job.first_undecided() {
        Some(first) if first != number => Err(Refusal::EarlierFirst { submission: first }),
        Some(_) | None => Ok(()),
    }
}

/// Whoever goes on bears reading the files again, beyond what it is sure to earn.
fn check_reading(
    state: &State,
    context: &Context,
    id: JobId,
    request: &Request,
) -> Result<(), Refusal> {
    // Of its owner nothing is asked beyond the stake.
    let is_own = work::owner(state, id, request.target) == context.sender;
    if is_own || evaluated_is_found(state.known(id), request.target) {
        return Ok(());
    }
    let asset = state.known(id).terms.asset;
    let work = judging::reading_again(state, id, request.target, request.work);
    let needed = state.settings.work_price(asset, work)?;
    let free = state.ledger.free(context.sender, asset);
    if needed > free { Err(Refusal::InsufficientBalance { needed, free }) } else { Ok(()) }
}

/// While the machine lags, the sender pays for its work over again, up to what it states.
fn check_surcharge(
    state: &State,
    context: &Context,
    id: JobId,
    request: &Request,
    surcharge: u64,
) -> Result<(), Refusal> {
    if surcharge == 0 {
        return Ok(());
    }
    let asset = state.known(id).terms.asset;
    // One step is done at least, whatever work is asked for.
    let price = state.settings.work_price(asset, state.settings.input_work)?;
    let needed = price.checked_times(surcharge).ok_or(Refusal::AwardOverflow {})?;
    let found = request.max_surcharge;
    if needed > found {
        return Err(Refusal::SurchargeTooSmall { needed, found });
    }
    let free = state.ledger.free(context.sender, asset);
    if needed > free { Err(Refusal::InsufficientBalance { needed, free }) } else { Ok(()) }
}

impl State {
    /// How many times over work costs more because the machine lags: doubling with each stated lag.
    pub(crate) fn surcharge(&self) -> u64 {
        let lag = self.lag_seconds();
        let steps = lag.checked_div(self.settings.surcharge_lag_seconds).unwrap_or_default();
        let doubled = u32::try_from(steps).ok().and_then(|steps| 1_u64.checked_shl(steps));
        doubled.unwrap_or(u64::MAX).max(1).saturating_sub(1)
    }

    /// Whether an input may go on with an evaluation though its sender states no surcharge.
    pub(crate) fn may_go_on(&self) -> bool {
        self.surcharge() == 0
    }
}
