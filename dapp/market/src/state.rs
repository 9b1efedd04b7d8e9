//! The whole state of the market, and the few functions that everything else changes it through.

use std::collections::{BTreeMap, VecDeque};

use blobs::Cid;
use serde::{Deserialize, Serialize};

use crate::{
    clock::Clock,
    effect::{Effect, Event},
    invariant::{possible, there},
    job::Job,
    ledger::{Ledger, TransferKind},
    meter::Meter,
    settings::Settings,
    store::{BlobState, Drive, SlotKey},
    units::{Amount, JobId, Timestamp},
};

/// Maximum number of records (jobs and submissions) of ended jobs that are retained for display.
const ENDED_RECORDS: usize = 4_096;

/// The whole state of the market.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) ledger: Ledger,
    pub(crate) drive: Drive,
    /// Bytes reserved by jobs.
    pub(crate) reserved: u64,
    pub(crate) jobs: BTreeMap<JobId, Job>,
    /// Names of all retained jobs, by number.
    pub(crate) numbers: BTreeMap<u32, JobId>,
    pub(crate) next_number: u32,
    /// Ended jobs that are still retained, the oldest first, and their numbers of records.
    ended: VecDeque<(JobId, usize)>,
    ended_records: usize,
    /// Cost of the input in progress.
    #[serde(skip)]
    pub(crate) meter: Meter,
    /// The clock before that input.
    #[serde(skip)]
    pub(crate) clock_before: Clock,
    /// `prevRandao` of its block.
    #[serde(skip)]
    pub(crate) randao: [u8; 32],
}

impl State {
    pub(crate) fn new(settings: Settings, drive: Drive) -> Self {
        Self {
            settings,
            clock: Clock::default(),
            ledger: Ledger::default(),
            drive,
            reserved: 0,
            jobs: BTreeMap::new(),
            numbers: BTreeMap::new(),
            next_number: 0,
            ended: VecDeque::new(),
            ended_records: 0,
            meter: Meter::default(),
            clock_before: Clock::default(),
            randao: [0; 32],
        }
    }

    /// Forgets data that is kept only while an input is in progress.
    pub(crate) fn end_input(&mut self) {
        self.meter = Meter::default();
        self.clock_before = Clock::default();
        self.randao = [0; 32];
        self.ledger.begin();
    }

    /// The deployment's settings.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The ledger.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Current time of the market's clock.
    pub const fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lag of the machine in seconds.
    pub const fn lag_seconds(&self) -> u64 {
        self.clock.lag_seconds()
    }

    /// Bytes of the store reserved by jobs.
    pub const fn reserved_bytes(&self) -> u64 {
        self.reserved
    }

    /// A blob of the deployment's drive.
    pub fn drive_blob(&self, cid: Cid) -> Option<&[u8]> {
        self.drive.blob(cid)
    }

    /// A job that has not ended, or is still retained.
    pub fn job(&self, id: JobId) -> Option<&Job> {
        self.jobs.get(&id)
    }

    /// Name of the job with this number.
    pub fn job_number(&self, number: u32) -> Option<JobId> {
        self.numbers.get(&number).copied()
    }

    /// All retained jobs from this number on.
    pub fn jobs_from(&self, first: u32) -> impl DoubleEndedIterator<Item = (JobId, &Job)> {
        let ids = self.numbers.range(first..);
        ids.filter_map(|(_, id)| Some((*id, self.jobs.get(id)?)))
    }

    /// Number of jobs ever opened.
    pub const fn job_count(&self) -> u32 {
        self.next_number
    }

    /// States of a job's blobs.
    pub fn blob_states(&self, id: JobId) -> impl Iterator<Item = (SlotKey, BlobState)> + '_ {
        self.jobs.get(&id).into_iter().flat_map(|job| job.slots.states(&self.drive))
    }

    /// A complete blob of a job.
    pub fn blob(&self, id: JobId, key: SlotKey) -> Option<&[u8]> {
        self.jobs.get(&id)?.slots.blob(&self.drive, key)
    }

    /// A job, whose existence was checked before.
    ///
    /// - Panics: if it is gone, which is a bug
    pub(crate) fn known(&self, id: JobId) -> &Job {
        there(self.jobs.get(&id), "the job was looked up before")
    }

    /// The job, mutably.
    pub(crate) fn known_mut(&mut self, id: JobId) -> &mut Job {
        there(self.jobs.get_mut(&id), "the job was looked up before")
    }

    /// Pays out balances that the input has changed and that are not kept: too small ones, and
    /// those beyond the limit.
    pub(crate) fn sweep(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        let most = usize::try_from(self.settings.max_balances).unwrap_or(usize::MAX);
        for (account, asset, was_new) in self.ledger.changed() {
            let amount = self.ledger.free(account, asset);
            let is_exempt = [self.settings.operator, self.settings.sink].contains(&account);
            let has_record = !was_new || self.ledger.balance_count() <= most;
            let is_enough = amount >= self.settings.asset(asset).account_minimum;
            if amount == Amount::ZERO || is_exempt || (has_record && is_enough) {
                continue;
            }
            let payment = self.ledger.transfer(TransferKind::Withdraw, account, asset, amount);
            possible(payment, "a balance can be withdrawn");
            effects.push(Effect::Event(Event::Returned { account, asset, amount }));
            effects.push(Effect::Pay { to: account, asset, amount });
        }
        effects
    }

    /// Retains an ended job until newer ones need its room.
    pub(crate) fn retire(&mut self, id: JobId) {
        let records = self.known(id).submissions.len().saturating_add(1);
        self.ended.push_back((id, records));
        self.ended_records = self.ended_records.saturating_add(records);
    }

    /// Removes jobs that have not ended from the list of ended ones, as a command was undone.
    pub(crate) fn forget_retired(&mut self) {
        let is_live = |id: &JobId| self.jobs.get(id).is_none_or(|job| job.stage.is_live());
        while let Some((_, records)) = self.ended.pop_back_if(|(id, _)| is_live(id)) {
            self.ended_records = self.ended_records.saturating_sub(records);
        }
    }

    /// Forgets the oldest ended jobs beyond the limit.
    pub(crate) fn forget_ended(&mut self) {
        while self.ended_records > ENDED_RECORDS && self.ended.len() > 1 {
            let Some((id, records)) = self.ended.pop_front() else { return };
            self.ended_records = self.ended_records.saturating_sub(records);
            if let Some(job) = self.jobs.remove(&id) {
                self.numbers.remove(&job.number);
            }
        }
    }
}
