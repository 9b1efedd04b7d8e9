//! The ledger: free balances per account and asset, and each asset's totals.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    refusal::Refusal,
    units::{Address, Amount, Asset},
};

/// Both sides of an asset's balance: `deposited − paid_out = free + escrowed`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Solvency {
    /// Total ever deposited.
    pub deposited: Amount,
    /// Total ever paid out as vouchers.
    pub paid_out: Amount,
    /// Total that accounts can withdraw.
    pub free: Amount,
    /// Total held by jobs.
    pub escrowed: Amount,
}

impl Solvency {
    /// Whether both sides are equal.
    pub fn holds(&self) -> bool {
        let held = self.deposited.checked_sub(self.paid_out);
        held.is_some() && held == self.free.checked_add(self.escrowed)
    }
}

/// Kinds of transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransferKind {
    /// From a portal to the account's free balance.
    Deposit,
    /// From the account's free balance to its wallet.
    Withdraw,
    /// From the account's free balance to a job.
    Escrow,
    /// From a job to the account's free balance.
    Release,
    /// From a job to the account's wallet.
    Payout,
}

/// Free balances and totals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    free: BTreeMap<(Address, Asset), Amount>,
    totals: BTreeMap<Asset, Solvency>,
    /// Balances changed by the input in progress, with their previous values.
    #[serde(skip)]
    changed: BTreeMap<(Address, Asset), Amount>,
}

/// A snapshot of the ledger, to roll back to.
#[derive(Debug)]
pub(crate) struct LedgerCheckpoint {
    changed: BTreeMap<(Address, Asset), Amount>,
    totals: BTreeMap<Asset, Solvency>,
}

impl Ledger {
    /// Amount that an account can withdraw or spend.
    pub fn free(&self, account: Address, asset: Asset) -> Amount {
        self.free.get(&(account, asset)).copied().unwrap_or_default()
    }

    /// An account's free balances that are not zero.
    pub fn balances(&self, account: Address) -> impl Iterator<Item = (Asset, Amount)> {
        let last = (account, Asset::Erc20(Address([0xff; 20])));
        let range = self.free.range((account, Asset::Ether)..=last);
        range.map(|(&(_, asset), &amount)| (asset, amount))
    }

    /// All free balances that are not zero.
    pub fn accounts(&self) -> impl Iterator<Item = (Address, Asset, Amount)> {
        self.free.iter().map(|(&(account, asset), &amount)| (account, asset, amount))
    }

    /// Number of free balances that are not zero.
    pub fn balance_count(&self) -> usize {
        self.free.len()
    }

    /// Both sides of every asset ever kept.
    pub fn solvency(&self) -> impl Iterator<Item = (Asset, Solvency)> {
        self.totals.iter().map(|(&asset, &solvency)| (asset, solvency))
    }

    /// Transfers an amount, all or nothing.
    ///
    /// - Errors: `InsufficientBalance`; `BalanceOverflow`, which only a token that misstates its
    ///   supply can cause
    pub(crate) fn transfer(
        &mut self,
        kind: TransferKind,
        account: Address,
        asset: Asset,
        amount: Amount,
    ) -> Result<(), Refusal> {
        if amount == Amount::ZERO {
            return Ok(());
        }
        let free = self.free(account, asset);
        let mut solvency = self.totals.get(&asset).copied().unwrap_or_default();
        let overflow = Refusal::BalanceOverflow { asset };
        let more = |sum: Amount| sum.checked_add(amount).ok_or(overflow);
        let less = |sum: Amount| {
            let short = Refusal::InsufficientBalance { needed: amount, free: sum, asset };
            sum.checked_sub(amount).ok_or(short)
        };
        let mut balance = free;
        match kind {
            TransferKind::Deposit => solvency.deposited = more(solvency.deposited)?,
            TransferKind::Withdraw | TransferKind::Payout => {
                solvency.paid_out = more(solvency.paid_out)?
            }
            TransferKind::Escrow | TransferKind::Release => {}
        }
        match kind {
            TransferKind::Deposit | TransferKind::Release => {
                (balance, solvency.free) = (more(free)?, more(solvency.free)?);
            }
            TransferKind::Withdraw | TransferKind::Escrow => {
                (balance, solvency.free) = (less(free)?, less(solvency.free)?);
            }
            TransferKind::Payout => {}
        }
        match kind {
            TransferKind::Escrow => solvency.escrowed = more(solvency.escrowed)?,
            TransferKind::Release | TransferKind::Payout => {
                solvency.escrowed = less(solvency.escrowed)?
            }
            TransferKind::Deposit | TransferKind::Withdraw => {}
        }
        let before = self.put((account, asset), balance);
        self.changed.entry((account, asset)).or_insert(before);
        self.totals.insert(asset, solvency);
        Ok(())
    }

    /// Balances changed by the input in progress, and whether each is new.
    pub(crate) fn changed(&self) -> Vec<(Address, Asset, bool)> {
        let changed = self.changed.iter();
        changed.map(|(&(account, asset), before)| (account, asset, before.0.is_zero())).collect()
    }

    /// Forgets the changed balances at the start of an input.
    pub(crate) fn begin(&mut self) {
        self.changed.clear();
    }

    /// A snapshot to roll back to.
    pub(crate) fn checkpoint(&self) -> LedgerCheckpoint {
        let now = self.changed.keys().map(|account| (*account, self.free(account.0, account.1)));
        LedgerCheckpoint { changed: now.collect(), totals: self.totals.clone() }
    }

    /// Rolls back to a snapshot from the same input.
    pub(crate) fn restore(&mut self, checkpoint: LedgerCheckpoint) {
        let LedgerCheckpoint { changed: at_checkpoint, totals } = checkpoint;
        for (account, before) in self.changed.clone() {
            self.put(account, at_checkpoint.get(&account).copied().unwrap_or(before));
        }
        self.totals = totals;
    }

    /// Sets a balance; returns the previous one.
    fn put(&mut self, account: (Address, Asset), balance: Amount) -> Amount {
        let before = if balance == Amount::ZERO {
            self.free.remove(&account)
        } else {
            self.free.insert(account, balance)
        };
        before.unwrap_or_default()
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    const ANNE: Address = Address([1; 20]);

    fn solvent(ledger: &Ledger) -> bool {
        ledger.solvency().all(|(_, solvency)| solvency.holds())
    }

    #[test]
    fn moves_keep_both_sides_equal() {
        let mut ledger = Ledger::default();
        for (kind, amount, free) in [
            (TransferKind::Deposit, 10, 10),
            (TransferKind::Escrow, 7, 3),
            (TransferKind::Payout, 2, 3),
            (TransferKind::Release, 5, 8),
            (TransferKind::Withdraw, 8, 0),
        ] {
            ledger.transfer(kind, ANNE, Asset::Ether, Amount::new(amount)).unwrap();
            assert_eq!(ledger.free(ANNE, Asset::Ether), Amount::new(free), "{kind:?}");
            assert!(solvent(&ledger), "{kind:?}");
        }
        assert_eq!(ledger.accounts().count(), 0);
    }

    #[test]
    fn refusals_change_nothing() {
        let mut ledger = Ledger::default();
        let all = Amount(primitive_types::U256::MAX);
        ledger.transfer(TransferKind::Deposit, ANNE, Asset::Ether, all).unwrap();
        let before = ledger.clone();
        let one = Amount::new(1);
        assert_eq!(
            ledger.transfer(TransferKind::Deposit, ANNE, Asset::Ether, one).unwrap_err(),
            Refusal::BalanceOverflow { asset: Asset::Ether }
        );
        assert_eq!(
            ledger.transfer(TransferKind::Payout, ANNE, Asset::Ether, one).unwrap_err(),
            Refusal::InsufficientBalance { needed: one, free: Amount::ZERO, asset: Asset::Ether }
        );
        assert_eq!(ledger, before);
    }
}
