//! Paying what was decided, one after the other: prizes, fees and shares as vouchers, bonds to free
//! balances. What a competition kept is cleared away on the same way.

use super::{Competition, Decision, EntryState, Objection, Outcome, Phase, Share};
use crate::{
    effect::{Effect, Event},
    job::Stage,
    ledger::{Kind, Ledger},
    market::Market,
    shelf::Purpose,
    units::{Address, Amount, JobId, SubmissionId},
};

/// How far payments have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Paying {
    payees: Payees,
    /// The next of them.
    next: usize,
    /// How many were paid of the fees, of the forfeits, and of the refunds.
    paid: [u32; 3],
}

/// Who is paid, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Payees {
    #[default]
    Winners,
    Miners,
    Objectors,
    Entrants,
    Shows,
    Undrawn,
    Sponsor,
}

/// Pays, or clears away, the next.
pub(super) fn pay_next(market: &mut Market, id: JobId) -> Vec<Effect> {
    let Some(job) = market.competitions.get_mut(&id) else { return Vec::new() };
    let (&Phase::Paying(paying), Some(decision)) = (&job.phase, job.decision.clone()) else {
        return Vec::new();
    };
    let (count, then) = match paying.payees {
        Payees::Winners => (decision.winners.len(), Payees::Miners),
        Payees::Miners => (job.seats.len(), Payees::Objectors),
        Payees::Objectors => (job.objected.len(), Payees::Entrants),
        Payees::Entrants => (job.entries.len(), Payees::Shows),
        Payees::Shows => (job.shows.len(), Payees::Undrawn),
        Payees::Undrawn => (job.enlisted.len().saturating_sub(job.returned), Payees::Sponsor),
        Payees::Sponsor => return end(market, id, &decision),
    };
    if paying.next >= count {
        job.phase = Phase::Paying(Paying { payees: then, next: 0, ..paying });
        return Vec::new();
    }
    let next = paying.next.saturating_add(usize::from(paying.payees != Payees::Undrawn));
    let mut paying = Paying { next, ..paying };
    let effects = match paying.payees {
        Payees::Winners => pay_winner(market, id, &decision, next),
        Payees::Miners => pay_miner(market, id, &decision, next, &mut paying),
        Payees::Objectors => pay_objector(market, id, &decision, next, &mut paying),
        Payees::Entrants => pay_entrant(market, id, &decision, next, &mut paying),
        Payees::Undrawn => return_bond(market, id),
        Payees::Shows => {
            forget_show(market, id, next);
            Vec::new()
        }
        Payees::Sponsor => Vec::new(),
    };
    if let Some(job) = market.competitions.get_mut(&id) {
        job.phase = Phase::Paying(paying);
    }
    effects
}

/// Part `number` of a sum divided into `count`: rounded down, the first takes what is left over.
fn part(sum: Amount, count: u32, number: u32) -> Amount {
    let whole = sum.0;
    let count = primitive_types::U256::from(count);
    let each = whole.checked_div(count).unwrap_or_default();
    let rest = whole.checked_rem(count).unwrap_or_default();
    Amount(if number == 0 { each.saturating_add(rest) } else { each })
}

fn pay_winner(market: &mut Market, id: JobId, decision: &Decision, place: usize) -> Vec<Effect> {
    let Market { competitions, ledger, .. } = market;
    let Some(job) = competitions.get_mut(&id) else { return Vec::new() };
    let number = place.saturating_sub(1);
    let winner = decision.winners.get(number).and_then(|entry| job.entry(*entry));
    let Some(to) = winner.map(|entry| entry.entrant) else { return Vec::new() };
    let count = u32::try_from(decision.winners.len()).unwrap_or(u32::MAX);
    let prize = part(decision.prize, count, u32::try_from(number).unwrap_or(u32::MAX));
    job.pay(ledger, id, to, (Share::Prize, prize), Amount::ZERO)
}

/// A miner that was right has a part of the fees and of the forfeits, and its bond.
fn pay_miner(
    market: &mut Market,
    id: JobId,
    decision: &Decision,
    place: usize,
    paying: &mut Paying,
) -> Vec<Effect> {
    let Market { competitions, ledger, .. } = market;
    let Some(job) = competitions.get_mut(&id) else { return Vec::new() };
    let Some(seat) = job.seats.get(place.saturating_sub(1)) else { return Vec::new() };
    let (miner, bond) = (seat.miner, job.terms.miner_bond);
    if seat.offence.is_some() {
        return Vec::new();
    }
    if decision.right_miners == 0 {
        return job.pay(ledger, id, miner, (Share::Bond, Amount::ZERO), bond);
    }
    let fee = part(decision.fees, decision.right_miners, paying.paid[0]);
    let work = fee.checked_add(paying.forfeits(decision)).unwrap_or(fee);
    paying.paid[0] = paying.paid[0].saturating_add(1);
    job.pay(ledger, id, miner, (Share::Work, work), bond)
}

/// An objector that was right has a part of the forfeits, and its bond.
fn pay_objector(
    market: &mut Market,
    id: JobId,
    decision: &Decision,
    place: usize,
    paying: &mut Paying,
) -> Vec<Effect> {
    let Market { competitions, ledger, .. } = market;
    let Some(job) = competitions.get_mut(&id) else { return Vec::new() };
    let position = job.objected.get(place.saturating_sub(1)).copied();
    let Some(model) = position.and_then(|position| job.model(position)) else { return Vec::new() };
    let (objector, bond) = (model.objector, job.terms.miner_bond);
    let Some(to) = objector else { return Vec::new() };
    match model.objection(job.seats.len()) {
        Some(Objection::Right) if decision.right_objectors > 0 => {
            let work = paying.forfeits(decision);
            job.pay(ledger, id, to, (Share::Work, work), bond)
        }
        Some(Objection::Wrong) if matches!(decision.outcome, Outcome::Won | Outcome::NoWinner) => {
            Vec::new()
        }
        _ => job.pay(ledger, id, to, (Share::Bond, Amount::ZERO), bond),
    }
}

/// An entrant gets its part of the refunds; what is left of its model is cleared away.
fn pay_entrant(
    market: &mut Market,
    id: JobId,
    decision: &Decision,
    place: usize,
    paying: &mut Paying,
) -> Vec<Effect> {
    let Market { competitions, ledger, shelf, .. } = market;
    let Some(job) = competitions.get_mut(&id) else { return Vec::new() };
    let number = u32::try_from(place.saturating_sub(1)).unwrap_or(u32::MAX);
    let Some(&entry) = job.entry(number) else { return Vec::new() };
    let index = SubmissionId { job: id, index: number };
    let is_revealed = match entry.state {
        EntryState::Expecting => {
            shelf.forget(entry.entrant, entry.model.ciphertext.digest);
            false
        }
        EntryState::Sealed => {
            shelf.remove(Purpose::Sealed(index));
            false
        }
        EntryState::Revealed { .. } => {
            shelf.remove(Purpose::Model(index));
            if let Some(model) = job.position_of(number).and_then(|at| job.model_mut(at)) {
                shelf.drop_kept(model.forget_results());
            }
            true
        }
    };
    let all_share = decision.outcome == Outcome::NobodyRevealed;
    if decision.refunds == Amount::ZERO || !(is_revealed || all_share) {
        return Vec::new();
    }
    let refund = part(decision.refunds, decision.revealed, paying.paid[2]);
    paying.paid[2] = paying.paid[2].saturating_add(1);
    job.pay(ledger, id, entry.entrant, (Share::Entrant, refund), Amount::ZERO)
}

/// Clears away a shown model that nobody evaluated.
fn forget_show(market: &mut Market, id: JobId, place: usize) {
    let Market { competitions, shelf, .. } = market;
    let Some(job) = competitions.get_mut(&id) else { return };
    let index = u32::try_from(place.saturating_sub(1)).unwrap_or(u32::MAX);
    let Some(show) = job.show(index).copied() else { return };
    let show_id = SubmissionId { job: id, index };
    shelf.remove(Purpose::Shown(show_id));
    if let Some(entry) = job.entry(show.entry) {
        shelf.forget_for(entry.entrant, show.model.digest, Purpose::Shown(show_id));
    }
}

/// Returns the bond of the next miner that was enlisted for this competition and not drawn.
pub(super) fn return_bond(market: &mut Market, id: JobId) -> Vec<Effect> {
    let Market { competitions, ledger, .. } = market;
    let Some(job) = competitions.get_mut(&id) else { return Vec::new() };
    let miner = job.enlisted.get(job.returned).copied();
    job.returned = job.returned.saturating_add(1);
    let bond = job.terms.miner_bond;
    match miner.filter(|miner| !job.seat_of.contains_key(miner)) {
        Some(miner) => job.pay(ledger, id, miner, (Share::Bond, Amount::ZERO), bond),
        None => Vec::new(),
    }
}

/// All are paid; the rest is the sponsor's.
fn end(market: &mut Market, id: JobId, decision: &Decision) -> Vec<Effect> {
    let Market { competitions, ledger, shelf, .. } = market;
    let Some(job) = competitions.get_mut(&id) else { return Vec::new() };
    if let Some(base) = job.models.first_mut().filter(|model| model.entry.is_none()) {
        shelf.drop_kept(base.forget_results());
    }
    let asset = job.terms.asset;
    let Ok(rest) = ledger.prepare(Kind::Release, job.sponsor, asset, job.escrow) else {
        return Vec::new();
    };
    ledger.post(rest);
    let remainder = std::mem::replace(&mut job.escrow, Amount::ZERO);
    for (blob, held) in job.shelf_blobs().into_iter().zip(job.has_blobs) {
        if held {
            shelf.release(blob);
        } else {
            shelf.forget(job.sponsor, blob.digest);
        }
    }
    let is_cancelled = decision.outcome == Outcome::Cancelled;
    job.stage = if is_cancelled { Stage::Cancelled } else { Stage::Settled };
    job.phase = Phase::Waiting;
    if is_cancelled {
        let reason = job.cancelled_for;
        return vec![Effect::Event(Event::JobCancelled { job: id, refund: remainder, reason })];
    }
    let winner = decision.winners.first().map(|index| SubmissionId { job: id, index: *index });
    let payouts = u32::try_from(decision.winners.len()).unwrap_or(u32::MAX);
    let settled = Event::JobSettled { job: id, payouts, winner, remainder };
    [Effect::Event(settled)].into_iter().chain(record(job, id, winner)).collect()
}

/// What the registry is told of the winner.
fn record(job: &Competition, id: JobId, winner: Option<SubmissionId>) -> Option<Effect> {
    let model = job.model(job.position_of(winner?.index)?)?;
    let (sponsor, hold_out) = (job.sponsor, job.hold_out?);
    let marks = model.finding?.attestation.marks()?;
    Some(Effect::Record { job: id, sponsor, model: model.model, marks, hold_out })
}

impl Paying {
    /// The next part of the forfeits.
    fn forfeits(&mut self, decision: &Decision) -> Amount {
        let count = decision.right_miners.saturating_add(decision.right_objectors);
        let amount = part(decision.forfeits, count, self.paid[1]);
        self.paid[1] = self.paid[1].saturating_add(1);
        amount
    }
}

impl Competition {
    /// Pays out of what it holds: an amount as a voucher, a bond to the free balance.
    pub(super) fn pay(
        &mut self,
        ledger: &mut Ledger,
        id: JobId,
        to: Address,
        (share, amount): (Share, Amount),
        bond: Amount,
    ) -> Vec<Effect> {
        let asset = self.terms.asset;
        let mut effects = Vec::new();
        for (kind, sum) in [(Kind::Payout, amount), (Kind::Release, bond)] {
            // The competition holds it: the ledger counted it in.
            let Ok(payment) = ledger.prepare(kind, to, asset, sum) else { continue };
            let Some(escrow) = self.escrow.checked_sub(sum) else { continue };
            ledger.post(payment);
            self.escrow = escrow;
        }
        effects.push(Effect::Event(Event::Paid { job: id, to, share, amount, bond }));
        if amount > Amount::ZERO {
            effects.push(Effect::Pay { to, asset, amount });
        }
        effects
    }
}
