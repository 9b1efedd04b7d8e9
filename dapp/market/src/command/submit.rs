//! Submit: a client stakes what its model may cost, and commits to it; the bytes come next.

use blobs::{Digest, SEAL_BYTES};

use super::{Context, publish};
use crate::{
    attestation::Answers,
    command::Slot,
    effect::{Effect, Event},
    evaluation::Evaluated,
    job::Job,
    judge::Judge,
    ledger::Kind,
    refusal::Refusal,
    shared::Shared,
    stage::Stage,
    state::State,
    store::SlotKey,
    submission::{Shows, Submission, SubmissionState, SubmittedModel},
    terms::Award,
    units::{Address, JobId, SubmissionId, Timestamp},
    work::Worker,
};

pub(crate) fn apply(
    state: &mut State,
    context: &Context,
    id: JobId,
    submitted: SubmittedModel,
    judge: &mut dyn Judge,
) -> Result<Vec<Effect>, Refusal> {
    let (client, now) = (context.sender, state.now());
    let job = state.named(id)?;
    check_open(job, id, now)?;
    if client == job.sponsor {
        return Err(Refusal::SponsorSubmits {});
    }
    check_client(job, client)?;
    check_model(job, submitted)?;
    let places = job.terms.places;
    if u32::try_from(job.places_taken()).unwrap_or(u32::MAX) >= places {
        return Err(Refusal::NoPlaceLeft { places });
    }
    let stake = job.terms.submission_stake(&state.settings, submitted.published().size)?;
    let (asset, total) = (job.terms.asset, stake.total()?);
    let transfer = state.ledger.prepare(Kind::Escrow, client, asset, total)?;

    // Nothing below can fail.
    state.ledger.post(transfer);
    let until = now.after(state.settings.windows.delivery_seconds);
    let key = |number| SlotKey::of(Slot::Submission, number);
    let State { jobs, drive, .. } = state;
    let job = crate::invariant::there(jobs.get_mut(&id), "the job was looked up before");
    let until = if submitted.is_sealed() { until.min(job.terms.close) } else { until };
    let number = job.make_place();
    job.commitments = Digest::of(&[job.commitments.0, submitted.commitment().0].concat());
    job.clients.insert(client, number);
    job.expecting.insert(number);
    job.slots.expect(drive, key(number), submitted.published());
    let submission = Submission {
        client,
        submitted,
        model: submitted.plain(),
        stake,
        state: SubmissionState::Expecting { until },
        position: None,
        evaluated: Evaluated::default(),
        answers: Answers::default(),
        board: Shows::default(),
    };
    job.submissions.insert(number, Shared::new(submission));
    let submission = SubmissionId { job: id, index: number };
    let event = Event::Submitted { submission, client, model: submitted, stake };
    let mut effects = vec![Effect::Event(event)];
    if state.known(id).slots.is_whole(key(number)) {
        publish::whole(state, id, number, Worker::new(client), judge, &mut effects);
    }
    Ok(effects)
}

/// Checks that a job takes submissions and what is shown.
pub(super) fn check_open(job: &Job, id: JobId, now: Timestamp) -> Result<(), Refusal> {
    if job.stage != Stage::Open || job.decision.is_some() {
        return Err(Refusal::JobNotOpen { job: id, stage: job.stage });
    }
    let close = job.terms.close;
    if now < close { Ok(()) } else { Err(Refusal::Closed { close, now }) }
}

/// An account has one submission that is not refused.
fn check_client(job: &Job, client: Address) -> Result<(), Refusal> {
    if let (Award::Rewards { count, .. }, 0) = (job.terms.award, job.rewards_left()) {
        return Err(Refusal::NoRewardLeft { rewards: count });
    }
    let Some(submission) = job.submission_of(client) else { return Ok(()) };
    Err(match job.known(submission).verdict() {
        Some(_) => Refusal::AlreadyPaid { submission },
        None if job.terms.sealing.is_sealed() => Refusal::AlreadySubmitted { submission },
        None => Refusal::SubmissionPending { submission },
    })
}

fn check_model(job: &Job, submitted: SubmittedModel) -> Result<(), Refusal> {
    let sealed = job.terms.sealing.is_sealed();
    if submitted.is_sealed() != sealed {
        return Err(Refusal::SealingMismatch { sealed });
    }
    let published = submitted.published();
    let (size, overhead) = (published.size, job.terms.sealing.overhead());
    let largest = job.terms.offer.max_model_bytes.saturating_add(overhead);
    if size == 0 || size > largest {
        return Err(Refusal::BlobSizeOutOfRange { size, largest });
    }
    if sealed && size <= SEAL_BYTES {
        return Err(Refusal::CiphertextTooShort { size });
    }
    if published.digest == job.terms.offer.base_model.digest {
        return Err(Refusal::ModelIsBase { digest: published.digest });
    }
    Ok(())
}

impl Job {
    /// The next submission's number; the oldest refused one makes room for its record.
    fn make_place(&mut self) -> u32 {
        let places = usize::try_from(self.terms.places).unwrap_or(usize::MAX);
        if self.submissions.len() >= places
            && let Some(oldest) = self.refused.pop_front()
        {
            self.submissions.remove(&oldest);
        }
        let number = self.submitted;
        self.submitted = number.saturating_add(1);
        number
    }
}
