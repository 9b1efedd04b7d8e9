//! Paying what was decided, one after the other, and the end of a job.

use crate::{
    decide,
    decision::{Decision, Outcome, Paying},
    effect::{Effect, Event, Share},
    invariant::there,
    job::Job,
    refusal::ModelRefusal,
    rent::Rent,
    seat::Offence,
    settlement::part,
    stage::Stage,
    state::{Route, State},
    terms::SponsorStake,
    units::{Amount, JobId, Timestamp},
};

/// Decides how a job ends; payments follow.
pub(crate) fn decide(
    state: &mut State,
    id: JobId,
    (outcome, winner): (Outcome, Option<u32>),
    effects: &mut Vec<Effect>,
) {
    let job = state.known_mut(id);
    let decision = job.divide(outcome, winner);
    job.stage = Stage::Evaluating;
    if decision.right_seats > 0 {
        job.stake.pool = Amount::ZERO;
        for submission in job.submissions.values_mut() {
            submission.to_mut().stake.buy_in = Amount::ZERO;
        }
    }
    if decision.shared > Amount::ZERO {
        job.stake.award = Amount::ZERO;
    }
    let Decision { fees, shared, .. } = decision;
    job.paying = Paying { fees, shared, ..Paying::default() };
    job.decision = Some(decision);
    effects.push(Effect::Event(Event::JobDecided { job: id, decision: Box::new(decision) }));
}

/// Pays the next who is to be paid; the job ends when nobody is left.
pub(crate) fn pay_next(state: &mut State, id: JobId, effects: &mut Vec<Effect>) {
    let job = state.known(id);
    let decision = there(job.decision, "payments follow a decision");
    let submission = job.submissions.range(job.paying.submission..).next().map(|(next, _)| *next);
    if let Some(number) = submission {
        state.known_mut(id).paying.submission = number.saturating_add(1);
        return pay_submission(state, id, number, &decision, effects);
    }
    let index = job.paying.miner;
    if let Some(miner) = job.enlisted.get(index).copied() {
        state.known_mut(id).paying.miner = index.saturating_add(1);
        let seat = state.known(id).seat_of(miner);
        return match seat {
            Some(seat) => pay_seat(state, id, seat, &decision, effects),
            None => {
                let bond = state.known(id).miner_bond();
                state.pay(id, miner, (Share::Bond, bond), Route::Balance, effects);
            }
        };
    }
    end(state, id, &decision, effects);
}

/// A submission gets what it is due beside its stake, and its verdict if it has none.
fn pay_submission(
    state: &mut State,
    id: JobId,
    number: u32,
    decision: &Decision,
    effects: &mut Vec<Effect>,
) {
    if state.known(id).known(number).verdict().is_none() {
        match (decision.winner, decision.outcome) {
            (Some(winner), _) if winner == number => decide::accept(state, id, number, effects),
            (Some(winner), _) => {
                decide::refuse(state, id, number, ModelRefusal::Outranked { winner }, effects);
            }
            (None, Outcome::Won) => {
                let rewards = state.known(id).payouts;
                decide::refuse(state, id, number, ModelRefusal::NoRewardLeft { rewards }, effects);
            }
            (None, _) => decide::refuse(state, id, number, ModelRefusal::JobEnded {}, effects),
        }
    }
    let job = state.known_mut(id);
    let submission = job.known_mut(number);
    let (client, is_revealed) = (submission.client, submission.position.is_some());
    let buy_in = std::mem::take(&mut submission.stake.buy_in);
    let mut amount = Amount::ZERO;
    if is_revealed && decision.shared > Amount::ZERO {
        amount = part(decision.shared, decision.revealed, job.paying.revealed);
        job.paying.revealed = job.paying.revealed.saturating_add(1);
        job.paying.shared = less(job.paying.shared, amount);
    }
    state.pay(id, client, (Share::Award, amount), Route::Wallet, effects);
    state.pay(id, client, (Share::Stake, buy_in), Route::Balance, effects);
}

/// A right seat has a part of the fees and forfeits, and its bond.
fn pay_seat(
    state: &mut State,
    id: JobId,
    seat: usize,
    decision: &Decision,
    effects: &mut Vec<Effect>,
) {
    let job = state.known_mut(id);
    let bond = job.miner_bond();
    let seat = there(job.seats.get(seat), "a drawn miner has a seat");
    let (miner, offence) = (seat.miner, seat.offence);
    match offence {
        Some(_) => {}
        None if decision.right_seats == 0 => {
            state.pay(id, miner, (Share::Bond, bond), Route::Balance, effects);
        }
        None => {
            let number = job.paying.seats;
            job.paying.seats = number.saturating_add(1);
            let fee = part(decision.fees, decision.right_seats, number);
            let forfeit = part(decision.forfeits, decision.right_seats, number);
            job.paying.fees = less(job.paying.fees, fee);
            job.forfeits = less(job.forfeits, forfeit);
            let all = [forfeit, bond].into_iter().try_fold(fee, Amount::checked_add);
            let all = there(all, "what a job holds fits the ledger");
            state.pay(id, miner, (Share::Mining, all), Route::Wallet, effects);
        }
    }
}

fn less(sum: Amount, part: Amount) -> Amount {
    there(sum.checked_sub(part), "parts are no more than the whole")
}

/// All are paid; the rest is the sponsor's, but for the rent of the time that passed and what it
/// has lost.
fn end(state: &mut State, id: JobId, decision: &Decision, effects: &mut Vec<Effect>) {
    let (now, operator, sink) = (state.now(), state.settings.operator, state.settings.sink);
    let least_seconds = state.settings.windows.delivery_seconds;
    let job = state.known_mut(id);
    let sponsor = job.sponsor;
    let rent = job.used_rent(now, least_seconds);
    let steep = less(rent.all, rent.floor);
    let forfeits = std::mem::take(&mut job.forfeits);
    let SponsorStake { award, pool, bond, work, rent: held } = std::mem::take(&mut job.stake);
    let rest = [award, pool, less(bond, decision.sponsor_loses), work, less(held, rent.all)];
    let rest = rest.into_iter().try_fold(Amount::ZERO, Amount::checked_add);
    let rest = there(rest, "what a job holds fits the ledger");
    if decision.sponsor_loses > Amount::ZERO {
        let (bond, offence) = (decision.sponsor_loses, Offence::NotRevealed);
        let lost = Event::Forfeited { job: id, account: sponsor, bond, offence };
        effects.push(Effect::Event(lost));
    }
    let lost = [steep, forfeits].into_iter().try_fold(decision.sponsor_loses, Amount::checked_add);
    let lost = there(lost, "what a job holds fits the ledger");
    state.pay(id, operator, (Share::Rent, rent.floor), Route::Balance, effects);
    state.pay(id, sink, (Share::Sink, lost), Route::Balance, effects);
    state.pay(id, sponsor, (Share::Remainder, rest), Route::Balance, effects);
    close(state, id, decision, effects);
}

fn close(state: &mut State, id: JobId, decision: &Decision, effects: &mut Vec<Effect>) {
    let job = state.known_mut(id);
    let is_cancelled = decision.outcome == Outcome::Cancelled;
    job.stage = if is_cancelled { Stage::Cancelled } else { Stage::Settled };
    job.shrink();
    let (payouts, reason) = (job.payouts, job.cancelled_for);
    let winner = job.best.map(|(winner, _)| winner);
    effects.push(Effect::Event(Event::JobEnded { job: id, payouts, winner, reason }));
    effects.extend(record(state.known(id), id));
    let bytes = state.known(id).rent.bytes;
    state.reserved = there(state.reserved.checked_sub(bytes), "a job's bytes are reserved once");
    state.retire(id);
}

/// What the registry is told of the winner.
fn record(job: &Job, id: JobId) -> Option<Effect> {
    let (winner, scores) = job.best?;
    let (sponsor, hold_out) = (job.sponsor, job.hold_out?);
    Some(Effect::Record { job: id, sponsor, model: job.known(winner).model?, scores, hold_out })
}

impl Job {
    /// The rent of the time since the job opened, or of the shortest that is charged: rounded up,
    /// the floor's part down.
    fn used_rent(&self, now: Timestamp, least_seconds: u64) -> Rent {
        let all = self.last_date.0.saturating_sub(self.opened.0).max(1);
        let used = now.0.saturating_sub(self.opened.0).max(least_seconds).min(all);
        let Rent { all: price, floor } = self.rent.rent;
        let price = price.scaled_up(used.into(), all.into());
        let floor = floor.scaled_down(used.into(), all.into());
        Rent { all: there(price, "a rent that fits"), floor: there(floor, "a rent that fits") }
    }
}
