//! Enlist: a miner offers to evaluate for a job, and stakes a bond by the job's terms, which its
//! name stands for.

use super::Context;
use crate::{
    effect::{Effect, Event},
    ledger::Kind,
    refusal::Refusal,
    stage::Stage,
    state::State,
    terms::MAX_MINERS,
    units::JobId,
};

pub(crate) fn apply(
    state: &mut State,
    context: &Context,
    id: JobId,
) -> Result<Vec<Effect>, Refusal> {
    let (miner, now) = (context.sender, state.now());
    let job = state.named(id)?;
    if job.stage != Stage::Open || job.decision.is_some() {
        return Err(Refusal::JobNotOpen { job: id, stage: job.stage });
    }
    let close = job.terms.close;
    if now >= close {
        return Err(Refusal::Closed { close, now });
    }
    let bond = job.terms.miners().ok_or(Refusal::NoMiners {})?.bond;
    if job.enlisted_set.contains(&miner) {
        return Err(Refusal::AlreadyEnlisted {});
    }
    let miners = u32::try_from(job.enlisted.len()).unwrap_or(u32::MAX);
    if miners >= MAX_MINERS {
        return Err(Refusal::TooManyMiners { miners });
    }
    let transfer = state.ledger.prepare(Kind::Escrow, miner, job.terms.asset, bond)?;

    // Nothing below can fail.
    state.ledger.post(transfer);
    let job = state.known_mut(id);
    job.enlisted.push(miner);
    job.enlisted_set.insert(miner);
    Ok(vec![Effect::Event(Event::Enlisted { job: id, miner })])
}
