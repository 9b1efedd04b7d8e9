//! Cancel job: a sponsor takes back a job nobody has submitted to.

use super::{Context, settle};
use crate::{
    competition::{advance, decide},
    effect::{Effect, Event},
    job::Stage,
    judge::Judge,
    market::Market,
    meter::Meter,
    refusal::Refusal,
    units::JobId,
};

pub(crate) fn apply(
    market: &mut Market,
    context: &Context,
    id: JobId,
    judge: &mut dyn Judge,
) -> Result<Vec<Effect>, Refusal> {
    if market.competitions.contains_key(&id) {
        return cancel_competition(market, context, id, judge);
    }
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

fn cancel_competition(
    market: &mut Market,
    context: &Context,
    id: JobId,
    judge: &mut dyn Judge,
) -> Result<Vec<Effect>, Refusal> {
    let job = market.competition_or_refuse(id)?;
    if context.sender != job.sponsor {
        return Err(Refusal::NotSponsor { sponsor: job.sponsor });
    }
    if !matches!(job.stage, Stage::Announced | Stage::Open) {
        return Err(Refusal::JobNotOpen { job: id, stage: job.stage });
    }
    let submissions = u32::try_from(job.entries().len()).unwrap_or(u32::MAX);
    if submissions > 0 {
        return Err(Refusal::HasSubmissions { submissions });
    }

    // Nothing below can fail.
    let mut effects = decide::cancel(market, id, None);
    let meter = Meter::new(&market.settings);
    effects.extend(advance::run(market, context, id, meter, judge));
    Ok(effects)
}
