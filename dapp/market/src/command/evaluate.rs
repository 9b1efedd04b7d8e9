//! Evaluate: anyone continues an evaluation, by its target. There is no queue, and the sender earns
//! a part of the prepaid price.

use crate::{
    context::{Slot, Target},
    evaluation::Evaluated,
    input::Input,
    job::Job,
    judging,
    refusal::Refusal,
    rewards,
    stage::Stage,
    state::State,
    store::SlotKey,
    terms::Award,
    units::{Amount, Timestamp, Work},
};

/// Arguments of the command.
pub(crate) struct Request {
    pub(crate) target: Target,
    pub(crate) from: u32,
    pub(crate) work: Work,
    pub(crate) max_surcharge: Amount,
}

pub(crate) fn apply(input: &mut Input<'_>, request: &Request) -> Result<(), Refusal> {
    let target = request.target;
    let evaluated = check_target(input.named_in(&Stage::LIVE)?, input.now(), target)?;
    let (expected, found) = (evaluated.step(), request.from);
    if expected != found {
        return Err(Refusal::StaleStep { expected, found });
    }
    let is_found = evaluated.finding().is_some();
    input.surcharge = input.state.surcharge();
    check_surcharge(input, request)?;
    // The owner pays nothing beyond its stake.
    if input.job().owner(target) != input.sender() && !is_found {
        check_reading(input, request)?;
    }

    // Nothing below fails after a change.
    input.state.meter.want(request.work);
    if !is_found {
        judging::go_on(input, target);
    } else if let Some(reason) = rewards::decide_next(input)
        && input.effects.is_empty()
    {
        return Err(reason);
    }
    Ok(())
}

/// The evaluation, if the machine may continue it now.
fn check_target(job: &Job, now: Timestamp, target: Target) -> Result<&Evaluated, Refusal> {
    let unknown = Err(Refusal::UnknownTarget {});
    let is_sealed = job.terms.sealing.is_sealed();
    let is_sampled = job.terms.sample_rows().is_some();
    let opens = job.attestations_until().unwrap_or(job.terms.reveal_until());
    let not_yet = Err(Refusal::NotYet { opens, now });
    let is_whole = |slot, number| job.slots.is_whole(SlotKey::of(slot, number));
    match target {
        Target::Base if is_sampled || !job.has_blobs() => return unknown,
        Target::Base => {}
        Target::BaseOnHoldOut if !is_sealed || job.hold_out.is_none() => return unknown,
        Target::BaseOnHoldOut if is_sampled && job.judging_since.is_none() => return not_yet,
        Target::BaseOnHoldOut => {}
        Target::Shown(number) if !is_whole(Slot::Shown, number) => return unknown,
        Target::Shown(_) if job.stage == Stage::Announced => return unknown,
        Target::Shown(_) => {}
        Target::Submission(number) => {
            if !job.submissions.get(&number).is_some_and(|submission| submission.is_whole()) {
                return unknown;
            }
            if is_sealed && job.judging_since.is_none() {
                return not_yet;
            }
            if job.base_scores().is_none() {
                return Err(Refusal::BaseFirst {});
            }
            if job.known(number).evaluated.finding().is_some() {
                check_decidable(job, number)?;
                return Ok(job.evaluated(target));
            }
        }
    }
    let evaluated = job.evaluated(target);
    if evaluated.is_over() { Err(Refusal::AlreadyEvaluated {}) } else { Ok(evaluated) }
}

/// Checks that an evaluated submission is next to be compared and decided.
fn check_decidable(job: &Job, number: u32) -> Result<(), Refusal> {
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

/// Checks that the sender can pay for reading the files again, less its certain earnings.
fn check_reading(input: &Input<'_>, request: &Request) -> Result<(), Refusal> {
    let work = judging::reading_again(input, request.target, request.work);
    let asset = input.job().terms.asset;
    check_free(input, input.state.settings.work_price(asset, work)?)
}

/// Checks that the sender accepts the surcharge of a lagging machine and can pay it.
fn check_surcharge(input: &Input<'_>, request: &Request) -> Result<(), Refusal> {
    if input.surcharge == 0 {
        return Ok(());
    }
    let (asset, settings) = (input.job().terms.asset, &input.state.settings);
    // At least one step is done, however little work is requested.
    let price = settings.work_price(asset, settings.input_work)?;
    let needed = price.checked_times(input.surcharge).ok_or(Refusal::AwardOverflow {})?;
    let found = request.max_surcharge;
    if needed > found {
        return Err(Refusal::SurchargeTooSmall { needed, found, asset });
    }
    check_free(input, needed)
}

fn check_free(input: &Input<'_>, needed: Amount) -> Result<(), Refusal> {
    let asset = input.job().terms.asset;
    let free = input.state.ledger.free(input.sender(), asset);
    if needed > free { Err(Refusal::InsufficientBalance { needed, free, asset }) } else { Ok(()) }
}

impl State {
    /// Surcharge of a lagging machine, as a multiple of the price: the total doubles with each lag.
    pub(crate) fn surcharge(&self) -> u64 {
        let lag = self.lag_seconds();
        let steps = lag.checked_div(self.settings.surcharge_lag_seconds).unwrap_or_default();
        let doubled = u32::try_from(steps).ok().and_then(|steps| 1_u64.checked_shl(steps));
        doubled.unwrap_or(u64::MAX).max(1).saturating_sub(1)
    }
}
