//! Publish: the next bytes of an expected blob arrive; a model that is whole is evaluated at once,
//! as far as the input goes.

use blobs::Encoding;

use super::Context;
use crate::{
    command::{Slot, Target},
    effect::{Effect, Event},
    judge::Judge,
    judging,
    refusal::Refusal,
    state::State,
    store::SlotKey,
    submission::SubmissionState,
    units::JobId,
    work::Worker,
};

/// A chunk of a blob.
pub(crate) struct Chunk<'a> {
    pub(crate) slot: Slot,
    pub(crate) offset: u64,
    pub(crate) encoding: Encoding,
    pub(crate) data: &'a [u8],
}

pub(crate) fn apply(
    state: &mut State,
    context: &Context,
    id: JobId,
    chunk: &Chunk<'_>,
    judge: &mut dyn Judge,
) -> Result<Vec<Effect>, Refusal> {
    let (slot, publisher) = (chunk.slot, context.sender);
    let job = state.named(id)?;
    if !job.stage.is_live() || job.decision.is_some() {
        return Err(Refusal::JobNotOpen { job: id, stage: job.stage });
    }
    let key = match slot {
        Slot::BaseModel | Slot::PublicSlice | Slot::HoldOut if publisher == job.sponsor => {
            SlotKey::job(slot)
        }
        Slot::BaseModel | Slot::PublicSlice | Slot::HoldOut => {
            return Err(Refusal::NotSponsor { sponsor: job.sponsor });
        }
        Slot::Submission | Slot::Shown => {
            let number = job.submission_of(publisher).ok_or(Refusal::NotSubmitted {})?;
            SlotKey::of(slot, number)
        }
    };
    check_time(state, id, key)?;
    let piece = state.known(id).slots.check(key, chunk.offset, chunk.encoding, chunk.data)?;

    // Nothing below can fail.
    state.meter.spend(state.settings.prices.chunk(piece.size()));
    let Some(blob) = state.known_mut(id).slots.take(key, piece) else { return Ok(Vec::new()) };
    let (digest, size) = (blob.digest, blob.size);
    let stored = Event::BlobStored { job: id, slot, digest, size, publisher };
    let mut effects = vec![Effect::Event(stored)];
    let worker = Worker::new(publisher);
    match (slot, key.submission) {
        (Slot::Submission, Some(number)) => whole(state, id, number, worker, judge, &mut effects),
        (Slot::Shown, Some(number)) if state.may_go_on() => {
            judging::go_on(state, id, Target::Shown(number), worker, judge, &mut effects);
        }
        (Slot::Submission | Slot::Shown, _) => {}
        (Slot::BaseModel | Slot::PublicSlice | Slot::HoldOut, _) => {
            super::open_job::begin(state, id, worker, judge, &mut effects);
        }
    }
    Ok(effects)
}

/// Bytes come before the close, and a submission's own in its time.
fn check_time(state: &State, id: JobId, key: SlotKey) -> Result<(), Refusal> {
    let (job, now) = (state.known(id), state.now());
    let until = key.submission.and_then(|number| match job.known(number).state {
        SubmissionState::Expecting { until } if key.slot == Slot::Submission => Some(until),
        SubmissionState::Expecting { .. }
        | SubmissionState::Sealed
        | SubmissionState::Whole { .. }
        | SubmissionState::Decided(_) => None,
    });
    let close = until.unwrap_or(job.terms.close);
    if now < close { Ok(()) } else { Err(Refusal::Closed { close, now }) }
}

/// A submission's bytes are here: a sealed one waits for its key, an open one is evaluated.
pub(super) fn whole(
    state: &mut State,
    id: JobId,
    number: u32,
    worker: Worker,
    judge: &mut dyn Judge,
    effects: &mut Vec<Effect>,
) {
    let window = state.known(id).terms.evaluation_work(&state.settings);
    let until = state.now().after(state.settings.evaluation_window(window));
    let job = state.known_mut(id);
    job.expecting.remove(&number);
    if job.terms.sealing.is_sealed() {
        job.sealed.insert(number);
        job.known_mut(number).state = SubmissionState::Sealed;
        return;
    }
    job.whole.insert(number);
    job.known_mut(number).state = SubmissionState::Whole { until };
    if state.may_go_on() {
        judging::go_on(state, id, Target::Submission(number), worker, judge, effects);
    }
}
