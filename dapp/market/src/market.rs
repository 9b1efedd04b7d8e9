//! The market itself: all its state, and the one door through which commands change it.

use std::collections::{BTreeMap, BTreeSet};

use blobs::{Cid, Digest, Opening};

use crate::{
    command::{self, Command, Context},
    competition::Competition,
    effect::{Effect, Event},
    job::{Job, Submission},
    judge::Judge,
    ledger::{Kind, Ledger},
    meter::Prices,
    refusal::Refusal,
    shelf::Shelf,
    submissions::Submissions,
    units::{Address, Amount, Asset, JobId, SubmissionId, Work},
};

/// What a deployment fixes at genesis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Tokens that rewards may be paid in, beside Ether.
    pub allowed_tokens: BTreeSet<Address>,
    /// Largest blob, in bytes.
    pub max_blob_bytes: u64,
    /// All bytes the market keeps, beside those of the drive.
    pub max_stored_bytes: u64,
    /// Work that one input may cost at most.
    pub input_work: Work,
    /// What is not evaluation costs.
    pub prices: Prices,
    /// Longest time a job may be open, in seconds.
    pub max_window_seconds: u64,
    /// How long after its deadline a job waits for pending evaluations, in seconds.
    pub evaluation_window_seconds: u64,
}

/// A job of either kind.
#[derive(Clone, Copy, Debug)]
pub enum AnyJob<'a> {
    /// A bounty.
    Bounty(&'a Job),
    /// A competition.
    Competition(&'a Competition),
}

/// All state of the market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Market {
    pub(crate) settings: Settings,
    pub(crate) ledger: Ledger,
    pub(crate) shelf: Shelf,
    pub(crate) jobs: BTreeMap<JobId, Job>,
    pub(crate) competitions: BTreeMap<JobId, Competition>,
    /// Miners that are for all competitions, in the order they came, and where each is.
    pub(crate) standing: Vec<Address>,
    pub(crate) standing_places: BTreeMap<Address, usize>,
    pub(crate) submissions: Submissions,
    /// Every model ever paid for, by each name its bytes can have.
    pub(crate) paid_models: BTreeSet<Digest>,
    pub(crate) next_job: u32,
}

impl Market {
    /// An empty market; `drive` holds the blobs that the deployment carries, verified.
    pub fn new(settings: Settings, drive: impl IntoIterator<Item = (Cid, Vec<u8>)>) -> Self {
        let shelf = Shelf::new(settings.max_stored_bytes, drive);
        Self {
            settings,
            ledger: Ledger::default(),
            shelf,
            jobs: BTreeMap::new(),
            competitions: BTreeMap::new(),
            standing: Vec::new(),
            standing_places: BTreeMap::new(),
            submissions: Submissions::default(),
            paid_models: BTreeSet::new(),
            next_job: 0,
        }
    }

    /// Credits what a portal took in; any asset is credited, only allowed ones can be used.
    ///
    /// - Errors: `BalanceOverflow` when a token lies about its supply
    pub fn deposit(
        &mut self,
        account: Address,
        asset: Asset,
        amount: Amount,
    ) -> Result<(), Refusal> {
        let credit = self.ledger.prepare(Kind::Deposit, account, asset, amount)?;
        self.ledger.post(credit);
        Ok(())
    }

    /// Carries out one command: all of it, or none.
    ///
    /// - Errors: the first reason against it; nothing changed
    pub fn apply(
        &mut self,
        context: &Context,
        command: Command,
        judge: &mut dyn Judge,
    ) -> Result<Vec<Effect>, Refusal> {
        match command {
            Command::OpenJob(terms) => command::open_job::apply(self, context, *terms, judge),
            Command::CancelJob { job } => command::cancel_job::apply(self, context, job, judge),
            Command::Publish { digest, offset, encoding, data } => {
                let chunk = command::publish::Chunk { digest, offset, encoding, data: &data };
                command::publish::apply(self, context, &chunk, judge)
            }
            Command::Submit { job, model, data } => {
                command::submit::apply(self, context, job, model, data)
            }
            Command::Evaluate { job, work } => {
                command::evaluate::apply(self, context, job, work, judge)
            }
            Command::Settle { job } => command::settle::apply(self, context, job, judge),
            Command::Withdraw { asset, amount } => {
                command::withdraw::apply(self, context, asset, amount)
            }
            other => self.apply_to_competition(context, other, judge),
        }
    }

    /// Carries out a command of competitions alone.
    fn apply_to_competition(
        &mut self,
        context: &Context,
        command: Command,
        judge: &mut dyn Judge,
    ) -> Result<Vec<Effect>, Refusal> {
        match command {
            Command::OpenCompetition { job, terms } => {
                command::open_competition::apply(self, context, job, *terms, judge)
            }
            Command::Enter { job, model } => command::enter::apply(self, context, job, model),
            Command::Show { job, model } => command::show::apply(self, context, job, model),
            Command::Enlist { job: Some(job) } => command::enlist::apply(self, context, job),
            Command::Enlist { job: None } => command::enlist::stand(self, context),
            Command::Retire => command::enlist::retire(self, context),
            Command::Reveal { job, key, salt, plaintext } => {
                let opening = Opening { key, salt, plain: plaintext };
                command::reveal::apply(self, context, job, &opening, judge)
            }
            Command::Attest { job, page, commitment } => {
                command::attest::apply(self, context, job, page, commitment)
            }
            Command::Unveil { job, page, attestations, results, salt } => {
                let answers = command::unveil::Answers { page, attestations, results, salt };
                command::unveil::apply(self, context, job, &answers)
            }
            Command::Object { job, entry } => command::object::apply(self, context, job, entry),
            Command::OpenJob(_)
            | Command::CancelJob { .. }
            | Command::Publish { .. }
            | Command::Submit { .. }
            | Command::Evaluate { .. }
            | Command::Settle { .. }
            | Command::Withdraw { .. } => Ok(Vec::new()),
        }
    }

    /// What the deployment fixed.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The money.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The bytes.
    #[must_use]
    pub const fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// A job.
    #[must_use]
    pub fn job(&self, id: JobId) -> Option<&Job> {
        self.jobs.get(&id)
    }

    /// All jobs from this one on.
    pub fn jobs_from(&self, first: JobId) -> impl Iterator<Item = (JobId, &Job)> {
        self.jobs.range(first..).map(|(&id, job)| (id, job))
    }

    /// A competition.
    #[must_use]
    pub fn competition(&self, id: JobId) -> Option<&Competition> {
        self.competitions.get(&id)
    }

    /// All competitions from this one on.
    pub fn competitions_from(&self, first: JobId) -> impl Iterator<Item = (JobId, &Competition)> {
        self.competitions.range(first..).map(|(&id, competition)| (id, competition))
    }

    /// A job of either kind.
    #[must_use]
    pub fn any_job(&self, id: JobId) -> Option<AnyJob<'_>> {
        let bounty = self.jobs.get(&id).map(AnyJob::Bounty);
        bounty.or_else(|| self.competitions.get(&id).map(AnyJob::Competition))
    }

    /// Miners that are for all competitions.
    #[must_use]
    pub fn standing_miners(&self) -> &[Address] {
        &self.standing
    }

    /// How many jobs were ever opened.
    #[must_use]
    pub const fn job_count(&self) -> u32 {
        self.next_job
    }

    /// A job's submissions from this one on.
    pub fn submissions_from(
        &self,
        first: SubmissionId,
    ) -> impl Iterator<Item = (SubmissionId, &Submission)> {
        self.submissions.starting_at(first)
    }

    /// The miner is not for all competitions any more; nothing if it was not.
    pub(crate) fn retire(&mut self, miner: Address) -> Option<Event> {
        let place = self.standing_places.remove(&miner)?;
        self.standing.swap_remove(place);
        if let Some(moved) = self.standing.get(place) {
            self.standing_places.insert(*moved, place);
        }
        Some(Event::Retired { miner })
    }

    pub(crate) fn competition_or_refuse(&self, job: JobId) -> Result<&Competition, Refusal> {
        let missing = match self.jobs.get(&job) {
            Some(_) => Refusal::WrongKind { job },
            None => Refusal::UnknownJob { job },
        };
        self.competitions.get(&job).ok_or(missing)
    }

    pub(crate) fn job_or_refuse(&self, job: JobId) -> Result<&Job, Refusal> {
        let missing = match self.competitions.get(&job) {
            Some(_) => Refusal::WrongKind { job },
            None => Refusal::UnknownJob { job },
        };
        self.jobs.get(&job).ok_or(missing)
    }
}
