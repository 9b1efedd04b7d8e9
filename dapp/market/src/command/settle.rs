//! Settle: a job ends at its deadline, or when all its rewards are paid, and what is left in
//! escrow goes back to the sponsor's free balance.

use std::collections::VecDeque;

use super::Context;
use crate::{
    competition::advance,
    effect::{Effect, Event},
    job::{Stage, Standing, SubmissionState, Verdict},
    judge::Judge,
    ledger::{Kind, Move},
    market::Market,
    refusal::{ModelRefusal, Refusal},
    shelf::Purpose,
    units::{Amount, JobId, SubmissionId, Timestamp},
};

pub(crate) fn apply(
    market: &mut Market,
    context: &Context,
    id: JobId,
    judge: &mut dyn Judge,
) -> Result<Vec<Effect>, Refusal> {
    if market.competitions.contains_key(&id) {
        return advance::settle(market, context, id, judge);
    }
    check(market, id, context.now)?;
    let refund = prepare_refund(market, id)?;

    // Nothing below can fail.
    let remainder = close(market, id, Stage::Settled, refund);
    let Some(job) = market.jobs.get(&id) else { return Ok(Vec::new()) };
    let winner = job.best.map(|(index, _)| SubmissionId { job: id, index });
    let settled = Event::JobSettled { job: id, payouts: job.payouts, winner, remainder };
    let mut effects = vec![Effect::Event(settled)];
    let best = winner.zip(job.best);
    effects.extend(best.and_then(|(winner, (_, marks))| {
        let model = market.submissions.get(winner)?.model;
        let (sponsor, hold_out) = (job.sponsor, job.terms.hold_out);
        Some(Effect::Record { job: id, sponsor, model, marks, hold_out })
    }));
    Ok(effects)
}

fn check(market: &Market, id: JobId, now: Timestamp) -> Result<(), Refusal> {
    let job = market.job_or_refuse(id)?;
    if !job.is_live() {
        return Err(Refusal::JobNotOpen { job: id, stage: job.stage });
    }
    let deadline = job.terms.deadline;
    if job.rewards_left() == 0 {
        return Ok(());
    }
    if now < deadline {
        return Err(Refusal::DeadlineAhead { deadline, now });
    }
    let until = deadline.after(market.settings.evaluation_window_seconds);
    if !job.queue.is_empty() && now < until {
        let queued = u64::try_from(job.queue.len()).unwrap_or(u64::MAX);
        return Err(Refusal::EvaluationsPending { queued, until });
    }
    Ok(())
}

/// The move of a job's whole escrow back to its sponsor.
pub(super) fn prepare_refund(market: &Market, id: JobId) -> Result<(Move, Amount), Refusal> {
    let job = market.job_or_refuse(id)?;
    let (asset, escrow) = (job.terms.asset, job.escrow);
    Ok((market.ledger.prepare(Kind::Release, job.sponsor, asset, escrow)?, escrow))
}

/// Ends a job: its escrow goes back, whatever was unfinished expires, its blobs are dropped.
pub(super) fn close(
    market: &mut Market,
    id: JobId,
    stage: Stage,
    (refund, amount): (Move, Amount),
) -> Amount {
    market.ledger.post(refund);
    let Market { jobs, shelf, submissions, .. } = market;
    let Some(job) = jobs.get_mut(&id) else { return amount };
    job.stage = stage;
    job.escrow = Amount::ZERO;
    job.queue = VecDeque::new();
    job.progress = None;
    for (blob, held) in job.blobs().into_iter().zip(job.has_blobs) {
        if held {
            shelf.release(blob);
        } else {
            shelf.forget(job.sponsor, blob.digest);
        }
    }
    let reason = match job.rewards_left() {
        0 => ModelRefusal::NoRewardLeft { rewards: job.terms.rewards },
        _ => ModelRefusal::Expired { deadline: job.terms.deadline },
    };
    for (client, standing) in std::mem::take(&mut job.clients) {
        let (Standing::Expecting(index) | Standing::Queued(index)) = standing else { continue };
        let submission_id = SubmissionId { job: id, index };
        shelf.remove(Purpose::Model(submission_id));
        if let Some(submission) = submissions.get_mut(submission_id) {
            if matches!(standing, Standing::Expecting(_)) {
                shelf.forget(client, submission.model.digest);
            }
            let verdict = Verdict::Refused { marks: None, reason };
            submission.state = SubmissionState::Judged(verdict);
        }
    }
    submissions.close(id);
    amount
}
