//! Reveal: publishes the key of a sealed model or hold-out, and decrypts it. A ciphertext of
//! another length than its model's holds a delta of the base model.

use blobs::{Binding, Digest, Opening};

use crate::context::Context;
use crate::{
    context::{Slot, Target},
    decide,
    effect::Event,
    evaluation::{Done, Evaluated},
    input::Input,
    judge::{Blob, Delta, Evaluation},
    judging,
    refusal::{ModelRefusal, Refusal},
    seat::Offence,
    stage::Stage,
    store::SlotKey,
    submission::{SubmissionState, SubmittedModel},
    terms::{SealedBlob, Sealing},
    work,
};

pub(crate) fn apply(input: &mut Input<'_>, opening: &Opening) -> Result<(), Refusal> {
    let Sealing::Sealed { hold_out, .. } = input.named()?.terms.sealing else {
        return Err(Refusal::SealingMismatch { sealed: false });
    };
    let job = input.named_in(&[Stage::Open, Stage::Revealing])?;
    input.check_window(job.terms.close, job.terms.reveal_until())?;
    if input.sender() == job.sponsor {
        reveal_hold_out(input, hold_out, opening)
    } else {
        reveal_model(input, opening)
    }
}

fn reveal_model(input: &mut Input<'_>, opening: &Opening) -> Result<(), Refusal> {
    let (id, client) = (input.id, input.sender());
    let number = input.job().submission_of(client).ok_or(Refusal::NotSubmitted {})?;
    let submission = input.submission(number);
    let SubmittedModel::Sealed(sealed) = submission.submitted else {
        return Err(Refusal::SealingMismatch { sealed: false });
    };
    match submission.state {
        SubmissionState::Expecting { .. } => return Err(Refusal::NotWhole {}),
        SubmissionState::Sealed => {}
        SubmissionState::Whole { .. } | SubmissionState::Decided(_) => {
            return Err(Refusal::AlreadyRevealed {});
        }
    }
    let key = SlotKey::of(Slot::Submission, number);
    let ciphertext = sealed_bytes(input, id.0, sealed, key, opening)?;
    let (size, largest) = (opening.plain.size, input.job().terms.offer.max_model_bytes);
    if size > largest {
        return Err(Refusal::BlobSizeOutOfRange { size, largest });
    }

    // Nothing below can fail.
    let rebuilt = if sealed.is_delta(opening.plain) { size } else { 0 };
    pay_opening(input, Target::Submission(number), sealed, rebuilt);
    let Some(plain) = open_model(input, sealed, opening, ciphertext) else {
        // Key and content match the commitment, so the ciphertext never matched them.
        decide::forfeit(input, number, ModelRefusal::WrongContent {}, Offence::NotRevealed);
        return Ok(());
    };
    let (model, job) = (opening.plain, input.job_mut());
    let until = job.last_date;
    job.slots.put(key, plain);
    let position = u32::try_from(job.revealed.len()).unwrap_or(u32::MAX);
    job.revealed.push(number);
    job.keys = Digest::of(&[job.keys.0, opening.key].concat());
    job.sealed.remove(&number);
    job.whole.insert(number);
    let submission = job.known_mut(number);
    (submission.model, submission.position) = (Some(model), Some(position));
    submission.state = SubmissionState::Whole { until };
    let (job, submission, key) = (input.id, number, Digest(opening.key));
    input.emit(Event::ModelRevealed { job, submission, client, position, model, key });
    Ok(())
}

/// The model in a ciphertext, rebuilt if that holds a delta; `None` if it is not the one committed
/// to.
fn open_model(
    input: &Input<'_>,
    sealed: SealedBlob,
    opening: &Opening,
    ciphertext: Vec<u8>,
) -> Option<Vec<u8>> {
    let base = input.state.blob(input.id, SlotKey::job(Slot::BaseModel));
    let rebuild = |data: &[u8]| {
        let delta = Delta { base: base?, offset: 0, data, limit: opening.plain.size };
        input.judge.rebuild(&delta).ok()
    };
    sealed.open(opening, ciphertext, rebuild)
}

fn reveal_hold_out(
    input: &mut Input<'_>,
    sealed: SealedBlob,
    opening: &Opening,
) -> Result<(), Refusal> {
    let (id, job) = (input.id, input.job());
    if job.hold_out.is_some() || job.base_on_hold_out.is_over() {
        return Err(Refusal::AlreadyRevealed {});
    }
    let slot = SlotKey::job(Slot::HoldOut);
    let ciphertext = sealed_bytes(input, job.salt, sealed, slot, opening)?;

    // Nothing below can fail.
    pay_opening(input, Target::BaseOnHoldOut, sealed, 0);
    let (hold_out, key) = (opening.plain, Digest(opening.key));
    let job = input.job_mut();
    job.keys = Digest::of(&[job.keys.0, opening.key].concat());
    let Ok(plain) = opening.open(sealed.commitment, ciphertext) else {
        job.base_on_hold_out = Evaluated::Failed(ModelRefusal::WrongContent {});
        return Ok(());
    };
    job.slots.put(slot, plain);
    job.hold_out = Some(hold_out);
    input.emit(Event::HoldOutRevealed { job: id, hold_out, key });
    if input.job().terms.sample_rows().is_some() {
        check_sampled(input);
    } else {
        judging::go_on_for_free(input, Target::BaseOnHoldOut);
    }
    Ok(())
}

/// Pays for decrypting a ciphertext and rebuilding this many bytes, which is prepaid.
fn pay_opening(input: &mut Input<'_>, target: Target, sealed: SealedBlob, rebuilt: u64) {
    let prices = &input.state.settings.prices;
    let prepaid = prices.opening(sealed.ciphertext.size).plus(prices.rebuilding(rebuilt));
    input.state.meter.advance(prepaid);
    work::pay(input, target, Done { prepaid, ..Done::default() });
}

/// Checks the hold-out of a job in which the machine only samples: it must meet the terms, and a
/// row of it must fit an input.
fn check_sampled(input: &mut Input<'_>) {
    let (job, settings) = (input.state.known(input.id), &input.state.settings);
    let offer = &job.terms.offer;
    let blob = |slot| {
        let blob = job.slots.blob(&input.state.drive, SlotKey::job(slot));
        blob.unwrap_or_default()
    };
    let hold_out = job.hold_out.unwrap_or(offer.base_model);
    let evaluation = Evaluation {
        model: Blob { cid: offer.base_model.cid(), bytes: blob(Slot::BaseModel) },
        hold_out: Blob { cid: hold_out.cid(), bytes: blob(Slot::HoldOut) },
        measure: offer.measure(),
        rows: None,
    };
    let reading = input.judge.reading(&evaluation);
    let (maximum, stated) = (settings.input_work, offer.rows);
    let failure = match input.judge.quote(&evaluation) {
        Err(unfit) => Some(ModelRefusal::EvaluationError { unfit }),
        Ok(quote) if quote.rows != stated => {
            Some(ModelRefusal::RowsMismatch { stated, found: quote.rows })
        }
        Ok(quote) => {
            let around = settings.prices.input.plus(settings.prices.ending);
            let found = around.plus(quote.reading).plus(quote.step);
            (found > maximum).then_some(ModelRefusal::StepTooLarge { maximum, found })
        }
    };
    input.state.meter.advance(reading);
    if let Some(reason) = failure {
        input.job_mut().base_on_hold_out = Evaluated::Failed(reason);
    }
}

/// The ciphertext in this slot, if the opening matches the sender's commitment for this scope.
fn sealed_bytes(
    input: &Input<'_>,
    scope: [u8; 32],
    sealed: SealedBlob,
    key: SlotKey,
    opening: &Opening,
) -> Result<Vec<u8>, Refusal> {
    let Context { chain_id, app, sender, .. } = *input.context;
    let binding = Binding { chain_id, app: app.0, scope, sender: sender.0 };
    if opening.check(&binding, sealed.commitment).is_err() {
        return Err(Refusal::WrongCommitment {});
    }
    Ok(input.state.blob(input.id, key).ok_or(Refusal::NotWhole {})?.to_vec())
}
