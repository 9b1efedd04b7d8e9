//! Who gets what, once it is known how a competition ends.
//!
//! Buy-ins pay for evaluation and never go to a winner or the sponsor: to the miners that were
//! right, or back to those who revealed. So nobody gains by filling a competition with accounts of
//! his own, and a sponsor who enters under another name wins its own money at most.

use super::{Competition, CompetitionTerms, Decision, Objection, Outcome, Paying, Phase, Unmet};
use crate::{
    effect::{Effect, Event},
    job::Stage,
    market::Market,
    refusal::ModelRefusal,
    units::{Amount, JobId},
};

/// Ends a competition nobody entered, for this reason or because its sponsor wants to.
pub(crate) fn cancel(market: &mut Market, id: JobId, reason: Option<ModelRefusal>) -> Vec<Effect> {
    let Some(job) = market.competitions.get_mut(&id) else { return Vec::new() };
    job.cancelled_for = reason;
    decide(market, id, Outcome::Cancelled, Vec::new())
}

pub(super) fn decide(
    market: &mut Market,
    id: JobId,
    outcome: Outcome,
    winners: Vec<u32>,
) -> Vec<Effect> {
    let Some(job) = market.competitions.get_mut(&id) else { return Vec::new() };
    job.stage = Stage::Evaluating;
    job.drop_tasks();
    let decision = job.divide(outcome, winners);
    job.decision = Some(decision.clone());
    job.phase = Phase::Paying(Paying::default());
    vec![Effect::Event(Event::Decided { job: id, decision: Box::new(decision) })]
}

/// A sum of what the ledger holds, which fits.
fn plus(a: Amount, b: Amount) -> Amount {
    a.checked_add(b).unwrap_or(Amount(primitive_types::U256::MAX))
}

fn times(amount: Amount, count: usize) -> Amount {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    amount.checked_times(count).unwrap_or(Amount(primitive_types::U256::MAX))
}

impl Competition {
    fn divide(&self, outcome: Outcome, winners: Vec<u32>) -> Decision {
        let terms = &self.terms;
        let revealed = self.revealed();
        let entered = self.entries.len();
        let own = plus(terms.prize, terms.miners_pool);
        let unrevealed = entered.saturating_sub(revealed);
        let lost = times(plus(terms.buy_in, terms.entrant_bond), unrevealed);
        let buy_ins = times(terms.buy_in, revealed);
        let mut decision = Decision {
            outcome,
            winners,
            prize: Amount::ZERO,
            right_miners: 0,
            right_objectors: 0,
            fees: Amount::ZERO,
            forfeits: Amount::ZERO,
            revealed: u32::try_from(revealed).unwrap_or(u32::MAX),
            refunds: Amount::ZERO,
            remainder: Amount::ZERO,
        };
        match outcome {
            Outcome::Cancelled | Outcome::NobodyEntered => decision.remainder = own,
            Outcome::NobodyRevealed if self.hold_out.is_some() => {
                decision.remainder = plus(own, lost);
            }
            Outcome::NobodyRevealed => {
                // Neither side kept its word: each takes its own back.
                decision.revealed = u32::try_from(entered).unwrap_or(u32::MAX);
                (decision.refunds, decision.remainder) = (lost, own);
            }
            Outcome::SponsorFailed => {
                let bonds = times(terms.miner_bond, self.offenders());
                decision.refunds = plus(plus(plus(own, lost), buy_ins), bonds);
            }
            Outcome::NoWinner | Outcome::Won => {
                self.divide_evaluated(&mut decision, lost, buy_ins);
            }
        }
        decision
    }

    /// Divides when models were evaluated. What was lost by entrants, and by miners if nobody was
    /// right, joins the prize; if there is no winner, it is the revealed entrants', so that no
    /// sponsor gains by accepting nothing.
    fn divide_evaluated(&self, decision: &mut Decision, mut lost: Amount, buy_ins: Amount) {
        let Decision { right_miners, right_objectors, fees, forfeits, .. } = decision;
        let CompetitionTerms { prize, miners_pool: pool, miner_bond: bond, .. } = self.terms;
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let offenders = self.offenders();
        *right_miners = count(self.seats.len().saturating_sub(offenders));
        let [right, wrong] = self.objectors();
        *right_objectors = count(right);
        if *right_miners > 0 {
            *fees = plus(pool, buy_ins);
        } else {
            (decision.refunds, decision.remainder) = (buy_ins, pool);
        }
        let lost_bonds = times(bond, offenders.saturating_add(wrong));
        if *right_miners > 0 || *right_objectors > 0 {
            *forfeits = lost_bonds;
        } else {
            lost = plus(lost, lost_bonds);
        }
        match (decision.outcome, self.terms.unmet) {
            (Outcome::Won, _) => decision.prize = plus(prize, lost),
            (_, Unmet::Share) => decision.refunds = plus(decision.refunds, plus(lost, prize)),
            (_, Unmet::Return) => {
                decision.refunds = plus(decision.refunds, lost);
                decision.remainder = plus(decision.remainder, prize);
            }
        }
    }

    /// How many drawn miners lost their bonds.
    fn offenders(&self) -> usize {
        self.seats.iter().filter(|seat| seat.offence.is_some()).count()
    }

    /// How many objectors were right, and how many wrong.
    fn objectors(&self) -> [usize; 2] {
        let models = self.objected.iter().filter_map(|position| self.model(*position));
        let found: Vec<_> = models.filter_map(|model| model.objection(self.seats.len())).collect();
        let right = found.iter().filter(|found| **found == Objection::Right).count();
        [right, found.len().saturating_sub(right)]
    }
}
