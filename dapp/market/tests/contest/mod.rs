//! Plays competitions: each account acts as its strategy says, and after each command money must be
//! conserved by books that are kept beside the market's.

mod player;
pub(crate) mod scale;
mod season;
mod strategy;

use std::collections::BTreeMap;

use fastrand::Rng;
use market::{
    Address, Amount, Asset, Command, Context, Effect, Event, JobId, Market, Prices, Refusal,
    Settings, Share, Timestamp, U256, Work,
};

use crate::judge::WordJudge;
use season::Season;
pub(crate) use strategy::Strategy;

pub(crate) const PRIZE: u128 = 1_000;
pub(super) const APP: Address = Address([0xaa; 20]);
pub(super) const CHAIN: u64 = 31_337;
pub(super) const DEPOSIT: u128 = 10_000;
/// Miners for all competitions.
const STANDING: u8 = 4;
/// Competitions of one market; then another begins.
const SEASONS: u64 = 8;
const WINDOW_SECONDS: u64 = 50;

/// What those of a strategy came out with.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) count: u32,
    sum: f64,
    squares: f64,
    /// How often a sponsor got another's model for the prize.
    bought: u32,
}

impl Outcome {
    fn add(&mut self, earned: f64) {
        self.count += 1;
        self.sum += earned;
        self.squares += earned * earned;
    }

    pub(crate) fn mean(&self) -> f64 {
        self.sum / f64::from(self.count.max(1))
    }

    /// With what a sponsor got for its money, if each model is worth so much to it.
    pub(crate) fn mean_with_models(&self, worth: f64) -> f64 {
        self.mean() + worth * self.bought()
    }

    /// How many models a sponsor got per competition.
    pub(crate) fn bought(&self) -> f64 {
        f64::from(self.bought) / f64::from(self.count.max(1))
    }

    pub(crate) fn standard_error(&self) -> f64 {
        let count = f64::from(self.count.max(1));
        ((self.squares / count - self.mean().powi(2)).max(0.0) / count).sqrt()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Earnings {
    pub(crate) jobs: u64,
    /// Everybody else, by person, whatever the number of its accounts.
    pub(crate) all: BTreeMap<Strategy, Outcome>,
    /// Entrants whose sponsor is hostile.
    pub(crate) cheated: BTreeMap<Strategy, Outcome>,
}

/// Plays at least this many commands.
///
/// - Panics: when something that must hold does not; the message has the seed and the command
pub(crate) fn run(seed: u64, commands: u64) -> Earnings {
    let mut rng = Rng::with_seed(seed);
    let mut earnings = Earnings::default();
    let mut played = 0;
    while played < commands {
        let mut world = World::new(&mut rng, format!("seed {seed}, command {played}"));
        let standing: Vec<_> = (0..STANDING).map(|place| Address([100 + place; 20])).collect();
        for miner in &standing {
            world.deposit(*miner);
            world.act(*miner, Command::Enlist { job: None }).unwrap();
        }
        let seasons = (0..SEASONS).map(|number| Season::new(&mut rng, number, &standing));
        let mut seasons: Vec<Season> = seasons.collect();
        let mut acts: Vec<_> = seasons
            .iter()
            .enumerate()
            .flat_map(|(at, season)| season.acts().map(move |act| (act.0, at, act.1)))
            .collect();
        acts.sort_by_key(|(at, ..)| *at);
        for (at, season, act) in acts {
            world.now = Timestamp(at);
            seasons[season].play(&mut world, &act);
        }
        for season in &seasons {
            season.count(&world, &mut earnings);
        }
        for (place, miner) in standing.iter().enumerate() {
            let strategy = Strategy::standing(place);
            earnings.all.entry(strategy).or_default().add(world.earned(*miner));
        }
        assert_eq!(world.market.shelf().stored(), 0, "{}", world.name);
        played += world.commands;
    }
    earnings
}

/// A market and the books beside it.
pub(super) struct World {
    name: String,
    pub(super) market: Market,
    pub(super) now: Timestamp,
    pub(super) rng: Rng,
    commands: u64,
    deposited: U256,
    paid_out: U256,
    pub(super) paid: BTreeMap<Address, U256>,
    /// What each sponsor is to get back.
    decided: BTreeMap<JobId, Amount>,
    /// Who was paid of a prize first.
    pub(super) first_prizes: BTreeMap<JobId, Address>,
}

impl World {
    fn new(rng: &mut Rng, name: String) -> Self {
        let settings = Settings {
            allowed_tokens: [].into(),
            max_blob_bytes: 10_000,
            max_stored_bytes: 1_000_000,
            input_work: Work([400, 5_000, 1_000_000][rng.usize(..3)]),
            prices: Prices::default(),
            max_window_seconds: 100_000,
            evaluation_window_seconds: WINDOW_SECONDS,
        };
        Self {
            name,
            market: Market::new(settings, []),
            now: Timestamp(0),
            rng: rng.fork(),
            commands: 0,
            deposited: U256::zero(),
            paid_out: U256::zero(),
            paid: BTreeMap::new(),
            decided: BTreeMap::new(),
            first_prizes: BTreeMap::new(),
        }
    }

    pub(super) fn deposit(&mut self, account: Address) {
        let amount = Amount::new(DEPOSIT);
        self.market.deposit(account, Asset::Ether, amount).unwrap();
        self.deposited += amount.0;
    }

    /// What an account has beyond what it deposited.
    pub(super) fn earned(&self, account: Address) -> f64 {
        let free = self.market.ledger().free(account, Asset::Ether).0;
        let has = free + self.paid.get(&account).copied().unwrap_or_default();
        has.as_u128() as f64 - DEPOSIT as f64
    }

    /// Plays a command; whatever becomes of it, money is conserved.
    pub(super) fn act(
        &mut self,
        sender: Address,
        command: Command,
    ) -> Result<Vec<Effect>, Refusal> {
        self.commands += 1;
        let mut prev_randao = [0; 32];
        self.rng.fill(&mut prev_randao);
        let (now, block, input) = (self.now, self.now.0, self.commands);
        let context = Context { sender, now, chain_id: CHAIN, app: APP, block, prev_randao, input };
        let before = self.commands.is_multiple_of(64).then(|| self.market.clone());
        let said = before.is_some().then(|| format!("{command:?}"));
        let outcome = self.market.apply(&context, command, &mut WordJudge);
        match &outcome {
            Ok(effects) => effects.iter().for_each(|effect| self.book(effect)),
            Err(refusal) => {
                let same = before.is_none_or(|before| before == self.market);
                assert!(same, "{}: {refusal} changed something: {said:?}", self.name);
            }
        }
        self.check();
        outcome
    }

    /// Takes down what leaves, and that a sponsor gets back what was decided, to the last unit.
    fn book(&mut self, effect: &Effect) {
        match effect {
            Effect::Pay { to, amount, .. } => {
                self.paid_out += amount.0;
                *self.paid.entry(*to).or_default() += amount.0;
            }
            Effect::Event(Event::Decided { job, decision }) => {
                self.decided.insert(*job, decision.remainder);
            }
            Effect::Event(Event::Paid { job, to, share: Share::Prize, .. }) => {
                self.first_prizes.entry(*job).or_insert(*to);
            }
            Effect::Event(
                Event::JobSettled { job, remainder: rest, .. }
                | Event::JobCancelled { job, refund: rest, .. },
            ) => assert_eq!(self.decided.get(job), Some(rest), "{}: {job}", self.name),
            Effect::Event(_) | Effect::Record { .. } => {}
        }
    }

    /// What came in and did not leave is free or held by competitions.
    fn check(&self) {
        let free = self.market.ledger().accounts().map(|(.., amount)| amount.0);
        let free = free.fold(U256::zero(), |sum, amount| sum + amount);
        let held = self.market.competitions_from(JobId(0)).map(|(_, job)| job.escrow.0);
        let held = held.fold(U256::zero(), |sum, amount| sum + amount);
        let at = format_args!("{}, command {}", self.name, self.commands).to_string();
        assert_eq!(self.deposited - self.paid_out, free + held, "{at}");
        let sides = self.market.ledger().solvency();
        for (_, sides) in sides {
            assert!(sides.holds() && sides.escrowed.0 == held, "{at}");
        }
    }
}
