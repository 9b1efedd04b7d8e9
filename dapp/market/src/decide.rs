//! Decisions on submissions: the verdict is final, the stake returns, the bytes are freed.

use std::cmp::Reverse;

use crate::{
    context::Slot,
    effect::{Event, Share},
    evaluation::Evaluated,
    input::{Input, Route},
    invariant::{less, sum, there},
    refusal::ModelRefusal,
    seat::Offence,
    store::SlotKey,
    submission::{SubmissionState, Verdict},
    terms::{Award, SubmissionStake},
    units::Amount,
};

/// Accepts a submission: the reward or prize is paid with the rest of its stake in one voucher.
pub(crate) fn accept(input: &mut Input<'_>, number: u32) {
    let job = input.job_mut();
    let scores = there(job.known(number).evaluated.scores(), "what is accepted is evaluated");
    let amount = match job.terms.award {
        Award::Rewards { reward, .. } => reward,
        Award::Prize { prize, .. } => prize,
    };
    job.stake.award = less(job.stake.award, amount);
    job.payouts = job.payouts.saturating_add(1);
    job.accepted.push(number);
    if job.best.is_none_or(|(_, best)| scores.score > best.score) {
        job.best = Some((number, scores));
    }
    finish(input, number, Verdict::Accepted(scores), amount);
}

/// Refuses a submission: the rest of its stake is returned.
pub(crate) fn refuse(input: &mut Input<'_>, number: u32, reason: ModelRefusal) {
    let job = input.job_mut();
    let submission = job.known(number);
    let (client, scores) = (submission.client, submission.evaluated.scores());
    job.clients.remove(&client);
    job.refused.push_back(number);
    job.slots.clear(SlotKey::of(Slot::Submission, number));
    finish(input, number, Verdict::Refused { scores, reason }, Amount::ZERO);
}

/// Refuses a submission that broke its obligations; its bond is lost.
pub(crate) fn forfeit(input: &mut Input<'_>, number: u32, reason: ModelRefusal, offence: Offence) {
    let (job, sink) = (input.id, input.state.settings.sink);
    let submission = input.submission_mut(number);
    let account = submission.client;
    let bond = std::mem::take(&mut submission.stake.bond);
    input.emit(Event::Forfeited { job, account, bond, offence });
    input.pay(sink, Share::Sink, bond, Route::Balance);
    refuse(input, number, reason);
}

fn finish(input: &mut Input<'_>, number: u32, verdict: Verdict, amount: Amount) {
    let now = input.now();
    let job = input.job_mut();
    job.expecting.remove(&number);
    job.sealed.remove(&number);
    if let Some(scores) = verdict.scores() {
        job.ranking.remove(&(Reverse(scores.score), number));
    }
    job.whole.remove(&number);
    job.slots.clear(SlotKey::of(Slot::Shown, number));
    // Before the close the place is freed and the buy-in returns; later the miners get the buy-in.
    let is_early = now < job.terms.close && !verdict.is_accepted();
    let submission = job.known_mut(number);
    submission.state = SubmissionState::Decided(verdict);
    submission.evaluated.shrink();
    submission.board.model = None;
    submission.board.evaluated = Evaluated::Waiting;
    submission.answers.results = Vec::new();
    let SubmissionStake { work, bond, buy_in } = std::mem::take(&mut submission.stake);
    let (back, kept) = if is_early { (buy_in, Amount::ZERO) } else { (Amount::ZERO, buy_in) };
    submission.stake.buy_in = kept;
    let shown = std::mem::take(&mut submission.board.stake);
    let (client, model) = (submission.client, submission.digest());
    let (job, submission, ruling) = (input.id, number, verdict.into());
    input.emit(Event::SubmissionDecided { job, submission, client, model, verdict: ruling });
    let (share, route) = match verdict.is_accepted() {
        true => (Share::Reward, Route::Wallet),
        false => (Share::Stake, Route::Balance),
    };
    input.pay(client, share, sum([amount, work, bond, back, shown]), route);
}
