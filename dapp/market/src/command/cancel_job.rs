//! Cancel job: a sponsor takes back a job that nobody has submitted to.

use super::Context;
use crate::{
    decision::Outcome, effect::Effect, judge::Judge, payout, refusal::Refusal, stage::Stage,
    stages, state::State, units::JobId,
};

pub(crate) fn apply(
    state: &mut State,
    context: &Context,
    id: JobId,
    judge: &mut dyn Judge,
) -> Result<Vec<Effect>, Refusal> {
    let job = state.named(id)?;
    if context.sender != job.sponsor {
        return Err(Refusal::NotSponsor { sponsor: job.sponsor });
    }
    if !matches!(job.stage, Stage::Announced | Stage::Open) || job.decision.is_some() {
        return Err(Refusal::JobNotOpen { job: id, stage: job.stage });
    }
    if job.submitted > 0 {
        return Err(Refusal::HasSubmissions { submissions: job.submitted });
    }

    // Nothing below can fail.
    let mut effects = Vec::new();
    payout::decide(state, id, (Outcome::Cancelled, None), &mut effects);
    stages::advance(state, context, id, judge, &mut effects);
    Ok(effects)
}
