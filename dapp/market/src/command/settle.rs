//! Settle: anyone advances a job as far as time and the input allow.

use crate::{
    input::Input, job::Job, refusal::Refusal, settings::Settings, stage::Stage, stages,
    units::Timestamp,
};

pub(crate) fn apply(input: &mut Input<'_>) -> Result<(), Refusal> {
    let (now, settings) = (input.now(), &input.state.settings);
    let job = input.named()?;
    if !job.stage.is_live() {
        return Err(Refusal::JobNotOpen { job: input.id, stage: job.stage });
    }
    let nothing = Refusal::NothingToDo { until: until(job, settings), now };
    if stages::next(job, settings, now).is_none() {
        return Err(nothing);
    }

    // Nothing below fails after a change.
    stages::advance(input).then_some(()).ok_or(nothing)
}

/// Time until which a job waits for commands other than `settle`.
fn until(job: &Job, settings: &Settings) -> Timestamp {
    match job.stage {
        Stage::Announced | Stage::Open => job.terms.close,
        Stage::Revealing => job.terms.reveal_until(),
        Stage::Evaluating | Stage::Settled | Stage::Cancelled => match job.judging_since {
            None => job.attestations_until().unwrap_or(job.last_date),
            Some(since) => since.after(job.judging_window(settings)),
        },
    }
}
