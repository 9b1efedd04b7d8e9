//! Large competitions: what the dearest input costs and how long each kind of command takes,
//! however many take part.

use std::{collections::BTreeMap, time::Instant};

use blobs::{BlobRef, Digest, Encoding};
use market::{
    Address, Amount, Asset, Attestation, Command, CompetitionTerms, Context, Desk, Effect, Exam,
    Exhibit, JobId, Judge, Likeness, Market, Metric, Prices, Quote, Score, Settings, Tally, Tied,
    Timestamp, Unfit, Unmet, Work,
};

use super::{
    APP, CHAIN,
    player::{Player, named},
};
use crate::{contest::Strategy, judge::WordJudge};

const BASE: &[u8] = b"right=5,5 work=200000";
const SLICE: &[u8] = b"rows=10,10";
const HOLD_OUT: &[u8] = b"rows=20,20";
const JOB: JobId = JobId(0);
const SALT: [u8; 32] = [9; 32];
const MINERS: usize = 100;
const INPUT_WORK: Work = Work(2_000_000_000);

/// Counts what evaluations cost.
#[derive(Default)]
struct Metered {
    work: Work,
}

impl Judge for Metered {
    fn reading(&self, exam: &Exam<'_>) -> Work {
        WordJudge.reading(exam)
    }

    fn quote(&mut self, exam: &Exam<'_>) -> Result<Quote, Unfit> {
        self.work = self.work.plus(WordJudge.reading(exam));
        WordJudge.quote(exam)
    }

    fn answer(&mut self, exam: &Exam<'_>, tally: &mut Tally, budget: Work) -> Result<Work, Unfit> {
        let work = WordJudge.answer(exam, tally, budget)?;
        self.work = self.work.plus(work);
        Ok(work)
    }

    fn comparing(&self, lengths: [usize; 3]) -> Work {
        Work(WordJudge.comparing(lengths).0 * 10_000)
    }

    fn alike(
        &mut self,
        base: Exhibit<'_>,
        first: Exhibit<'_>,
        second: Exhibit<'_>,
    ) -> Result<Likeness, Unfit> {
        let lengths = [base, first, second].map(|exhibit| exhibit.bytes.len());
        self.work = self.work.plus(self.comparing(lengths));
        WordJudge.alike(base, first, second)
    }
}

/// What the commands of one kind came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) commands: u32,
    /// Microseconds of all of them together.
    pub(crate) micros: f64,
    /// The dearest one's work, by the judge and the prices of what it did.
    pub(crate) most_work: u64,
    /// Outputs of all of them together.
    pub(crate) outputs: usize,
    /// The most outputs of one.
    pub(crate) most_outputs: usize,
}

struct Stage {
    market: Market,
    now: Timestamp,
    costs: BTreeMap<&'static str, Cost>,
}

impl Stage {
    fn act(&mut self, kind: &'static str, sender: Address, command: Command) -> Option<usize> {
        let context =
            Context { sender, now: self.now, chain_id: CHAIN, app: APP, ..Context::default() };
        let mut judge = Metered::default();
        let prices = Prices::COUNTED;
        let mut work = prices.input;
        match &command {
            Command::Publish { data, .. } => {
                work += prices.chunk(data.len() as u64, data.len() as u64).0;
            }
            Command::Unveil { attestations, .. } => {
                work += prices.chunk(96 * attestations.len() as u64, 0).0;
            }
            Command::Reveal { plaintext, .. } => work += prices.opening(plaintext.size + 16).0,
            _ => {}
        }
        let before = Instant::now();
        let effects: Result<Vec<Effect>, _> = self.market.apply(&context, command, &mut judge);
        let micros = before.elapsed().as_secs_f64() * 1e6;
        let effects = effects.ok()?;
        work += judge.work.0;
        let cost = self.costs.entry(kind).or_default();
        cost.commands += 1;
        cost.micros += micros;
        cost.most_work = cost.most_work.max(work);
        cost.outputs += effects.len();
        cost.most_outputs = cost.most_outputs.max(effects.len());
        Some(effects.len())
    }

    fn must(&mut self, kind: &'static str, sender: Address, command: Command) {
        assert!(self.act(kind, sender, command).is_some(), "{kind} is refused");
    }

    fn publish(&mut self, sender: Address, bytes: &[u8]) {
        let (digest, data) = (named(bytes).digest, bytes.to_vec());
        let encoding = Encoding::Plain;
        self.must("publish", sender, Command::Publish { digest, offset: 0, encoding, data });
    }
}

fn account(role: u8, place: usize) -> Address {
    let mut address = [role; 20];
    address[..8].copy_from_slice(&(place as u64).to_be_bytes());
    Address(address)
}

fn terms(hold_out: market::SealedBlob) -> CompetitionTerms {
    let blob: fn(&[u8]) -> BlobRef = named;
    CompetitionTerms {
        title: [0; 32],
        asset: Asset::Ether,
        prize: Amount::new(1_000),
        miners_pool: Amount::new(200),
        buy_in: Amount::new(10),
        entrant_bond: Amount::new(10),
        miner_bond: Amount::new(10),
        miners: u32::try_from(MINERS).unwrap(),
        close: Timestamp(2_000),
        reveal_seconds: 100,
        attest_seconds: 100,
        quota: 1,
        ladder_step: Score(1),
        metric: Metric::Accuracy,
        min_score: Score(0),
        min_gain: Score(1),
        min_worst_class: Score(0),
        significance: Score(50_000),
        tied: Tied::Equal,
        unmet: Unmet::Return,
        max_model_bytes: 1_000,
        max_work: Work(u64::MAX),
        miners_only: false,
        sample_rows: 0,
        base_model: blob(BASE),
        public_slice: blob(SLICE),
        hold_out,
    }
}

/// Plays a competition of so many entrants and a hundred miners to its end.
pub(crate) fn play(entrants: usize) -> BTreeMap<&'static str, Cost> {
    let settings = Settings {
        allowed_tokens: [].into(),
        max_blob_bytes: 1 << 20,
        max_stored_bytes: 1 << 26,
        input_work: INPUT_WORK,
        prices: Prices::COUNTED,
        max_window_seconds: 100_000,
        evaluation_window_seconds: 86_400,
    };
    let market = Market::new(settings, []);
    let mut stage = Stage { market, now: Timestamp(1_000), costs: BTreeMap::new() };
    let mut sponsor = Player::new(account(1, 0), Strategy::SponsorHonest);
    let hold_out = sponsor.seal(JOB, HOLD_OUT.to_vec());
    deposit(&mut stage, sponsor.account);
    let open = Command::OpenCompetition { job: JOB, terms: Box::new(terms(hold_out)) };
    stage.must("open", sponsor.account, open);
    let ciphertext = sponsor.secret.clone().unwrap().ciphertext;
    for bytes in [BASE, SLICE, &ciphertext] {
        stage.publish(sponsor.account, bytes);
    }
    let mut players: Vec<_> =
        (0..entrants).map(|n| Player::new(account(2, n), Strategy::EntrantHonest)).collect();
    for (number, player) in players.iter_mut().enumerate() {
        deposit(&mut stage, player.account);
        // Four of the last are tied for the first place.
        let right = [8 + number % 8, 19][usize::from(number + 4 >= entrants)];
        let model = format!("right={right},{right} work=200000 #{number}").into_bytes();
        let sealed = player.seal(JOB, model);
        stage.must("enter", player.account, Command::Enter { job: JOB, model: sealed });
        stage.publish(player.account, &player.secret.clone().unwrap().ciphertext);
    }
    for place in 0..2 * MINERS {
        deposit(&mut stage, account(3, place));
        stage.must("enlist", account(3, place), Command::Enlist { job: Some(JOB) });
    }
    stage.now = Timestamp(2_000);
    settle(&mut stage);
    for player in players.iter().chain([&sponsor]) {
        let opening = player.secret.clone().unwrap().opening;
        let (key, salt, plaintext) = (opening.key, opening.salt, opening.plain);
        stage.must("reveal", player.account, Command::Reveal { job: JOB, key, salt, plaintext });
    }
    settle(&mut stage);
    evaluate(&mut stage, &players);
    stage.now = Timestamp(2_400);
    settle(&mut stage);
    let job = stage.market.competition(JOB).unwrap();
    assert!(!job.is_live(), "it does not end: {:?}", job.stage);
    let winners = &job.decision.as_ref().unwrap().winners;
    assert_eq!(winners.len(), 4, "{winners:?}");
    assert_eq!((job.escrow, stage.market.shelf().stored()), (Amount::ZERO, 0));
    stage.costs
}

/// All seats attest and unveil every page.
fn evaluate(stage: &mut Stage, players: &[Player]) {
    let mut known: BTreeMap<Digest, Attestation> = BTreeMap::new();
    let settings = stage.market.settings().clone();
    for player in players {
        let bytes = &player.secret.as_ref().unwrap().plain;
        let exam = Exam {
            model: Exhibit { cid: named(bytes).cid(), bytes },
            hold_out: Exhibit { cid: named(HOLD_OUT).cid(), bytes: HOLD_OUT },
            metric: Metric::Accuracy,
            rows: None,
        };
        let (found, _) = Attestation::examine(&settings, &exam, Work(u64::MAX), &mut WordJudge);
        known.insert(named(bytes).digest, found);
    }
    let job = stage.market.competition(JOB).unwrap();
    let miners: Vec<_> = job.seats.iter().map(|seat| seat.miner).collect();
    assert_eq!(miners.len(), MINERS);
    let pages: Vec<Vec<Attestation>> = (0..job.pages())
        .map(|page| job.page(page).iter().map(|model| known[&model.model.digest]).collect())
        .collect();
    for unveils in [false, true] {
        stage.now = Timestamp(if unveils { 2_200 } else { 2_100 });
        for &miner in &miners {
            for (page, attestations) in (0_u32..).zip(&pages) {
                let desk = Desk { chain_id: CHAIN, app: APP, job: JOB, miner, page };
                let commitment = desk.commitment(attestations, &SALT);
                let (attestations, results) = (attestations.clone(), Vec::new());
                if unveils {
                    let command =
                        Command::Unveil { job: JOB, page, attestations, results, salt: SALT };
                    stage.must("unveil", miner, command);
                } else {
                    stage.must("attest", miner, Command::Attest { job: JOB, page, commitment });
                }
            }
        }
    }
}

fn settle(stage: &mut Stage) {
    while stage.act("settle", account(4, 0), Command::Settle { job: JOB }).is_some() {}
}

fn deposit(stage: &mut Stage, account: Address) {
    stage.market.deposit(account, Asset::Ether, Amount::new(10_000)).unwrap();
}

/// The most that an input may cost here.
pub(crate) const fn input_work() -> u64 {
    INPUT_WORK.0
}
