//! The settlement: the division of a job's money, from its state alone. Pure functions.

use crate::{
    decision::{Decision, Outcome},
    invariant::there,
    job::Job,
    terms::{Award, Unmet},
    units::Amount,
};

impl Job {
    /// The division of the job's money for this outcome.
    pub fn divide(&self, outcome: Outcome, winner: Option<u32>) -> Decision {
        let revealed = u32::try_from(self.revealed.len()).unwrap_or(u32::MAX);
        let right = self.seats.iter().filter(|seat| seat.offence.is_none()).count();
        let was_judged = matches!(outcome, Outcome::Won | Outcome::NoWinner);
        let right_seats = u32::try_from(right).unwrap_or(u32::MAX);
        let right_seats = if was_judged { right_seats } else { 0 };
        let fees = if right_seats > 0 { self.all_fees() } else { Amount::ZERO };
        let vouches = matches!(self.terms.award, Award::Prize { unmet: Unmet::Share, .. });
        let is_shared = revealed > 0
            && (outcome == Outcome::SponsorFailed || (outcome == Outcome::NoWinner && vouches));
        let has_failed = outcome == Outcome::SponsorFailed
            || (outcome == Outcome::NobodyRevealed && self.hold_out.is_none());
        Decision {
            outcome,
            winner,
            prize: if winner.is_some() { self.stake.award } else { Amount::ZERO },
            shared: if is_shared { self.stake.award } else { Amount::ZERO },
            revealed,
            fees,
            forfeits: self.forfeits,
            right_seats,
            sponsor_loses: if has_failed { self.stake.bond } else { Amount::ZERO },
        }
    }

    /// The pool and all buy-ins.
    fn all_fees(&self) -> Amount {
        let buy_ins = self.submissions.values().map(|submission| submission.stake.buy_in);
        let mut all = buy_ins.chain([self.stake.pool]);
        let sum = all.try_fold(Amount::ZERO, Amount::checked_add);
        there(sum, "what a job holds fits the ledger")
    }
}

/// Part `number` of a sum divided into `count`: rounded down, the first gets the remainder.
///
/// - Panics: if `count` is zero, which is a bug
pub fn part(sum: Amount, count: u32, number: u32) -> Amount {
    let count = primitive_types::U256::from(count);
    let each = there(sum.0.checked_div(count), "somebody shares");
    let rest = sum.0.checked_rem(count).unwrap_or_default();
    Amount(if number == 0 { each.saturating_add(rest) } else { each })
}
