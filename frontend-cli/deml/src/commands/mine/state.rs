//! State of a miner between two rounds, in a file encrypted under its key.
//!
//! None of it is essential: lost state is read or computed again.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{B256, Bytes};
use anyhow::Result;
use client::{
    archive::{OtherChain, Trail},
    convert::to_market,
};
use market::{Amount, Asset, Attestation, JobId, Share, Timestamp};
use serde::{Deserialize, Serialize};
use wire::{JobView, Notice};

use super::Miner;
use crate::budget::Budget;

/// Name of the file in the account's vault.
pub(super) const NAME: &str = "mining";

/// State of a miner.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// Blocks with the jobs' blobs and keys, and the read progress.
    pub(super) trail: Trail,
    /// The rest of a day's budget for advancing jobs, with the day's number.
    pub(super) budget: Option<(u64, Budget)>,
    /// Work done, by job.
    jobs: BTreeMap<B256, Work>,
    /// Number of notices read.
    notices: u64,
    /// Earnings and losses, by job.
    sums: BTreeMap<B256, Sums>,
}

/// Work done for a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Work {
    /// Whether this account has a bond in it.
    pub(super) enlisted: bool,
    /// Time until which the job has to wait.
    pub(super) waits_until: Timestamp,
    /// Findings, by page.
    pub(super) found: BTreeMap<u32, Found>,
    /// Pages whose commitments the market has accepted.
    pub(super) attested: BTreeSet<u32>,
}

impl Default for Work {
    fn default() -> Self {
        let (found, attested) = (BTreeMap::new(), BTreeSet::new());
        Self { enlisted: false, waits_until: Timestamp(0), found, attested }
    }
}

/// Findings for a page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) attestations: Vec<Attestation>,
    /// The row results, where the machine only samples.
    pub(super) results: Bytes,
}

/// Earnings and losses of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sums {
    pub(super) asset: Asset,
    /// The bond returned with a correct seat's pay.
    bond: Amount,
    pub(super) earned: Amount,
    pub(super) lost: Amount,
}

impl State {
    /// The work done for a job so far.
    pub(super) fn of(&mut self, job: JobId) -> &mut Work {
        self.jobs.entry(job.0.into()).or_default()
    }

    /// The jobs in which this account has a bond.
    pub(super) fn enlisted(&self) -> impl Iterator<Item = JobId> {
        self.jobs.iter().filter(|(_, work)| work.enlisted).map(|(job, _)| JobId(job.0))
    }

    /// Starts recording a job's earnings.
    pub(super) fn attend(&mut self, view: &JobView) {
        let (asset, bond) = (view.terms.asset, view.terms.miners().map(|miners| miners.bond));
        let (bond, earned, lost) = (bond.unwrap_or_default(), Amount::ZERO, Amount::ZERO);
        let sums = Sums { asset, bond, earned, lost };
        self.sums.entry(view.job.0.into()).or_insert(sums);
    }

    /// Forgets ended jobs, but not their earnings.
    pub(super) fn retain(&mut self, is_live: impl Fn(JobId) -> bool) {
        self.trail.retain(&is_live);
        self.jobs.retain(|job, _| is_live(JobId(job.0)));
    }

    /// Read progress on Ethereum and on the node.
    pub(super) const fn progress(&self) -> [u64; 2] {
        [self.trail.head(), self.notices]
    }

    /// Earnings and lost bonds, by job.
    pub(super) fn sums(&self) -> impl Iterator<Item = &Sums> {
        self.sums.values()
    }

    fn note(&mut self, me: market::Address, notice: &Notice) {
        let (job, [earned, lost]) = match notice {
            Notice::Paid { job, to, share: Share::Mining, amount, .. } if *to == me => {
                (job, [*amount, Amount::ZERO])
            }
            Notice::WorkPaid { job, worker, earned, .. } if *worker == me => {
                (job, [*earned, Amount::ZERO])
            }
            Notice::Forfeited { job, account, bond, .. } if *account == me => {
                (job, [Amount::ZERO, *bond])
            }
            _ => return,
        };
        let Some(sums) = self.sums.get_mut(&B256::from(job.0)) else { return };
        let is_pay = matches!(notice, Notice::Paid { .. });
        let bond = if is_pay { sums.bond } else { Amount::ZERO };
        let earned = earned.checked_sub(bond).unwrap_or(Amount::ZERO);
        sums.earned = sums.earned.checked_add(earned).unwrap_or(sums.earned);
        sums.lost = sums.lost.checked_add(lost).unwrap_or(sums.lost);
    }
}

impl Miner<'_> {
    /// The stored state, updated from Ethereum, and the previous read progress.
    pub(super) async fn state(&self) -> Result<([u64; 2], State)> {
        let printer = self.session.printer;
        let mut state: State = self.vault.read(NAME).unwrap_or_else(|why| {
            printer.say(format_args!("starting anew: {why:#}"));
            State::default()
        });
        let progress = state.progress();
        match state.trail.follow(self.session).await {
            Err(why) if why.is::<OtherChain>() => {
                printer.say(format_args!("starting anew: {why}"));
                state = State::default();
                state.trail.follow(self.session).await?;
            }
            followed => followed?,
        }
        Ok((progress, state))
    }

    /// Reads further notices about money.
    pub(super) async fn count(&self, state: &mut State) -> Result<()> {
        let me = to_market(self.sender.address());
        for payload in self.session.node.notices_from(state.notices).await? {
            state.notices += 1;
            if let Some(notice) = wire::decode_notice(&payload) {
                state.note(me, &notice);
            }
        }
        Ok(())
    }

    /// Stores the state.
    pub(super) fn keep(&self, state: &State) -> Result<()> {
        self.vault.write(NAME, state)
    }
}
