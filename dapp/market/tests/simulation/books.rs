//! Books kept beside the market's own, from deposits and effects alone.

use std::collections::{BTreeMap, BTreeSet};

use market::{
    Address, Amount, Asset, Command, Effect, Event, JobId, Market, Solvency, Terms, U256, Verdict,
};

use super::{Step, pool};

#[derive(Default)]
pub(super) struct Books {
    free: BTreeMap<(Address, Asset), U256>,
    deposited: BTreeMap<Asset, U256>,
    paid_out: BTreeMap<Asset, U256>,
    /// Live jobs: sponsor, terms, escrow.
    jobs: BTreeMap<JobId, (Address, Terms, U256)>,
    paid_clients: BTreeSet<(JobId, Address)>,
    paid_models: BTreeSet<&'static [u8]>,
}

impl Books {
    /// Books a step that was not refused.
    pub(super) fn record(&mut self, step: &Step, effects: &[Effect], place: &str) {
        match step {
            Step::Deposit(account, asset, amount) => {
                assert!(effects.is_empty(), "{place}");
                *self.free.entry((*account, *asset)).or_default() += amount.0;
                *self.deposited.entry(*asset).or_default() += amount.0;
            }
            Step::Command(context, Command::Withdraw { asset, amount }) => {
                let (to, asset, amount) = (context.sender, *asset, *amount);
                assert_eq!(effects, [Effect::Pay { to, asset, amount }], "{place}");
                self.take(to, asset, amount.0, place);
                *self.paid_out.entry(asset).or_default() += amount.0;
            }
            Step::Command(..) => self.record_effects(effects, place),
        }
    }

    /// Rewards are paid for accepted models and nothing else; escrow ends where it came from.
    fn record_effects(&mut self, mut effects: &[Effect], place: &str) {
        while let [effect, rest @ ..] = effects {
            effects = rest;
            match effect {
                Effect::Event(Event::JobOpened { job, sponsor, terms }) => {
                    let escrow = terms.reward.0 * terms.rewards;
                    self.take(*sponsor, terms.asset, escrow, place);
                    self.jobs.insert(*job, (*sponsor, **terms, escrow));
                }
                Effect::Event(Event::ModelJudged {
                    submission,
                    client,
                    model,
                    verdict: Verdict::Accepted(_),
                }) => {
                    let Some(Effect::Pay { to, asset, amount }) = rest.first() else {
                        panic!("accepted and not paid; {place}");
                    };
                    effects = &rest[1..];
                    let (_, terms, escrow) = self.jobs.get_mut(&submission.job).expect(place);
                    assert_eq!((to, *asset, *amount), (client, terms.asset, terms.reward));
                    *escrow -= amount.0;
                    *self.paid_out.entry(*asset).or_default() += amount.0;
                    assert!(self.paid_clients.insert((submission.job, *client)), "{place}");
                    let bytes = pool::bytes_of(*model).expect(place);
                    assert!(self.paid_models.insert(bytes), "bytes paid for twice; {place}");
                }
                Effect::Event(
                    Event::JobCancelled { job, refund: rest, .. }
                    | Event::JobSettled { job, remainder: rest, .. },
                ) => {
                    let (sponsor, terms, escrow) = self.jobs.remove(job).expect(place);
                    assert_eq!(escrow, rest.0, "{place}");
                    *self.free.entry((sponsor, terms.asset)).or_default() += escrow;
                }
                Effect::Pay { .. } => panic!("paid for nothing; {place}"),
                Effect::Record { .. } | Effect::Event(_) => {}
            }
        }
    }

    fn take(&mut self, account: Address, asset: Asset, amount: U256, place: &str) {
        let free = self.free.entry((account, asset)).or_default();
        *free = free.checked_sub(amount).expect(place);
    }

    /// The market's ledger and escrows are these.
    pub(super) fn check(&self, market: &Market, place: &str) {
        let some = self.free.iter().filter(|(_, amount)| !amount.is_zero());
        let free = some.map(|(&(account, asset), &amount)| (account, asset, Amount(amount)));
        assert!(market.ledger().accounts().eq(free), "free balances; {place}");
        let live = market.jobs_from(JobId(0)).filter(|(_, job)| job.is_live());
        let escrows = self.jobs.iter().map(|(&job, (.., escrow))| (job, *escrow));
        assert!(live.map(|(id, job)| (id, job.escrow.0)).eq(escrows), "escrows; {place}");
        let ended = market.jobs_from(JobId(0)).filter(|(_, job)| !job.is_live());
        assert!(ended.into_iter().all(|(_, job)| job.escrow == Amount::ZERO), "{place}");
        for (asset, solvency) in market.ledger().solvency() {
            assert_eq!(solvency, self.solvency(asset), "{place}");
            assert!(solvency.holds(), "{place}");
        }
    }

    fn solvency(&self, asset: Asset) -> Solvency {
        let of = |sums: &BTreeMap<Asset, U256>| sums.get(&asset).copied().unwrap_or_default();
        let free = self.free.iter().filter(|((_, of), _)| *of == asset).map(|(_, amount)| *amount);
        let jobs = self.jobs.values().filter(|(_, terms, _)| terms.asset == asset);
        let sum = |sum: U256, amount| sum + amount;
        Solvency {
            deposited: Amount(of(&self.deposited)),
            paid_out: Amount(of(&self.paid_out)),
            free: Amount(free.fold(U256::zero(), sum)),
            escrowed: Amount(jobs.map(|(.., escrow)| *escrow).fold(U256::zero(), sum)),
        }
    }
}
