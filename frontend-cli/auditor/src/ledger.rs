//! The ledger model: all balances and escrows, derived from deposits, notices and vouchers alone,
//! by the terms of the jobs and not by the market's code.
//!
//! Each payment must be explained: a withdrawal by its sender's command and free balance,
//! everything else by a notice that `escrow` has checked. After a fault the model continues with
//! the reported values, so that only independent faults are found later.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use client::payment::Payment;
use market::{Address, Amount, Asset, Command, JobId, Settings, Solvency};
use serde::{Deserialize, Serialize};
use wire::{Credit, Notice};

use super::decoded::{DecodedInput, DecodedOutput};
use super::divergence::{Checked, Divergence, DivergenceKind, conservation, payout};
use super::escrow::{Escrow, Side};

/// All accounts' money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LedgerModel {
    settings: Settings,
    free: BTreeMap<(Address, Asset), Amount>,
    totals: BTreeMap<Asset, Solvency>,
    jobs: BTreeMap<JobId, Escrow>,
    /// Bytes reserved by jobs.
    reserved: u64,
    /// Number of jobs ever opened.
    opened: u32,
    /// Whether a fault was found since totals were last compared.
    is_disputed: bool,
}

/// Payments an input has yet to make.
#[derive(Default)]
struct Owed {
    /// In order.
    vouchers: VecDeque<Payment>,
    withdrawal: Option<Payment>,
    /// A deposit that is sent back.
    returned: Option<Payment>,
    /// Jobs with an event.
    jobs: BTreeSet<JobId>,
}

impl LedgerModel {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            free: BTreeMap::new(),
            totals: BTreeMap::new(),
            jobs: BTreeMap::new(),
            reserved: 0,
            opened: 0,
            is_disputed: false,
        }
    }

    /// Both sides of every asset.
    pub(super) const fn totals(&self) -> &BTreeMap<Asset, Solvency> {
        &self.totals
    }

    /// What a job holds; nothing once it has ended.
    pub(super) fn held(&self, job: JobId) -> Amount {
        self.jobs.get(&job).map(Escrow::held).unwrap_or_default()
    }

    /// Applies an input; returns its number of payments, and each unexplained output with its index
    /// among those of the input.
    pub(super) fn take(&mut self, input: &DecodedInput) -> (u64, Vec<Divergence>) {
        let sender = input.context.sender;
        let returned = input.credit.and_then(|credit| self.deposit(sender, credit));
        let withdrawal = match input.command {
            Some(Command::Withdraw { asset, amount }) => Some((asset, amount)),
            _ => None,
        };
        let withdrawal = withdrawal.map(|(asset, amount)| Payment { to: sender, asset, amount });
        let mut owed = Owed { returned, withdrawal, ..Owed::default() };
        let (mut payments, mut wrongs) = (0, Vec::new());
        for (index, output) in (0..).zip(&input.outputs) {
            let checked = match output {
                DecodedOutput::Notice(notice) => self.notice(input, notice, &mut owed),
                DecodedOutput::Payment(payment) => {
                    payments += 1;
                    self.pay(payment, &mut owed)
                }
                // Calls to the registry are checked with the rulings.
                DecodedOutput::Call(_) => Ok(()),
                DecodedOutput::Other => payout("there is an output that the market never makes"),
            };
            let located = |wrong: Box<Divergence>| Divergence { output: Some(index), ..*wrong };
            wrongs.extend(checked.err().map(located));
        }
        let jobs = owed.jobs.iter().filter_map(|id| self.jobs.get_mut(id)?.check_due(*id).err());
        wrongs.extend(jobs.map(|wrong| *wrong));
        let missing = owed.vouchers.into_iter().chain(owed.withdrawal).chain(owed.returned);
        wrongs.extend(missing.map(|payment| {
            let sentence = format!("{} is owed a payment that is not made", payment.to);
            Divergence::new(DivergenceKind::Payout, sentence).between(Some(said(&payment)), None)
        }));
        let unbalanced = self.unbalanced();
        if wrongs.is_empty() {
            wrongs = unbalanced;
        }
        self.is_disputed |= !wrongs.is_empty();
        (payments, wrongs)
    }

    /// Credits a deposit; returns it if it is sent straight back, because its asset is not accepted
    /// or the token misreports its supply and the sum would overflow.
    fn deposit(&mut self, to: Address, Credit { asset, amount }: Credit) -> Option<Payment> {
        let deposit = Payment { to, asset, amount };
        let Solvency { deposited, free, .. } = self.totals.get(&asset).copied().unwrap_or_default();
        let sums = [self.free(to, asset), deposited, free].map(|sum| sum.checked_add(amount));
        if sums.iter().all(Option::is_some) && self.settings.assets.contains_key(&asset) {
            self.shift(&deposit, [Side::Outside, Side::Free]);
            return None;
        }
        (amount > Amount::ZERO).then_some(deposit)
    }

    fn notice(&mut self, input: &DecodedInput, notice: &Notice, owed: &mut Owed) -> Checked {
        match notice {
            Notice::Returned { account, asset, amount } => {
                let payment = Payment { to: *account, asset: *asset, amount: *amount };
                owed.vouchers.push_back(payment);
                if owed.returned == Some(payment) {
                    owed.returned = None;
                    return Ok(());
                }
                self.give_back(&payment)
            }
            Notice::JobOpened { job, number, sponsor, salt, terms, stake } => {
                let (app, chain_id) = (input.context.app, input.context.chain_id);
                let is_named = wire::job_name(chain_id, app, *sponsor, *salt, terms) == *job;
                let is_new = is_named && *number == self.opened && !self.jobs.contains_key(job);
                self.opened = number.saturating_add(1);
                let escrow = Escrow::new(*sponsor, terms.clone());
                let (now, settings) = (input.context.block_time, &self.settings);
                let checked = escrow.check_stake(settings, now, self.reserved, stake);
                self.reserved = self.reserved.saturating_add(terms.reserved_bytes());
                self.jobs.insert(*job, escrow);
                let moved = self.enter(*job, notice, input, owed);
                if !is_new {
                    return payout(format!("job {number} has another name or number than its own"));
                }
                checked.and(moved)
            }
            Notice::JobEnded { job, .. } => {
                let Some(escrow) = self.jobs.remove(job) else {
                    return payout(format!("job {job} ends and was not open"));
                };
                let bytes = escrow.terms.reserved_bytes();
                self.reserved = self.reserved.saturating_sub(bytes);
                escrow.check_end(*job)
            }
            other => match other.job() {
                Some(job) => self.enter(job, notice, input, owed),
                None => Ok(()),
            },
        }
    }

    /// Applies a notice of a job, and makes the moves that follow from it.
    fn enter(
        &mut self,
        id: JobId,
        notice: &Notice,
        input: &DecodedInput,
        owed: &mut Owed,
    ) -> Checked {
        let Some(job) = self.jobs.get_mut(&id) else {
            return payout(format!("something happens in job {id}, which is not open"));
        };
        owed.jobs.insert(id);
        let asset = job.terms.asset;
        let (moves, mut checked) = job.take(id, notice, &self.settings, input.command.as_ref());
        for (to, sides, amount) in moves {
            let payment = Payment { to, asset, amount };
            if !self.shift(&payment, sides) {
                checked = checked.and(conservation(format!("{to} stakes more than it has")));
            }
            owed.vouchers.extend((sides[1] == Side::Outside).then_some(payment));
        }
        checked
    }

    /// Pays out an account's whole balance, which is allowed only if it is too small or has no
    /// record.
    fn give_back(&mut self, payment: &Payment) -> Checked {
        let Payment { to, asset, amount } = *payment;
        let settings = &self.settings;
        let is_small = amount < settings.asset(asset).account_minimum;
        let has_room = self.free.len() <= usize::try_from(settings.max_balances).unwrap_or(0);
        let is_exempt = [settings.operator, settings.sink].contains(&to);
        let has = self.free(to, asset);
        self.shift(payment, [Side::Free, Side::Outside]);
        if has == amount && !is_exempt && (is_small || !has_room) {
            return Ok(());
        }
        let wrong = Divergence::new(DivergenceKind::Payout, "a balance is sent back that is kept");
        Err(wrong.between(Some(has.to_string()), Some(said(payment))).into())
    }

    /// A payment leaves the market: the next voucher owed, or a requested withdrawal.
    fn pay(&mut self, payment: &Payment, owed: &mut Owed) -> Checked {
        let Payment { to, asset, amount } = *payment;
        let mut checked = Ok(());
        if owed.vouchers.front() == Some(payment) {
            owed.vouchers.pop_front();
        } else if owed.withdrawal == Some(*payment) {
            owed.withdrawal = None;
            if !self.shift(payment, [Side::Free, Side::Outside]) {
                checked = conservation(format!("{to} withdraws more than it has"));
            }
        } else {
            let due = owed.vouchers.pop_front().as_ref().map(said);
            let wrong = Divergence::new(DivergenceKind::Payout, "there is an unexplained payment");
            checked = Err(wrong.between(due, Some(said(payment))).into());
        }
        let total = self.totals.get_mut(&asset);
        if let Some((total, sum)) =
            total.and_then(|of| of.paid_out.checked_add(amount).map(|sum| (of, sum)))
        {
            total.paid_out = sum;
        }
        checked
    }

    fn free(&self, account: Address, asset: Asset) -> Amount {
        self.free.get(&(account, asset)).copied().unwrap_or_default()
    }

    fn set_free(&mut self, account: Address, asset: Asset, amount: Amount) {
        if amount == Amount::ZERO {
            self.free.remove(&(account, asset));
        } else {
            self.free.insert((account, asset), amount);
        }
    }

    /// Moves money; returns whether the account had it. Totals that would overflow are left
    /// unchanged, and so do not balance.
    fn shift(&mut self, payment: &Payment, [from, to]: [Side; 2]) -> bool {
        let Payment { to: account, asset, amount } = *payment;
        let free = self.free(account, asset);
        let balance = match (from, to) {
            (Side::Free, _) => free.checked_sub(amount),
            (_, Side::Free) => free.checked_add(amount),
            _ => Some(free),
        };
        self.set_free(account, asset, balance.unwrap_or_default());
        let mut total = self.totals.get(&asset).copied().unwrap_or_default();
        let moved = from.leave(&mut total, amount).and_then(|()| to.enter(&mut total, amount));
        if moved.is_some() {
            self.totals.insert(asset, total);
        }
        balance.is_some()
    }

    /// Assets whose deposits less payments differ from free balances plus escrow; these are
    /// rebalanced so that each is reported once.
    fn unbalanced(&mut self) -> Vec<Divergence> {
        let wrong = self.totals.iter_mut().filter(|(_, total)| !total.holds());
        wrong
            .map(|(asset, total)| {
                let held = total.free.checked_add(total.escrowed).unwrap_or_default();
                total.deposited = held.checked_add(total.paid_out).unwrap_or_default();
                Divergence::new(
                    DivergenceKind::Conservation,
                    format!("the totals of {asset} do not balance"),
                )
            })
            .collect()
    }

    /// Compares with the market's own totals, and adopts them.
    pub(super) fn compare(&mut self, theirs: &BTreeMap<Asset, Solvency>) -> Vec<Divergence> {
        let both = |asset| {
            [&self.totals, theirs].map(|totals| totals.get(asset).copied().unwrap_or_default())
        };
        let different = self.settings.assets.keys().map(|asset| (asset, both(asset)));
        let wrongs = different.filter(|(_, [ours, theirs])| ours != theirs).map(|(asset, both)| {
            let sentence = format!("the market counts its {asset} otherwise than it adds up");
            let [ours, theirs] = both.map(|Solvency { deposited, paid_out, free, escrowed }| {
                format!("{deposited} in, {paid_out} out, {free} free, {escrowed} in escrow")
            });
            Divergence::new(DivergenceKind::Conservation, sentence)
                .between(Some(ours), Some(theirs))
        });
        let wrongs: Vec<Divergence> = wrongs.collect();
        self.totals.clone_from(theirs);
        // An earlier fault explains it.
        if std::mem::take(&mut self.is_disputed) { Vec::new() } else { wrongs }
    }
}

fn said(Payment { to, asset, amount }: &Payment) -> String {
    format!("{amount} of {asset} to {to}")
}
