//! What a miner remembers between two rounds, in a file that only its key opens.
//!
//! Nothing in it is needed to go on: what is lost is read or computed once more.

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

const NAME: &str = "mining";

/// All of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// Where inputs bring what jobs are about, and how far they were read.
    pub(super) trail: Trail,
    /// What is left of a day's budget for moving jobs on, with the day's number.
    pub(super) budget: Option<(u64, Budget)>,
    /// What was done, by job.
    jobs: BTreeMap<B256, Work>,
    /// How many notices were read.
    notices: u64,
    /// What was earned and lost, by job.
    sums: BTreeMap<B256, Sums>,
}

/// What was done for a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Work {
    /// Whether this account has a bond in it.
    pub(super) enlisted: bool,
    /// Until when only time moves it on.
    pub(super) waits_until: Timestamp,
    /// What was found, by page.
    pub(super) found: BTreeMap<u32, Found>,
    /// Pages whose commitments the market has.
    pub(super) attested: BTreeSet<u32>,
}

impl Default for Work {
    fn default() -> Self {
        let (found, attested) = (BTreeMap::new(), BTreeSet::new());
        Self { enlisted: false, waits_until: Timestamp(0), found, attested }
    }
}

/// What was found of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) attestations: Vec<Attestation>,
    /// The results row by row, where the machine only samples.
    pub(super) results: Bytes,
}

/// What a job brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sums {
    pub(super) asset: Asset,
    /// What comes back with a right seat's pay.
    bond: Amount,
    pub(super) earned: Amount,
    pub(super) lost: Amount,
}

impl State {
    /// What was done for a job so far.
    pub(super) fn of(&mut self, job: JobId) -> &mut Work {
        self.jobs.entry(job.0.into()).or_default()
    }

    /// The jobs in which this account has a bond.
    pub(super) fn enlisted(&self) -> impl Iterator<Item = JobId> {
        self.jobs.iter().filter(|(_, work)| work.enlisted).map(|(job, _)| JobId(job.0))
    }

    /// Begins to count what a job brings.
    pub(super) fn attend(&mut self, view: &JobView) {
        let (asset, bond) = (view.terms.asset, view.terms.miners().map(|miners| miners.bond));
        let (bond, earned, lost) = (bond.unwrap_or_default(), Amount::ZERO, Amount::ZERO);
        let sums = Sums { asset, bond, earned, lost };
        self.sums.entry(view.job.0.into()).or_insert(sums);
    }

    /// Forgets jobs that have ended, but not what they brought.
    pub(super) fn retain(&mut self, is_live: impl Fn(JobId) -> bool) {
        self.trail.retain(&is_live);
        self.jobs.retain(|job, _| is_live(JobId(job.0)));
    }

    /// How far Ethereum and the node were read.
    pub(super) const fn place(&self) -> [u64; 2] {
        [self.trail.head(), self.notices]
    }

    /// What was earned and what bonds were lost, by job.
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
    /// What is remembered, brought up to what Ethereum has now, and the place where it was.
    pub(super) async fn state(&self) -> Result<([u64; 2], State)> {
        let printer = self.session.printer;
        let mut state: State = self.vault.read(NAME).unwrap_or_else(|why| {
            printer.say(format_args!("starting anew: {why:#}"));
            State::default()
        });
        let place = state.place();
        match state.trail.follow(self.session).await {
            Err(why) if why.is::<OtherChain>() => {
                printer.say(format_args!("starting anew: {why}"));
                state = State::default();
                state.trail.follow(self.session).await?;
            }
            followed => followed?,
        }
        Ok((place, state))
    }

    /// Reads on what the market says of money.
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

    /// Remembers it.
    pub(super) fn keep(&self, state: &State) -> Result<()> {
        self.vault.write(NAME, state)
    }
}
