//! Independent books, kept from deposits and effects alone.

use std::collections::{BTreeMap, BTreeSet};

use market::{
    Address, Amount, Asset, Command, Effect, Event, JobId, Market, Share, Solvency, Terms, U256,
};

use super::{Step, pool};
use crate::world::{OPERATOR, SINK};

#[derive(Default)]
pub(super) struct Books {
    free: BTreeMap<(Address, Asset), U256>,
    deposited: BTreeMap<Asset, U256>,
    paid_out: BTreeMap<Asset, U256>,
    /// Jobs that have not ended: terms and escrow.
    jobs: BTreeMap<JobId, (Terms, U256)>,
    rewarded: BTreeSet<(JobId, Address)>,
    /// Models paid for by a job, identified across copies.
    originals: BTreeSet<(JobId, String)>,
}

impl Books {
    /// Records a step: its deposit first, then its payments.
    pub(super) fn record(&mut self, step: &Step, effects: &[Effect], place: &str) {
        let mut effects = effects;
        if let Step::Deposit(account, asset, amount, _) = step {
            let (to, asset, amount) = (*account, *asset, *amount);
            let deposited = self.deposited.entry(asset).or_default();
            match deposited.checked_add(amount.0) {
                Some(sum) if pool::ASSETS[..3].contains(&asset) => {
                    *deposited = sum;
                    self.give(to, asset, amount.0);
                }
                _ if amount == Amount::ZERO => {}
                _ => {
                    // An asset that is not kept is sent back.
                    let returned = Event::Returned { account: to, asset, amount };
                    let left = [Effect::Event(returned), Effect::Pay { to, asset, amount }];
                    assert_eq!(effects[..2], left, "{place}");
                    effects = &effects[2..];
                }
            }
        }
        let mut vouchers = effects.iter().filter_map(|effect| match effect {
            Effect::Pay { to, asset, amount } => Some((*to, *asset, *amount)),
            Effect::Event(_) | Effect::Record { .. } => None,
        });
        if let Step::Command(sender, Command::Withdraw { asset, amount }) = step
            && effects.first() == Some(&Effect::Pay { to: *sender, asset: *asset, amount: *amount })
        {
            self.take(*sender, *asset, amount.0, place);
            self.leave(vouchers.next(), (*sender, *asset, *amount), place);
        }
        for effect in effects {
            if let Effect::Event(event) = effect {
                self.record_event(event, &mut vouchers, place);
            }
        }
        assert_eq!(vouchers.next(), None, "paid for nothing; {place}");
    }

    fn record_event(
        &mut self,
        event: &Event,
        vouchers: &mut dyn Iterator<Item = (Address, Asset, Amount)>,
        place: &str,
    ) {
        match event {
            Event::JobOpened { job, sponsor, terms, stake, .. } => {
                self.jobs.insert(*job, (**terms, U256::zero()));
                self.hold(*job, *sponsor, stake.total().unwrap(), place);
            }
            Event::Submitted { job, client, stake, .. } => {
                self.hold(*job, *client, stake.total().unwrap(), place);
            }
            Event::ModelShown { job, client, stake, .. } => {
                self.hold(*job, *client, *stake, place);
            }
            Event::Enlisted { job, miner } => {
                let bond = self.jobs[job].0.miners().expect(place).bond;
                self.hold(*job, *miner, bond, place);
            }
            Event::WorkPaid { job, worker, earned, operator, surcharge, .. } => {
                let asset = self.jobs[job].0.asset;
                self.release(*job, earned.0 + operator.0, place);
                self.give(*worker, asset, earned.0);
                self.give(OPERATOR, asset, operator.0);
                self.take(*worker, asset, surcharge.0, place);
                self.give(SINK, asset, surcharge.0);
            }
            Event::Paid { job, to, share, amount, voucher } => {
                let asset = self.jobs[job].0.asset;
                self.release(*job, amount.0, place);
                if *voucher {
                    self.leave(vouchers.next(), (*to, asset, *amount), place);
                } else {
                    self.give(*to, asset, amount.0);
                }
                let is_first = *share != Share::Reward || self.rewarded.insert((*job, *to));
                assert!(is_first, "rewarded twice; {place}");
            }
            Event::Returned { account, asset, amount } => {
                self.take(*account, *asset, amount.0, place);
                self.leave(vouchers.next(), (*account, *asset, *amount), place);
            }
            Event::SubmissionDecided { job, model, verdict, .. } if verdict.accepted => {
                let likeness = pool::likeness(*model).expect(place);
                assert!(self.originals.insert((*job, likeness)), "paid twice; {place}");
            }
            Event::JobEnded { job, .. } => {
                let (_, escrow) = self.jobs.remove(job).expect(place);
                assert_eq!(escrow, U256::zero(), "left in a job that ended; {place}");
            }
            _ => {}
        }
    }

    fn hold(&mut self, job: JobId, from: Address, amount: Amount, place: &str) {
        let (terms, escrow) = self.jobs.get_mut(&job).expect(place);
        *escrow += amount.0;
        let asset = terms.asset;
        self.take(from, asset, amount.0, place);
    }

    fn release(&mut self, job: JobId, amount: U256, place: &str) {
        let (_, escrow) = self.jobs.get_mut(&job).expect(place);
        *escrow = escrow.checked_sub(amount).expect(place);
    }

    /// Checks that a payment has its voucher.
    fn leave(
        &mut self,
        voucher: Option<(Address, Asset, Amount)>,
        expected: (Address, Asset, Amount),
        place: &str,
    ) {
        assert_eq!(voucher, Some(expected), "{place}");
        *self.paid_out.entry(expected.1).or_default() += expected.2.0;
    }

    fn give(&mut self, account: Address, asset: Asset, amount: U256) {
        *self.free.entry((account, asset)).or_default() += amount;
    }

    fn take(&mut self, account: Address, asset: Asset, amount: U256, place: &str) {
        let free = self.free.entry((account, asset)).or_default();
        *free = free.checked_sub(amount).expect(place);
    }

    /// Checks that the market's ledger and escrows agree with these books.
    pub(super) fn check(&self, market: &Market, place: &str) {
        let some = self.free.iter().filter(|(_, amount)| !amount.is_zero());
        let free = some.map(|(&(account, asset), &amount)| (account, asset, Amount(amount)));
        assert!(market.ledger().accounts().eq(free), "free balances; {place}");
        for (asset, solvency) in market.ledger().solvency() {
            assert_eq!(solvency, self.solvency(asset), "{asset}; {place}");
            assert!(solvency.holds(), "{place}");
        }
        let reserved = self.jobs.values().map(|(terms, _)| terms.reserved_bytes()).sum::<u64>();
        assert_eq!(market.reserved_bytes(), reserved, "{place}");
        assert!(reserved <= market.settings().max_stored_bytes, "{place}");
    }

    fn solvency(&self, asset: Asset) -> Solvency {
        let of = |sums: &BTreeMap<Asset, U256>| sums.get(&asset).copied().unwrap_or_default();
        let free = self.free.iter().filter(|((_, of), _)| *of == asset).map(|(_, amount)| *amount);
        let jobs = self.jobs.values().filter(|(terms, _)| terms.asset == asset);
        let sum = |sum: U256, amount| sum + amount;
        Solvency {
            deposited: Amount(of(&self.deposited)),
            paid_out: Amount(of(&self.paid_out)),
            free: Amount(free.fold(U256::zero(), sum)),
            escrowed: Amount(jobs.map(|(_, escrow)| *escrow).fold(U256::zero(), sum)),
        }
    }
}
