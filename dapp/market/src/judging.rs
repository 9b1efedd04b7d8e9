//! Judging: the machine continues an evaluation, the sender of the input earns a part of the
//! prepaid price, and the result has consequences.

use std::cmp::Reverse;

use crate::{
    attestation::Attestation,
    board,
    context::{Slot, Target},
    decide,
    effect::Event,
    evaluation::{self, Assignment, Evaluated, Finding, Progress, Turn},
    input::Input,
    invariant::there,
    job::Job,
    judge::{Blob, Evaluation},
    payout,
    refusal::ModelRefusal,
    rewards, sample, seats,
    stage::Stage,
    state::State,
    store::SlotKey,
    units::{JobId, Work},
    work,
};

/// Continues an evaluation as far as the input allows.
pub(crate) fn go_on(input: &mut Input<'_>, target: Target) {
    let assignment = assignment(input.state, input.id, target);
    let assignment = there(assignment, "what is evaluated has its bytes");
    let mut meter = input.state.meter;
    let settings = &input.state.settings;
    let (turn, done) = evaluation::take(settings, &assignment, &mut meter, input.judge);
    input.state.meter = meter;
    let evaluated = match turn {
        Turn::Waits => return,
        Turn::Unfinished(progress) => Evaluated::UnderWay(Box::new(progress)),
        Turn::Finished(Ok(finding)) => Evaluated::Done(Box::new(finding)),
        Turn::Finished(Err(reason)) => Evaluated::Failed(reason),
    };
    let is_over = evaluated.is_over();
    *input.job_mut().evaluated_mut(target) = evaluated;
    work::pay(input, target, done);
    if is_over {
        conclude(input, target);
    }
}

/// Continues, unless the lag of the machine would cost the sender a surcharge.
pub(crate) fn go_on_for_free(input: &mut Input<'_>, target: Target) {
    if input.state.surcharge() == 0 {
        go_on(input, target);
    }
}

/// Certain cost to the sender of continuing an evaluation: reading the files again, less the
/// earnings from a step of rows that the input is certain to answer.
pub(crate) fn reading_again(input: &Input<'_>, target: Target, wanted: Work) -> Work {
    let Evaluated::UnderWay(progress) = input.job().evaluated(target) else { return Work(0) };
    let Progress { quote, accumulator } = &**progress;
    let rows = quote.rows.saturating_sub(accumulator.rows());
    let each = quote.work.minus(quote.reading).0.checked_div(quote.rows.into());
    let left = Work(each.unwrap_or_default()).times(rows.into());
    let most = wanted.min(input.state.settings.input_work);
    let sure = most.minus(quote.reading).minus(quote.step).min(left).max(quote.step);
    quote.reading.minus(sure)
}

/// The files of an evaluation and its progress; `None` if bytes are missing.
fn assignment(state: &State, id: JobId, target: Target) -> Option<Assignment<'_>> {
    let job = state.known(id);
    let blob = |key| job.slots.blob(&state.drive, key);
    let hold_out = || (job.hold_out, SlotKey::job(Slot::HoldOut));
    let slice = || (job.terms.opening_dataset(), SlotKey::job(Slot::PublicSlice));
    let base = || (Some(job.terms.offer.base_model), SlotKey::job(Slot::BaseModel));
    let ((model, model_key), (data, data_key)) = match target {
        Target::Base if job.terms.sealing.is_sealed() => (base(), slice()),
        Target::Base | Target::BaseOnHoldOut => (base(), hold_out()),
        Target::Submission(number) => {
            let model = job.submissions.get(&number)?.model;
            ((model, SlotKey::of(Slot::Submission, number)), hold_out())
        }
        Target::Shown(number) => {
            let model = job.submissions.get(&number)?.board.model;
            let slice = Some(job.terms.offer.board?.public_slice);
            let key = SlotKey::job(Slot::PublicSlice);
            ((model, SlotKey::of(Slot::Shown, number)), (slice, key))
        }
    };
    let on_hold_out = data_key.slot == Slot::HoldOut;
    let is_sampled = on_hold_out && job.terms.sample_rows().is_some();
    Some(Assignment {
        evaluation: Evaluation {
            model: Blob { cid: model?.cid(), bytes: blob(model_key)? },
            hold_out: Blob { cid: data?.cid(), bytes: blob(data_key)? },
            measure: job.terms.offer.measure(),
            rows: is_sampled.then_some(job.sample.as_slice()),
        },
        terms: &job.terms,
        on_hold_out,
        under_way: match job.evaluated(target) {
            Evaluated::UnderWay(progress) => Some(progress),
            Evaluated::Waiting | Evaluated::Done(_) | Evaluated::Failed(_) => None,
        },
    })
}

fn conclude(input: &mut Input<'_>, target: Target) {
    match target {
        Target::Base => conclude_base(input),
        Target::BaseOnHoldOut => conclude_base_on_hold_out(input),
        Target::Shown(number) => board::conclude(input, number),
        Target::Submission(number) => {
            conclude_submission(input, number);
            rewards::decide_next(input);
        }
    }
}

/// Opens the job, or cancels it if its base model cannot be evaluated.
fn conclude_base(input: &mut Input<'_>) {
    let id = input.id;
    let job = input.job_mut();
    if let Evaluated::Failed(reason) = job.base {
        payout::cancel(input, Some(reason));
        payout::pay_all(input);
    } else if let Some(base) = job.base.scores() {
        job.base.shrink();
        job.stage = Stage::Open;
        input.emit(Event::JobReady { job: id, base });
    }
}

fn conclude_base_on_hold_out(input: &mut Input<'_>) {
    let id = input.id;
    if input.job().terms.sample_rows().is_some() {
        sample::conclude(input, None);
    }
    let job = input.job_mut();
    if let Some(base) = job.base_on_hold_out.scores() {
        job.base_on_hold_out.shrink();
        input.emit(Event::HoldOutReady { job: id, base });
    }
}

/// Concludes the evaluation of a model: seats that attested otherwise are wrong, and a model that
/// the terms do not accept is refused.
fn conclude_submission(input: &mut Input<'_>, number: u32) {
    if input.job().terms.sample_rows().is_some() {
        sample::conclude(input, Some(number));
    } else {
        let found = attestation(input.submission(number).evaluated.finding());
        seats::blame_others(input, number, found);
        seats::note(input, number, found);
    }
    let job = input.job();
    let base = there(job.base_scores(), "the base model is evaluated first");
    let evaluated = &job.known(number).evaluated;
    let refused = match evaluated {
        Evaluated::Done(finding) => job.terms.offer.accept(base, finding.scores).err(),
        Evaluated::Failed(reason) => Some(*reason),
        Evaluated::Waiting | Evaluated::UnderWay(_) => None,
    };
    if let Some(reason) = refused {
        decide::refuse(input, number, reason);
    } else if let Some(scores) = evaluated.scores() {
        input.job_mut().ranking.insert((Reverse(scores.score), number));
    }
}

/// The result in the form of a seat's attestation.
fn attestation(finding: Option<&Finding>) -> Attestation {
    let found = finding
        .and_then(|finding| Some(Attestation::new(finding.scores, finding.results.as_ref()?)));
    found.unwrap_or(Attestation::UNFIT)
}

impl Job {
    /// Reason why the revealed hold-out does not meet the terms; `None` as long as no fault is
    /// known.
    pub(crate) const fn hold_out_failure(&self) -> Option<ModelRefusal> {
        match self.base_on_hold_out {
            Evaluated::Failed(reason) => Some(reason),
            Evaluated::Waiting | Evaluated::UnderWay(_) | Evaluated::Done(_) => None,
        }
    }
}
