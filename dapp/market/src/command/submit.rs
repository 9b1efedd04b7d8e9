//! Submit: a client stakes the most that its model may cost, and commits to it; the bytes follow.

use blobs::{Digest, SEAL_BYTES};

use super::publish;
use crate::{
    attestation::Answers,
    context::Slot,
    effect::Event,
    evaluation::Evaluated,
    input::Input,
    job::Job,
    message::MessageCounts,
    refusal::Refusal,
    shared::Shared,
    stage::Stage,
    store::SlotKey,
    submission::{Shows, Submission, SubmissionState, SubmittedModel},
    terms::Award,
    units::{Address, Timestamp},
};

pub(crate) fn apply(input: &mut Input<'_>, submitted: SubmittedModel) -> Result<(), Refusal> {
    let (client, settings) = (input.sender(), &input.state.settings);
    let job = check_open(input)?;
    if client == job.sponsor {
        return Err(Refusal::SponsorSubmits {});
    }
    check_client(job, client)?;
    check_model(job, submitted)?;
    let places = job.terms.places;
    if u32::try_from(job.places_taken()).unwrap_or(u32::MAX) >= places {
        return Err(Refusal::NoPlaceLeft { places });
    }
    let stake = job.terms.submission_stake(settings, submitted.published().size)?;
    let until = input.now().after(settings.windows.delivery_seconds);
    input.escrow(stake.total()?)?;

    // Nothing below can fail.
    let job = input.job_mut();
    let until = if submitted.is_sealed() { until.min(job.terms.close) } else { until };
    let number = job.make_place();
    job.commitments = Digest::of(&[job.commitments.0, submitted.commitment().0].concat());
    job.clients.insert(client, number);
    job.expecting.insert(number);
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
        messages: MessageCounts::default(),
    };
    job.submissions.insert(number, Shared::new(submission));
    let (job, submission, model) = (input.id, number, submitted);
    input.emit(Event::Submitted { job, submission, client, model, stake });
    if input.expect(SlotKey::of(Slot::Submission, number), submitted.published()) {
        publish::whole(input, number);
    }
    Ok(())
}

/// The job, if it accepts submissions and shown models.
pub(super) fn check_open<'a>(input: &'a Input<'_>) -> Result<&'a Job, Refusal> {
    let job = input.named_in(&[Stage::Open])?;
    input.check_window(Timestamp(0), job.terms.close)?;
    Ok(job)
}

/// Checks that the account has no other submission that is not refused.
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
