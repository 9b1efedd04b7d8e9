//! Settle: anyone moves a job on as far as time and the input allow.

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

    // Nothing below fails once it has changed anything.
    stages::advance(input).then_some(()).ok_or(nothing)
}

/// Until when a job waits for what is not `settle`'s.
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
