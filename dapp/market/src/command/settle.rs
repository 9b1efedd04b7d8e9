//! Settle: anyone moves a job on as far as time and the input allow.

use super::Context;
use crate::{
    decision::Outcome,
    effect::Effect,
    evaluation::Evaluated,
    judge::Judge,
    payout,
    refusal::Refusal,
    stage::Stage,
    stages,
    state::State,
    units::{JobId, Timestamp},
};

pub(crate) fn apply(
    state: &mut State,
    context: &Context,
    id: JobId,
    judge: &mut dyn Judge,
) -> Result<Vec<Effect>, Refusal> {
    let job = state.named(id)?;
    if !job.stage.is_live() {
        return Err(Refusal::JobNotOpen { job: id, stage: job.stage });
    }
    let nothing = Refusal::NothingToDo { until: until(state, id), now: state.now() };
    if stages::next(state, id).is_none() {
        return Err(nothing);
    }

    // Nothing below fails once it has changed anything.
    let mut effects = Vec::new();
    let has_moved = stages::advance(state, context, id, judge, &mut effects);
    if has_moved { Ok(effects) } else { Err(nothing) }
}

/// Until when a job waits for what is not `settle`'s.
fn until(state: &State, id: JobId) -> Timestamp {
    let job = state.known(id);
    match job.stage {
        Stage::Announced | Stage::Open => job.terms.close,
        Stage::Revealing => job.terms.reveal_until(),
        Stage::Evaluating | Stage::Settled | Stage::Cancelled => match job.judging_since {
            None => job.attestations_until().unwrap_or(job.last_date),
            Some(since) => since.after(stages::judging_window(state, id)),
        },
    }
}

/// Cancels a job whose base model cannot be evaluated.
pub(super) fn cancel_unfit(state: &mut State, id: JobId, effects: &mut Vec<Effect>) {
    let job = state.known_mut(id);
    if let (Stage::Announced, Evaluated::Failed(reason)) = (job.stage, &job.base) {
        job.cancelled_for = Some(*reason);
        payout::decide(state, id, (Outcome::Cancelled, None), effects);
        while state.known(id).stage.is_live() {
            payout::pay_next(state, id, effects);
        }
    }
}
