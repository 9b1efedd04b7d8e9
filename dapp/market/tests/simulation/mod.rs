//! Plays random commands in many small worlds and checks after each what must always hold:
//!
//! - the ledger and the jobs' escrows are those of independently kept books;
//! - a refused command changed nothing;
//! - each client is paid once a job at most, no bytes are paid for twice;
//! - the shelf holds the bytes it says, within its bound;
//!
//! and when the world ends, that every job ends in time, that nothing stays behind, and that the
//! same commands have the same effects again.

mod books;
mod chunks;
mod generator;
mod pool;

use std::collections::BTreeMap;

use market::{
    Address, Amount, Asset, BlobState, Command, Context, Effect, Event, JobId, Market, Refusal,
    SubmissionId, SubmissionState, Verdict, Work,
};

use crate::judge::WordJudge;
use books::Books;
use generator::Generator;

/// How often each effect, verdict and reason to refuse was met.
pub(crate) type Seen = BTreeMap<&'static str, u64>;

/// What one step brought about.
type Outcome = Result<Vec<Effect>, Refusal>;

/// Commands of one world; then it ends and another begins.
const WORLD_COMMANDS: usize = 1_000;

/// One change from outside.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Deposit(Address, Asset, Amount),
    Command(Context, Command),
}

impl Step {
    fn play(&self, market: &mut Market) -> Outcome {
        match self.clone() {
            Self::Deposit(account, asset, amount) => {
                market.deposit(account, asset, amount).map(|()| Vec::new())
            }
            Self::Command(context, command) => market.apply(&context, command, &mut WordJudge),
        }
    }
}

/// Plays at least this many commands.
///
/// - Panics: when something that must hold does not; the message has the seed and the command
pub(crate) fn run(seed: u64, commands: usize) -> Seen {
    let mut seen = Seen::new();
    let mut generator = Generator::new(seed);
    for number in 0..commands.div_ceil(WORLD_COMMANDS) {
        let mut world = World::new(&mut generator, format!("seed {seed}, world {number}"));
        for _ in 0..WORLD_COMMANDS {
            let step = generator.step(&world.market);
            world.step(step, &mut seen);
        }
        world.end(number % 2 == 0, &mut seen);
        world.replay();
    }
    seen
}

struct World {
    name: String,
    /// The market at the beginning, for the replay.
    genesis: Market,
    market: Market,
    books: Books,
    history: Vec<(Step, Outcome)>,
}

impl World {
    fn new(generator: &mut Generator, name: String) -> Self {
        let market = generator.genesis();
        let books = Books::default();
        Self { name, genesis: market.clone(), market, books, history: Vec::new() }
    }

    fn step(&mut self, step: Step, seen: &mut Seen) {
        let thorough = self.history.len().is_multiple_of(16);
        let before = thorough.then(|| self.market.clone());
        let brief = self.brief(&step);
        let outcome = step.play(&mut self.market);
        let place = format!("{}, step {}: {step:?}", self.name, self.history.len());
        match &outcome {
            Ok(effects) => {
                self.books.record(&step, effects, &place);
                effects.iter().for_each(|effect| count(seen, effect));
            }
            Err(refusal) => {
                *seen.entry(refusal.name()).or_default() += 1;
                assert_eq!(brief, self.brief(&step), "refused and changed; {place}");
                assert!(before.is_none_or(|old| old == self.market), "refused, changed; {place}");
            }
        }
        self.books.check(&self.market, &place);
        if thorough {
            self.check_shelf(&place);
        }
        self.history.push((step, outcome));
    }

    /// What a command could change, cheap enough to be compared each time.
    fn brief(&self, step: &Step) -> impl PartialEq + std::fmt::Debug + use<> {
        let sender = match step {
            Step::Deposit(account, ..) => *account,
            Step::Command(context, _) => context.sender,
        };
        let jobs = self.market.jobs_from(JobId(0)).map(|(_, job)| {
            (job.stage, job.escrow, job.payouts, job.submissions, job.pending(), job.progress())
        });
        let balances = self.market.ledger().balances(sender);
        (jobs.collect::<Vec<_>>(), balances.collect::<Vec<_>>(), self.market.shelf().stored())
    }

    /// The shelf keeps the bytes it says, of blobs that are held, awaited or queued.
    fn check_shelf(&self, place: &str) {
        let shelf = self.market.shelf();
        let states = pool::digests().flat_map(|digest| shelf.states(digest));
        let sizes = states.map(|state| match state {
            BlobState::Held { size } => size,
            BlobState::Expected { received, size, .. } => {
                assert!(received < size, "{place}");
                received
            }
        });
        let queued = self.submissions().filter(|(_, state, _)| *state == SubmissionState::Queued);
        let bytes = sizes.sum::<u64>() + queued.map(|(.., size)| size).sum::<u64>();
        let stored = shelf.stored();
        assert_eq!(stored + pool::drive_bytes(), bytes, "{place}");
        assert!(stored <= self.market.settings().max_stored_bytes, "{place}");
    }

    fn submissions(&self) -> impl Iterator<Item = (SubmissionId, SubmissionState, u64)> {
        let jobs = self.market.jobs_from(JobId(0));
        jobs.flat_map(|(job, _)| self.market.submissions_from(SubmissionId { job, index: 0 }))
            .map(|(id, submission)| (id, submission.state, submission.model.size))
    }

    /// Everybody leaves: jobs are ended as late as they may be, or as soon as all is evaluated;
    /// all free balances are withdrawn.
    fn end(&mut self, evaluate: bool, seen: &mut Seen) {
        (0..self.market.job_count()).for_each(|job| self.end_job(JobId(job), evaluate, seen));
        let balances: Vec<_> = self.market.ledger().accounts().collect();
        for (sender, asset, amount) in balances {
            let context = Context { sender, ..Context::default() };
            self.step(Step::Command(context, Command::Withdraw { asset, amount }), seen);
        }
        assert_eq!(self.market.shelf().stored(), 0, "{}", self.name);
        self.check_shelf(&self.name);
        for (id, state, _) in self.submissions() {
            let SubmissionState::Judged(verdict) = state else { panic!("{}: {id}", self.name) };
            *seen.entry(verdict_name(&verdict)).or_default() += 1;
        }
        for (asset, sides) in self.market.ledger().solvency() {
            assert_eq!(sides.deposited, sides.paid_out, "{}: {asset}", self.name);
        }
    }

    fn end_job(&mut self, id: JobId, evaluate: bool, seen: &mut Seen) {
        let live = |market: &Market| market.job(id).filter(|job| job.is_live()).cloned();
        while let Some(job) = live(&self.market) {
            let (deadline, goes_on) = (job.terms.deadline, evaluate && job.pending() > 0);
            let window = self.market.settings().evaluation_window_seconds;
            let now = if evaluate { deadline } else { deadline.after(window) };
            let go_on = Command::Evaluate { job: id, work: Work(0) };
            let command = if goes_on { go_on } else { Command::Settle { job: id } };
            self.step(
                Step::Command(
                    Context { sender: pool::account(0), now, ..Context::default() },
                    command,
                ),
                seen,
            );
            let outcome = self.history.last().map(|(_, outcome)| outcome);
            assert!(outcome.is_some_and(Result::is_ok), "{}: {id} does not end", self.name);
        }
    }

    /// The same commands again have the same outcomes and end in the same state.
    fn replay(self) {
        let mut market = self.genesis;
        for (at, (step, outcome)) in self.history.iter().enumerate() {
            assert_eq!(step.play(&mut market), *outcome, "{}, step {at} replayed", self.name);
        }
        assert!(market == self.market, "{} replayed", self.name);
    }
}

fn count(seen: &mut Seen, effect: &Effect) {
    let name = match effect {
        Effect::Pay { .. } => "Pay",
        Effect::Record { .. } => "Record",
        Effect::Event(event) => match event {
            Event::JobOpened { .. } => "JobOpened",
            Event::BlobStored { .. } => "BlobStored",
            Event::JobReady { .. } => "JobReady",
            Event::ModelSubmitted { .. } => "ModelSubmitted",
            Event::ModelJudged { .. } => "ModelJudged",
            Event::JobCancelled { .. } => "JobCancelled",
            Event::JobSettled { .. } => "JobSettled",
            _ => "an event of competitions",
        },
    };
    *seen.entry(name).or_default() += 1;
}

fn verdict_name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Accepted(_) => "accepted",
        Verdict::Refused { reason, .. } => reason.name(),
    }
}
