//! Publish: the next bytes of an expected blob. With the last ones, its evaluation begins.

use blobs::{Digest, Encoding};

use super::{Context, evaluate};
use crate::{
    competition::{self, EntryState, advance},
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
        Purpose::Job(job)
        | Purpose::Model(SubmissionId { job, .. })
        | Purpose::Sealed(SubmissionId { job, .. })
        | Purpose::Shown(SubmissionId { job, .. }) => job,
    };
    let competition = market.competitions.get(&id);
    let deadline = match competition {
        Some(competition) => competition.terms.close,
        None => market.job_or_refuse(id)?.terms.deadline,
    };
    let (is_competition, now) = (competition.is_some(), context.now);
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
    if is_competition {
        arrived_for_competition(market, id, digest, purpose);
        effects.extend(advance::run(market, context, id, meter, judge));
        return Ok(effects);
    }
    match purpose {
        Purpose::Model(submission) => queue(market, submission),
        Purpose::Job(_) | Purpose::Sealed(_) | Purpose::Shown(_) => arrived(market, id, digest),
    }
    effects.extend(evaluate::run(market, id, meter, judge));
    Ok(effects)
}

/// A blob of a competition is whole: one of its own, an entry's, or one to be shown.
fn arrived_for_competition(market: &mut Market, id: JobId, digest: Digest, purpose: Purpose) {
    let Some(job) = market.competitions.get_mut(&id) else { return };
    match purpose {
        Purpose::Job(_) | Purpose::Model(_) => {
            for (blob, held) in job.blobs().into_iter().zip(&mut job.has_blobs) {
                *held |= blob.digest == digest;
            }
            job.begin();
        }
        Purpose::Sealed(entry) => {
            if let Some(entry) = job.entry_mut(entry.index) {
                entry.state = EntryState::Sealed;
            }
        }
        Purpose::Shown(show) => job.queue.push_back(competition::Task::Show(show.index)),
    }
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
