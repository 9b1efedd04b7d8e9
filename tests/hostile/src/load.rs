//! A load on a market: a crowd of sponsors and clients, and among them people who send what they
//! should not. Seeded, so that it can be had again.

use std::{collections::VecDeque, fs};

use blobs::{Digest, Encoding};
use eval::Evaluator;
use market::{
    Address, Amount, AnyJob, Asset, Command, JobId, Outcome, Terms, Timestamp, U256, Work,
};
use rollup::{Advance, App, CatchingJudge, Status};
use wire::{Genesis, encode_command, encode_erc20_deposit, encode_ether_deposit};

use crate::{
    contest, onnx_writer as writer,
    season::{Act, Entrant, Season, Turn},
    world::{self, FILES, NOW, REWARD},
};

/// Seconds from one input to the next.
const SECONDS: u64 = 1;
/// Seconds a job is open: enough for all its turns.
const WINDOW_SECONDS: u64 = 2_400;
/// Seconds a job is open that does not end here.
const YEAR_SECONDS: u64 = 31_000_000;
/// Jobs under way at once.
const JOBS: usize = 32;
/// Accounts that take part again and again.
const ACCOUNTS: usize = 300;
/// Clients that enter each job.
const CLIENTS: usize = 6;
/// Entrants of a competition, and its miners.
const ENTRANTS: usize = 4;
const MINERS: usize = 2;

/// What the crowd does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// Jobs open, are played to their end and settled, and others open: records grow.
    Bounties,
    /// The same, but every second job is a competition.
    Competitions,
    /// The jobs there are stay open: uploads start over and over, money comes and goes, and most of
    /// what is sent is refused. Records do not grow.
    Standstill,
}

/// An application under load.
pub struct Load {
    app: App<CatchingJudge<Evaluator>>,
    genesis: Genesis,
    mix: Mix,
    random: fastrand::Rng,
    now: u64,
    rounds: Vec<Round>,
    counts: Counts,
}

/// A job and what is still to be sent for it.
struct Round {
    job: JobId,
    turns: VecDeque<Turn>,
    deadline: u64,
}

/// What was sent and what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Inputs.
    pub inputs: u64,
    /// Those that were refused.
    pub refused: u64,
    /// Questions between them.
    pub questions: u64,
    /// Vouchers and notices.
    pub outputs: u64,
}

/// What an application keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Jobs, submissions and entries ever made, which stay on record.
    pub records: u64,
    /// Jobs among them.
    pub jobs: u64,
    /// Bytes on the shelf.
    pub stored_bytes: u64,
    /// Balances that are not zero.
    pub balances: u64,
    /// Bytes of this process that are in memory.
    pub resident_bytes: u64,
}

impl Load {
    /// A load that has not begun.
    #[must_use]
    pub fn new(mix: Mix, seed: u64) -> Self {
        let genesis = Genesis { max_stored_bytes: 262_144, ..world::genesis() };
        let app = App::new(genesis.clone(), [], CatchingJudge::default());
        let random = fastrand::Rng::with_seed(seed);
        let (now, rounds, counts) = (NOW, Vec::new(), Counts::default());
        let mut load = Self { app, genesis, mix, random, now, rounds, counts };
        for _ in 0..JOBS {
            let round = load.open_job();
            load.rounds.push(round);
        }
        load
    }

    /// What was sent so far.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// What is kept now.
    #[must_use]
    pub fn kept(&self) -> Kept {
        let market = self.app.market();
        let jobs = market.jobs_from(JobId(0));
        let submissions: u64 = jobs.map(|(_, job)| u64::from(job.submissions)).sum();
        let competitions = market.competitions_from(JobId(0));
        let entries: u64 = competitions.map(|(_, job)| job.entries().len() as u64).sum();
        let jobs = u64::from(market.job_count());
        Kept {
            records: jobs + submissions + entries,
            jobs,
            stored_bytes: market.shelf().stored(),
            balances: market.ledger().accounts().count() as u64,
            resident_bytes: resident_bytes(),
        }
    }

    /// How many competitions a model has won.
    #[must_use]
    pub fn won(&self) -> usize {
        let competitions = self.app.market().competitions_from(JobId(0));
        let decided = competitions.filter_map(|(_, job)| job.decision.as_ref());
        decided.filter(|decision| decision.outcome == Outcome::Won).count()
    }

    /// Sends one input, and now and then a question.
    ///
    /// - Panics: if the application fails on it, or money is not conserved
    pub fn step(&mut self) {
        match self.random.u8(..) {
            0..=159 => self.go_on(),
            160..=175 => self.send_money(),
            176..=191 => self.take_money(),
            192..=207 => self.changed_command(),
            208..=215 => self.bomb(),
            216..=223 => self.forged_deposit(),
            224..=231 => self.start_over(),
            _ => self.garbage(),
        }
        if self.random.u8(..) < 32 {
            self.ask();
        }
        if self.counts.inputs.is_multiple_of(1_000) {
            let mut totals = self.app.market().ledger().solvency();
            assert!(totals.all(|(_, solvency)| solvency.holds()), "money is not conserved");
        }
    }

    /// A job goes on by one turn, or as far as time lets it; when it is over, another one opens.
    fn go_on(&mut self) {
        let place = self.random.usize(..self.rounds.len());
        let Round { job, ref mut turns, deadline } = self.rounds[place];
        let (now, sender) = (self.now, account(place));
        let is_competition = self.app.market().competition(job).is_some();
        if let Some(turn) = turns.pop_front_if(|turn| turn.from <= now) {
            self.take(job, turn);
        } else if self.mix == Mix::Standstill {
            self.start_over();
        } else if now < deadline && !is_competition {
            self.command(sender, &Command::Evaluate { job, work: Work(u64::MAX) });
        } else {
            self.command(sender, &Command::Settle { job });
            let is_live = self.app.market().any_job(job).is_some_and(|job| match job {
                AnyJob::Bounty(job) => job.is_live(),
                AnyJob::Competition(job) => job.is_live(),
            });
            if !is_live && now >= deadline {
                self.rounds[place] = self.open_job();
            }
        }
    }

    /// Someone takes its turn in a job.
    fn take(&mut self, job: JobId, Turn { sender, act, .. }: Turn) {
        let models = self.app.market().competition(job).map_or(0, |job| job.page(0).len());
        match act {
            Act::Command(command) => self.command(sender, &command),
            Act::Attest => self.command(sender, &contest::attest(sender, job, models)),
            Act::Unveil => self.command(sender, &contest::unveil(job, models)),
            Act::Deposit(amount, command) => {
                let deposit = encode_ether_deposit(sender, amount, &encode_command(&command));
                self.input(self.genesis.ether_portal, deposit);
            }
        }
    }

    /// Opens a competition with a deposit.
    fn open_competition(&mut self) -> Round {
        let entrant = |load: &mut Self, place: usize| Entrant {
            // Each its own, so that nobody enters twice.
            account: account(
                place * (ACCOUNTS / ENTRANTS) + load.random.usize(..ACCOUNTS / ENTRANTS),
            ),
            model: load.model(),
            shows: load.random.bool(),
            reveals: load.random.u8(..) < 200,
        };
        let season = Season {
            job: JobId(self.app.market().job_count()),
            now: self.now,
            sponsor: account(ACCOUNTS),
            base: self.model(),
            reveals: self.random.u8(..) < 230,
            entrants: (0..ENTRANTS).map(|place| entrant(self, place)).collect(),
            miners: (0..self.random.usize(..=MINERS))
                .map(|place| account(ACCOUNTS + 1 + place))
                .collect(),
        };
        let (escrow, open) = season.opening();
        let deposit = encode_ether_deposit(season.sponsor, escrow, &encode_command(&open));
        self.input(self.genesis.ether_portal, deposit);
        Round { job: season.job, turns: season.turns(), deadline: season.deadline() }
    }

    /// Opens a job with a deposit.
    fn open_job(&mut self) -> Round {
        let job = JobId(self.app.market().job_count());
        if self.mix == Mix::Competitions && job.0.is_multiple_of(2) {
            return self.open_competition();
        }
        let sponsor = self.account();
        let base = self.model();
        let is_standstill = self.mix == Mix::Standstill;
        let window = if is_standstill { YEAR_SECONDS } else { WINDOW_SECONDS };
        let deadline = self.now + window;
        let mut hold_out = world::file(&FILES.hold_out);
        if is_standstill {
            // One that never comes.
            hold_out.digest = Digest::of(&job.0.to_le_bytes());
            hold_out.size = self.genesis.max_blob_bytes;
        }
        let terms = Terms {
            rewards: 3,
            deadline: Timestamp(deadline),
            base_model: world::file(&base),
            hold_out,
            ..world::terms(Asset::Ether, 0)
        };
        let open = encode_command(&Command::OpenJob(Box::new(terms)));
        let escrow = REWARD.checked_times(3).expect("a small sum");
        let deposit = encode_ether_deposit(sponsor, escrow, &open);
        self.input(self.genesis.ether_portal, deposit);
        let turns = if is_standstill { VecDeque::new() } else { self.turns(job, sponsor, &base) };
        Round { job, turns, deadline }
    }

    /// All that happens to a job until its deadline.
    fn turns(&mut self, job: JobId, sponsor: Address, base: &[u8]) -> VecDeque<Turn> {
        let turn = |sender, command| Turn { from: 0, sender, act: Act::Command(command) };
        let publish = |file| turn(sponsor, world::publish(file));
        let mut turns: VecDeque<Turn> = [base, &FILES.hold_out].map(publish).into();
        let evaluate = |sender| turn(sender, Command::Evaluate { job, work: Work(u64::MAX) });
        turns.extend([(); 3].map(|()| evaluate(sponsor)));
        for _ in 0..CLIENTS {
            let client = self.account();
            let model = self.model();
            let (file, data) = (world::file(&model), world::file(b"own rows"));
            turns.push_back(turn(client, Command::Submit { job, model: file, data }));
            // Some never send what they announced.
            if self.random.u8(..) < 200 {
                turns.push_back(turn(client, world::publish(&model)));
                turns.extend([(); 3].map(|()| evaluate(client)));
            }
        }
        turns
    }

    /// A model that nobody has entered before: most can be evaluated, some are better than others.
    fn model(&mut self) -> Vec<u8> {
        let weights = [(); 4].map(|()| self.random.f32() - 0.5);
        match self.random.u8(..) {
            0..=15 => world::model(&weights.map(|weight| weight * f32::MAX)),
            16..=23 => writer::model(&[weights.map(f32::to_le_bytes).concat()]),
            24..=31 => FILES.models[4].clone(),
            32..=127 => {
                let [left, right, ..] = weights.map(f32::abs);
                world::model(&[-left, left, -right, right])
            }
            _ => world::model(&weights),
        }
    }

    fn send_money(&mut self) {
        let (account, amount) = (self.account(), Amount(U256::from(self.random.u8(..))));
        let token = Address([self.random.u8(0x6c..0x74); 20]);
        if self.random.bool() {
            self.input(self.genesis.ether_portal, encode_ether_deposit(account, amount, &[]));
        } else {
            let deposit = encode_erc20_deposit(token, account, amount, b"no command");
            self.input(self.genesis.erc20_portal, deposit);
        }
    }

    /// Someone who has money takes all of one asset.
    fn take_money(&mut self) {
        let someone = self.account();
        let mut accounts = self.app.market().ledger().accounts();
        let rich = accounts.find(|(account, ..)| *account >= someone);
        let (from, asset, amount) = rich.unwrap_or((someone, Asset::Ether, REWARD));
        drop(accounts);
        self.command(from, &Command::Withdraw { asset, amount });
    }

    fn changed_command(&mut self) {
        let (kind, choice) = (self.random.u8(..world::COMMANDS), self.random.u8(..));
        let mut calldata = encode_command(&world::command(kind, choice));
        for _ in 0..self.random.u8(1..4) {
            let place = self.random.usize(..calldata.len());
            calldata[place] = self.random.u8(..);
        }
        let sender = self.account();
        self.input(sender, calldata);
    }

    /// A chunk that inflates to more than it may.
    fn bomb(&mut self) {
        let sender = self.account();
        let mut data = vec![0; 1_000];
        // A stored block of deflate, whose length is a lie.
        data[..5].copy_from_slice(&[1, 0xff, 0xff, 0, 0]);
        let digest = Digest::of(&[self.random.u8(..)]);
        let encoding = Encoding::Deflate;
        self.command(sender, &Command::Publish { digest, offset: 0, encoding, data });
    }

    fn forged_deposit(&mut self) {
        let sender = self.account();
        let deposit = encode_ether_deposit(sender, Amount(U256::MAX), &[]);
        self.input(sender, deposit);
    }

    /// A sponsor sends the beginning of a hold-out again and again.
    fn start_over(&mut self) {
        let place = self.random.usize(..self.rounds.len());
        let Some(job) = self.app.market().job(self.rounds[place].job) else { return };
        let (sender, digest) = (job.sponsor, job.terms.hold_out.digest);
        let data = vec![7; self.random.usize(1..16_000)];
        let encoding = Encoding::Plain;
        self.command(sender, &Command::Publish { digest, offset: 0, encoding, data });
    }

    fn garbage(&mut self) {
        let length = self.random.usize(..200);
        let mut payload: Vec<u8> =
            std::iter::repeat_with(|| self.random.u8(..)).take(length).collect();
        let sender = self.account();
        let senders = [sender, self.genesis.ether_portal, self.genesis.erc20_portal];
        let sender = senders[self.random.usize(..3)];
        if sender != senders[0] {
            // Too short for a deposit: a random account would be a record.
            payload.truncate(51);
        }
        self.input(sender, payload);
    }

    fn ask(&mut self) {
        let job = self.random.u32(..self.app.market().job_count().max(1));
        let question = match self.random.u8(..9) {
            0 => "jobs?limit=100".to_owned(),
            1 => format!("jobs/{job}"),
            2 => format!("jobs/{job}/submissions?limit=100"),
            3 => format!("accounts/{}", self.account()),
            4 => "solvency".to_owned(),
            5 => format!("jobs/{job}/leaderboard?limit=100"),
            6 => format!("jobs/{job}/models?limit=100"),
            7 => format!("jobs/{job}/miners?limit=100"),
            _ => "what is this?".to_owned(),
        };
        let answer = self.app.inspect(question.as_bytes());
        assert_eq!((answer.status, answer.reports.len()), (Status::Accept, 1));
        self.counts.questions += 1;
    }

    fn account(&mut self) -> Address {
        account(self.random.usize(..ACCOUNTS))
    }

    fn command(&mut self, sender: Address, command: &Command) {
        self.input(sender, encode_command(command));
    }

    fn input(&mut self, sender: Address, payload: Vec<u8>) {
        self.now += SECONDS;
        let answer = self
            .app
            .advance(&Advance { context: crate::advance::context(sender, self.now), payload });
        crate::advance::check_answer(&answer);
        self.counts.inputs += 1;
        self.counts.refused += u64::from(!answer.reports.is_empty());
        self.counts.outputs += answer.outputs.len() as u64;
    }
}

/// The address of one of the crowd.
fn account(number: usize) -> Address {
    let mut address = [0xac; 20];
    address[..8].copy_from_slice(&(number as u64).to_be_bytes());
    Address(address)
}

/// Bytes of this process that are in memory, as Linux counts them; zero elsewhere.
fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() << 10
}
