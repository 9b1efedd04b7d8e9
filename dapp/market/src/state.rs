//! All that the market knows, and the few ways in which everything else changes it.

use std::collections::{BTreeMap, VecDeque};

use blobs::Cid;
use serde::{Deserialize, Serialize};

use crate::{
    clock::Clock,
    effect::{Effect, Event},
    invariant::{possible, there},
    job::Job,
    ledger::{Kind, Ledger},
    meter::Meter,
    settings::Settings,
    store::{BlobState, Drive, SlotKey},
    units::{Amount, JobId, Timestamp},
};

/// How many submissions ended jobs keep on show, all together.
const ENDED_RECORDS: usize = 4_096;

/// All state of the market.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) ledger: Ledger,
    pub(crate) drive: Drive,
    /// Bytes that jobs have reserved.
    pub(crate) reserved: u64,
    pub(crate) jobs: BTreeMap<JobId, Job>,
    /// Jobs that are kept, by number.
    pub(crate) numbers: BTreeMap<u32, JobId>,
    pub(crate) next_number: u32,
    /// Ended jobs that are still on show, the oldest first, and their records.
    ended: VecDeque<(JobId, usize)>,
    ended_records: usize,
    /// What the input under way has cost.
    #[serde(skip)]
    pub(crate) meter: Meter,
    /// What the clock showed before it.
    #[serde(skip)]
    pub(crate) clock_before: Clock,
    /// What the validators drew for its block.
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

    /// Forgets what is known of an input only while it is under way.
    pub(crate) fn end_input(&mut self) {
        self.meter = Meter::default();
        self.clock_before = Clock::default();
        self.randao = [0; 32];
        self.ledger.begin();
    }

    /// What the deployment fixed.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The money.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What the market's clock shows.
    pub const fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// By how many seconds the machine lags.
    pub const fn lag_seconds(&self) -> u64 {
        self.clock.lag_seconds()
    }

    /// Bytes of the store that jobs have reserved.
    pub const fn reserved_bytes(&self) -> u64 {
        self.reserved
    }

    /// A blob that the deployment carries.
    pub fn drive_blob(&self, cid: Cid) -> Option<&[u8]> {
        self.drive.blob(cid)
    }

    /// A job that has not ended, or is still on show.
    pub fn job(&self, id: JobId) -> Option<&Job> {
        self.jobs.get(&id)
    }

    /// The name of the job with this number.
    pub fn job_number(&self, number: u32) -> Option<JobId> {
        self.numbers.get(&number).copied()
    }

    /// All jobs from this number on.
    pub fn jobs_from(&self, first: u32) -> impl DoubleEndedIterator<Item = (JobId, &Job)> {
        let ids = self.numbers.range(first..);
        ids.filter_map(|(_, id)| Some((*id, self.jobs.get(id)?)))
    }

    /// How many jobs were ever opened.
    pub const fn job_count(&self) -> u32 {
        self.next_number
    }

    /// What is known of a job's blobs.
    pub fn blob_states(&self, id: JobId) -> impl Iterator<Item = (SlotKey, BlobState)> + '_ {
        self.jobs.get(&id).into_iter().flat_map(|job| job.slots.states(&self.drive))
    }

    /// A whole blob of a job.
    pub fn blob(&self, id: JobId, key: SlotKey) -> Option<&[u8]> {
        self.jobs.get(&id)?.slots.blob(&self.drive, key)
    }

    /// A job that was looked up before.
    ///
    /// - Panics: if it is gone, which is a bug
    pub(crate) fn known(&self, id: JobId) -> &Job {
        there(self.jobs.get(&id), "the job was looked up before")
    }

    /// The same, to change it.
    pub(crate) fn known_mut(&mut self, id: JobId) -> &mut Job {
        there(self.jobs.get_mut(&id), "the job was looked up before")
    }

    /// Sends back balances that the input has changed and that are not kept: too small ones, and
    /// those there is no record for.
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
            let payment = self.ledger.transfer(Kind::Withdraw, account, asset, amount);
            possible(payment, "a balance can be withdrawn");
            effects.push(Effect::Event(Event::Returned { account, asset, amount }));
            effects.push(Effect::Pay { to: account, asset, amount });
        }
        effects
    }

    /// Keeps an ended job on show until newer ones need its room.
    pub(crate) fn retire(&mut self, id: JobId) {
        let records = self.known(id).submissions.len().saturating_add(1);
        self.ended.push_back((id, records));
        self.ended_records = self.ended_records.saturating_add(records);
    }

    /// Takes jobs off the list of ended ones that are not: a command was undone.
    pub(crate) fn forget_retired(&mut self) {
        let is_live = |id: &JobId| self.jobs.get(id).is_none_or(|job| job.stage.is_live());
        while let Some((_, records)) = self.ended.pop_back_if(|(id, _)| is_live(id)) {
            self.ended_records = self.ended_records.saturating_sub(records);
        }
    }

    /// Forgets ended jobs that there is no room for.
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
