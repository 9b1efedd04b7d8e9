//! Attempts to crash or stall the program: made-up tokens and accounts, a store filled for money,
//! bonds that nobody can pay, junk queued before honest models, one model over and over, all
//! places taken, and machine time for nothing. They run against the program itself, with the
//! genesis and the memory limit of a deployment.

use std::{collections::VecDeque, fs};

use blobs::{Chunk, Digest};
use market::{
    Address, Amount, Asset, Award, Command, Evaluators, MinerTerms, Score, Sealing, Slot, Target,
    Terms, Timestamp, U256, Work,
};
use scenarios::{NOW, absent, chunks_but_the_last, file, publish_all, publish_chunk};
use wire::{Genesis, encode_command};

pub use crate::sender::Counts;
use crate::{
    books::payment,
    onnx_writer as writer,
    plan::Plan,
    program::{Program, checkout, deployed_memory_mib},
    sender::{Sender, account},
    world::FILES,
};

/// The victim, which has money in the application and a job throughout.
const VICTIM: Address = Address([0x1c; 20]);
/// The number of attackers' accounts, besides made-up ones.
const ATTACKERS: u64 = 500;
/// Enough Ether for anything, in wei.
const RICH: u128 = 1_000_000_000_000_000_000_000_000;
/// Seconds that the jobs under attack are open: throughout.
const OPEN_SECONDS: u64 = 30_000_000;
/// Bytes of a job's blobs that are never complete.
const GREEDY_BYTES: u64 = 4 << 20;

/// An attack under way.
pub struct Attack {
    sender: Sender,
    random: fastrand::Rng,
    /// The victim's job, which no model here is good enough for, and one that pays.
    quiet: Plan,
    paying: Plan,
    greedy: VecDeque<Plan>,
    chunks: Vec<Chunk>,
    /// Commands that belong together, and those of a job that only takes time.
    next: VecDeque<(Address, Command)>,
    heavy: VecDeque<Step>,
    heavy_model: Vec<u8>,
    made: u32,
}

enum Step {
    Send(Command),
    Open(Plan),
    Evaluate(Plan),
}

/// Resources of the program at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Resident memory, in KiB.
    pub resident_kib: u64,
    /// Peak resident memory, in KiB.
    pub peak_kib: u64,
    /// Peak address space, in KiB, which its limit applies to.
    pub address_space_kib: u64,
    /// Bytes that jobs have reserved.
    pub reserved_bytes: u64,
    /// Nonzero balances.
    pub balances: u64,
}

impl Attack {
    /// Starts the program, and sets up the victim.
    ///
    /// - Panics: if the program is not built
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let text = fs::read_to_string(checkout("dapp/rollup/genesis.json")).expect("a checkout");
        let genesis = Genesis::parse(&text).expect("the deployed genesis");
        let program = Program::start(deployed_memory_mib());
        let sender = Sender::new(genesis, Vec::new(), Some(program));
        let random = fastrand::Rng::with_seed(seed);
        let close = Timestamp(NOW + OPEN_SECONDS);
        let mut paying = Plan::new(0, VICTIM, [1; 32], &FILES.base, close);
        paying.terms.places = 100;
        paying.terms.award = Award::Rewards { reward: Amount::new(1_000_000), count: 8 };
        let mut quiet = paying.clone();
        quiet.terms.offer.min_score = Score::MAX;
        quiet.terms.offer.min_gain = Score::MAX;
        let [quiet, paying] = [quiet, paying]
            .map(|Plan { terms, salt, base, .. }| Plan::of(terms, VICTIM, salt, &base));
        let (next, heavy) = (VecDeque::new(), VecDeque::new());
        let (greedy, chunks, heavy_model) =
            (VecDeque::new(), chunks_but_the_last(GREEDY_BYTES), heavy_model());
        let mut attack = Self {
            sender,
            random,
            quiet,
            paying,
            greedy,
            chunks,
            next,
            heavy,
            heavy_model,
            made: 0,
        };
        attack.open_jobs();
        attack
    }

    fn open_jobs(&mut self) {
        for plan in [self.quiet.clone(), self.paying.clone()] {
            self.deposit(VICTIM, &plan.open());
            for slot in [Slot::BaseModel, Slot::HoldOut, Slot::PublicSlice] {
                self.sender.command(VICTIM, &plan.publish_own(slot));
            }
            self.send_evaluate(VICTIM, &plan, Target::Base);
            let job = self.sender.market().job(plan.job).expect("it opens");
            assert_eq!(job.stage, market::Stage::Open);
        }
    }

    /// Counts of what was sent so far.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.sender.counts
    }

    /// The current resources of the program.
    #[must_use]
    pub fn memory(&self) -> Memory {
        let of = |name| self.sender.program.as_ref().map_or(0, |program| program.memory_kib(name));
        let market = self.sender.market();
        Memory {
            resident_kib: of("VmRSS"),
            peak_kib: of("VmHWM"),
            address_space_kib: of("VmPeak"),
            reserved_bytes: market.reserved_bytes(),
            balances: market.ledger().balance_count() as u64,
        }
    }

    /// Sends one input, and occasionally a query.
    ///
    /// - Panics: if the program ends, or its answer differs from the application's in this process
    pub fn step(&mut self) {
        if let Some((sender, command)) = self.next.pop_front() {
            self.sender.command(sender, &command);
            return;
        }
        match self.random.u8(..) {
            0..=129 => self.fill_memory(),
            130..=179 => self.fill_balances(),
            180..=187 => self.fill_store(),
            188 => self.fill_store_with_bytes(),
            189..=191 => self.cancel_greedy_job(),
            192..=199 => self.rob_miners(),
            200..=213 => self.junk(),
            214..=219 => self.same_model(),
            220..=235 => self.evaluate_stale(),
            236..=247 => self.withdraw(),
            248 if self.random.u8(..) < 64 => self.machine_time(),
            _ => self.ask_and_babble(),
        }
    }

    /// A deposit of an unknown token for an unknown account.
    fn fill_memory(&mut self) {
        let [token, account] = [(); 2].map(|()| self.made_up());
        self.sender.token(token, account, Amount(U256::from(self.random.u128(..))));
    }

    /// A deposit of Ether for an unknown account, close to the smallest amount that is kept.
    fn fill_balances(&mut self) {
        let minimum = self.sender.market().settings().asset(Asset::Ether).account_minimum;
        let amount = minimum.scaled_up(self.random.u32(0..4).into(), 2.into());
        let account = self.made_up();
        self.sender.ether(account, amount.unwrap_or_default(), &[]);
    }

    /// A job of 1 wei whose blobs have the maximum size and are never complete.
    fn fill_store(&mut self) {
        let number = self.made();
        let blob = |kind| absent(&[&number[..], &[kind]].concat(), GREEDY_BYTES);
        let mut terms = self.paying.terms;
        terms.places = 1;
        terms.offer.base_model = blob(0);
        terms.sealing = Sealing::Open { hold_out: blob(1) };
        terms.award = Award::Rewards { reward: Amount::new(1), count: 1 };
        let plan = Plan::of(terms, self.attacker(), number, &[]);
        self.deposit(plan.sponsor, &plan.open());
        if self.sender.market().job(plan.job).is_some() {
            self.greedy.push_back(plan);
        }
    }

    /// The next bytes of such a job's blob, all but the last.
    fn fill_store_with_bytes(&mut self) {
        let Some(plan) = self.random.choice(&self.greedy).cloned() else { return };
        let slot = if self.random.bool() { Slot::BaseModel } else { Slot::HoldOut };
        let chunks = self.chunks.iter().cloned();
        let commands = chunks.map(|chunk| publish_chunk(plan.job, slot, chunk));
        self.next.extend(commands.map(|command| (plan.sponsor, command)));
    }

    fn cancel_greedy_job(&mut self) {
        if let Some(plan) = self.greedy.pop_front_if(|_| self.random.u8(..) < 8) {
            self.sender.command(plan.sponsor, &Command::CancelJob { job: plan.job });
        }
    }

    /// A job of 1 wei with a bond that nobody can pay and windows that nobody can meet.
    fn rob_miners(&mut self) {
        let number = self.made();
        let attest_seconds = if self.random.bool() { 1 } else { 3_600 };
        let bond = Amount(U256::MAX >> self.random.u32(0..256));
        let (pool, buy_in) = (Amount::ZERO, Amount::ZERO);
        let miners = MinerTerms { seats: 3, bond, pool, buy_in, attest_seconds, sample_rows: 0 };
        let sponsor = self.attacker();
        let sealed = Plan::new(4, sponsor, number, &FILES.base, self.paying.terms.close);
        let terms = Terms { evaluators: Evaluators::Miners(miners), ..sealed.terms };
        let plan = Plan::of(terms, sponsor, number, &FILES.base);
        self.deposit(sponsor, &plan.open());
        self.next.push_back((sponsor, Command::CancelJob { job: plan.job }));
    }

    /// A file of 21 bytes queued before honest models; half of the time by the same account.
    fn junk(&mut self) {
        let number = self.made();
        let client = if self.random.bool() { account(0) } else { self.attacker() };
        self.submit(client, &number[..21]);
    }

    /// A copy of a good model, with an additional unknown field.
    fn same_model(&mut self) {
        let number = self.made();
        let model = [&FILES.models[1][..], &writer::bytes(99, &number[..8])].concat();
        let client = self.attacker();
        self.submit(client, &model);
    }

    fn submit(&mut self, client: Address, model: &[u8]) {
        let plan = if self.random.bool() { &self.quiet } else { &self.paying };
        let [submit, publish] = plan.submission(client, model);
        self.next.push_back((client, publish));
        self.deposit(client, &submit);
    }

    /// An evaluation that does not exist, or at a wrong offset.
    fn evaluate_stale(&mut self) {
        let plan = if self.random.bool() { &self.quiet } else { &self.paying };
        let number = self.random.u32(..64);
        let targets = [
            Target::Base,
            Target::BaseOnHoldOut,
            Target::Submission(number),
            Target::Shown(number),
        ];
        let target = targets[self.random.usize(..4)];
        let (from, work) = (self.random.u32(..300), Work(self.random.u64(..)));
        let max_surcharge = Amount::ZERO;
        let command = Command::Evaluate { job: plan.job, target, from, work, max_surcharge };
        let sender = self.attacker();
        self.sender.command(sender, &command);
    }

    fn withdraw(&mut self) {
        let from = self.attacker();
        let amount = self.sender.market().ledger().free(from, Asset::Ether);
        self.sender.command(from, &Command::Withdraw { asset: Asset::Ether, amount });
    }

    /// Continues a job whose base model takes all the time that inputs have; then opens another
    /// one.
    fn machine_time(&mut self) {
        let attacker = account(ATTACKERS);
        match self.heavy.pop_front() {
            Some(Step::Send(command)) => {
                self.sender.command(attacker, &command);
            }
            Some(Step::Open(plan)) => self.deposit(attacker, &plan.open()),
            Some(Step::Evaluate(plan)) => self.send_evaluate(attacker, &plan, Target::Base),
            None => {
                let (number, mut terms) = (self.made(), self.paying.terms);
                terms.places = 1;
                terms.offer.base_model = file(&self.heavy_model);
                terms.offer.max_work = Work(u64::MAX >> 16);
                terms.award = Award::Rewards { reward: Amount::new(1), count: 1 };
                let plan = Plan::of(terms, attacker, number, &self.heavy_model);
                let chunks = publish_all(plan.job, Slot::BaseModel, &self.heavy_model);
                self.heavy.push_back(Step::Open(plan.clone()));
                self.heavy.push_back(Step::Send(plan.publish_own(Slot::HoldOut)));
                self.heavy.push_back(Step::Send(plan.publish_own(Slot::PublicSlice)));
                self.heavy.extend(chunks.map(Step::Send));
                self.heavy.extend([(); 3].map(|()| Step::Evaluate(plan.clone())));
                self.heavy.push_back(Step::Send(Command::CancelJob { job: plan.job }));
            }
        }
    }

    fn ask_and_babble(&mut self) {
        let questions = ["jobs?limit=100", "solvency", "jobs/1/submissions?limit=100", "quote"];
        let question = questions[self.random.usize(..4)];
        self.sender.ask(question);
        let (sender, length) = (self.attacker(), self.random.usize(..200));
        let bytes = std::iter::repeat_with(|| self.random.u8(..)).take(length).collect();
        self.sender.input(sender, bytes);
    }

    /// Lets the victim withdraw all of its money: its free balance and its jobs' stakes.
    ///
    /// - Panics: if it cannot, or gets less than it deposited minus awards, rent and work
    pub fn end(&mut self) {
        let market = self.sender.market();
        let jobs = [&self.quiet, &self.paying];
        let last = jobs.map(|plan| market.job(plan.job).expect("it is live").last_date.0);
        // The second was opened when the first one's bytes were already reserved.
        let reserved = [0, self.quiet.terms.reserved_bytes()];
        let staked = [0, 1].map(|index| {
            let terms = &jobs[index].terms;
            let stake = terms.sponsor_stake(market.settings(), Timestamp(NOW), reserved[index]);
            stake.expect("it was opened")
        });
        let [quiet, paying] = staked;
        self.sender.now = last[0].max(last[1]) + market.lag_seconds();
        let mut left = Amount::ZERO;
        for job in jobs.map(|plan| plan.job) {
            for _ in 0..10_000 {
                left = self.take_out(&Command::Settle { job }, left);
                if !self.sender.market().job(job).is_some_and(|job| job.stage.is_live()) {
                    break;
                }
            }
        }
        let amount = self.sender.market().ledger().free(VICTIM, Asset::Ether);
        left = self.take_out(&Command::Withdraw { asset: Asset::Ether, amount }, left);
        // The victim's expenses: rent and work of both jobs, and the awards of one.
        let spent = [quiet.rent, quiet.work, paying.rent, paying.work, paying.award];
        let least = spent.into_iter().try_fold(Amount::new(2 * RICH), Amount::checked_sub);
        assert!(Some(left) >= least, "the victim has {left}, not {least:?}");
    }

    /// The victim's payments from a command, added to the earlier ones.
    fn take_out(&mut self, command: &Command, before: Amount) -> Amount {
        let answer = self.sender.command(VICTIM, command);
        let payments = answer.outputs.iter();
        let payments = payments.filter_map(|output| payment(output, self.sender.genesis.registry));
        let own = payments.filter(|(to, asset, _)| (*to, *asset) == (VICTIM, Asset::Ether));
        own.fold(before, |sum, (.., amount)| sum.checked_add(amount).expect("a small sum"))
    }

    /// A command on a deposit that can pay for anything.
    fn deposit(&mut self, sender: Address, command: &Command) {
        self.sender.ether(sender, Amount::new(RICH), &encode_command(command));
    }

    fn send_evaluate(&mut self, sender: Address, plan: &Plan, target: Target) {
        let command = plan.evaluate(self.sender.market(), target);
        self.sender.command(sender, &command);
    }

    fn attacker(&mut self) -> Address {
        account(self.random.u64(..ATTACKERS))
    }

    fn made_up(&mut self) -> Address {
        let mut address = [0; 20];
        self.random.fill(&mut address);
        Address(address)
    }

    /// Pseudorandom bytes, different in each call.
    fn made(&mut self) -> [u8; 32] {
        self.made += 1;
        Digest::of(&self.made.to_be_bytes()).0
    }
}

/// A model whose work on the hold-out's rows exceeds the limit of an input.
fn heavy_model() -> Vec<u8> {
    const WIDTH: u16 = 900;
    let (wide, count) = (i64::from(WIDTH), usize::from(WIDTH));
    writer::model(&[
        writer::node("MatMul", &["x", "w"], "h", &[]),
        writer::node("MatMul", &["h", "v"], "i", &[]),
        writer::node("MatMul", &["i", "u"], "y", &[]),
        writer::weights("w", &[2, wide], &vec![0.5; 2 * count]),
        writer::weights("v", &[wide, wide], &vec![0.25; count * count]),
        writer::weights("u", &[wide, 2], &vec![0.125; 2 * count]),
        writer::ports(&[-1, 2]),
    ])
}
