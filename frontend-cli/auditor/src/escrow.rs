//! The money of one job: its stakes, and the check that each payment is covered by them and its
//! terms.

mod division;

use std::collections::{BTreeMap, BTreeSet};

use market::{
    Address, Amount, Award, Command, Decision, JobId, Offence, Settings, Share, Solvency,
    SponsorStake, SubmissionStake, Target, Terms, Timestamp, U256,
};
use serde::{Deserialize, Serialize};
use wire::Notice;

use super::divergence::{Checked, conservation, payout};
use super::divergence::{Divergence, DivergenceKind};

/// The money of a job that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Escrow {
    sponsor: Address,
    pub(super) terms: Box<Terms>,
    /// Total in escrow.
    held: Amount,
    /// The unspent part of the sponsor's stake.
    stake: SponsorStake,
    submissions: BTreeMap<u32, Stake>,
    /// Enlisted miners whose bonds are held.
    bonds: BTreeSet<Address>,
    /// Drawn miners without a fault.
    right: BTreeSet<Address>,
    /// Bonds of seats that were wrong.
    forfeits: Amount,
    has_hold_out: bool,
    decision: Option<Decision>,
    /// Numbers of paid award shares and of paid correct seats.
    paid: [u32; 2],
    /// The payment that must come next: its amount, alone or with the buy-in.
    due: Option<(Address, Share, [Amount; 2])>,
    /// Whether a fault was found: its consequences are accepted as reported.
    is_disputed: bool,
}

/// The unspent part of a submission's stake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stake {
    client: Address,
    /// Its prepayment for work.
    prepaid: Amount,
    left: SubmissionStake,
    shown: Amount,
    is_revealed: bool,
}

/// Location of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// In wallets.
    Outside,
    /// In free balances.
    Free,
    /// In jobs.
    Escrow,
}

impl Side {
    /// Books `amount` as leaving this side of an asset's totals; `None` if they cannot hold it.
    pub(super) fn leave(self, total: &mut Solvency, amount: Amount) -> Option<()> {
        match self {
            Self::Outside => total.deposited = total.deposited.checked_add(amount)?,
            Self::Free => total.free = total.free.checked_sub(amount)?,
            Self::Escrow => total.escrowed = total.escrowed.checked_sub(amount)?,
        }
        Some(())
    }

    /// Books `amount` as arriving; a payment out of the market is counted when its voucher appears.
    pub(super) fn enter(self, total: &mut Solvency, amount: Amount) -> Option<()> {
        match self {
            Self::Outside => {}
            Self::Free => total.free = total.free.checked_add(amount)?,
            Self::Escrow => total.escrowed = total.escrowed.checked_add(amount)?,
        }
        Some(())
    }
}

/// An account's money moving between two sides.
type Move = (Address, [Side; 2], Amount);
const IN: [Side; 2] = [Side::Free, Side::Escrow];
const OUT: [Side; 2] = [Side::Escrow, Side::Free];

impl Escrow {
    pub(super) fn new(sponsor: Address, terms: Box<Terms>) -> Self {
        Self {
            sponsor,
            has_hold_out: !terms.sealing.is_sealed(),
            terms,
            held: Amount::ZERO,
            stake: SponsorStake::default(),
            submissions: BTreeMap::new(),
            bonds: BTreeSet::new(),
            right: BTreeSet::new(),
            forfeits: Amount::ZERO,
            decision: None,
            paid: [0; 2],
            due: None,
            is_disputed: false,
        }
    }

    /// What it holds.
    pub(super) const fn held(&self) -> Amount {
        self.held
    }

    /// Checks a sponsor's stake by the terms. Its rent depends on the market's clock, which is
    /// never ahead of the block's: the paid period is at least what the block leaves.
    pub(super) fn check_stake(
        &self,
        settings: &Settings,
        block_time: Timestamp,
        reserved: u64,
        stake: &SponsorStake,
    ) -> Checked {
        let least = self.terms.sponsor_stake(settings, block_time, reserved);
        let is_right = least.is_ok_and(|least| {
            stake.rent >= least.rent && *stake == SponsorStake { rent: stake.rent, ..least }
        });
        if is_right { Ok(()) } else { payout("a job opens with another stake than its terms ask") }
    }

    /// Checks that nothing is left when the job ends.
    pub(super) fn check_end(&self, id: JobId) -> Checked {
        if self.is_disputed || self.held == Amount::ZERO {
            return Ok(());
        }
        let sentence = format!("job {id} ends with money that nobody gets");
        let wrong = Divergence::new(DivergenceKind::Conservation, sentence);
        Err(wrong.between(Some("0".to_owned()), Some(self.held.to_string())).into())
    }

    /// Applies a notice; returns the moves it implies, and any fault.
    pub(super) fn take(
        &mut self,
        id: JobId,
        notice: &Notice,
        settings: &Settings,
        command: Option<&Command>,
    ) -> (Vec<Move>, Checked) {
        let moves = self.moves(notice, settings);
        for (_, sides, amount) in &moves {
            let held = match sides[1] {
                Side::Escrow => self.held.checked_add(*amount),
                Side::Free | Side::Outside => self.held.checked_sub(*amount),
            };
            match held {
                Some(held) => self.held = held,
                None if self.is_disputed => self.held = Amount::ZERO,
                None => {
                    self.is_disputed = true;
                    return (moves, conservation(format!("job {id} pays more than it holds")));
                }
            }
        }
        let is_payment = matches!(notice, Notice::Paid { .. });
        let on_time = if is_payment { Ok(()) } else { self.check_due(id) };
        let followed = self.follow(id, notice, settings, command);
        let was_disputed = self.is_disputed;
        self.is_disputed |= followed.is_err();
        let followed = if was_disputed { Ok(()) } else { followed };
        (moves, on_time.and(followed))
    }

    /// The moves that a notice implies.
    fn moves(&self, notice: &Notice, settings: &Settings) -> Vec<Move> {
        match notice {
            Notice::JobOpened { sponsor, stake, .. } => {
                vec![(*sponsor, IN, stake.total().unwrap_or_default())]
            }
            Notice::Submitted { client, stake, .. } => {
                vec![(*client, IN, stake.total().unwrap_or_default())]
            }
            Notice::ModelShown { client, stake, .. } => vec![(*client, IN, *stake)],
            Notice::Enlisted { miner, .. } => vec![(*miner, IN, self.bond())],
            Notice::WorkPaid { worker, earned, operator, surcharge, .. } => vec![
                (*worker, OUT, *earned),
                (settings.operator, OUT, *operator),
                (*worker, IN, *surcharge),
                (settings.sink, OUT, *surcharge),
            ],
            Notice::Paid { to, amount, voucher, .. } => {
                let side = if *voucher { Side::Outside } else { Side::Free };
                vec![(*to, [Side::Escrow, side], *amount)]
            }
            _ => Vec::new(),
        }
    }

    /// Checks that no payment is missing: one that is due comes before anything else.
    pub(super) fn check_due(&mut self, id: JobId) -> Checked {
        let Some((to, share, amounts)) = self.due.take() else { return Ok(()) };
        if std::mem::replace(&mut self.is_disputed, true) {
            return Ok(());
        }
        let sentence = format!("job {id} owes {to} a payment ({share}) and does not make it");
        let wrong = Divergence::new(DivergenceKind::Payout, sentence);
        Err(wrong.between(Some(amounts[0].to_string()), None).into())
    }

    fn follow(
        &mut self,
        id: JobId,
        notice: &Notice,
        settings: &Settings,
        command: Option<&Command>,
    ) -> Checked {
        match notice {
            Notice::JobOpened { stake, .. } => self.stake = *stake,
            Notice::Submitted { submission, client, model, stake, .. } => {
                let (client, left, prepaid) = (*client, *stake, stake.work);
                let new = Stake { client, prepaid, left, shown: Amount::ZERO, is_revealed: false };
                self.submissions.insert(*submission, new);
                let asked = self.terms.submission_stake(settings, model.published().size);
                if asked != Ok(*stake) {
                    return payout("a submission stakes another amount than its terms ask");
                }
            }
            Notice::ModelShown { submission, stake, .. } => {
                let asked = self.terms.show_stake(settings);
                self.known(*submission)?.shown = *stake;
                if asked != Ok(*stake) {
                    return payout("a shown model stakes another amount than its terms ask");
                }
            }
            Notice::ShowEvaluated { submission, .. } => {
                let known = self.known(*submission)?;
                let due = (known.client, std::mem::take(&mut known.shown));
                self.owe(due.0, Share::Stake, [due.1; 2]);
            }
            Notice::Enlisted { miner, .. } if !self.bonds.insert(*miner) => {
                return payout(format!("{miner} enlists for job {id} twice"));
            }
            Notice::SeatsDrawn { miners, .. } => self.right = miners.iter().copied().collect(),
            Notice::ModelRevealed { submission, .. } => {
                self.known(*submission)?.is_revealed = true;
            }
            Notice::HoldOutRevealed { .. } => self.has_hold_out = true,
            Notice::ModelEvaluated { submission, .. } => self.repay(*submission)?,
            Notice::SubmissionDecided { submission, verdict, .. } => {
                self.decide(*submission, verdict.accepted)?;
            }
            Notice::WorkPaid { target, worker, earned, operator, surcharge, .. } => {
                self.check_surcharge(*surcharge, settings, command)?;
                self.spend(id, *target, *worker, [*earned, *operator], settings)?;
            }
            Notice::Forfeited { account, bond, offence, .. } => {
                self.forfeit(id, *account, *bond, *offence, settings)?;
            }
            Notice::JobDecided { decision, .. } => self.divide(id, decision)?,
            Notice::Paid { to, share, amount, .. }
                if !self.is_due(*to, *share, *amount, settings) =>
            {
                let sentence = format!("job {id} pays a share ({share}) that is not due");
                let wrong = Divergence::new(DivergenceKind::Payout, sentence);
                return Err(wrong.between(None, Some(format!("{amount} to {to}"))).into());
            }
            _ => {}
        }
        Ok(())
    }

    fn known(&mut self, submission: u32) -> Checked<&mut Stake> {
        match self.submissions.get_mut(&submission) {
            Some(known) => Ok(known),
            None => payout(format!("submission {submission} was never made")),
        }
    }

    fn bond(&self) -> Amount {
        self.terms.miners().map_or(Amount::ZERO, |miners| miners.bond)
    }

    /// A worker pays the surcharge it allowed while the machine lags, and for work nobody prepaid:
    /// at most one input's capacity.
    fn check_surcharge(
        &self,
        surcharge: Amount,
        settings: &Settings,
        command: Option<&Command>,
    ) -> Checked {
        let allowed = match command {
            Some(Command::Evaluate { max_surcharge, .. }) => *max_surcharge,
            _ => Amount::ZERO,
        };
        let input = settings.work_price(self.terms.asset, settings.input_work);
        let most = input.ok().and_then(|input| input.checked_add(allowed));
        if most.is_none_or(|most| surcharge <= most) {
            return Ok(());
        }
        payout("a surcharge is more than its payer has allowed")
    }

    /// Pays for work from the stake prepaid for it: a fixed part to the operator, the rest to the
    /// worker.
    fn spend(
        &mut self,
        id: JobId,
        target: Target,
        worker: Address,
        [earned, operator]: [Amount; 2],
        settings: &Settings,
    ) -> Checked {
        let sponsor = self.sponsor;
        let (owner, pot) = match target {
            Target::Base | Target::BaseOnHoldOut => (sponsor, &mut self.stake.work),
            Target::Submission(number) => {
                let known = self.known(number)?;
                (known.client, &mut known.left.work)
            }
            Target::Shown(number) => {
                let known = self.known(number)?;
                (known.client, &mut known.shown)
            }
        };
        let price = sum(earned, operator)?;
        let left = pot.checked_sub(price);
        *pot = left.unwrap_or_default();
        let part = price.scaled_down(settings.operator_ppm.into(), U256::from(1_000_000));
        // Whoever does its own work keeps its part in the stake, and comparisons earn nothing.
        let is_divided = earned == Amount::ZERO || (worker != owner && part == Some(operator));
        if left.is_some() && is_divided {
            return Ok(());
        }
        payout(format!("job {id} pays more for work than its stake, or divides it otherwise"))
    }

    /// Repays the work that proved seats wrong from their bonds.
    fn repay(&mut self, submission: u32) -> Checked {
        let forfeits = self.forfeits;
        let known = self.known(submission)?;
        let used = known.prepaid.checked_sub(known.left.work).unwrap_or_default();
        let repaid = used.min(forfeits);
        known.left.work = sum(known.left.work, repaid)?;
        self.forfeits = forfeits.checked_sub(repaid).unwrap_or_default();
        Ok(())
    }

    /// Decides a submission: the rest of its stake returns, with any reward. The buy-in returns
    /// unless miners have started on it.
    fn decide(&mut self, submission: u32, is_accepted: bool) -> Checked {
        let award = match self.terms.award {
            _ if !is_accepted => Amount::ZERO,
            Award::Rewards { reward, .. } => reward,
            Award::Prize { prize, .. } => prize,
        };
        let Some(left) = self.stake.award.checked_sub(award) else {
            return payout("a reward is paid that is not left");
        };
        self.stake.award = left;
        let known = self.known(submission)?;
        let SubmissionStake { work, bond, buy_in } = known.left;
        let client = known.client;
        known.left = SubmissionStake { buy_in, ..SubmissionStake::default() };
        let stake = sum(sum(work, bond)?, std::mem::take(&mut known.shown))?;
        let amount = sum(stake, award)?;
        let early = if is_accepted { amount } else { sum(amount, buy_in)? };
        let share = if is_accepted { Share::Reward } else { Share::Stake };
        let is_over = !is_accepted && !known.is_revealed && buy_in == Amount::ZERO;
        if is_over {
            self.submissions.remove(&submission);
        }
        self.owe(client, share, [amount, early]);
        Ok(())
    }

    fn owe(&mut self, to: Address, share: Share, amounts: [Amount; 2]) {
        self.due = (amounts[0] > Amount::ZERO).then_some((to, share, amounts));
    }

    fn forfeit(
        &mut self,
        id: JobId,
        account: Address,
        bond: Amount,
        offence: Offence,
        settings: &Settings,
    ) -> Checked {
        let is_sponsor = account == self.sponsor;
        let held = match offence {
            Offence::Silent | Offence::Wrong => {
                let is_right = self.right.remove(&account) && self.bonds.remove(&account);
                is_right.then_some(self.bond())
            }
            Offence::NotRevealed if is_sponsor => {
                return match self.decision {
                    Some(decision) if decision.sponsor_loses == bond => Ok(()),
                    _ => payout(format!("job {id} takes a bond of its sponsor that is not lost")),
                };
            }
            Offence::NotDelivered | Offence::NotRevealed => {
                let newest = self.submissions.values_mut().rev();
                let of_account = newest.into_iter().find(|stake| stake.client == account);
                of_account.map(|stake| std::mem::take(&mut stake.left.bond))
            }
        };
        if held != Some(bond) {
            return payout(format!("{account} loses a bond of job {id} that it has not"));
        }
        if offence == Offence::Wrong {
            self.forfeits = sum(self.forfeits, bond)?;
        } else {
            self.owe(settings.sink, Share::Sink, [bond; 2]);
        }
        Ok(())
    }
}

fn sum(one: Amount, other: Amount) -> Checked<Amount> {
    match one.checked_add(other) {
        Some(sum) => Ok(sum),
        None => conservation("amounts that no asset has"),
    }
}
