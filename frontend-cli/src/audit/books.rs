//! The auditor's own books: what everybody has and what is in escrow, kept from deposits, notices
//! and vouchers alone, by the rules of a bounty and not by the market's code.
//!
//! Each payment must follow from something: a reward from its job's terms, a withdrawal from its
//! sender's command and free balance. Another kind of job adds what its notices owe to
//! [`Books::notice`]; a payment that nothing owes is a divergence.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use market::{Address, Amount, Asset, Command, JobId, Solvency, Terms};
use serde::{Deserialize, Serialize};
use wire::{Credit, Notice};

use super::divergence::{Divergence, Kind};
use super::told::{Saying, Told};
use crate::payment::Payment;

/// Everybody's money.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Books {
    /// Where settled jobs are recorded on Ethereum.
    registry: Address,
    free: BTreeMap<(Address, Asset), Amount>,
    jobs: BTreeMap<JobId, JobBook>,
    totals: BTreeMap<Asset, Solvency>,
}

/// The money of a job that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct JobBook {
    sponsor: Address,
    asset: Asset,
    reward: Amount,
    rewards_left: u32,
    escrow: Amount,
    /// Clients that were paid.
    paid: BTreeSet<Address>,
}

/// What an input still owes.
struct Owed {
    rewards: VecDeque<(JobId, Payment)>,
    withdrawal: Option<Payment>,
    /// A job that was settled with a winner, whom the registry is told of.
    record: bool,
}

type Checked<T> = Result<T, Box<Divergence>>;

impl Books {
    pub(super) fn new(registry: Address) -> Self {
        Self { registry, ..Self::default() }
    }

    /// Enters an input; returns how many payments followed from something.
    ///
    /// - Errors: what does not, with the output's place among those of the input
    pub(super) fn take(&mut self, told: &Told) -> Checked<u64> {
        if let Some(credit) = told.credit {
            self.deposit(told.context.sender, credit);
        }
        let withdrawal = match &told.command {
            Some(Command::Withdraw { asset, amount }) => {
                Some(Payment { to: told.context.sender, asset: *asset, amount: *amount })
            }
            _ => None,
        };
        let mut owed = Owed { rewards: VecDeque::new(), withdrawal, record: false };
        let mut payments = 0;
        for (place, saying) in (0..).zip(&told.sayings) {
            let at_place =
                |wrong: Box<Divergence>| Box::new(Divergence { output: Some(place), ..*wrong });
            match saying {
                Saying::Notice(notice) => self.notice(notice, &mut owed),
                Saying::Payment(payment) => {
                    payments += 1;
                    self.pay(payment, &mut owed)
                }
                Saying::Call(to) if owed.record && *to == self.registry => {
                    owed.record = false;
                    Ok(())
                }
                Saying::Call(_) => Err(unowed("a call that nothing asked for").into()),
                Saying::Other => Err(unowed("an output that the market never makes").into()),
            }
            .map_err(at_place)?;
        }
        if let Some((job, payment)) = owed.rewards.front() {
            let sentence = format!("job {job} owes {} a reward and does not pay it", payment.to);
            return Err(Divergence::new(Kind::Payout, sentence)
                .between(Some(said(payment)), None)
                .into());
        }
        if let Some(payment) = &owed.withdrawal {
            let sentence = format!("{} withdraws and is not paid", payment.to);
            return Err(Divergence::new(Kind::Payout, sentence)
                .between(Some(said(payment)), None)
                .into());
        }
        self.check_totals()?;
        Ok(payments)
    }

    /// A token that lies about its supply can bring in more than can be counted; that much is not
    /// credited.
    fn deposit(&mut self, account: Address, Credit { asset, amount }: Credit) {
        let total = self.totals.get(&asset).copied().unwrap_or_default();
        let free = self.free.entry((account, asset)).or_default();
        let sums = (
            free.checked_add(amount),
            total.deposited.checked_add(amount),
            total.free.checked_add(amount),
        );
        if let (Some(more), Some(deposited), Some(all_free)) = sums {
            *free = more;
            self.totals.insert(asset, Solvency { deposited, free: all_free, ..total });
        }
    }

    fn notice(&mut self, notice: &Notice, owed: &mut Owed) -> Checked<()> {
        match notice {
            Notice::JobOpened { job, sponsor, terms } => self.open(*job, *sponsor, terms),
            Notice::ModelScored { job, client, accepted: true, .. } => {
                let payment = self.reward(*job, *client)?;
                owed.rewards.push_back((*job, payment));
                Ok(())
            }
            Notice::JobCancelled { job, refund, .. } => self.close(*job, *refund),
            Notice::JobSettled { job, payouts, remainder, .. } => {
                owed.record = *payouts > 0;
                self.close(*job, *remainder)
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, id: JobId, sponsor: Address, terms: &Terms) -> Checked<()> {
        let Terms { asset, reward, rewards, .. } = *terms;
        if self.jobs.contains_key(&id) {
            let sentence = format!("job {id} opens twice");
            return Err(Divergence::new(Kind::Conservation, sentence).into());
        }
        let free = self.free.entry((sponsor, asset)).or_default();
        let total = self.totals.entry(asset).or_default();
        let moved = reward.checked_times(rewards).and_then(|escrow| {
            let sides = (total.free.checked_sub(escrow)?, total.escrowed.checked_add(escrow)?);
            Some((escrow, free.checked_sub(escrow)?, sides))
        });
        let Some((escrow, left, (all_free, escrowed))) = moved else {
            let sentence = format!("job {id} opened with more than its sponsor {sponsor} had");
            let has = Some(free.to_string());
            return Err(Divergence::new(Kind::Conservation, sentence).between(None, has).into());
        };
        *free = left;
        *total = Solvency { free: all_free, escrowed, ..*total };
        let rewards_left = rewards;
        let paid = BTreeSet::new();
        self.jobs.insert(id, JobBook { sponsor, asset, reward, rewards_left, escrow, paid });
        Ok(())
    }

    /// What a client whose model was accepted has earned.
    fn reward(&mut self, id: JobId, client: Address) -> Checked<Payment> {
        let unknown = || Divergence::new(Kind::Payout, format!("job {id} is not open and pays"));
        let job = self.jobs.get_mut(&id).ok_or_else(unknown)?;
        if !job.paid.insert(client) {
            return Err(
                Divergence::new(Kind::Payout, format!("job {id} pays {client} twice")).into()
            );
        }
        let left = job.rewards_left.checked_sub(1).zip(job.escrow.checked_sub(job.reward));
        let none_left = || Divergence::new(Kind::Payout, format!("job {id} has no reward left"));
        (job.rewards_left, job.escrow) = left.ok_or_else(none_left)?;
        Ok(Payment { to: client, asset: job.asset, amount: job.reward })
    }

    /// Money leaves the market: as the next reward owed, or as what was asked for.
    fn pay(&mut self, payment: &Payment, owed: &mut Owed) -> Checked<()> {
        let Payment { to, asset, amount } = *payment;
        let total = self.totals.entry(asset).or_default();
        let paid_out = total.paid_out.checked_add(amount);
        let left = if owed.withdrawal == Some(*payment) {
            owed.withdrawal = None;
            let free = self.free.entry((to, asset)).or_default();
            let less = free.checked_sub(amount).zip(total.free.checked_sub(amount));
            less.map(|(less, all_free)| {
                *free = less;
                Solvency { free: all_free, ..*total }
            })
        } else if let Some((_, reward)) = owed.rewards.pop_front() {
            if reward != *payment {
                let both = (Some(said(&reward)), Some(said(payment)));
                let sentence = "a reward goes to someone else, or is another one";
                return Err(Divergence::new(Kind::Payout, sentence).between(both.0, both.1).into());
            }
            let less = total.escrowed.checked_sub(amount);
            less.map(|escrowed| Solvency { escrowed, ..*total })
        } else {
            return Err(unowed("a payment that nothing owes")
                .between(None, Some(said(payment)))
                .into());
        };
        let Some((left, paid_out)) = left.zip(paid_out) else {
            let sentence = format!("{to} is paid more than there is");
            let found = Some(said(payment));
            return Err(Divergence::new(Kind::Conservation, sentence).between(None, found).into());
        };
        *total = Solvency { paid_out, ..left };
        Ok(())
    }

    /// A job ends: all of its escrow goes back to its sponsor.
    fn close(&mut self, id: JobId, refund: Amount) -> Checked<()> {
        let unknown =
            || Divergence::new(Kind::Conservation, format!("job {id} ends and was not open"));
        let job = self.jobs.remove(&id).ok_or_else(unknown)?;
        let free = self.free.entry((job.sponsor, job.asset)).or_default();
        let total = self.totals.entry(job.asset).or_default();
        let sums = (
            free.checked_add(refund),
            total.free.checked_add(refund),
            total.escrowed.checked_sub(refund),
        );
        match sums {
            (Some(more), Some(all_free), Some(escrowed)) if refund == job.escrow => {
                *free = more;
                *total = Solvency { free: all_free, escrowed, ..*total };
                Ok(())
            }
            _ => {
                let sentence = format!("job {id} gives back another amount than it holds");
                let both = (Some(job.escrow.to_string()), Some(refund.to_string()));
                Err(Divergence::new(Kind::Conservation, sentence).between(both.0, both.1).into())
            }
        }
    }

    /// Deposits less payments are what is free and what is in escrow, for every asset.
    fn check_totals(&self) -> Checked<()> {
        let wrong = self.totals.iter().find(|(_, total)| !total.holds());
        wrong.map_or(Ok(()), |(asset, _)| {
            let sentence = format!("the books of {asset} do not balance");
            Err(Divergence::new(Kind::Conservation, sentence).into())
        })
    }

    /// Compares with the market's own totals.
    pub(super) fn compare(&self, theirs: &BTreeMap<Asset, Solvency>) -> Option<Divergence> {
        let assets = self.totals.keys().chain(theirs.keys());
        let different = assets.into_iter().find_map(|asset| {
            let of =
                |totals: &BTreeMap<Asset, Solvency>| totals.get(asset).copied().unwrap_or_default();
            let (ours, theirs) = (of(&self.totals), of(theirs));
            (ours != theirs).then_some((asset, ours, theirs))
        });
        different.map(|(asset, ours, theirs)| {
            let sentence = format!("the market counts its {asset} otherwise than it adds up");
            let sides = |sides: Solvency| {
                let Solvency { deposited, paid_out, free, escrowed } = sides;
                format!("{deposited} in, {paid_out} out, {free} free, {escrowed} in escrow")
            };
            let both = (Some(sides(ours)), Some(sides(theirs)));
            Divergence::new(Kind::Conservation, sentence).between(both.0, both.1)
        })
    }
}

fn unowed(what: &str) -> Divergence {
    Divergence::new(Kind::Payout, format_args!("there is {what}"))
}

fn said(Payment { to, asset, amount }: &Payment) -> String {
    format!("{amount} of {asset} to {to}")
}

#[cfg(test)]
mod tests {
    use blobs::{BlobRef, Digest, Profile};
    use market::{Context, Metric, Score, Timestamp, Work};

    use super::*;

    const SPONSOR: Address = Address([1; 20]);
    const CLIENT: Address = Address([2; 20]);
    const THIEF: Address = Address([3; 20]);
    const REGISTRY: Address = Address([9; 20]);
    const JOB: JobId = JobId(0);

    fn told(sender: Address, sayings: Vec<Saying>) -> Told {
        let context = Context { sender, now: Timestamp(1) };
        Told { context, credit: None, command: None, sayings }
    }

    fn pay(to: Address, amount: u128) -> Saying {
        Saying::Payment(Payment { to, asset: Asset::Ether, amount: Amount::new(amount) })
    }

    fn opened(rewards: u32) -> Saying {
        let blob = BlobRef { digest: Digest([0; 32]), size: 1, profile: Profile::Kubo };
        let terms = Terms {
            title: [0; 32],
            asset: Asset::Ether,
            reward: Amount::new(10),
            rewards,
            deadline: Timestamp(9),
            metric: Metric::Accuracy,
            min_score: Score(0),
            min_gain: Score(1),
            min_worst_class: Score(0),
            max_model_bytes: 1,
            max_work: Work(1),
            base_model: blob,
            hold_out: blob,
        };
        Saying::Notice(Notice::JobOpened { job: JOB, sponsor: SPONSOR, terms })
    }

    fn accepted(client: Address) -> Saying {
        Saying::Notice(Notice::ModelScored {
            job: JOB,
            submission: 0,
            client,
            model_digest: Digest([7; 32]),
            score: Score(2),
            worst_class: Score(2),
            accepted: true,
        })
    }

    fn settled(payouts: u32, remainder: u128) -> Saying {
        let remainder = Amount::new(remainder);
        Saying::Notice(Notice::JobSettled { job: JOB, payouts, winner: 0, remainder })
    }

    /// Books after a deposit of 30, of which a job with two rewards of 10 is opened.
    fn open_job() -> Books {
        let mut books = Books::new(REGISTRY);
        let credit = Some(Credit { asset: Asset::Ether, amount: Amount::new(30) });
        books.take(&Told { credit, ..told(SPONSOR, vec![opened(2)]) }).unwrap();
        books
    }

    fn withdraw(sender: Address, amount: u128, sayings: Vec<Saying>) -> Told {
        let (asset, amount) = (Asset::Ether, Amount::new(amount));
        Told { command: Some(Command::Withdraw { asset, amount }), ..told(sender, sayings) }
    }

    #[test]
    fn an_honest_bounty_adds_up() {
        let mut books = open_job();
        let paid = books.take(&told(CLIENT, vec![accepted(CLIENT), pay(CLIENT, 10)]));
        assert_eq!(paid, Ok(1));
        let call = Saying::Call(REGISTRY);
        assert_eq!(books.take(&told(THIEF, vec![settled(1, 10), call])), Ok(0));
        assert_eq!(books.take(&withdraw(SPONSOR, 20, vec![pay(SPONSOR, 20)])), Ok(1));
        let total = books.totals[&Asset::Ether];
        let amounts = [total.deposited, total.paid_out, total.free, total.escrowed];
        assert_eq!(amounts, [30, 30, 0, 0].map(Amount::new));
        assert_eq!(books.compare(&books.totals.clone()), None);
    }

    #[test]
    fn money_that_nothing_owes_is_found() {
        use Kind::{Conservation, Payout};
        for (name, kind, output, told) in [
            ("a gift", Payout, Some(0), told(THIEF, vec![pay(THIEF, 1)])),
            (
                "another wallet",
                Payout,
                Some(1),
                told(CLIENT, vec![accepted(CLIENT), pay(THIEF, 10)]),
            ),
            (
                "another amount",
                Payout,
                Some(1),
                told(CLIENT, vec![accepted(CLIENT), pay(CLIENT, 11)]),
            ),
            ("no payment", Payout, None, told(CLIENT, vec![accepted(CLIENT)])),
            (
                "paid twice",
                Payout,
                Some(2),
                told(CLIENT, vec![accepted(CLIENT), pay(CLIENT, 10), accepted(CLIENT)]),
            ),
            (
                "more than is free",
                Conservation,
                Some(0),
                withdraw(SPONSOR, 11, vec![pay(SPONSOR, 11)]),
            ),
            ("for another", Payout, Some(0), withdraw(SPONSOR, 5, vec![pay(THIEF, 5)])),
            ("never paid", Payout, None, withdraw(SPONSOR, 5, vec![])),
            ("another refund", Conservation, Some(0), told(SPONSOR, vec![settled(0, 19)])),
            ("a job twice", Conservation, Some(0), told(SPONSOR, vec![opened(2)])),
            ("a call", Payout, Some(0), told(THIEF, vec![Saying::Call(REGISTRY)])),
            ("anything else", Payout, Some(0), told(THIEF, vec![Saying::Other])),
        ] {
            let wrong = open_job().take(&told).unwrap_err();
            assert_eq!((wrong.kind, wrong.output), (kind, output), "{name}: {wrong}");
        }
    }

    #[test]
    fn totals_that_differ_are_found() {
        let books = open_job();
        let mut theirs = books.totals.clone();
        theirs.entry(Asset::Erc20(THIEF)).or_default().free = Amount::new(1);
        let wrong = books.compare(&theirs).unwrap();
        assert_eq!(wrong.kind, Kind::Conservation);
        assert!(wrong.found.unwrap().contains("1 free"));
    }

    #[test]
    fn what_a_lying_token_brings_in_too_much_is_not_credited() {
        let mut books = Books::new(REGISTRY);
        let asset = Asset::Erc20(THIEF);
        let credit = |amount| Some(Credit { asset, amount });
        let all = Amount(market::U256::MAX);
        for amount in [all, Amount::new(1)] {
            let deposit = Told { credit: credit(amount), ..told(SPONSOR, vec![]) };
            assert_eq!(books.take(&deposit), Ok(0));
        }
        assert_eq!(books.totals[&asset].deposited, all);
    }
}
