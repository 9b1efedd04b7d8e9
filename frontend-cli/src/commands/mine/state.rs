//! What a miner remembers between two rounds, in a file that only its key opens.
//!
//! Nothing in it is needed to go on: what is lost is read or computed once more.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::Bytes;
use anyhow::Result;
use market::{Amount, JobId, Share};
use serde::{Deserialize, Serialize};
use wire::{AttestationView, Notice};

use super::Miner;
use crate::{
    archive::{OtherChain, Trail},
    convert::to_market,
};

const NAME: &str = "mining";

/// All of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// Where inputs bring what competitions are about, and how far they were read.
    pub(super) trail: Trail,
    /// What was done, by competition.
    jobs: BTreeMap<u32, Work>,
    /// How many notices were read.
    notices: u64,
    /// What was earned and what bonds were lost, by competition.
    sums: BTreeMap<u32, [Amount; 2]>,
}

/// What was done for a competition.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Work {
    /// Whether the offer to evaluate was made.
    pub(super) enlisted: bool,
    /// What was found, by page.
    pub(super) found: BTreeMap<u32, Found>,
    /// Pages whose commitments the market has.
    pub(super) attested: BTreeSet<u32>,
}

/// What was found of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) attestations: Vec<AttestationView>,
    /// The results row by row, in competitions for miners only.
    pub(super) results: Bytes,
}

impl State {
    /// What was done for a competition so far.
    pub(super) fn of(&mut self, job: JobId) -> &mut Work {
        self.jobs.entry(job.0).or_default()
    }

    /// Forgets competitions that have ended, but not what they brought.
    pub(super) fn retain(&mut self, is_live: impl Fn(JobId) -> bool) {
        self.trail.retain(&is_live);
        self.jobs.retain(|job, _| is_live(JobId(*job)));
    }

    /// How far Ethereum and the node were read.
    pub(super) const fn place(&self) -> [u64; 2] {
        [self.trail.head(), self.notices]
    }

    /// What was earned and what bonds were lost, by competition.
    pub(super) fn sums(&self) -> impl Iterator<Item = (JobId, [Amount; 2])> {
        self.sums.iter().map(|(job, sums)| (JobId(*job), *sums))
    }

    fn note(&mut self, me: market::Address, notice: &Notice) {
        let (job, [earned, lost]) = match notice {
            Notice::Paid { job, to, share: Share::Work, amount, .. } if *to == me => {
                (job, [*amount, Amount::ZERO])
            }
            Notice::Forfeited { job, account, bond, .. } if *account == me => {
                (job, [Amount::ZERO, *bond])
            }
            _ => return,
        };
        let sums = self.sums.entry(job.0).or_default();
        for (sum, more) in sums.iter_mut().zip([earned, lost]) {
            *sum = sum.checked_add(more).unwrap_or(*sum);
        }
    }
}

impl Miner<'_> {
    /// What is remembered, brought up to what Ethereum has now, and the place where it was.
    pub(super) async fn state(&self) -> Result<([u64; 2], State)> {
        let talk = self.session.talk;
        let mut state: State = self.vault.read(NAME).unwrap_or_else(|why| {
            talk.say(format_args!("starting anew: {why:#}"));
            State::default()
        });
        let place = state.place();
        match state.trail.follow(self.session).await {
            Err(why) if why.is::<OtherChain>() => {
                talk.say(format_args!("starting anew: {why}"));
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
            if let Some(notice) = Notice::decode(&payload) {
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
