//! Publish: the next bytes of an expected blob arrive; a complete model is evaluated at once, as
//! far as the input allows. Of a model in the open, a chunk may be a delta of the base model.

use blobs::{ChunkRefused, Encoding, MAX_INFLATED_BYTES, MAX_INFLATION};

use super::open_job;
use crate::{
    context::{Slot, Target},
    effect::Event,
    input::Input,
    job::Job,
    judge::Delta,
    judging,
    refusal::Refusal,
    stage::Stage,
    store::SlotKey,
    submission::SubmissionState,
    units::{Address, Timestamp},
};

/// A chunk of a blob.
pub(crate) struct Chunk<'a> {
    pub(crate) slot: Slot,
    pub(crate) offset: u64,
    pub(crate) encoding: Encoding,
    pub(crate) data: &'a [u8],
}

pub(crate) fn apply(input: &mut Input<'_>, chunk: &Chunk<'_>) -> Result<(), Refusal> {
    let (id, publisher) = (input.id, input.sender());
    let Chunk { slot, offset, encoding, data } = *chunk;
    let job = input.named_in(&Stage::LIVE)?;
    let key = slot_of(job, publisher, slot)?;
    input.check_window(Timestamp(0), close(job, key))?;
    let rebuilt;
    let (encoding, data) = match encoding {
        Encoding::Plain | Encoding::Deflate => (encoding, data),
        Encoding::Delta => {
            rebuilt = rebuild(input, key, offset, data)?;
            (Encoding::Plain, rebuilt.as_slice())
        }
    };
    let piece = input.job().slots.check(key, offset, encoding, data)?;

    // Nothing below can fail.
    if chunk.encoding != Encoding::Delta {
        input.state.meter.spend(input.state.settings.prices.chunk(piece.size()));
    }
    let Some(blob) = input.job_mut().slots.take(key, piece) else { return Ok(()) };
    let (digest, size) = (blob.digest, blob.size);
    input.emit(Event::BlobStored { job: id, slot, digest, size, publisher });
    match (slot, key.submission) {
        (Slot::Submission, Some(number)) => whole(input, number),
        (Slot::Shown, Some(number)) => judging::go_on_for_free(input, Target::Shown(number)),
        (Slot::Submission | Slot::Shown, None) => {}
        (Slot::BaseModel | Slot::PublicSlice | Slot::HoldOut, _) => open_job::begin(input),
    }
    Ok(())
}

/// The slot that the publisher may fill: the sponsor the job's own, clients their submissions'.
fn slot_of(job: &Job, publisher: Address, slot: Slot) -> Result<SlotKey, Refusal> {
    match slot {
        Slot::BaseModel | Slot::PublicSlice | Slot::HoldOut if publisher == job.sponsor => {
            Ok(SlotKey::job(slot))
        }
        Slot::BaseModel | Slot::PublicSlice | Slot::HoldOut => {
            Err(Refusal::NotSponsor { sponsor: job.sponsor })
        }
        Slot::Submission | Slot::Shown => {
            let number = job.submission_of(publisher).ok_or(Refusal::NotSubmitted {})?;
            Ok(SlotKey::of(slot, number))
        }
    }
}

/// Rebuilds the bytes that a delta stands for. The most that it can stand for is on the meter
/// before it is read, so that one that is refused costs the clock as much.
///
/// - Errors: `NotExpected`, `BadChunk`
fn rebuild(
    input: &mut Input<'_>,
    key: SlotKey,
    offset: u64,
    data: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let job = input.job();
    let missing = job.slots.missing(key, offset)?;
    let is_open = match key.slot {
        Slot::Submission => !job.terms.sealing.is_sealed(),
        Slot::Shown => true,
        Slot::BaseModel | Slot::PublicSlice | Slot::HoldOut => false,
    };
    let refused = |reason| Refusal::BadChunk { reason };
    if !is_open {
        return Err(refused(ChunkRefused::NoBase));
    }
    let most = data.len().saturating_mul(MAX_INFLATION).min(MAX_INFLATED_BYTES);
    let limit = missing.min(u64::try_from(most).unwrap_or(u64::MAX));
    input.state.meter.spend(input.state.settings.prices.rebuilding(limit));
    let base = input.state.blob(input.id, SlotKey::job(Slot::BaseModel));
    let base = base.ok_or(refused(ChunkRefused::NoBase))?;
    input.judge.rebuild(&Delta { base, offset, data, limit }).map_err(refused)
}

/// Deadline for bytes: a submission's own, or else the close.
fn close(job: &Job, key: SlotKey) -> Timestamp {
    let until = key.submission.and_then(|number| match job.known(number).state {
        SubmissionState::Expecting { until } if key.slot == Slot::Submission => Some(until),
        SubmissionState::Expecting { .. }
        | SubmissionState::Sealed
        | SubmissionState::Whole { .. }
        | SubmissionState::Decided(_) => None,
    });
    until.unwrap_or(job.terms.close)
}

/// Handles a complete submission: a sealed one waits for its key, an open one is evaluated.
pub(super) fn whole(input: &mut Input<'_>, number: u32) {
    let settings = &input.state.settings;
    let window = settings.evaluation_window(input.job().terms.evaluation_work(settings));
    let until = input.now().after(window);
    let job = input.job_mut();
    job.expecting.remove(&number);
    if job.terms.sealing.is_sealed() {
        job.sealed.insert(number);
        job.known_mut(number).state = SubmissionState::Sealed;
    } else {
        job.whole.insert(number);
        job.known_mut(number).state = SubmissionState::Whole { until };
        judging::go_on_for_free(input, Target::Submission(number));
    }
}
