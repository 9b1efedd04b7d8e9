//! How many commands a second the rules of the market carry out on one core, with ever more
//! submissions in state: one JSON object a line. `cargo speed` runs it.
//!
//! Commands are made before the clock runs; the judge is the tests', which costs next to nothing.

#[path = "../tests/judge/mod.rs"]
mod judge;

use std::collections::BTreeSet;

use blobs::{BlobRef, Encoding, Profile, blob_ref};
use judge::WordJudge;
use market::{
    Address, Amount, Asset, Command, Context, JobId, Market, Metric, Prices, Score, Settings,
    Terms, Timestamp, Work,
};

/// Submissions of one job; every fourth is never published, every second one is paid.
const CLIENTS: u32 = 100;
/// Jobs whose commands are measured at each size, in slices of which the best counts.
const JOBS: u32 = 20;
const SLICES: u32 = 100;

const SPONSOR: Address = Address([0xaa; 20]);
const OPEN: Timestamp = Timestamp(1_000);
const DEADLINE: Timestamp = Timestamp(2_000);

enum Step {
    Deposit(Amount),
    Command(Context, Command),
}

#[expect(clippy::print_stdout, reason = "the numbers are what this program is for")]
fn main() {
    let mut market = empty_market();
    for submissions in [10_000, 100_000, 1_000_000] {
        let next = market.job_count();
        for job in next..submissions / CLIENTS {
            // Every second job stays open, with all it expects.
            steps(job, job.is_multiple_of(2)).for_each(|step| play(&mut market, step));
        }
        let commands_per_second = measure(&mut market);
        println!("{{\"submissions\":{submissions},\"commands_per_second\":{commands_per_second}}}");
    }
}

/// The best of the slices: whatever else the computer does only takes time away.
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

fn play(market: &mut Market, step: Step) {
    match step {
        Step::Deposit(amount) => {
            market.deposit(SPONSOR, Asset::Ether, amount).expect("a deposit is credited");
        }
        Step::Command(context, command) => {
            market.apply(&context, command, &mut WordJudge).expect("every command is allowed");
        }
    }
}

fn empty_market() -> Market {
    let settings = Settings {
        allowed_tokens: BTreeSet::new(),
        max_blob_bytes: 1_000,
        max_stored_bytes: 1_000_000_000,
        input_work: Work(1_000_000),
        prices: Prices::default(),
        max_window_seconds: 10_000,
        evaluation_window_seconds: 0,
    };
    let drive = [b"rows=2,2".to_vec(), b"right=1,0".to_vec()];
    Market::new(settings, drive.map(|bytes| (named(&bytes).cid(), bytes)))
}

/// Everything that happens to one job: a deposit, its opening, its submissions and their bytes,
/// its end.
fn steps(job: u32, settles: bool) -> impl Iterator<Item = Step> {
    let terms = terms();
    let sponsor = Context { sender: SPONSOR, now: OPEN, ..Context::default() };
    let begin = [
        Step::Deposit(Amount::new(u128::from(CLIENTS))),
        Step::Command(sponsor, Command::OpenJob(Box::new(terms))),
    ];
    let clients = (0..CLIENTS).flat_map(move |number| client_steps(job, number));
    let settle = Command::Settle { job: JobId(job) };
    let end = settles.then_some(Step::Command(Context { now: DEADLINE, ..sponsor }, settle));
    begin.into_iter().chain(clients).chain(end)
}

fn client_steps(job: u32, number: u32) -> impl Iterator<Item = Step> {
    let [better, as_good] = ["right=2,1", "right=1,0"];
    let quality = if number.is_multiple_of(2) { better } else { as_good };
    let bytes = format!("{quality} #{job}/{number}").into_bytes();
    let model = named(&bytes);
    let mut address = [0; 20];
    // Accounts come in no order.
    let name = blobs::Digest::of(&(job % 10_000 * CLIENTS + number).to_le_bytes()).0;
    address.copy_from_slice(&name[..20]);
    let context = Context { sender: Address(address), now: OPEN, ..Context::default() };
    let (digest, encoding) = (model.digest, Encoding::Plain);
    let submit = Command::Submit { job: JobId(job), model, data: model };
    let publish = Command::Publish { digest, offset: 0, encoding, data: bytes };
    let publishes = number % 4 != 3;
    let publish = publishes.then_some(Step::Command(context, publish));
    [Step::Command(context, submit)].into_iter().chain(publish)
}

fn terms() -> Terms {
    Terms {
        title: [0; 32],
        asset: Asset::Ether,
        reward: Amount::new(1),
        rewards: CLIENTS,
        deadline: DEADLINE,
        metric: Metric::Accuracy,
        min_score: Score(0),
        min_gain: Score(1),
        min_worst_class: Score(0),
        max_model_bytes: 1_000,
        max_work: Work(1_000),
        base_model: named(b"right=1,0"),
        hold_out: named(b"rows=2,2"),
    }
}

fn named(bytes: &[u8]) -> BlobRef {
    blob_ref(bytes, Profile::Kubo)
}
