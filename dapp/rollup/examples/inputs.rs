//! What `cargo cost inputs` counts: whole inputs, from a request's JSON to what is to be posted.
//!
//! A job is opened, a model submitted, sent in chunks and judged, by a market whose inputs may cost
//! little, so that the evaluation goes on over several. Before and after each input a line goes to
//! stderr, where the counter looks; a JSON object for each goes to stdout, with what it is and what
//! the market's own numbers say it costs at most.
//!
//! ```text
//! inputs BASE.onnx ROWS.safetensors MODEL.onnx INPUT_WORK
//! ```

#![expect(clippy::print_stdout, reason = "what was done is what this program is for")]

use std::{error::Error, fs, io::Write as _};

use blobs::{BlobRef, Profile, blob_ref, split};
use eval::Evaluator;
use market::{
    Address, Amount, Asset, Command, JobId, Metric, Prices, Score, Terms, Timestamp, Work,
};
use rollup::App;
use serde_json::json;
use wire::{Genesis, MAX_CHUNK_BYTES, Text as _, encode_command, encode_ether_deposit};

const NOW: u64 = 1_700_000_000;
const SPONSOR: Address = Address([0xa1; 20]);
const CLIENT: Address = Address([0xb0; 20]);
const JOB: JobId = JobId(0);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [base, rows, model, input_work] = arguments.as_slice() else {
        return Err("inputs BASE.onnx ROWS.safetensors MODEL.onnx INPUT_WORK".into());
    };
    let (base, rows, model) = (fs::read(base)?, fs::read(rows)?, fs::read(model)?);
    let input_work = input_work.parse()?;
    let drive = [&base, &rows].map(|bytes| (named(bytes).cid(), bytes.clone()));
    let genesis = Genesis { input_work, ..Genesis::default() };
    let prices = Prices::COUNTED;
    let mut market = Stage { app: App::new(genesis, drive, Evaluator::new()) };

    let nothing = Command::Settle { job: JobId(7) };
    market.play("a refused command", prices.input, CLIENT, &encode_command(&nothing))?;
    let open = Command::OpenJob(Box::new(terms(&base, &rows)));
    let deposit = encode_ether_deposit(SPONSOR, Amount::new(10), &encode_command(&open));
    let portal = Genesis::default().ether_portal;
    market.play("a job, and its base model", input_work, portal, &deposit)?;
    market.go_on(input_work)?;
    let submit = Command::Submit { job: JOB, model: named(&model), data: named(b"own rows") };
    market.play("a submission", prices.input, CLIENT, &encode_command(&submit))?;
    let chunks = split(&model, MAX_CHUNK_BYTES);
    for (place, chunk) in chunks.iter().enumerate() {
        let end = chunks.get(place + 1).map_or(model.len() as u64, |next| next.offset);
        let priced = prices.chunk(chunk.data.len() as u64, end - chunk.offset).0 + prices.input;
        let (what, priced) = if place + 1 < chunks.len() {
            ("a chunk", priced)
        } else {
            ("the last chunk, and the model", input_work)
        };
        let command = Command::Publish {
            digest: named(&model).digest,
            offset: chunk.offset,
            encoding: chunk.encoding,
            data: chunk.data.clone(),
        };
        market.play(what, priced, CLIENT, &encode_command(&command))?;
    }
    market.go_on(input_work)
}

/// The application.
struct Stage {
    app: App<Evaluator>,
}

impl Stage {
    /// Has the application carry out an input that costs at most so much by its prices.
    fn play(
        &mut self,
        what: &str,
        at_most: u64,
        sender: Address,
        payload: &[u8],
    ) -> Result<(), Box<dyn Error>> {
        let request = json!({ "request_type": "advance_state", "data": {
            "metadata": {
                "chain_id": 31_337,
                "app_contract": Address([0xaa; 20]).write(),
                "msg_sender": sender.write(),
                "block_number": 1,
                "block_timestamp": NOW,
                "prev_randao": format!("0x{:064x}", 1),
                "input_index": 0,
            },
            "payload": format!("0x{}", hex::encode(payload)),
        }});
        let request = request.to_string();
        mark()?;
        let answer = self.app.answer(request.as_bytes());
        mark()?;
        let line = json!({
            "input": what,
            "bytes": payload.len(),
            "outputs": answer.outputs.len(),
            "at_most": at_most,
        });
        println!("{line}");
        Ok(())
    }

    /// Has evaluations go on until none waits.
    fn go_on(&mut self, input_work: u64) -> Result<(), Box<dyn Error>> {
        while self.app.market().job(JOB).is_some_and(|job| job.pending() > 0) {
            let command = Command::Evaluate { job: JOB, work: Work(u64::MAX) };
            let command = encode_command(&command);
            self.play("an evaluation that goes on", input_work, CLIENT, &command)?;
        }
        Ok(())
    }
}

fn named(bytes: &[u8]) -> BlobRef {
    blob_ref(bytes, Profile::Kubo)
}

fn terms(base: &[u8], rows: &[u8]) -> Terms {
    Terms {
        title: [0; 32],
        asset: Asset::Ether,
        reward: Amount::new(10),
        rewards: 1,
        deadline: Timestamp(NOW + 3_600),
        metric: Metric::Accuracy,
        min_score: Score(0),
        min_gain: Score(1),
        min_worst_class: Score(0),
        max_model_bytes: 1 << 20,
        max_work: Work(u64::MAX),
        base_model: named(base),
        hold_out: named(rows),
    }
}

/// Tells the counter that an input begins or ends.
fn mark() -> std::io::Result<()> {
    std::io::stderr().write_all(b"\n")
}
