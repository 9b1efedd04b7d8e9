//! Judging: the machine goes on with one evaluation, whoever sends the input has a part of what
//! was prepaid for it, and its end has consequences.

use std::cmp::Reverse;

use crate::{
    attestation::Attestation,
    board,
    command::{Slot, Target},
    decide,
    effect::{Effect, Event},
    evaluation::{self, Assignment, Evaluated, Finding, Progress, Turn},
    invariant::there,
    judge::{Exam, Exhibit, Judge},
    prices::Prices,
    refusal::ModelRefusal,
    rewards, sample, seats,
    stage::Stage,
    state::State,
    store::SlotKey,
    terms::{Award, MAX_SEATS},
    units::{JobId, Work},
    work::{Worker, pay, slot},
};

/// Goes on with an evaluation as far as the input allows; whether it came to its end.
pub(crate) fn go_on(
    state: &mut State,
    id: JobId,
    target: Target,
    worker: Worker,
    judge: &mut dyn Judge,
    effects: &mut Vec<Effect>,
) -> bool {
    let mut meter = state.meter;
    let assignment = there(assignment(state, id, target), "what is evaluated has its bytes");
    let (turn, done) = evaluation::take(&state.settings, &assignment, &mut meter, judge);
    state.meter = meter;
    let is_over = matches!(turn, Turn::Finished(_));
    match turn {
        Turn::Waits => return false,
        Turn::Unfinished(progress) => {
            *slot(state, id, target) = Evaluated::UnderWay(Box::new(progress));
        }
        Turn::Finished(Ok(finding)) => {
            *slot(state, id, target) = Evaluated::Done(Box::new(finding));
        }
        Turn::Finished(Err(reason)) => *slot(state, id, target) = Evaluated::Failed(reason),
    }
    pay(state, id, target, worker, done, effects);
    if is_over {
        conclude(state, id, target, worker, judge, effects);
    }
    is_over
}

/// What going on with an evaluation is sure to cost its sender: reading again, less what a step of
/// the rows earns that the input is sure to answer.
pub(crate) fn reading_again(state: &State, id: JobId, target: Target, wanted: Work) -> Work {
    let assignment = there(assignment(state, id, target), "what is evaluated has its bytes");
    let Some(Progress { quote, tally }) = assignment.under_way else { return Work(0) };
    let rows = quote.rows.saturating_sub(tally.rows());
    let each = quote.work.minus(quote.reading).0.checked_div(quote.rows.into());
    let left = Work(each.unwrap_or_default()).times(rows.into());
    let room = wanted.min(state.settings.input_work).minus(quote.reading).minus(quote.step);
    let sure = room.min(left).max(quote.step);
    quote.reading.minus(sure)
}

/// What an evaluation looks at; `None` if bytes are missing.
fn assignment(state: &State, id: JobId, target: Target) -> Option<Assignment<'_>> {
    let job = state.known(id);
    let blob = |key| job.slots.blob(&state.drive, key);
    let hold_out = || (job.hold_out, SlotKey::job(Slot::HoldOut));
    let slice = || (job.terms.opening_dataset(), SlotKey::job(Slot::PublicSlice));
    let base = || (Some(job.terms.offer.base_model), SlotKey::job(Slot::BaseModel));
    let ((model, model_key), (data, data_key), under_way) = match target {
        Target::Base if job.terms.sealing.is_sealed() => (base(), slice(), &job.base),
        Target::Base => (base(), hold_out(), &job.base),
        Target::BaseOnHoldOut => (base(), hold_out(), &job.base_on_hold_out),
        Target::Submission(number) => {
            let submission = job.submissions.get(&number)?;
            let key = SlotKey::of(Slot::Submission, number);
            ((submission.model, key), hold_out(), &submission.evaluated)
        }
        Target::Shown(number) => {
            let shows = &job.submissions.get(&number)?.board;
            let board = job.terms.offer.board?;
            let slice = (Some(board.public_slice), SlotKey::job(Slot::PublicSlice));
            let key = SlotKey::of(Slot::Shown, number);
            ((shows.model, key), slice, &shows.evaluated)
        }
    };
    let on_hold_out = data_key.slot == Slot::HoldOut;
    let is_sampled = on_hold_out && job.terms.sample_rows().is_some();
    let is_prize = matches!(job.terms.award, Award::Prize { .. });
    let is_attested = job.terms.miners().is_some();
    Some(Assignment {
        exam: Exam {
            model: Exhibit { cid: model?.cid(), bytes: blob(model_key)? },
            hold_out: Exhibit { cid: data?.cid(), bytes: blob(data_key)? },
            metric: job.terms.offer.metric,
            rows: is_sampled.then_some(job.sample.as_slice()),
        },
        under_way: match under_way {
            Evaluated::UnderWay(progress) => Some(progress),
            Evaluated::Waiting | Evaluated::Done(_) | Evaluated::Failed(_) => None,
        },
        max_work: job.terms.offer.max_work,
        max_inputs: job.terms.offer.max_inputs,
        rows: (on_hold_out && !is_sampled).then_some(job.terms.offer.rows),
        keeps_results: on_hold_out && (is_sampled || is_attested || is_prize),
        checks: checks(&state.settings.prices, is_attested, job.sample.len()),
    })
}

/// What it costs at most to see which seats said otherwise, and take their bonds.
fn checks(prices: &Prices, is_attested: bool, sampled: usize) -> Work {
    let seats = usize::try_from(MAX_SEATS).unwrap_or(usize::MAX);
    let checks = prices.outputs(seats).plus(prices.checking(sampled, seats));
    if is_attested { checks } else { Work(0) }
}

fn conclude(
    state: &mut State,
    id: JobId,
    target: Target,
    worker: Worker,
    judge: &mut dyn Judge,
    effects: &mut Vec<Effect>,
) {
    match target {
        Target::Base => {
            let job = state.known_mut(id);
            if let Some(base) = job.base.scores() {
                job.base.shrink();
                job.stage = Stage::Open;
                effects.push(Effect::Event(Event::JobReady { job: id, base }));
            }
        }
        Target::BaseOnHoldOut => conclude_base(state, id, effects),
        Target::Shown(number) => board::conclude(state, id, number, effects),
        Target::Submission(number) => {
            conclude_submission(state, id, number, effects);
            rewards::decide_next(state, id, worker, judge, effects);
        }
    }
}

fn conclude_base(state: &mut State, id: JobId, effects: &mut Vec<Effect>) {
    if state.known(id).terms.sample_rows().is_some() {
        sample::conclude(state, id, None, effects);
    }
    let job = state.known_mut(id);
    if let Some(base) = job.base_on_hold_out.scores() {
        job.base_on_hold_out.shrink();
        effects.push(Effect::Event(Event::HoldOutReady { job: id, base }));
    }
}

/// The machine has looked at a model: seats that said otherwise were wrong, and what the terms do
/// not accept is refused.
fn conclude_submission(state: &mut State, id: JobId, number: u32, effects: &mut Vec<Effect>) {
    if state.known(id).terms.sample_rows().is_some() {
        sample::conclude(state, id, Some(number), effects);
    } else {
        let found = attestation(state.known(id).known(number).evaluated.finding());
        seats::blame_others(state, id, number, found, effects);
        seats::note(state, id, number, found, effects);
    }
    let job = state.known(id);
    let base = there(job.base_scores(), "the base model is evaluated first");
    let verdict = match &job.known(number).evaluated {
        Evaluated::Done(finding) => job.terms.offer.accept(base, finding.scores),
        Evaluated::Failed(reason) => Err(*reason),
        Evaluated::Waiting | Evaluated::UnderWay(_) => Ok(()),
    };
    let scores = job.known(number).evaluated.scores();
    match (verdict, scores) {
        (Err(reason), _) => decide::refuse(state, id, number, reason, effects),
        (Ok(()), Some(scores)) => {
            state.known_mut(id).ranking.insert((Reverse(scores.score), number));
        }
        (Ok(()), None) => {}
    }
}

/// What is found, as a seat would attest it.
fn attestation(finding: Option<&Finding>) -> Attestation {
    let found = finding
        .and_then(|finding| Some(Attestation::new(finding.scores, finding.results.as_ref()?)));
    found.unwrap_or(Attestation::UNFIT)
}

/// The reason why a hold-out, once it is known, is not one that the terms promised; `None` as long
/// as nothing speaks against it.
pub(crate) fn hold_out_failure(state: &State, id: JobId) -> Option<ModelRefusal> {
    match state.known(id).base_on_hold_out {
        Evaluated::Failed(reason) => Some(reason),
        Evaluated::Waiting | Evaluated::UnderWay(_) | Evaluated::Done(_) => None,
    }
}
