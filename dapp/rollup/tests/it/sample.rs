//! A small market's commands, and judges that need no models.

use blobs::{BlobRef, Digest, Encoding, Profile, blob_ref};
use market::{
    Address, Amount, Asset, Command, Exam, Exhibit, JobId, Judge, Likeness, Metric, Quote, Score,
    Tally, Terms, Timestamp, Unfit, Work,
};
use serde_json::{Value, json};
use wire::{Genesis, Text, encode_command, encode_ether_deposit};

pub(crate) const ALICE: Address = Address([0xa1; 20]);
pub(crate) const BOB: Address = Address([0xb0; 20]);
pub(crate) const NOW: u64 = 1_700_000_000;
pub(crate) const REWARD: u128 = 1_000_000_000_000_000_000;
pub(crate) const BASE: &[u8] = b"400";
pub(crate) const HOLD_OUT: &[u8] = b"a thousand rows";
pub(crate) const GOOD: &[u8] = b"900";

/// Judges a model by the number its bytes spell: how many of a thousand rows it answers right.
/// What spells none makes it panic.
#[derive(Default)]
pub(crate) struct Speller;

impl Judge for Speller {
    fn reading(&self, _: &Exam<'_>) -> Work {
        Work(0)
    }

    fn quote(&mut self, _: &Exam<'_>) -> Result<Quote, Unfit> {
        let (work, reading, step) = (Work(1_000), Work(0), Work(1));
        Ok(Quote { rows: 1_000, classes: 2, work, reading, step })
    }

    fn answer(&mut self, exam: &Exam<'_>, tally: &mut Tally, _: Work) -> Result<Work, Unfit> {
        let right: u32 = std::str::from_utf8(exam.model.bytes).unwrap().parse().unwrap();
        while tally.rows() < 1_000 {
            tally.count_class(1, u16::from(tally.rows() < right), 0);
        }
        Ok(Work(1_000))
    }

    fn comparing(&self, _: [usize; 3]) -> Work {
        Work(0)
    }

    fn alike(
        &mut self,
        _: Exhibit<'_>,
        first: Exhibit<'_>,
        second: Exhibit<'_>,
    ) -> Result<Likeness, Unfit> {
        let is_copy = first.bytes == second.bytes;
        Ok(if is_copy { Likeness::EQUAL } else { Likeness::FARTHEST })
    }
}

pub(crate) fn file(bytes: &[u8]) -> BlobRef {
    blob_ref(bytes, Profile::Kubo)
}

pub(crate) fn open_job(base_model: &[u8]) -> Command {
    Command::OpenJob(Box::new(Terms {
        title: [0; 32],
        asset: Asset::Ether,
        reward: Amount::new(REWARD),
        rewards: 1,
        deadline: Timestamp(NOW + 3_600),
        metric: Metric::Accuracy,
        min_score: Score(0),
        min_gain: Score(1),
        min_worst_class: Score(0),
        max_model_bytes: 1_000,
        max_work: Work(1_000_000),
        base_model: file(base_model),
        hold_out: file(HOLD_OUT),
    }))
}

pub(crate) fn publish(bytes: &[u8]) -> Command {
    let (digest, data) = (Digest::of(bytes), bytes.to_vec());
    Command::Publish { digest, offset: 0, encoding: Encoding::Plain, data }
}

pub(crate) fn submit(bytes: &[u8]) -> Command {
    Command::Submit { job: JobId(0), model: file(bytes), data: file(b"own rows") }
}

/// The request of an input.
pub(crate) fn input(sender: Address, payload: &[u8]) -> Value {
    json!({ "request_type": "advance_state", "data": {
        "metadata": {
            "chain_id": 31_337,
            "app_contract": "0xe7f1725e7734ce288f8367e1bb143e90bb3f0512",
            "msg_sender": sender.write(),
            "block_number": 7,
            "block_timestamp": NOW,
            "prev_randao": format!("0x{:064x}", 1),
            "input_index": 0,
        },
        "payload": hexadecimal(payload),
    }})
}

pub(crate) fn command(sender: Address, command: &Command) -> Value {
    input(sender, &encode_command(command))
}

/// The request of an Ether deposit by Alice, with calldata riding on it.
pub(crate) fn deposit(amount: u128, calldata: &[u8]) -> Value {
    let payload = encode_ether_deposit(ALICE, Amount::new(amount), calldata);
    input(Genesis::default().ether_portal, &payload)
}

pub(crate) fn question(path: &str) -> Value {
    let payload = hexadecimal(path.as_bytes());
    json!({ "request_type": "inspect_state", "data": { "payload": payload } })
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}
