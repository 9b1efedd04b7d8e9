//! Enlist: a miner offers to evaluate for a job, and stakes the bond in the job's terms, to which
//! it consents by the job's name.

use crate::{
    effect::Event, input::Input, refusal::Refusal, stage::Stage, terms::MAX_MINERS,
    units::Timestamp,
};

pub(crate) fn apply(input: &mut Input<'_>) -> Result<(), Refusal> {
    let (id, miner) = (input.id, input.sender());
    let job = input.named_in(&[Stage::Open])?;
    input.check_window(Timestamp(0), job.terms.close)?;
    let bond = job.terms.miners().ok_or(Refusal::NoMiners {})?.bond;
    if job.enlisted_set.contains(&miner) {
        return Err(Refusal::AlreadyEnlisted {});
    }
    let miners = u32::try_from(job.enlisted.len()).unwrap_or(u32::MAX);
    if miners >= MAX_MINERS {
        return Err(Refusal::TooManyMiners { miners });
    }
    input.escrow(bond)?;

    // Nothing below can fail.
    let job = input.job_mut();
    job.enlisted.push(miner);
    job.enlisted_set.insert(miner);
    input.emit(Event::Enlisted { job: id, miner });
    Ok(())
}
