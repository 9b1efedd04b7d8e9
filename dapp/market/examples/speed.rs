//! Measures how many commands per second the rules alone process, for growing numbers of
//! submissions: one JSON object per line. `cargo speed` runs it.
//!
//! Commands are created before timing starts; the judge is the tests', whose cost is negligible.

#[path = "../tests/it/judge.rs"]
#[expect(dead_code, reason = "what the tests ask of it beside judging")]
mod judge;

use std::collections::BTreeMap;

use blobs::Digest;
use judge::WordJudge;
use market::{
    Address, Amount, Asset, AssetPrices, Command, Context, JobId, Market, Offer, Prices, Sealing,
    Settings, Slot, Speed, Terms, Timestamp, Windows, Work,
};
use scenarios::{bounty, file, offer, prize, publish, submit};

/// Submissions of a job: every fourth is never published, every second is no better than the base
/// model, which frees its place at once; the rest wait for the prize.
const CLIENTS: u32 = 100;
/// Jobs of a slice; at each size the best slice counts. Slices are short, so that at least one of
/// them runs without interruption.
const JOBS: u32 = 2;
const SLICES: u32 = 1_000;
/// Maximum number of inputs needed to end a job.
const SETTLES: u32 = 3;

const SPONSOR: Address = Address([0xaa; 20]);

enum Step {
    Deposit(Context, Amount),
    Command(Context, Command),
}

#[expect(clippy::print_stdout, reason = "the numbers are what this program is for")]
fn main() {
    let mut market = empty_market();
    for submissions in [10_000, 100_000, 1_000_000] {
        for job in market.job_count()..submissions / CLIENTS {
            // Every tenth job stays open, with the blobs it expects.
            steps(job, !job.is_multiple_of(10)).for_each(|step| play(&mut market, step));
        }
        let commands_per_second = measure(&mut market);
        println!("{{\"submissions\":{submissions},\"commands_per_second\":{commands_per_second}}}");
    }
}

/// The rate of the fastest slice: other load on the computer only slows it down.
#[expect(clippy::disallowed_types, reason = "measuring takes a clock; the rules have none")]
fn measure(market: &mut Market) -> u128 {
    let slice = |_| {
        let first = market.job_count();
        let made: Vec<_> = (first..first + JOBS).flat_map(|job| steps(job, true)).collect();
        let commands = made.len() as u128;
        let begin = std::time::Instant::now();
        made.into_iter().for_each(|step| play(market, step));
        commands * 1_000_000_000 / begin.elapsed().as_nanos()
    };
    (0..SLICES).map(slice).max().unwrap_or_default()
}

/// Runs one input from begin to finish.
fn play(market: &mut Market, step: Step) {
    let (Step::Deposit(context, _) | Step::Command(context, _)) = &step;
    market.begin(context);
    let effects = match step {
        Step::Deposit(context, amount) => market.deposit(context.sender, Asset::Ether, amount),
        Step::Command(context, command) => {
            let ends = matches!(command, Command::Settle { .. });
            let effects = market.apply(&context, command, &mut WordJudge);
            assert!(ends || effects.is_ok(), "{effects:?}");
            effects.unwrap_or_default()
        }
    };
    market.finish(effects.len());
}

/// Time at which a job opens; it closes a second later.
fn opening(number: u32) -> u64 {
    1_000 + 2 * u64::from(number)
}

fn at(seconds: u64, sender: Address) -> Context {
    Context { block_time: Timestamp(seconds), sender, ..Context::default() }
}

fn empty_market() -> Market {
    let one = Amount::new(1);
    let prices = AssetPrices { account_minimum: one, place_bond: one, ..AssetPrices::default() };
    let settings = Settings {
        assets: BTreeMap::from([(Asset::Ether, prices)]),
        operator: Address([1; 20]),
        sink: Address([2; 20]),
        operator_ppm: 200_000,
        max_blob_bytes: 1_000,
        max_stored_bytes: 1 << 40,
        max_balances: u32::MAX,
        input_work: Work(1_000_000),
        prices: Prices::default(),
        speed: Speed { float: 1 << 40, integer: 1 << 40, mining: 1 << 40 },
        max_window_seconds: 10_000,
        windows: Windows {
            delivery_seconds: 1,
            reveal_seconds: 1,
            attest_seconds: 1,
            evaluation_seconds: 1,
        },
        surcharge_lag_seconds: 300,
    };
    let drive = [b"rows=2,2".to_vec(), b"right=1,0".to_vec()];
    Market::new(settings, drive.map(|bytes| (file(&bytes).cid(), bytes)))
}

/// All inputs of one job: its opening, its submissions and their bytes, its end.
fn steps(number: u32, settles: bool) -> impl Iterator<Item = Step> {
    let (opens, mut salt) = (opening(number), [0; 32]);
    let terms = terms(Timestamp(opens + 1));
    salt[..4].copy_from_slice(&number.to_be_bytes());
    let job = JobId(Digest::of(&salt).0);
    let sponsor = at(opens, SPONSOR);
    let begin = [
        Step::Deposit(sponsor, Amount::new(1)),
        Step::Command(sponsor, Command::OpenJob { job, salt, terms: Box::new(terms) }),
    ];
    let clients = (0..CLIENTS).flat_map(move |client| client_steps(job, number, client));
    // One input takes at most 64 steps.
    let settle = move |_| Step::Command(at(opens + 1, SPONSOR), Command::Settle { job });
    let end = (0..if settles { SETTLES } else { 0 }).map(settle);
    begin.into_iter().chain(clients).chain(end)
}

fn client_steps(job: JobId, number: u32, client: u32) -> impl Iterator<Item = Step> {
    let [better, as_good] = ["right=2,1", "right=1,0"];
    let quality = if client.is_multiple_of(2) { better } else { as_good };
    let bytes = format!("{quality} #{number}/{client}").into_bytes();
    let mut address = [0; 20];
    // Account addresses are not in order.
    let name = Digest::of(&(number % 10_000 * CLIENTS + client).to_le_bytes()).0;
    address.copy_from_slice(&name[..20]);
    let context = at(opening(number), Address(address));
    let publishes = client % 4 != 3;
    let publish = || Step::Command(context, publish(job, Slot::Submission, &bytes));
    let deposit = Step::Deposit(context, Amount::new(1_000));
    let submit = Step::Command(context, submit(job, &bytes));
    [deposit, submit].into_iter().chain(publishes.then(publish))
}

fn terms(close: Timestamp) -> Terms {
    Terms {
        close,
        places: CLIENTS,
        offer: Offer {
            max_model_bytes: 1_000,
            max_work: Work(1_000),
            max_inputs: 1,
            rows: 4,
            base_model: file(b"right=1,0"),
            ..offer()
        },
        sealing: Sealing::Open { hold_out: file(b"rows=2,2") },
        award: prize(1),
        ..bounty()
    }
}
