//! A load on a market: a crowd of sponsors and clients, and among them people who send invalid
//! inputs. It is seeded, so that it can be reproduced.

use std::collections::VecDeque;

use blobs::Encoding;
use market::{Address, Amount, Asset, Command, Slot, Timestamp, U256};
use scenarios::{NOW, TOKEN};
use wire::{Genesis, encode_command, encode_ether_deposit};

pub use crate::sender::Counts;
use crate::{
    onnx_writer as writer,
    plan::{self, COMBINATIONS, COMMANDS, Plan},
    program::memory_kib,
    season::{self, Act, Client, Turn},
    sender::{Sender, account},
    world::{self, ACCOUNTS, FILES},
};

/// Seconds that a job is open: enough for all its turns.
const WINDOW_SECONDS: u64 = 2_000;
/// Seconds that a job is open if it is not to end here.
const YEAR_SECONDS: u64 = 31_000_000;
/// Live jobs at once.
const JOBS: usize = 32;
/// Accounts that take part repeatedly.
const PEOPLE: u64 = 300;
/// Clients per job, and its miners.
const CLIENTS: u64 = 4;
const MINERS: u64 = 2;
/// More than the cost of a job, a submission or a bond; the rest is withdrawn again.
const DEPOSIT: u128 = 200_000;

/// The activity of the crowd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// Jobs of all combinations are opened, played to their end, settled, and replaced by others.
    Jobs,
    /// All jobs stay open: uploads restart over and over, deposits and withdrawals alternate, and
    /// most inputs are refused.
    Standstill,
}

/// An application under load.
pub struct Load {
    sender: Sender,
    mix: Mix,
    random: fastrand::Rng,
    rounds: Vec<Round>,
    opened: u32,
}

/// A job and the turns still to be sent for it.
struct Round {
    plan: Plan,
    turns: VecDeque<Turn>,
}

/// State that an application retains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Jobs and submissions on record.
    pub records: u64,
    /// Jobs that were ever opened.
    pub jobs: u64,
    /// Paid models of the jobs on record.
    pub payouts: u64,
    /// Bytes that jobs have reserved.
    pub reserved_bytes: u64,
    /// Nonzero balances.
    pub balances: u64,
    /// Resident memory of this process, in bytes.
    pub resident_bytes: u64,
}

impl Load {
    /// A load before its first input.
    #[must_use]
    pub fn new(mix: Mix, seed: u64) -> Self {
        let mut genesis: Genesis = world::genesis();
        genesis.settings.max_stored_bytes = 32 << 20;
        genesis.settings.max_balances = 200;
        let sender = Sender::new(genesis, Vec::new(), None);
        let random = fastrand::Rng::with_seed(seed);
        let mut load = Self { sender, mix, random, rounds: Vec::new(), opened: 0 };
        for _ in 0..JOBS {
            let round = load.open_job();
            load.rounds.push(round);
        }
        load
    }

    /// Counts of what was sent so far.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.sender.counts
    }

    /// The state retained now.
    #[must_use]
    pub fn kept(&self) -> Kept {
        let market = self.sender.market();
        let sum = |count: fn(&market::Job) -> u64| -> u64 {
            market.jobs_from(0).map(|(_, job)| count(job)).sum()
        };
        Kept {
            records: sum(|job| 1 + job.submissions.len() as u64),
            jobs: market.job_count().into(),
            payouts: sum(|job| job.payouts.into()),
            reserved_bytes: market.reserved_bytes(),
            balances: market.ledger().balance_count() as u64,
            resident_bytes: memory_kib("self", "VmRSS") << 10,
        }
    }

    /// Sends one input, and occasionally a query.
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
    }

    /// Advances a job by one turn if that is due; once it is over, opens another one.
    fn go_on(&mut self) {
        let index = self.random.usize(..self.rounds.len());
        let now = self.sender.market().now();
        let Round { plan, turns } = &mut self.rounds[index];
        let job = plan.job;
        if let Some(turn) = turns.pop_front_if(|turn| turn.from <= now) {
            self.take(index, turn);
        } else if self.mix == Mix::Standstill {
            self.start_over();
        } else if turns.is_empty() || now >= plan.terms.close {
            self.sender.command(account(index as u64), &Command::Settle { job });
            let is_live = self.sender.market().job(job).is_some_and(|job| job.stage.is_live());
            if !is_live {
                self.rounds[index] = self.open_job();
            }
        } else {
            self.start_over();
        }
    }

    /// Sends one turn of a job.
    fn take(&mut self, index: usize, Turn { sender, act, .. }: Turn) {
        let (plan, market) = (&self.rounds[index].plan, self.sender.market());
        let models = market.job(plan.job).map_or(0, |job| job.page(0).len());
        let command = match act {
            Act::Deposit(command) => {
                let calldata = encode_command(&command);
                self.sender.ether(sender, Amount::new(DEPOSIT), &calldata);
                return;
            }
            Act::Command(command) => command,
            Act::Evaluate(target) => plan.evaluate(market, target),
            Act::Attest | Act::RevealAttestation => {
                let [attest, reveal] = plan.attest(sender, 0, models);
                if matches!(act, Act::Attest) { attest } else { reveal }
            }
        };
        self.sender.command(sender, &command);
    }

    /// Opens a job with a deposit.
    fn open_job(&mut self) -> Round {
        let is_standstill = self.mix == Mix::Standstill;
        let window = if is_standstill { YEAR_SECONDS } else { WINDOW_SECONDS };
        let now = self.sender.market().now().max(Timestamp(NOW));
        let (sponsor, base) = (account(PEOPLE), self.model());
        self.opened += 1;
        let mut salt = [0; 32];
        salt[..4].copy_from_slice(&self.opened.to_be_bytes());
        // In Ether: the combinations without the fourth bit.
        let choices = self.random.u8(..COMBINATIONS) & !8;
        let plan = Plan::new(choices, sponsor, salt, &base, now.after(window));
        let deposit = Amount::new(DEPOSIT * if is_standstill { 1_000 } else { 1 });
        self.sender.ether(sponsor, deposit, &encode_command(&plan.open()));
        let clients: Vec<_> = (0..CLIENTS).map(|index| self.client(index)).collect();
        let miners = plan.terms.miners().map_or(0, |_| self.random.u64(..=MINERS));
        let miners: Vec<_> = (0..miners).map(|index| account(PEOPLE + 1 + index)).collect();
        let reveals = self.random.u8(..) < 230;
        let mut turns = season::turns(&plan, now, &clients, &miners, reveals);
        if is_standstill {
            turns.clear();
        }
        Round { plan, turns }
    }

    /// A client, each with an account of its own, so that nobody submits twice.
    fn client(&mut self, index: u64) -> Client {
        Client {
            account: account(index * (PEOPLE / CLIENTS) + self.random.u64(..PEOPLE / CLIENTS)),
            model: self.model(),
            shows: self.random.bool(),
            stays: self.random.u8(..) < 200,
        }
    }

    /// A model: most can be evaluated, some are better than others.
    fn model(&mut self) -> Vec<u8> {
        let weights = [(); 4].map(|()| self.random.f32() - 0.5);
        match self.random.u8(..) {
            0..=15 => world::model(&weights.map(|weight| weight * f32::MAX)),
            16..=23 => writer::model(&[weights.map(f32::to_le_bytes).concat()]),
            24..=31 => self.random.choice(&FILES.models).cloned().unwrap_or_default(),
            32..=127 => {
                let [left, right, ..] = weights.map(f32::abs);
                world::model(&[-left, left, -right, right])
            }
            _ => world::model(&weights),
        }
    }

    fn send_money(&mut self) {
        let (person, amount) = (self.person(), Amount(U256::from(self.random.u8(..))));
        if self.random.bool() {
            self.sender.ether(person, amount, &[]);
        } else {
            // Only one of these tokens is kept.
            let token = Address([self.random.u8(0x6c..0x74); 20]);
            self.sender.token(token, person, amount);
        }
    }

    /// An account with a balance withdraws all of one asset.
    fn take_money(&mut self) {
        let someone = self.person();
        let mut accounts = self.sender.market().ledger().accounts();
        let rich = accounts.find(|(account, ..)| *account >= someone);
        let (from, asset, amount) = rich.unwrap_or((someone, Asset::Erc20(TOKEN), Amount::new(1)));
        drop(accounts);
        self.sender.command(from, &Command::Withdraw { asset, amount });
    }

    fn changed_command(&mut self) {
        let (kind, choice) = (self.random.u8(..COMMANDS), self.random.u8(..));
        let command = plan::command(kind, choice, ACCOUNTS[0], self.sender.market());
        let mut calldata = encode_command(&command);
        for _ in 0..self.random.u8(1..4) {
            let index = self.random.usize(..calldata.len());
            calldata[index] = self.random.u8(..);
        }
        let sender = self.person();
        self.sender.input(sender, calldata);
    }

    /// A chunk that inflates to more than allowed.
    fn bomb(&mut self) {
        let index = self.random.usize(..self.rounds.len());
        let Plan { job, sponsor, .. } = self.rounds[index].plan;
        let mut data = vec![0; 1_000];
        // A stored block of deflate with a false length.
        data[..5].copy_from_slice(&[1, 0xff, 0xff, 0, 0]);
        let (slot, encoding) = (Slot::HoldOut, Encoding::Deflate);
        let command = Command::Publish { job, slot, offset: 0, encoding, data };
        self.sender.command(sponsor, &command);
    }

    fn forged_deposit(&mut self) {
        let sender = self.person();
        let deposit = encode_ether_deposit(sender, Amount(U256::MAX), &[]);
        self.sender.input(sender, deposit);
    }

    /// A sponsor sends the beginning of its base model again and again.
    fn start_over(&mut self) {
        let index = self.random.usize(..self.rounds.len());
        let plan = &self.rounds[index].plan;
        let length = self.random.usize(1..plan.base.len());
        let command = plan.publish(Slot::BaseModel, &plan.base[..length]);
        let sponsor = plan.sponsor;
        self.sender.command(sponsor, &command);
    }

    fn garbage(&mut self) {
        let length = self.random.usize(..200);
        let mut payload: Vec<u8> =
            std::iter::repeat_with(|| self.random.u8(..)).take(length).collect();
        let portals = [self.sender.genesis.ether_portal, self.sender.genesis.erc20_portal];
        let sender = self.person();
        let sender = *self.random.choice(&[sender, portals[0], portals[1]]).unwrap_or(&sender);
        if portals.contains(&sender) {
            // Too short for a deposit: a random amount could exhaust the range of amounts.
            payload.truncate(51);
        }
        self.sender.input(sender, payload);
    }

    fn ask(&mut self) {
        let job = self.random.u32(..self.sender.market().job_count().max(1));
        let question = match self.random.u8(..9) {
            0 => "jobs?limit=100".to_owned(),
            1 => format!("jobs/{job}"),
            2 => format!("jobs/{job}/submissions?limit=100"),
            3 => format!("accounts/{}", self.person()),
            4 => "solvency".to_owned(),
            5 => format!("jobs/{job}/leaderboard?limit=100"),
            6 => format!("jobs/{job}/models?limit=100"),
            7 => format!("jobs/{job}/seats?limit=100"),
            _ => "what is this?".to_owned(),
        };
        self.sender.ask(&question);
    }

    fn person(&mut self) -> Address {
        account(self.random.u64(..PEOPLE))
    }
}
