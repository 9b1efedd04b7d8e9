//! Evaluate: pending evaluations of a job go on, first come first, within the work one input may
//! cost. The same code runs when a blob becomes whole, so that small models are judged at once.

use blobs::{BlobRef, Codec, Digest, Profile, cid_of};

use super::{Context, settle};
use crate::{
    competition::advance,
    effect::{Effect, Event},
    job::{self, Stage, Standing, Submission, SubmissionState, Task, Terms, Verdict},
    judge::{Exam, Exhibit, Judge},
    ledger::Kind,
    market::Market,
    meter::Meter,
    metric::Marks,
    refusal::{ModelRefusal, Refusal},
    shelf::Purpose,
    turn::{self, Assignment, Turn},
    units::{JobId, SubmissionId, Work},
};

pub(crate) fn apply(
    market: &mut Market,
    context: &Context,
    id: JobId,
    work: Work,
    judge: &mut dyn Judge,
) -> Result<Vec<Effect>, Refusal> {
    if market.competitions.contains_key(&id) {
        return advance::evaluate(market, context, id, work, judge);
    }
    let job = market.job_or_refuse(id)?;
    if !job.is_live() {
        return Err(Refusal::JobNotOpen { job: id, stage: job.stage });
    }
    if job.queue.is_empty() {
        return Err(Refusal::NothingPending { job: id });
    }

    // Nothing below can fail.
    let meter = Meter::new(&market.settings).wanting(work);
    Ok(run(market, id, meter, judge))
}

/// How many evaluations one input may conclude, as each is an output that costs work of its own.
const TASKS_PER_INPUT: usize = 64;

/// Evaluates what waits in a job's queue as long as it fits the input. An input that has done
/// nothing else answers one step at least, so that every call comes closer to the end.
pub(super) fn run(
    market: &mut Market,
    id: JobId,
    mut meter: Meter,
    judge: &mut dyn Judge,
) -> Vec<Effect> {
    let mut effects = Vec::new();
    for _ in 0..TASKS_PER_INPUT {
        let task = market.jobs.get(&id).and_then(|job| job.queue.front().copied());
        let Some(task) = task else { break };
        let assignment = prepare(market, id, task);
        match turn::take(&market.settings, assignment, &mut meter, judge) {
            Turn::Waits => break,
            Turn::Unfinished(progress) => {
                if let Some(job) = market.jobs.get_mut(&id) {
                    job.progress = Some(progress);
                }
                break;
            }
            Turn::Finished(result) => {
                if let Some(job) = market.jobs.get_mut(&id) {
                    job.queue.pop_front();
                    job.progress = None;
                }
                effects.extend(match task {
                    Task::Base => conclude_base(market, id, result.map(|found| found.marks)),
                    Task::Submission(index) => {
                        let result = result.map(|found| found.marks);
                        conclude(market, SubmissionId { job: id, index }, result)
                    }
                });
            }
        }
    }
    effects
}

/// What the task's evaluation looks at, or why it need not begin.
fn prepare(market: &Market, id: JobId, task: Task) -> Result<Assignment<'_>, ModelRefusal> {
    let lost = turn::LOST;
    let job = market.jobs.get(&id).ok_or(lost)?;
    let (model, bytes) = match task {
        Task::Base => (job.terms.base_model, market.shelf.blob(job.terms.base_model.cid())),
        Task::Submission(index) => {
            let submission_id = SubmissionId { job: id, index };
            let model = market.submissions.get(submission_id).ok_or(lost)?.model;
            if job.rewards_left() == 0 {
                return Err(ModelRefusal::NoRewardLeft { rewards: job.terms.rewards });
            }
            if market.paid_models.contains(&model.digest) {
                return Err(ModelRefusal::ModelPaid { digest: model.digest });
            }
            (model, market.shelf.waiting(Purpose::Model(submission_id)))
        }
    };
    let hold_out = job.terms.hold_out.cid();
    let exam = Exam {
        model: Exhibit { cid: model.cid(), bytes: bytes.ok_or(lost)? },
        hold_out: Exhibit { cid: hold_out, bytes: market.shelf.blob(hold_out).ok_or(lost)? },
        metric: job.terms.metric,
        rows: None,
    };
    let (under_way, max_work) = (job.progress.as_ref(), job.terms.max_work);
    let checks = Work(0);
    Ok(Assignment { exam, under_way, max_work, keeps_results: false, checks })
}

/// The base model's marks open the job; a base model or hold-out that cannot be used cancels it.
fn conclude_base(
    market: &mut Market,
    id: JobId,
    result: Result<Marks, ModelRefusal>,
) -> Vec<Effect> {
    let event = match result {
        Ok(base) => {
            if let Some(job) = market.jobs.get_mut(&id) {
                job.base = Some(base);
                job.stage = Stage::Open;
            }
            Event::JobReady { job: id, base }
        }
        Err(reason) => {
            // The escrow is there to be released: the ledger counted it in.
            let Ok(refund) = settle::prepare_refund(market, id) else { return Vec::new() };
            let refund = settle::close(market, id, Stage::Cancelled, refund);
            Event::JobCancelled { job: id, refund, reason: Some(reason) }
        }
    };
    vec![Effect::Event(event)]
}

/// Decides a submission: paid at once, or refused with the reason.
fn conclude(
    market: &mut Market,
    id: SubmissionId,
    result: Result<Marks, ModelRefusal>,
) -> Vec<Effect> {
    let Market { jobs, submissions, shelf, ledger, paid_models, .. } = market;
    let bytes = shelf.remove(Purpose::Model(id)).unwrap_or_default();
    let Some((job, submission)) = jobs.get_mut(&id.job).zip(submissions.get_mut(id)) else {
        return Vec::new();
    };
    let Submission { client, model, .. } = *submission;
    let (asset, reward) = (job.terms.asset, job.terms.reward);
    let paid = result.and_then(|marks| {
        let base = job.base.unwrap_or(marks);
        let Terms { min_score, min_gain, min_worst_class, .. } = job.terms;
        job::assess([min_score, min_gain, min_worst_class], base, marks).map(|()| marks)
    });
    let payment = paid.ok().and_then(|marks| {
        let payment = ledger.prepare(Kind::Payout, client, asset, reward).ok()?;
        Some((marks, payment, job.escrow.checked_sub(reward)?))
    });
    let verdict = match (payment, paid) {
        (Some((marks, payment, escrow)), _) => {
            ledger.post(payment);
            job.escrow = escrow;
            job.payouts = job.payouts.saturating_add(1);
            if job.best.is_none_or(|(_, best)| marks.score > best.score) {
                job.best = Some((id.index, marks));
            }
            job.clients.insert(client, Standing::Paid(id.index));
            paid_models.extend(names(model, &bytes));
            Verdict::Accepted(marks)
        }
        (None, refused) => {
            job.clients.remove(&client);
            let none_left = ModelRefusal::NoRewardLeft { rewards: job.terms.rewards };
            Verdict::Refused { marks: result.ok(), reason: refused.err().unwrap_or(none_left) }
        }
    };
    submission.state = SubmissionState::Judged(verdict);
    let judged = Event::ModelJudged { submission: id, client, model: model.digest, verdict };
    let mut effects = vec![Effect::Event(judged)];
    if matches!(verdict, Verdict::Accepted(_)) {
        effects.push(Effect::Pay { to: client, asset, amount: reward });
    }
    effects
}

/// The digests the same bytes can be submitted by, one for each way to cut them.
fn names(model: BlobRef, bytes: &[u8]) -> impl Iterator<Item = Digest> {
    let profile = match model.profile {
        Profile::Kubo => Profile::UnixfsV1,
        Profile::UnixfsV1 => Profile::Kubo,
    };
    let cuts = [model, BlobRef { profile, ..model }];
    let uncut = cuts.iter().all(|blob| blob.cid().codec == Codec::Raw);
    let other = (!uncut).then(|| cid_of(bytes, profile).digest);
    [model.digest].into_iter().chain(other)
}
