//! Publish: the next bytes of an expected blob. With the last ones, its evaluation begins.

use blobs::{Digest, Encoding};

use super::{Context, evaluate};
use crate::{
    effect::{Effect, Event},
    job::{Standing, SubmissionState, Task},
    judge::Judge,
    market::Market,
    meter::Meter,
    refusal::Refusal,
    shelf::Purpose,
    units::{JobId, SubmissionId},
};

/// Part of a blob, as it was sent.
pub(crate) struct Chunk<'a> {
    pub(crate) digest: Digest,
    pub(crate) offset: u64,
    pub(crate) encoding: Encoding,
    pub(crate) data: &'a [u8],
}

pub(crate) fn apply(
    market: &mut Market,
    context: &Context,
    chunk: &Chunk<'_>,
    judge: &mut dyn Judge,
) -> Result<Vec<Effect>, Refusal> {
    let (sender, digest) = (context.sender, chunk.digest);
    let expected = market.shelf.expected(sender, digest)?;
    let purpose = expected.purpose;
    let id = match purpose {
        Purpose::Job(job) | Purpose::Model(SubmissionId { job, .. }) => job,
    };
    let (deadline, now) = (market.job_or_refuse(id)?.terms.deadline, context.now);
    if now >= deadline {
        return Err(Refusal::DeadlinePassed { deadline, now });
    }
    let (offset, encoding) = (chunk.offset, chunk.encoding);
    let piece = market.shelf.check(expected, offset, encoding, chunk.data)?;
    let sent = u64::try_from(chunk.data.len()).unwrap_or(u64::MAX);
    let mut meter = Meter::new(&market.settings);
    meter.spend(market.settings.prices.chunk(sent, piece.size()));

    // Nothing below can fail.
    let Some(blob) = market.shelf.take(sender, digest, piece) else { return Ok(Vec::new()) };
    let (size, publisher) = (blob.size, sender);
    let mut effects = vec![Effect::Event(Event::BlobStored { digest, size, publisher })];
    match purpose {
        Purpose::Job(_) => arrived(market, id, digest),
        Purpose::Model(submission) => queue(market, submission),
    }
    effects.extend(evaluate::run(market, id, meter, judge));
    Ok(effects)
}

/// One of a job's own blobs is whole; with both, the base model can be evaluated.
fn arrived(market: &mut Market, id: JobId, digest: Digest) {
    let Some(job) = market.jobs.get_mut(&id) else { return };
    for (blob, held) in job.blobs().into_iter().zip(&mut job.has_blobs) {
        *held |= blob.digest == digest;
    }
    if job.has_blobs == [true, true] {
        job.queue.push_back(Task::Base);
    }
}

/// A submitted model is whole and waits for its turn.
fn queue(market: &mut Market, id: SubmissionId) {
    let Some(submission) = market.submissions.get_mut(id) else { return };
    submission.state = SubmissionState::Queued;
    if let Some(job) = market.jobs.get_mut(&id.job) {
        job.clients.insert(submission.client, Standing::Queued(id.index));
        job.queue.push_back(Task::Submission(id.index));
    }
}
