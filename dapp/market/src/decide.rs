//! A submission is decided: its verdict stands, its stake returns, its bytes go.

use std::cmp::Reverse;

use crate::{
    command::Slot,
    effect::{Effect, Event, Share},
    evaluation::Evaluated,
    invariant::there,
    refusal::ModelRefusal,
    seat::Offence,
    state::{Route, State},
    store::SlotKey,
    submission::{SubmissionState, Verdict},
    terms::{Award, SubmissionStake},
    units::{Amount, JobId, SubmissionId},
};

/// Accepts a submission: the reward or prize leaves with the rest of its stake in one voucher.
pub(crate) fn accept(state: &mut State, id: JobId, number: u32, effects: &mut Vec<Effect>) {
    let job = state.known_mut(id);
    let scores = there(job.known(number).evaluated.scores(), "what is accepted is evaluated");
    let amount = match job.terms.award {
        Award::Rewards { reward, .. } => reward,
        Award::Prize { prize, .. } => prize,
    };
    let award = job.stake.award.checked_sub(amount);
    job.stake.award = there(award, "an award is paid once");
    job.payouts = job.payouts.saturating_add(1);
    job.accepted.push(number);
    if job.best.is_none_or(|(_, best)| scores.score > best.score) {
        job.best = Some((number, scores));
    }
    finish(state, id, number, Verdict::Accepted(scores), (Share::Reward, amount), effects);
}

/// Refuses a submission: the rest of its stake returns.
pub(crate) fn refuse(
    state: &mut State,
    id: JobId,
    number: u32,
    reason: ModelRefusal,
    effects: &mut Vec<Effect>,
) {
    let job = state.known_mut(id);
    let submission = job.known(number);
    let (client, scores) = (submission.client, submission.evaluated.scores());
    job.clients.remove(&client);
    job.refused.push_back(number);
    job.slots.clear(SlotKey::of(Slot::Submission, number));
    let verdict = Verdict::Refused { scores, reason };
    finish(state, id, number, verdict, (Share::Stake, Amount::ZERO), effects);
}

/// Refuses a submission that did not do its part; its bond is lost.
pub(crate) fn forfeit(
    state: &mut State,
    id: JobId,
    number: u32,
    (reason, offence): (ModelRefusal, Offence),
    effects: &mut Vec<Effect>,
) {
    let sink = state.settings.sink;
    let submission = state.known_mut(id).known_mut(number);
    let account = submission.client;
    let bond = std::mem::take(&mut submission.stake.bond);
    effects.push(Effect::Event(Event::Forfeited { job: id, account, bond, offence }));
    state.pay(id, sink, (Share::Sink, bond), Route::Balance, effects);
    refuse(state, id, number, reason, effects);
}

fn finish(
    state: &mut State,
    id: JobId,
    number: u32,
    verdict: Verdict,
    (share, amount): (Share, Amount),
    effects: &mut Vec<Effect>,
) {
    let now = state.now();
    let job = state.known_mut(id);
    job.expecting.remove(&number);
    job.sealed.remove(&number);
    if let Some(scores) = verdict.scores() {
        job.ranking.remove(&(Reverse(scores.score), number));
    }
    job.whole.remove(&number);
    job.slots.clear(SlotKey::of(Slot::Shown, number));
    // Until the close somebody else can have its place; what is not revealed after it pays miners.
    let is_early = now < job.terms.close && !verdict.is_accepted();
    let submission = job.known_mut(number);
    submission.state = SubmissionState::Decided(verdict);
    submission.evaluated.shrink();
    submission.board.model = None;
    submission.board.evaluated = Evaluated::Waiting;
    submission.answers.results = Vec::new();
    let SubmissionStake { work, bond, buy_in } = submission.stake;
    let buy_in = if is_early { buy_in } else { Amount::ZERO };
    let shown = std::mem::take(&mut submission.board.stake);
    let kept = submission.stake.buy_in.checked_sub(buy_in);
    submission.stake = SubmissionStake { buy_in: kept.unwrap_or_default(), ..Default::default() };
    let (client, digest) = (submission.client, submission.digest());
    let submission = SubmissionId { job: id, index: number };
    let decided = Event::SubmissionDecided { submission, client, model: digest, verdict };
    effects.push(Effect::Event(decided));
    let all = [work, bond, buy_in, shown].into_iter().try_fold(amount, Amount::checked_add);
    let all = there(all, "what a job holds fits the ledger");
    let route = if verdict.is_accepted() { Route::Wallet } else { Route::Balance };
    state.pay(id, client, (share, all), route, effects);
}
