//! The division of a decided job's money: the recipients, and the check that each payment is the
//! next of its kind.

use market::{Address, Amount, Award, Decision, JobId, Outcome, Settings, Share, U256, Unmet};

use super::super::divergence::Checked;
use super::super::divergence::{Divergence, DivergenceKind};
use super::{Escrow, sum};

impl Escrow {
    /// Computes the division that follows from an outcome, and compares it with the reported one.
    pub(super) fn divide(&mut self, id: JobId, told: &Decision) -> Checked {
        let Decision { outcome, winner, .. } = *told;
        let was_judged = matches!(outcome, Outcome::Won | Outcome::NoWinner);
        let count = |all: usize| u32::try_from(all).unwrap_or(u32::MAX);
        let revealed = count(self.submissions.values().filter(|of| of.is_revealed).count());
        let right_seats = if was_judged { count(self.right.len()) } else { 0 };
        let vouches = matches!(self.terms.award, Award::Prize { unmet: Unmet::Share, .. });
        let is_shared = revealed > 0
            && (outcome == Outcome::SponsorFailed || (outcome == Outcome::NoWinner && vouches));
        let loses = outcome == Outcome::SponsorFailed
            || (outcome == Outcome::NobodyRevealed && !self.has_hold_out);
        let fees = self
            .submissions
            .values()
            .try_fold(self.stake.pool, |fees, of| fees.checked_add(of.left.buy_in));
        let only = |amount, is_due| if is_due { amount } else { Amount::ZERO };
        let ours = Decision {
            outcome,
            winner,
            prize: only(self.stake.award, winner.is_some()),
            shared: only(self.stake.award, is_shared),
            revealed,
            fees: only(fees.unwrap_or_default(), right_seats > 0),
            forfeits: self.forfeits,
            right_seats,
            sponsor_loses: only(self.stake.bond, loses),
        };
        self.decision = Some(*told);
        if right_seats > 0 {
            self.stake.pool = Amount::ZERO;
            self.submissions.values_mut().for_each(|of| of.left.buy_in = Amount::ZERO);
        }
        if is_shared {
            self.stake.award = Amount::ZERO;
        }
        if ours == *told {
            return Ok(());
        }
        let wrong = Divergence::new(
            DivergenceKind::Payout,
            format!("job {id} divides its money against its terms"),
        );
        Err(wrong.between(Some(format!("{ours:?}")), Some(format!("{told:?}"))).into())
    }

    /// Whether a payment is the next of its kind; if so, it is no longer owed.
    pub(super) fn is_due(
        &mut self,
        to: Address,
        share: Share,
        amount: Amount,
        settings: &Settings,
    ) -> bool {
        if let Some((whom, what, amounts)) = self.due {
            let is_next = (whom, what) == (to, share) && amounts.contains(&amount);
            if is_next && amount != amounts[0] {
                self.return_buy_in(to);
            }
            if is_next {
                self.due = None;
                return true;
            }
        }
        if share == Share::Stake && self.is_buy_in(to, amount) {
            return true;
        }
        let (Some(decision), None) = (self.decision, self.due) else { return false };
        match share {
            Share::Reward | Share::Stake => false,
            Share::Award => {
                let next = self.submissions.values_mut().find(|of| of.is_revealed);
                let is_whose = next.is_some_and(|next| {
                    next.is_revealed = false;
                    next.client == to
                });
                let number = self.paid[0];
                self.paid[0] += 1;
                is_whose && amount == part(decision.shared, decision.revealed, number)
            }
            Share::Mining => {
                let number = self.paid[1];
                self.paid[1] += 1;
                let parts = [decision.fees, decision.forfeits];
                let [fee, forfeit] = parts.map(|sum| part(sum, decision.right_seats, number));
                self.forfeits = self.forfeits.checked_sub(forfeit).unwrap_or_default();
                let all = sum(fee, forfeit).and_then(|both| sum(both, self.bond()));
                let is_right = self.right.contains(&to) && self.bonds.remove(&to);
                is_right && decision.right_seats > 0 && all == Ok(amount)
            }
            Share::Bond => {
                let is_mining = decision.right_seats > 0 && self.right.contains(&to);
                !is_mining && self.bonds.remove(&to) && amount == self.bond()
            }
            Share::Rent => {
                let left = self.stake.rent.checked_sub(amount);
                self.stake.rent = left.unwrap_or_default();
                to == settings.operator && left.is_some()
            }
            Share::Sink => {
                let lost = self.forfeits.checked_add(decision.sponsor_loses);
                let steep = lost.and_then(|lost| amount.checked_sub(lost));
                let left = steep.and_then(|steep| self.stake.rent.checked_sub(steep));
                to == settings.sink && left.is_some()
            }
            // Everything else is paid out by then.
            Share::Remainder => to == self.sponsor && self.held == Amount::ZERO,
        }
    }

    /// Whether an account's buy-in returns because no miner has earned it.
    fn is_buy_in(&mut self, to: Address, amount: Amount) -> bool {
        let can_return = self.due.is_none() && amount > Amount::ZERO;
        let mut stakes = self.submissions.values_mut();
        let whose = stakes.find(|of| can_return && of.client == to && of.left.buy_in == amount);
        whose.is_some_and(|of| std::mem::take(&mut of.left.buy_in) == amount)
    }

    fn return_buy_in(&mut self, client: Address) {
        let newest = self.submissions.values_mut().rev().find(|of| of.client == client);
        newest.into_iter().for_each(|of| of.left.buy_in = Amount::ZERO);
    }
}

/// Part `number` of a sum divided into `count`: rounded down, the first takes the remainder.
fn part(sum: Amount, count: u32, number: u32) -> Amount {
    let (each, rest) = sum.0.div_mod(U256::from(count.max(1)));
    Amount(if number == 0 { each + rest } else { each })
}
