//! Cancel job: a sponsor takes back a job nobody has submitted to.

use super::{Context, settle};
use crate::{
    effect::{Effect, Event},
    job::Stage,
    market::Market,
    refusal::Refusal,
    units::JobId,
};

pub(crate) fn apply(
    market: &mut Market,
    context: &Context,
    id: JobId,
) -> Result<Vec<Effect>, Refusal> {
    let job = market.job_or_refuse(id)?;
    if context.sender != job.sponsor {
        return Err(Refusal::NotSponsor { sponsor: job.sponsor });
    }
    if !job.is_live() {
        return Err(Refusal::JobNotOpen { job: id, stage: job.stage });
    }
    if job.submissions > 0 {
        return Err(Refusal::HasSubmissions { submissions: job.submissions });
    }
    let refund = settle::prepare_refund(market, id)?;

    // Nothing below can fail.
    let refund = settle::close(market, id, Stage::Cancelled, refund);
    Ok(vec![Effect::Event(Event::JobCancelled { job: id, refund, reason: None })])
}
