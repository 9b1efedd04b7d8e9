//! Reveal: the key of a sealed model, or of the hold-out, opens what was published before.

use blobs::{Binding, Digest, Opening};

use super::Context;
use crate::{
    command::{Slot, Target},
    decide,
    effect::{Effect, Event},
    evaluation::{Done, Evaluated},
    judge::{Exam, Exhibit, Judge},
    judging,
    refusal::{ModelRefusal, Refusal},
    seat::Offence,
    stage::Stage,
    state::State,
    store::SlotKey,
    submission::{SubmissionState, SubmittedModel},
    terms::{SealedBlob, Sealing},
    units::{JobId, SubmissionId, Work},
    work::{self, Worker},
};

pub(crate) fn apply(
    state: &mut State,
    context: &Context,
    id: JobId,
    opening: &Opening,
    judge: &mut dyn Judge,
) -> Result<Vec<Effect>, Refusal> {
    let now = state.now();
    let job = state.named(id)?;
    let Sealing::Sealed { hold_out, .. } = job.terms.sealing else {
        return Err(Refusal::SealingMismatch { sealed: false });
    };
    let (opens, until) = (job.terms.close, job.terms.reveal_until());
    if !matches!(job.stage, Stage::Open | Stage::Revealing) || job.decision.is_some() {
        return Err(Refusal::JobNotOpen { job: id, stage: job.stage });
    }
    if now < opens {
        return Err(Refusal::NotYet { opens, now });
    }
    if now >= until {
        return Err(Refusal::Closed { close: until, now });
    }
    if context.sender == job.sponsor {
        reveal_hold_out(state, context, id, hold_out, opening, judge)
    } else {
        reveal_model(state, context, id, opening)
    }
}

fn reveal_model(
    state: &mut State,
    context: &Context,
    id: JobId,
    opening: &Opening,
) -> Result<Vec<Effect>, Refusal> {
    let client = context.sender;
    let job = state.known(id);
    let number = job.submission_of(client).ok_or(Refusal::NotSubmitted {})?;
    let submission = job.known(number);
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
    let ciphertext = sealed_bytes(state, context, id, (id.0, sealed, key), opening)?;

    // Nothing below can fail.
    let done = opening_work(state, sealed);
    let worker = Worker::new(client);
    let mut effects = Vec::new();
    work::pay(state, id, Target::Submission(number), worker, done, &mut effects);
    let Ok(plain) = opening.open(sealed.commitment, ciphertext) else {
        // Key and content are committed to, so it never held them.
        let lost = (ModelRefusal::WrongContent {}, Offence::NotRevealed);
        decide::forfeit(state, id, number, lost, &mut effects);
        return Ok(effects);
    };
    let until = state.known(id).last_date;
    let job = state.known_mut(id);
    job.slots.put(key, plain);
    let position = u32::try_from(job.revealed.len()).unwrap_or(u32::MAX);
    job.revealed.push(number);
    job.keys = Digest::of(&[job.keys.0, opening.key].concat());
    job.sealed.remove(&number);
    job.whole.insert(number);
    let model = opening.plain;
    let submission = job.known_mut(number);
    submission.model = Some(model);
    submission.position = Some(position);
    submission.state = SubmissionState::Whole { until };
    let submission = SubmissionId { job: id, index: number };
    let key = Digest(opening.key);
    let revealed = Event::ModelRevealed { submission, client, position, model, key };
    effects.push(Effect::Event(revealed));
    Ok(effects)
}

fn reveal_hold_out(
    state: &mut State,
    context: &Context,
    id: JobId,
    sealed: SealedBlob,
    opening: &Opening,
    judge: &mut dyn Judge,
) -> Result<Vec<Effect>, Refusal> {
    let job = state.known(id);
    if job.hold_out.is_some() || job.base_on_hold_out.is_over() {
        return Err(Refusal::AlreadyRevealed {});
    }
    let key = SlotKey::job(Slot::HoldOut);
    let ciphertext = sealed_bytes(state, context, id, (job.salt, sealed, key), opening)?;

    // Nothing below can fail.
    let worker = Worker::new(context.sender);
    let done = opening_work(state, sealed);
    let mut effects = Vec::new();
    work::pay(state, id, Target::BaseOnHoldOut, worker, done, &mut effects);
    let job = state.known_mut(id);
    job.keys = Digest::of(&[job.keys.0, opening.key].concat());
    let Ok(plain) = opening.open(sealed.commitment, ciphertext) else {
        job.base_on_hold_out = Evaluated::Failed(ModelRefusal::WrongContent {});
        return Ok(effects);
    };
    let hold_out = opening.plain;
    job.slots.put(key, plain);
    job.hold_out = Some(hold_out);
    let key = Digest(opening.key);
    effects.push(Effect::Event(Event::HoldOutRevealed { job: id, hold_out, key }));
    if state.known(id).terms.sample_rows().is_some() {
        check_sampled(state, id, judge);
    } else if state.may_go_on() {
        judging::go_on(state, id, Target::BaseOnHoldOut, worker, judge, &mut effects);
    }
    Ok(effects)
}

/// What opening a ciphertext takes is prepaid.
const fn opening_work(state: &State, sealed: SealedBlob) -> Done {
    let prepaid = state.settings.prices.opening(sealed.ciphertext.size);
    Done { prepaid, borne: Work(0), is_comparing: false }
}

/// Where the machine only samples, it still sees whether the hold-out is the one that the terms
/// promise, and whether a row of it fits an input.
fn check_sampled(state: &mut State, id: JobId, judge: &mut dyn Judge) {
    let job = state.known(id);
    let (offer, blob) = (&job.terms.offer, |slot| {
        job.slots.blob(&state.drive, SlotKey::job(slot)).unwrap_or_default()
    });
    let exam = Exam {
        model: Exhibit { cid: offer.base_model.cid(), bytes: blob(Slot::BaseModel) },
        hold_out: Exhibit {
            cid: job.hold_out.unwrap_or(offer.base_model).cid(),
            bytes: blob(Slot::HoldOut),
        },
        metric: offer.metric,
        rows: None,
    };
    let reading = judge.reading(&exam);
    let (maximum, stated) = (state.settings.input_work, offer.rows);
    let failure = match judge.quote(&exam) {
        Err(unfit) => Some(ModelRefusal::Unfit { unfit }),
        Ok(quote) if quote.rows != stated => {
            Some(ModelRefusal::RowsMismatch { stated, found: quote.rows })
        }
        Ok(quote) => {
            let around =
                Work(state.settings.prices.input.saturating_add(state.settings.prices.ending));
            let found = around.plus(quote.reading).plus(quote.step);
            (found > maximum).then_some(ModelRefusal::StepTooLarge { maximum, found })
        }
    };
    state.meter.advance(reading);
    if let Some(reason) = failure {
        state.known_mut(id).base_on_hold_out = Evaluated::Failed(reason);
    }
}

/// The ciphertext of what the sender has committed to for this scope, with this key.
fn sealed_bytes(
    state: &mut State,
    context: &Context,
    id: JobId,
    (scope, sealed, key): ([u8; 32], SealedBlob, SlotKey),
    opening: &Opening,
) -> Result<Vec<u8>, Refusal> {
    let binding =
        Binding { chain_id: context.chain_id, app: context.app.0, scope, sender: context.sender.0 };
    let is_committed = opening.check(&binding, sealed.commitment).is_ok();
    is_committed.then_some(()).ok_or(Refusal::WrongCommitment {})?;
    let ciphertext = state.blob(id, key).ok_or(Refusal::NotWhole {})?.to_vec();
    state.meter.advance(state.settings.prices.opening(sealed.ciphertext.size));
    Ok(ciphertext)
}
