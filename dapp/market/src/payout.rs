//! Payment of what was decided, one recipient after the other, and the end of a job.

use crate::{
    decide,
    decision::{Decision, Outcome, Paying},
    effect::{Effect, Event, Share},
    input::{Input, Route},
    invariant::{less, sum, there},
    job::Job,
    refusal::ModelRefusal,
    seat::Offence,
    settlement::part,
    stage::Stage,
    terms::SponsorStake,
    units::{Amount, JobId},
};

/// Decides how a job ends; payments follow.
pub(crate) fn decide(input: &mut Input<'_>, outcome: Outcome, winner: Option<u32>) {
    let id = input.id;
    let job = input.job_mut();
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
    input.emit(Event::JobDecided { job: id, decision: Box::new(decision) });
}

/// Decides that a job ends before anyone submitted; without a reason if its sponsor cancels it.
pub(crate) fn cancel(input: &mut Input<'_>, reason: Option<ModelRefusal>) {
    input.job_mut().cancelled_for = reason;
    decide(input, Outcome::Cancelled, None);
}

/// Pays everybody at once: they are few, as nobody has submitted.
pub(crate) fn pay_all(input: &mut Input<'_>) {
    while input.job().stage.is_live() {
        pay_next(input);
    }
}

/// Pays the next recipient; the job ends when none is left.
pub(crate) fn pay_next(input: &mut Input<'_>) {
    let job = input.job_mut();
    let decision = there(job.decision, "payments follow a decision");
    let submission = job.submissions.range(job.paying.submission..).next().map(|(next, _)| *next);
    if let Some(number) = submission {
        job.paying.submission = number.saturating_add(1);
        return pay_submission(input, number, &decision);
    }
    let index = job.paying.miner;
    if let Some(miner) = job.enlisted.get(index).copied() {
        job.paying.miner = index.saturating_add(1);
        let bond = job.miner_bond();
        return match job.seat_of(miner) {
            Some(seat) => pay_seat(input, seat, &decision),
            None => input.pay(miner, Share::Bond, bond, Route::Balance),
        };
    }
    end(input, &decision);
}

/// Pays a submission its dues besides its stake, and gives it a verdict if it has none.
fn pay_submission(input: &mut Input<'_>, number: u32, decision: &Decision) {
    if input.submission(number).verdict().is_none() {
        let rewards = input.job().payouts;
        match (decision.winner, decision.outcome) {
            (Some(winner), _) if winner == number => decide::accept(input, number),
            (Some(winner), _) => decide::refuse(input, number, ModelRefusal::Outranked { winner }),
            (None, Outcome::Won) => {
                decide::refuse(input, number, ModelRefusal::NoRewardLeft { rewards });
            }
            (None, _) => decide::refuse(input, number, ModelRefusal::JobEnded {}),
        }
    }
    let job = input.job_mut();
    let submission = job.known_mut(number);
    let (client, is_revealed) = (submission.client, submission.position.is_some());
    let buy_in = std::mem::take(&mut submission.stake.buy_in);
    let mut amount = Amount::ZERO;
    if is_revealed && decision.shared > Amount::ZERO {
        amount = part(decision.shared, decision.revealed, job.paying.revealed);
        job.paying.revealed = job.paying.revealed.saturating_add(1);
        job.paying.shared = less(job.paying.shared, amount);
    }
    input.pay(client, Share::Award, amount, Route::Wallet);
    input.pay(client, Share::Stake, buy_in, Route::Balance);
}

/// Pays a right seat its part of the fees and forfeits, and its bond.
fn pay_seat(input: &mut Input<'_>, seat: usize, decision: &Decision) {
    let job = input.job_mut();
    let bond = job.miner_bond();
    let seat = there(job.seats.get(seat), "a drawn miner has a seat");
    let miner = seat.miner;
    if seat.offence.is_some() {
        return;
    }
    if decision.right_seats == 0 {
        return input.pay(miner, Share::Bond, bond, Route::Balance);
    }
    let number = job.paying.seats;
    job.paying.seats = number.saturating_add(1);
    let fee = part(decision.fees, decision.right_seats, number);
    let forfeit = part(decision.forfeits, decision.right_seats, number);
    job.paying.fees = less(job.paying.fees, fee);
    job.forfeits = less(job.forfeits, forfeit);
    input.pay(miner, Share::Mining, sum([fee, forfeit, bond]), Route::Wallet);
}

/// Ends a job after all payments; the sponsor gets the rest, less its losses and the rent of the
/// elapsed time.
fn end(input: &mut Input<'_>, decision: &Decision) {
    let (id, now, settings) = (input.id, input.now(), &input.state.settings);
    let (operator, sink) = (settings.operator, settings.sink);
    let least_seconds = settings.windows.delivery_seconds;
    let job = input.job_mut();
    let sponsor = job.sponsor;
    let rent = job.rent.rent.used((job.opened, job.last_date), now, least_seconds);
    let rent = there(rent, "a rent that fits");
    let forfeits = std::mem::take(&mut job.forfeits);
    let SponsorStake { award, pool, bond, work, rent: held } = std::mem::take(&mut job.stake);
    let loss = decision.sponsor_loses;
    if loss > Amount::ZERO {
        let offence = Offence::NotRevealed;
        input.emit(Event::Forfeited { job: id, account: sponsor, bond: loss, offence });
    }
    let lost = sum([loss, less(rent.all, rent.floor), forfeits]);
    let rest = sum([award, pool, less(bond, loss), work, less(held, rent.all)]);
    input.pay(operator, Share::Rent, rent.floor, Route::Balance);
    input.pay(sink, Share::Sink, lost, Route::Balance);
    input.pay(sponsor, Share::Remainder, rest, Route::Balance);
    close(input, decision);
}

fn close(input: &mut Input<'_>, decision: &Decision) {
    let id = input.id;
    let job = input.job_mut();
    let is_cancelled = decision.outcome == Outcome::Cancelled;
    job.stage = if is_cancelled { Stage::Cancelled } else { Stage::Settled };
    job.shrink();
    let (payouts, reason, bytes) = (job.payouts, job.cancelled_for, job.rent.bytes);
    let winner = job.best.map(|(winner, _)| winner);
    let record = record(job, id);
    input.emit(Event::JobEnded { job: id, payouts, winner, reason });
    input.effects.extend(record);
    let reserved = input.state.reserved.checked_sub(bytes);
    input.state.reserved = there(reserved, "a job's bytes are reserved once");
    input.state.retire(id);
}

/// The registry's record of the winner.
fn record(job: &Job, id: JobId) -> Option<Effect> {
    let (winner, scores) = job.best?;
    let (sponsor, hold_out) = (job.sponsor, job.hold_out?);
    Some(Effect::Record { job: id, sponsor, model: job.known(winner).model?, scores, hold_out })
}
