//! One competition from its announcement to its end, act by act.

mod mining;

use std::collections::BTreeMap;

use blobs::{Digest, Encoding};
use fastrand::Rng;
use market::{
    Address, Amount, Asset, Attestation, Command, CompetitionTerms, JobId, Metric, Refusal, Score,
    Tied, Timestamp, Unmet, Work,
};

use super::{
    Earnings, PRIZE, Strategy, WINDOW_SECONDS, World,
    player::{Player, Secret, named},
};

const HOLD_OUT: &[u8] = b"rows=20,20";
const SLICE: &[u8] = b"rows=10,10";
const BASE: &[u8] = b"right=4,4";
/// Seconds from the announcement to the close, and of each window after it.
const OPEN: u64 = 100;
const WINDOW: u64 = 40;

/// Something that somebody does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Announce,
    Enter(usize),
    Show(usize),
    Enlist(usize),
    Settle,
    RevealHoldOut,
    Reveal(usize),
    Attest(usize),
    Unveil(usize),
    Object,
    End,
    Noise,
}

pub(super) struct Season {
    begin: u64,
    id: JobId,
    terms: Tied,
    miners_only: bool,
    seats: u32,
    sponsor: Player,
    entrants: Vec<Player>,
    miners: Vec<Player>,
    outsider: Player,
    acts: Vec<(u64, Act)>,
    /// What an honest miner says of each model.
    honest: BTreeMap<Digest, (Attestation, Vec<u8>)>,
    /// What was committed to, by miner and page.
    said: BTreeMap<(usize, u32), (Attestation, Vec<u8>)>,
    shown: Option<Vec<u8>>,
}

impl Season {
    pub(super) fn new(rng: &mut Rng, number: u64, standing: &[Address]) -> Self {
        let account = |role: u8, place: usize| {
            let mut address = [role; 20];
            address[..8].copy_from_slice(&number.to_be_bytes());
            address[19] = u8::try_from(place).unwrap();
            Address(address)
        };
        let sponsor = Player::new(account(1, 0), Strategy::sponsor(rng));
        let mut entrants = Vec::new();
        for _ in 0..rng.usize(..7) {
            let strategy = Strategy::entrant(rng);
            for _ in 0..1 + usize::from(strategy == Strategy::EntrantDoubled) {
                entrants.push(Player::new(account(2, entrants.len()), strategy));
            }
        }
        if sponsor.strategy == Strategy::SponsorSock {
            entrants.push(Player::new(account(2, entrants.len()), Strategy::SponsorSock));
        }
        let count = rng.usize(..6);
        let miner = |place| Player::new(account(3, place), Strategy::miner(rng));
        let own: Vec<_> = (0..count).map(miner).collect();
        let standing = standing.iter().enumerate();
        let standing = standing.map(|(at, account)| Player::new(*account, Strategy::standing(at)));
        let miners: Vec<_> = own.into_iter().chain(standing).collect();
        let outsider = Player::new(account(4, 0), Strategy::outsider(rng));
        let miners_only = rng.u8(..4) == 0;
        let mut season = Self {
            begin: rng.u64(1..300),
            id: JobId(0),
            terms: Tied::ALL[rng.usize(..2)],
            miners_only,
            seats: if miners_only { 3 } else { [0, 1, 3][rng.usize(..3)] },
            sponsor,
            entrants,
            miners,
            outsider,
            acts: Vec::new(),
            honest: BTreeMap::new(),
            said: BTreeMap::new(),
            shown: None,
        };
        season.plan(rng);
        season
    }

    pub(super) fn acts(&self) -> impl Iterator<Item = (u64, Act)> {
        self.acts.iter().copied()
    }

    /// Who does what, when; each has the time of its window.
    fn plan(&mut self, rng: &mut Rng) {
        let begin = self.begin;
        let close = begin + OPEN;
        let window = |number: u64| close + number * WINDOW..close + (number + 1) * WINDOW;
        let mut acts = vec![(begin, Act::Announce)];
        for place in 0..self.entrants.len() {
            let at = rng.u64(begin + 5..close - 20);
            acts.push((at, Act::Enter(place)));
            acts.push((rng.u64(at..close - 10), Act::Show(place)));
            acts.push((rng.u64(window(0)), Act::Reveal(place)));
        }
        for place in 0..self.miners.len() {
            if !self.miners[place].stands() {
                acts.push((rng.u64(begin + 5..close), Act::Enlist(place)));
            }
            acts.push((rng.u64(window(1)), Act::Attest(place)));
            acts.push((rng.u64(window(2)), Act::Unveil(place)));
        }
        acts.push((rng.u64(window(0)), Act::RevealHoldOut));
        acts.push((close, Act::Settle));
        acts.push((close + WINDOW, Act::Settle));
        acts.push((rng.u64(window(3)), Act::Object));
        acts.extend((0..4).map(|_| (rng.u64(begin..close + 5 * WINDOW), Act::Noise)));
        acts.push((close + 4 * WINDOW, Act::Settle));
        acts.push((close + 4 * WINDOW + WINDOW_SECONDS, Act::End));
        acts.sort_by_key(|(at, _)| *at);
        self.acts = acts;
    }

    pub(super) fn play(&mut self, world: &mut World, act: &Act) {
        match *act {
            Act::Announce => self.announce(world),
            Act::Enter(place) => self.enter(world, place),
            Act::Show(place) => self.show(world, place),
            Act::Enlist(place) => self.enlist(world, place),
            Act::Settle => self.settle(world),
            Act::RevealHoldOut => self.reveal_hold_out(world),
            Act::Reveal(place) => self.reveal(world, place),
            Act::Attest(place) => self.attest(world, place),
            Act::Unveil(place) => self.unveil(world, place),
            Act::Object => self.object(world),
            Act::Noise => self.make_noise(world),
            Act::End => {
                self.settle(world);
                let job = world.market.competition(self.id).unwrap();
                assert!(!job.is_live(), "{:?} at its last deadline: {job:?}", self.id);
                assert_eq!(job.escrow, Amount::ZERO);
            }
        }
    }

    fn announce(&mut self, world: &mut World) {
        world.deposit(self.sponsor.account);
        self.id = JobId(world.market.job_count());
        let hidden = match self.sponsor.strategy {
            Strategy::SponsorMisfit => b"no rows at all".to_vec(),
            _ => HOLD_OUT.to_vec(),
        };
        let hold_out = self.sponsor.seal(self.id, hidden);
        let strategy = self.sponsor.strategy;
        let impossible =
            matches!(strategy, Strategy::SponsorImpossible | Strategy::SponsorVouchingImpossible);
        let vouches = strategy.imitates() == Strategy::SponsorVouching;
        let terms = CompetitionTerms {
            title: [0; 32],
            asset: Asset::Ether,
            prize: Amount::new(PRIZE),
            miners_pool: Amount::new(200),
            buy_in: Amount::new(100),
            entrant_bond: Amount::new(150),
            miner_bond: Amount::new(150),
            miners: self.seats,
            close: Timestamp(self.begin + OPEN),
            reveal_seconds: u32::try_from(WINDOW).unwrap(),
            attest_seconds: u32::try_from(WINDOW).unwrap(),
            quota: 1,
            ladder_step: Score(10_000),
            metric: Metric::Accuracy,
            min_score: Score(if impossible { 1_000_000 } else { 0 }),
            min_gain: Score(1),
            min_worst_class: Score(0),
            significance: Score(50_000),
            tied: self.terms,
            unmet: if vouches { Unmet::Share } else { Unmet::Return },
            max_model_bytes: 1_000,
            max_work: Work(100_000),
            miners_only: self.miners_only,
            sample_rows: if self.miners_only { 30 } else { 0 },
            base_model: named(BASE),
            public_slice: named(SLICE),
            hold_out,
        };
        let open = Command::OpenCompetition { job: self.id, terms: Box::new(terms) };
        let mut opened = world.act(self.sponsor.account, open);
        if let Err(Refusal::AlreadyExpected { .. }) = opened {
            panic!("accounts are used once");
        }
        let secret = self.sponsor.secret.clone().unwrap();
        for bytes in [BASE, SLICE, &secret.ciphertext] {
            publish(world, self.sponsor.account, bytes);
        }
        opened = world.act(self.sponsor.account, Command::Evaluate { job: self.id, work: Work(0) });
        drop(opened);
        self.settle_open(world);
    }

    /// Small inputs take several to score the base model.
    fn settle_open(&self, world: &mut World) {
        while world.market.competition(self.id).is_some_and(|job| job.pending() > 0) {
            let command = Command::Evaluate { job: self.id, work: Work(u64::MAX) };
            world.act(self.outsider.account, command).unwrap();
        }
    }

    fn enter(&mut self, world: &mut World, place: usize) {
        let number = place + 100 * usize::try_from(self.id.0).unwrap();
        let right = |rng: &mut Rng| [rng.u32(3..=19), rng.u32(3..=19)];
        let [a, b] = right(&mut world.rng);
        let others: Vec<Secret> =
            self.entrants.iter().filter_map(|other| other.secret.clone()).collect();
        let shown = self.shown.clone();
        // Who finds nothing to take is honest.
        let finds_nothing = match self.entrants[place].strategy {
            Strategy::EntrantNoised => shown.is_none(),
            Strategy::EntrantStolen => others.is_empty(),
            _ => false,
        };
        if finds_nothing {
            self.entrants[place].strategy = Strategy::EntrantHonest;
        }
        let model = match self.entrants[place].strategy {
            Strategy::SponsorSock => format!("right=20,20 like={number} #{number}"),
            Strategy::EntrantMalformed => format!("nonsense #{number}"),
            Strategy::EntrantNoised => noised(&shown.unwrap_or_default(), number),
            Strategy::EntrantDoubled => match &self.entrants[self.twin(place)].secret {
                Some(secret) => noised(&secret.plain, number),
                None => format!("right={a},{b} like={number} #{number}"),
            },
            _ => format!("right={a},{b} like={number} #{number}"),
        };
        let player = &mut self.entrants[place];
        world.deposit(player.account);
        let mut sealed = player.seal(self.id, model.into_bytes());
        let mut ciphertext = player.secret.clone().unwrap().ciphertext;
        if player.strategy == Strategy::EntrantStolen
            && let Some(victim) = others.first()
        {
            (sealed, ciphertext) = (victim.sealed, victim.ciphertext.clone());
            player.secret = Some(victim.clone());
        }
        let account = player.account;
        world.act(account, Command::Enter { job: self.id, model: sealed }).ok();
        publish(world, account, &ciphertext);
    }

    /// The other account of a person that has two, which stand side by side.
    fn twin(&self, place: usize) -> usize {
        let before = self.entrants.iter().take(place);
        let is_second = before.filter(|e| e.strategy == Strategy::EntrantDoubled).count() % 2 == 1;
        if is_second { place - 1 } else { place + 1 }
    }

    fn show(&mut self, world: &mut World, place: usize) {
        let player = &self.entrants[place];
        if player.strategy != Strategy::EntrantHonest || world.rng.u8(..4) == 0 {
            return;
        }
        let plain = player.secret.clone().unwrap().plain;
        let command = Command::Show { job: self.id, model: named(&plain) };
        if world.act(player.account, command).is_ok() {
            publish(world, player.account, &plain);
            self.settle_open(world);
            self.shown = Some(plain);
        }
    }

    /// Settles until there is nothing to do.
    fn settle(&self, world: &mut World) {
        let command = Command::Settle { job: self.id };
        for _ in 0..10_000 {
            if world.act(self.outsider.account, command.clone()).is_err() {
                return;
            }
        }
        panic!("{:?} is settled without end", self.id);
    }

    fn reveal_hold_out(&mut self, world: &mut World) {
        if self.sponsor.strategy == Strategy::SponsorSilent {
            return;
        }
        let secret = self.sponsor.secret.clone().unwrap();
        open(world, self.id, self.sponsor.account, &secret);
        self.settle(world);
    }

    fn reveal(&mut self, world: &mut World, place: usize) {
        let player = &self.entrants[place];
        let (account, secret) = (player.account, player.secret.clone().unwrap());
        if player.strategy == Strategy::EntrantSilent {
            return;
        }
        if world.rng.u8(..8) == 0 {
            let mut wrong = secret.clone();
            wrong.opening.key[0] ^= 1;
            open(world, self.id, account, &wrong);
        }
        open(world, self.id, account, &secret);
    }

    /// Commands that make no sense, by whoever likes to.
    fn make_noise(&mut self, world: &mut World) {
        let job = JobId(world.rng.u32(..=world.market.job_count()));
        // Without money: what it does by chance must not count for a strategy.
        let sender = Address([7; 20]);
        let (key, salt, plaintext) = ([1; 32], [2; 32], named(BASE));
        let command = match world.rng.u8(..9) {
            0 => Command::Attest { job, page: 0, commitment: Digest([3; 32]) },
            1 => {
                let (attestations, results) = (vec![Attestation::UNFIT], Vec::new());
                Command::Unveil { job, page: 0, attestations, results, salt }
            }
            2 => Command::Reveal { job, key, salt, plaintext },
            3 => Command::Object { job, entry: 0 },
            4 => Command::Settle { job },
            5 => Command::Evaluate { job, work: Work(1) },
            6 => Command::Show { job, model: plaintext },
            7 => Command::Retire,
            _ => Command::Publish {
                digest: Digest::of(BASE),
                offset: 1,
                encoding: Encoding::Plain,
                data: vec![1],
            },
        };
        world.act(sender, command).ok();
    }

    /// What each person came out with, whatever the number of its accounts.
    pub(super) fn count(&self, world: &World, earnings: &mut Earnings) {
        earnings.jobs += 1;
        let of = |strategy| {
            let accounts = self.entrants.iter().filter(move |own| own.strategy == strategy);
            accounts.map(|own| own.account)
        };
        let sock: f64 = of(Strategy::SponsorSock).map(|own| world.earned(own)).sum();
        let winner = world.first_prizes.get(&self.id);
        let bought =
            winner.is_some_and(|winner| of(Strategy::SponsorSock).all(|own| own != *winner));
        let sponsor = earnings.all.entry(self.sponsor.strategy).or_default();
        sponsor.add(world.earned(self.sponsor.account) + sock);
        sponsor.bought += u32::from(bought);

        let is_honest = self.sponsor.strategy == self.sponsor.strategy.imitates();
        let entrants = if is_honest { &mut earnings.all } else { &mut earnings.cheated };
        let doubled: Vec<_> = of(Strategy::EntrantDoubled).collect();
        for person in doubled.chunks(2) {
            let earned = person.iter().map(|account| world.earned(*account)).sum();
            entrants.entry(Strategy::EntrantDoubled).or_default().add(earned);
        }
        let once = [Strategy::SponsorSock, Strategy::EntrantDoubled];
        for player in self.entrants.iter().filter(|player| !once.contains(&player.strategy)) {
            entrants.entry(player.strategy).or_default().add(world.earned(player.account));
        }
        let own = self.miners.iter().filter(|miner| !miner.stands());
        for player in own.chain([&self.outsider]) {
            let earned = world.earned(player.account);
            earnings.all.entry(player.strategy).or_default().add(earned);
        }
    }
}

/// The same model, a little worse, in other bytes; its weights betray it.
fn noised(plain: &[u8], number: usize) -> String {
    let text = String::from_utf8_lossy(plain).into_owned();
    text.split('#').next().map(|model| format!("{model}#{number}")).unwrap_or_default()
}

fn publish(world: &mut World, sender: Address, bytes: &[u8]) {
    let (digest, data) = (named(bytes).digest, bytes.to_vec());
    let encoding = Encoding::Plain;
    world.act(sender, Command::Publish { digest, offset: 0, encoding, data }).ok();
}

fn open(world: &mut World, job: JobId, sender: Address, secret: &Secret) {
    let Secret { opening, .. } = secret;
    let (key, salt, plaintext) = (opening.key, opening.salt, opening.plain);
    world.act(sender, Command::Reveal { job, key, salt, plaintext }).ok();
}
