//! A small market's commands, and judges that need no models.

use blobs::{BlobRef, Encoding, Profile, blob_ref};
use market::{
    Address, Amount, Asset, Award, Command, Comparison, Context, Evaluation, JobId, Judge, Metric, Offer,
    Quote, Score, Sealing, Similarity, Slot, SubmittedModel, MetricAccumulator, Target, Terms, Timestamp,
    EvaluationError, WeightDistance, Work,
};
use serde_json::{Value, json};
use wire::{Genesis, Text, encode_command, encode_ether_deposit, job_name};

pub(crate) const ALICE: Address = Address([0xa1; 20]);
pub(crate) const BOB: Address = Address([0xb0; 20]);
pub(crate) const NOW: u64 = 1_700_000_000;
pub(crate) const CHAIN: u64 = 31_337;
pub(crate) const APP: Address = Address([0xe7; 20]);
pub(crate) const REWARD: u128 = 1_000_000_000_000_000_000;
/// More than a job or a submission takes.
pub(crate) const DEPOSIT: u128 = 10 * REWARD;
pub(crate) const ROWS: u32 = 1_000;
pub(crate) const BASE: &[u8] = b"400";
pub(crate) const HOLD_OUT: &[u8] = b"a thousand rows";
pub(crate) const GOOD: &[u8] = b"900";
const SALT: [u8; 32] = [7; 32];

/// Judges a model by the number its bytes spell: how many of a thousand rows it answers right.
/// What spells none makes it panic. Rows cost next to nothing, but for a number that begins with a
/// zero: of such models one fills half of an input.
#[derive(Default)]
pub(crate) struct Speller;

/// What a row of an expensive model takes.
pub(crate) const EXPENSIVE_ROW: Work = Work(960_000_000);

fn row(evaluation: &Evaluation<'_>) -> Work {
    if evaluation.model.bytes.starts_with(b"0") { EXPENSIVE_ROW } else { Work(1) }
}

impl Judge for Speller {
    fn reading(&self, _: &Evaluation<'_>) -> Work {
        Work(0)
    }

    fn quote(&mut self, evaluation: &Evaluation<'_>) -> Result<Quote, EvaluationError> {
        let (work, reading, step) = (row(evaluation).times(ROWS.into()), Work(0), row(evaluation));
        Ok(Quote { rows: ROWS, classes: 2, work, reading, step })
    }

    fn answer(&mut self, evaluation: &Evaluation<'_>, accumulator: &mut MetricAccumulator, budget: Work) -> Result<Work, EvaluationError> {
        let right: u32 = std::str::from_utf8(evaluation.model.bytes).unwrap().parse().unwrap();
        let mut done = Work(0);
        while accumulator.rows() < ROWS && (done == Work(0) || done.plus(row(evaluation)) <= budget) {
            accumulator.count_class(1, u16::from(accumulator.rows() < right), 0);
            done = done.plus(row(evaluation));
        }
        Ok(done)
    }

    fn reading_comparison(&self, _: &Comparison<'_>) -> Work {
        Work(0)
    }

    fn quote_comparison(&mut self, _: &Comparison<'_>) -> Result<Work, EvaluationError> {
        Ok(Work(0))
    }

    fn compare(&mut self, comparison: &Comparison<'_>) -> Result<Similarity, EvaluationError> {
        let is_copy = comparison.first.bytes == comparison.second.bytes;
        let distance = if is_copy { WeightDistance::EQUAL } else { WeightDistance::FARTHEST };
        Ok(Similarity { agreement: 0, distance: Some(distance) })
    }
}

pub(crate) fn file(bytes: &[u8]) -> BlobRef {
    blob_ref(bytes, Profile::Kubo)
}

pub(crate) fn terms(base_model: &[u8]) -> Terms {
    Terms {
        title: [0; 32],
        asset: Asset::Ether,
        close: Timestamp(NOW + 3_600),
        places: 4,
        offer: Offer {
            metric: Metric::Accuracy,
            min_score: Score(0),
            min_gain: Score(1),
            min_worst_class: Score(0),
            max_model_bytes: 10_000,
            max_work: Work(1_000_000_000),
            max_inputs: 1_000,
            rows: ROWS,
            base_model: file(base_model),
            board: None,
        },
        sealing: Sealing::Open { hold_out: file(HOLD_OUT) },
        evaluators: market::Evaluators::Machine,
        award: Award::Rewards { reward: Amount::new(REWARD), count: 1 },
    }
}

/// A job that someone opens, and how.
pub(crate) fn open(sponsor: Address, terms: Terms) -> (JobId, Command) {
    let job = job_name(CHAIN, APP, sponsor, SALT, &terms);
    (job, Command::OpenJob { job, salt: SALT, terms: Box::new(terms) })
}

pub(crate) fn publish(job: JobId, slot: Slot, bytes: &[u8]) -> Command {
    let (encoding, data) = (Encoding::Plain, bytes.to_vec());
    Command::Publish { job, slot, offset: 0, encoding, data }
}

pub(crate) fn submit(job: JobId, bytes: &[u8]) -> Command {
    let model = SubmittedModel::Open { model: file(bytes), data: file(b"own rows") };
    Command::Submit { job, model }
}

pub(crate) fn evaluate(job: JobId, target: Target, from: u32) -> Command {
    let (work, max_surcharge) = (Work(u64::MAX), Amount::new(REWARD));
    Command::Evaluate { job, target, from, work, max_surcharge }
}

/// What is known of an input of this sender.
pub(crate) fn context(sender: Address, block_time: u64) -> Context {
    let block_time = Timestamp(block_time);
    Context { sender, block_time, chain_id: CHAIN, app: APP, ..Context::default() }
}

/// The request of an input.
pub(crate) fn input(sender: Address, payload: &[u8]) -> Value {
    input_at(sender, NOW, payload)
}

/// The request of an input in a block of this time.
pub(crate) fn input_at(sender: Address, block_time: u64, payload: &[u8]) -> Value {
    json!({ "request_type": "advance_state", "data": {
        "metadata": {
            "chain_id": CHAIN,
            "app_contract": APP.write(),
            "msg_sender": sender.write(),
            "block_number": 7,
            "block_timestamp": block_time,
            "prev_randao": format!("0x{:064x}", 1),
            "input_index": 0,
        },
        "payload": hexadecimal(payload),
    }})
}

pub(crate) fn command(sender: Address, command: &Command) -> Value {
    input(sender, &encode_command(command))
}

/// The request of an Ether deposit, with calldata riding on it.
pub(crate) fn deposit(sender: Address, amount: u128, calldata: &[u8]) -> Value {
    let payload = encode_ether_deposit(sender, Amount::new(amount), calldata);
    input(Genesis::default().ether_portal, &payload)
}

/// The same, with a command.
pub(crate) fn ride(sender: Address, command: &Command) -> Value {
    deposit(sender, DEPOSIT, &encode_command(command))
}

pub(crate) fn question(path: &str) -> Value {
    let payload = hexadecimal(path.as_bytes());
    json!({ "request_type": "inspect_state", "data": { "payload": payload } })
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}
