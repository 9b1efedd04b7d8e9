//! Submit: a client enters a model, whose bytes it publishes next.

use blobs::BlobRef;

use super::Context;
use crate::{
    effect::{Effect, Event},
    job::{MAX_SUBMISSIONS, Stage, Standing, Submission, SubmissionState, Verdict},
    market::Market,
    refusal::{ModelRefusal, Refusal},
    shelf::Purpose,
    units::{JobId, SubmissionId},
};

pub(crate) fn apply(
    market: &mut Market,
    context: &Context,
    id: JobId,
    model: BlobRef,
    data: BlobRef,
) -> Result<Vec<Effect>, Refusal> {
    let client = context.sender;
    let replaced = check(market, context, id, model)?;
    let job = market.job_or_refuse(id)?;
    let index = job.submissions;
    if index >= MAX_SUBMISSIONS {
        return Err(Refusal::TooManySubmissions { submissions: index });
    }

    // Nothing below can fail.
    let submission_id = SubmissionId { job: id, index };
    let mut effects = Vec::new();
    effects.extend(replaced.and_then(|old| replace(market, old, index)));
    if let Some(job) = market.jobs.get_mut(&id) {
        job.submissions = index.saturating_add(1);
        job.clients.insert(client, Standing::Expecting(index));
    }
    let submission = Submission { client, model, data, state: SubmissionState::Expecting };
    market.submissions.push(id, submission);
    market.shelf.expect(client, model, Purpose::Model(submission_id));
    effects.push(Effect::Event(Event::ModelSubmitted {
        submission: submission_id,
        client,
        model,
        data,
    }));
    Ok(effects)
}

/// Checks a submission; returns the client's earlier one whose bytes never came, which it replaces.
fn check(
    market: &Market,
    context: &Context,
    id: JobId,
    model: BlobRef,
) -> Result<Option<SubmissionId>, Refusal> {
    let job = market.job_or_refuse(id)?;
    let (deadline, now) = (job.terms.deadline, context.now);
    if job.stage != Stage::Open {
        return Err(Refusal::JobNotOpen { job: id, stage: job.stage });
    }
    if now >= deadline {
        return Err(Refusal::DeadlinePassed { deadline, now });
    }
    if job.rewards_left() == 0 {
        return Err(Refusal::NoRewardLeft { rewards: job.terms.rewards });
    }
    let replaced = match job.clients.get(&context.sender) {
        Some(Standing::Paid(submission)) => {
            return Err(Refusal::ClientPaid { submission: *submission });
        }
        Some(Standing::Queued(submission)) => {
            return Err(Refusal::SubmissionPending { submission: *submission });
        }
        Some(Standing::Expecting(index)) => Some(SubmissionId { job: id, index: *index }),
        None => None,
    };
    let (size, largest) = (model.size, job.terms.max_model_bytes);
    if !(1..=largest).contains(&size) {
        return Err(Refusal::BlobSizeOutOfRange { size, largest });
    }
    let digest = model.digest;
    if digest == job.terms.base_model.digest {
        return Err(Refusal::ModelIsBase { digest });
    }
    if market.paid_models.contains(&digest) {
        return Err(Refusal::ModelPaid { digest });
    }
    let own = replaced.and_then(|old| market.submissions.get(old));
    if own.is_none_or(|own| own.model.digest != digest) {
        market.shelf.check_expect(context.sender, model)?;
    }
    Ok(replaced)
}

/// Gives up a submission whose bytes never came in favour of the client's next one.
fn replace(market: &mut Market, old: SubmissionId, by: u32) -> Option<Effect> {
    let submission = market.submissions.get_mut(old)?;
    let (client, model) = (submission.client, submission.model.digest);
    let verdict = Verdict::Refused { marks: None, reason: ModelRefusal::Replaced { by } };
    submission.state = SubmissionState::Judged(verdict);
    market.shelf.forget(client, model);
    Some(Effect::Event(Event::ModelJudged { submission: old, client, model, verdict }))
}
