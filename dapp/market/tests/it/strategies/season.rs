//! One job from its announcement to its end.

mod mining;

use blobs::Digest;
use market::{
    Address, Amount, Asset, AssetPrices, Award, Board, Command, Job, JobId, MinerTerms, Offer,
    Score, Sealing, Settings, Slot, Speed, SubmittedModel, Target, Terms, Timestamp, Unmet, Work,
};
use scenarios::{account, board, bounty, file, offer, publish, reveal};

use super::cast::{Cast, Entrant, Evaluators, Strategy};
use crate::world::{World, job_name, seal, settings};

const HOLD_OUT: &[u8] = b"rows=20,20";
const SLICE: &[u8] = b"rows=20,20 #slice";
const BASE: &[u8] = b"right=4,4";
const PRIZE: u128 = 1_000;
const REWARD: u128 = 250;
const CLOSE: u64 = 2_000;
const WINDOW: u64 = 100;
/// A model is worth a fifth more to its sponsor than the price paid for it.
const WORTH: f64 = 1.2;

/// Result of a season.
pub(super) struct Played {
    /// Gain of the person under test; for a sponsor, models count.
    pub(super) own: f64,
    /// Sum of the losses of all others; for a sponsor, models count.
    pub(super) others_lose: f64,
    pub(super) inputs: u64,
}

/// Plays a season about a strategy; the person under test plays it, or its honest counterpart.
pub(super) fn play(cast: &Cast, about: Strategy, plays: Strategy, number: u64) -> Played {
    let mut season = Season::new(cast.clone(), plays, number);
    season.play();
    let own = season.own(about);
    let bought = season.bought(&own);
    let earned = |account: Address| {
        let has_models = if account == sponsor() { season.bought(&[]) } else { 0.0 };
        season.world.earned(account, Asset::Ether) as f64 + has_models
    };
    let others = season.honest().into_iter().filter(|account| !own.contains(account));
    let others_lose = others.map(|account| (-earned(account)).max(0.0)).sum();
    let earned = |account: Address| season.world.earned(account, Asset::Ether) as f64;
    let bought = if about.is(Strategy::Sponsor) { bought * WORTH } else { 0.0 };
    let own = own.into_iter().map(earned).sum::<f64>() + bought;
    Played { own, others_lose, inputs: season.world.inputs }
}

struct Season {
    world: World,
    cast: Cast,
    plays: Strategy,
    job: JobId,
    entrants: Vec<Entrant>,
    /// The first model visible to others.
    seen: Option<Vec<u8>>,
    spare_jobs: Vec<JobId>,
}

const MINERS: usize = 3;

fn sponsor() -> Address {
    account(1, 0)
}

fn miner(index: usize) -> Address {
    account(3, index)
}

/// Account that advances the job, and is paid for it.
fn keeper() -> Address {
    account(4, 0)
}

fn outsider() -> Address {
    account(5, 0)
}

impl Season {
    fn new(cast: Cast, plays: Strategy, number: u64) -> Self {
        let prices = AssetPrices {
            account_minimum: Amount::new(2),
            work: Amount::new(1_000_000_000),
            rent: Amount::new(1_000),
            place_bond: Amount::new(1),
        };
        let settings = Settings {
            assets: [(Asset::Ether, prices)].into(),
            input_work: Work(1_000),
            speed: Speed { float: 1_000_000, ..settings().speed },
            ..settings()
        };
        let mut world = World::new(settings, []);
        world.thorough = 97;
        world.prev_randao = Digest::of(&number.to_be_bytes()).0;
        let (job, seen, spare_jobs) = (JobId::default(), None, Vec::new());
        Self { world, cast, plays, job, entrants: Vec::new(), seen, spare_jobs }
    }

    /// The accounts of the person under test.
    fn own(&self, about: Strategy) -> Vec<Address> {
        let own = self.entrants.iter().filter(|entrant| entrant.is_own);
        let mut own: Vec<_> = own.map(|entrant| entrant.account).collect();
        match about {
            Strategy::MinersPlotting => own.extend((0..MINERS).map(miner)),
            about if about.is(Strategy::Sponsor) => {
                own = vec![sponsor(), account(2, 50)];
            }
            about if about.is(Strategy::Miner) => own = vec![miner(0)],
            about if about.is(Strategy::Outsider) => own = vec![outsider()],
            _ => {}
        }
        own
    }

    /// All accounts that are honest unless under test.
    fn honest(&self) -> Vec<Address> {
        let entrants = (0..4).map(|index| account(2, index));
        let miners = (0..MINERS).map(miner);
        entrants.chain(miners).chain([sponsor(), keeper(), outsider()]).collect()
    }

    /// Amount paid by the sponsor to others for models.
    fn bought(&self, own: &[Address]) -> f64 {
        let job = self.known();
        let accepted = job.submissions.values().filter(|submission| {
            submission.verdict().is_some_and(|verdict| verdict.is_accepted())
                && !own.contains(&submission.client)
        });
        let price = if self.cast.is_prize { PRIZE } else { REWARD } as f64;
        accepted.count() as f64 * price
    }

    fn known(&self) -> &Job {
        self.world.market.job(self.job).unwrap()
    }

    fn act(&mut self, sender: Address, command: Command) -> bool {
        self.world.act(sender, command).is_ok()
    }

    fn deposit(&mut self, account: Address, amount: u128) {
        self.world.deposit(account, (Asset::Ether, Amount::new(amount)), None).1.unwrap();
    }

    fn publish(&mut self, sender: Address, slot: Slot, bytes: &[u8]) -> bool {
        self.act(sender, publish(self.job, slot, bytes))
    }

    fn play(&mut self) {
        self.fill();
        self.announce();
        let order = self.cast.order;
        let stalls = self.plays == Strategy::EntrantStalling;
        let first = order.into_iter().filter(|index| stalls && *index == 3);
        let rest = order.into_iter().filter(|index| !stalls || *index != 3);
        for index in first.chain(rest).collect::<Vec<_>>() {
            self.world.block_time = self.world.block_time.after(20);
            self.enter(index);
            self.tend();
        }
        self.enlist();
        self.world.block_time = Timestamp(CLOSE - 1);
        self.tend();
        self.world.block_time = Timestamp(CLOSE);
        self.tend();
        self.reveal();
        self.world.block_time = Timestamp(CLOSE + WINDOW);
        self.tend();
        self.mine();
        for _ in 0..100 {
            self.tend();
            if !self.known().stage.is_live() {
                break;
            }
            self.world.block_time = self.world.block_time.after(50);
        }
        assert!(!self.known().stage.is_live(), "{:?} has no end: {:?}", self.plays, self.cast);
        for job in std::mem::take(&mut self.spare_jobs) {
            self.act(outsider(), Command::CancelJob { job });
        }
    }

    /// An outsider fills the memory or the store before the job opens.
    fn fill(&mut self) {
        let mut own = |amount: u128, asset: Asset, account: Address| {
            self.world.deposit(account, (asset, Amount::new(amount)), None).1.unwrap();
        };
        match self.plays {
            Strategy::OutsiderFillingMemory => {
                for index in 0..50 {
                    own(1_000, Asset::Erc20(account(9, index)), outsider());
                    own(1, Asset::Ether, account(6, index));
                }
            }
            Strategy::OutsiderFillingStore => {
                own(10_000_000, Asset::Ether, outsider());
                let mut terms = self.terms(Sealing::Open { hold_out: file(HOLD_OUT) });
                (terms.places, terms.offer.max_model_bytes) = (600, 2_000);
                terms.evaluators = market::Evaluators::Machine;
                self.open_spare(terms);
            }
            _ => {}
        }
    }

    fn open_spare(&mut self, terms: Terms) {
        for salt in 0..3 {
            let salt = [salt; 32];
            let job = job_name(outsider(), salt, &terms);
            if self.act(outsider(), Command::OpenJob { job, salt, terms: Box::new(terms) }) {
                self.spare_jobs.push(job);
            }
        }
    }

    fn terms(&self, sealing: Sealing) -> Terms {
        let (cast, plays) = (&self.cast, self.plays);
        let attest = if plays == Strategy::SponsorShortWindows { 50 } else { WINDOW };
        let miners = |sample_rows| {
            market::Evaluators::Miners(MinerTerms {
                seats: 3,
                bond: Amount::new(150),
                pool: Amount::new(200),
                buy_in: Amount::new(50),
                attest_seconds: u32::try_from(attest).unwrap(),
                sample_rows,
            })
        };
        let least = if plays == Strategy::SponsorImpossible { 1_000_000 } else { 0 };
        let unmet = if cast.vouches { Unmet::Share } else { Unmet::Return };
        Terms {
            close: Timestamp(CLOSE),
            places: 120,
            offer: Offer {
                min_score: Score(least),
                max_model_bytes: 100,
                max_work: Work(30_000),
                rows: 40,
                base_model: file(BASE),
                board: Some(Board { quota: 1, ..board(SLICE) }),
                ..offer()
            },
            sealing,
            evaluators: match cast.evaluators {
                Evaluators::Machine => market::Evaluators::Machine,
                Evaluators::Miners => miners(0),
                Evaluators::Samples => miners(30),
            },
            award: if cast.is_prize {
                let (prize, significance) = (Amount::new(PRIZE), Score(50_000));
                Award::Prize { prize, significance, unmet }
            } else {
                Award::Rewards { reward: Amount::new(REWARD), count: 4 }
            },
            ..bounty()
        }
    }

    fn announce(&mut self) {
        self.deposit(sponsor(), 10_000_000);
        let (salt, misfits) = ([7; 32], self.plays == Strategy::SponsorMisfit);
        let hidden = if misfits { b"no rows at all".as_slice() } else { HOLD_OUT };
        let secret = seal(salt, sponsor(), file(hidden), hidden);
        let sealing = if self.cast.is_sealed {
            Sealing::Sealed {
                hold_out: secret.sealed,
                reveal_seconds: u32::try_from(WINDOW).unwrap(),
                sponsor_bond: Amount::new(PRIZE / 4),
            }
        } else {
            Sealing::Open { hold_out: file(HOLD_OUT) }
        };
        let terms = self.terms(sealing);
        self.job = job_name(sponsor(), salt, &terms);
        let open = Command::OpenJob { job: self.job, salt, terms: Box::new(terms) };
        assert!(self.act(sponsor(), open), "a job opens");
        let published = if self.cast.is_sealed { &secret.ciphertext } else { HOLD_OUT };
        self.publish(sponsor(), Slot::BaseModel, BASE);
        self.publish(sponsor(), Slot::PublicSlice, SLICE);
        self.publish(sponsor(), Slot::HoldOut, published);
        self.tend();
        if self.plays == Strategy::SponsorSock {
            self.submit(account(2, 50), b"right=20,20 like=50".to_vec(), false);
        }
    }

    /// An entrant submits; the last one may be the person under test.
    fn enter(&mut self, index: usize) {
        let [a, b] = self.cast.qualities[index];
        let plays = if index == 3 { self.plays } else { Strategy::Entrant };
        let honest = format!("right={a},{b} like={index} #{index}");
        let copy = self.seen.as_ref().map(|seen| {
            let text = String::from_utf8(seen.clone()).unwrap();
            text.replace(" #", " graph=2 #copy of ")
        });
        let stolen = self.entrants.iter().find_map(|other| other.secret.clone());
        match plays {
            Strategy::EntrantStolen if stolen.is_some() => {
                let (own, secret) = (account(2, index), stolen.unwrap());
                self.deposit(own, 100_000);
                let model = SubmittedModel::Sealed(secret.sealed);
                self.act(own, Command::Submit { job: self.job, model });
                self.publish(own, Slot::Submission, &secret.ciphertext);
                let model = Vec::new();
                self.entrants.push(Entrant {
                    account: own,
                    model,
                    secret: Some(secret),
                    is_own: true,
                });
                return;
            }
            Strategy::EntrantDoubled | Strategy::EntrantNinetyNine => {
                let names = if plays == Strategy::EntrantDoubled { 1 } else { 98 };
                for name in 0..names {
                    let model = format!("{honest} graph={} #{name}", name % 3);
                    self.submit(account(7, name), model.into_bytes(), true);
                }
            }
            _ => {}
        }
        let model = match plays {
            Strategy::EntrantCopying => copy.unwrap_or(honest),
            Strategy::EntrantMalformed => "nonsense".to_owned(),
            Strategy::EntrantStalling => "right=5,5 work=700 like=99".to_owned(),
            _ => honest,
        };
        self.submit(account(2, index), model.into_bytes(), index == 3);
    }

    fn submit(&mut self, own: Address, plain: Vec<u8>, is_own: bool) {
        self.deposit(own, 200_000);
        let delivers = !(is_own && self.plays == Strategy::EntrantUndelivered);
        let secret = self.cast.is_sealed.then(|| seal(self.job.0, own, file(&plain), &plain));
        let model = match &secret {
            Some(secret) => SubmittedModel::Sealed(secret.sealed),
            None => SubmittedModel::Open { model: file(&plain), data: file(b"") },
        };
        let bytes = secret.as_ref().map_or(&plain, |secret| &secret.ciphertext).clone();
        if self.act(own, Command::Submit { job: self.job, model }) && delivers {
            self.publish(own, Slot::Submission, &bytes);
        }
        if self.seen.is_none() && !is_own {
            let show = Command::Show { job: self.job, model: file(&plain) };
            if self.act(own, show) {
                self.publish(own, Slot::Shown, &plain);
            }
            self.seen = Some(plain.clone());
        }
        self.entrants.push(Entrant { account: own, model: plain, secret, is_own });
    }

    fn reveal(&mut self) {
        if !self.cast.is_sealed {
            return;
        }
        if self.plays != Strategy::SponsorSilent {
            let misfits = self.plays == Strategy::SponsorMisfit;
            let hidden = if misfits { b"no rows at all".as_slice() } else { HOLD_OUT };
            let opening = seal([7; 32], sponsor(), file(hidden), hidden).opening;
            self.act(sponsor(), reveal(self.job, opening));
        }
        for Entrant { account, secret, is_own, .. } in self.entrants.clone() {
            let silent = is_own && self.plays == Strategy::EntrantSilent;
            if let Some(secret) = secret.filter(|_| !silent) {
                self.act(account, reveal(self.job, secret.opening));
            }
        }
    }

    /// The keeper, or an outsider under test, evaluates everything it can; the keeper settles
    /// everything it can.
    fn tend(&mut self) {
        loop {
            let mut has_moved = false;
            for (target, _) in targets(self.known()) {
                let (worker, work) = match self.plays {
                    Strategy::OutsiderNeedless => (outsider(), 30),
                    plays if plays.is(Strategy::Outsider) => (outsider(), u64::MAX),
                    _ => (keeper(), u64::MAX),
                };
                while self.evaluate(worker, target, work) {
                    has_moved = true;
                }
            }
            while self.act(keeper(), Command::Settle { job: self.job }) {
                has_moved = true;
            }
            if !has_moved {
                return;
            }
        }
    }

    fn evaluate(&mut self, sender: Address, target: Target, work: u64) -> bool {
        let step = targets(self.known()).into_iter().find(|(found, _)| *found == target);
        let Some((_, from)) = step else { return false };
        let (job, max_surcharge) = (self.job, Amount::ZERO);
        self.act(sender, Command::Evaluate { job, target, from, work: Work(work), max_surcharge })
    }
}

/// All evaluations, with the step that each continues from.
fn targets(job: &Job) -> Vec<(Target, u32)> {
    let mut all =
        vec![(Target::Base, job.base.step()), (Target::BaseOnHoldOut, job.base_on_hold_out.step())];
    for (number, submission) in job.undecided() {
        all.push((Target::Shown(number), submission.board.evaluated.step()));
        all.push((Target::Submission(number), submission.evaluated.step()));
    }
    all
}
