//! The program with the memory of the smallest machine: it refuses inputs that it has no room for,
//! and continues.

use std::{fs, process::Command as Program};

use market::{Amount, Asset, Command, JobId, Metric, Sealing, Slot, Threshold, Work};
use rustix::process::{Pid, Signal, kill_process};
use scenarios::{ALICE, BASE, ETHER, absent, chunks_but_the_last, file, publish_chunk};
use serde_json::Value;
use wire::{Notice, encode_command};

use crate::{
    onnx,
    sample::{command, deposit, open, question, terms},
    server::{Stage, Step, Turn},
};

/// Ample Ether for a store that is nearly full.
const RICH: u128 = 1_000_000 * ETHER;
/// Address space, in MiB: the default memory of a machine.
const MEMORY_MIB: &str = "128";
/// Largest blob under the default genesis.
const BLOB_BYTES: u64 = 4 << 20;

fn program(genesis: &str, drive: &[(&str, &[u8])]) -> (Program, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (path, blobs) = (folder.path().join("genesis.json"), folder.path().join("blobs"));
    fs::write(&path, genesis).unwrap();
    fs::create_dir(&blobs).unwrap();
    for (name, bytes) in drive {
        fs::write(blobs.join(name), bytes).unwrap();
    }
    let mut program = Program::new(env!("CARGO_BIN_EXE_deml-dapp"));
    program.args(["--memory", MEMORY_MIB, "--genesis"]).arg(path).arg("--blobs").arg(blobs);
    (program, folder)
}

/// Plays steps against the actual program.
async fn play(program: &mut Program, steps: Vec<Step>) -> Vec<Turn> {
    let stage = Stage::set(steps, &[]).await;
    let mut child = program.env("ROLLUP_HTTP_SERVER_URL", &stage.url).spawn().unwrap();
    let pid = Pid::from_child(&child);
    let ended = tokio::task::spawn_blocking(move || child.wait());
    let turns = tokio::select! {
        status = ended => panic!("the program must never end: {status:?}"),
        turns = stage.play() => turns,
    };
    kill_process(pid, Signal::KILL).unwrap();
    turns
}

/// A job with two blobs of the largest size, which are never completed.
fn greedy_job(number: u8) -> (JobId, Command) {
    let blob = |kind| absent(&[kind, number], BLOB_BYTES);
    let mut terms = terms(BASE);
    terms.offer.base_model = blob(0);
    terms.sealing = Sealing::Open { hold_out: blob(1) };
    open(ALICE, terms)
}

fn refusals(turns: &[Turn]) -> Vec<Value> {
    turns.iter().flat_map(Turn::reports).map(|report| report["refused"].clone()).collect()
}

/// With less memory than the settings need, inputs that need more are refused; all else continues.
#[tokio::test]
async fn a_full_memory_refuses_and_lives() {
    let (jobs, chunks) = (7, chunks_but_the_last(BLOB_BYTES));
    assert!(chunks.len() < 9, "{} chunks", chunks.len());
    let (mut requests, mut names) = (Vec::new(), Vec::new());
    for number in 0..jobs {
        let (job, open) = greedy_job(number);
        requests.push(deposit(ALICE, RICH, &encode_command(&open)));
        names.push(job);
        for slot in [Slot::BaseModel, Slot::HoldOut] {
            let chunks = chunks.iter().cloned();
            let commands = chunks.map(|chunk| publish_chunk(job, slot, chunk));
            requests.extend(commands.map(|publish| command(ALICE, &publish)));
        }
    }
    let filled = requests.len();
    // More than half of the jobs end, which frees memory, and another one opens.
    requests.extend(names[..5].iter().map(|job| command(ALICE, &Command::CancelJob { job: *job })));
    requests.push(question("solvency"));
    requests.push(deposit(ALICE, RICH, &encode_command(&open(ALICE, terms(BASE)).1)));
    let withdraw = Command::Withdraw { asset: Asset::Ether, amount: Amount::new(RICH) };
    requests.push(command(ALICE, &withdraw));

    let (mut program, _folder) = program("{}", &[]);
    let turns = play(&mut program, requests.into_iter().map(Step::Ask).collect()).await;
    assert!(turns.iter().all(|turn| turn.status == "accept"));
    let (filling, after) = turns.split_at(filled);
    let refused = refusals(filling);
    assert!(refused.iter().any(|name| name == "MemoryFull"), "{refused:?}");
    assert!(filling[0].reports().is_empty(), "at first there is room");
    let [cancelled @ .., solvency, opened, withdrawn] = after else { panic!("eight turns") };
    assert!(cancelled.iter().filter(|turn| turn.reports().is_empty()).count() > 2);
    assert_eq!(solvency.reports()[0]["solvent"], true);
    assert_eq!((opened.paths(), withdrawn.paths()), (vec!["/notice"], vec!["/voucher"]));
}

/// The model with the largest tensors of a step, on a hold-out of the largest blob size.
#[tokio::test]
async fn the_largest_step_fits_the_memory() {
    const ROW: [i64; 3] = [1, 1_024, 2_040];
    let model = onnx::model(&[
        onnx::node("Relu", &["x"], "a", &[]),
        onnx::node("GlobalAveragePool", &["a"], "b", &[]),
        onnx::node("Flatten", &["b"], "y", &[]),
        onnx::ports(&[-1, ROW[0], ROW[1], ROW[2]]),
    ]);
    let hold_out = rows_of_bytes(ROW);
    let mut terms = terms(&model);
    terms.offer.metric = Metric::MeanSquaredError;
    terms.offer.threshold = Threshold::none(Metric::MeanSquaredError);
    terms.offer.max_work = Work(100_000_000_000);
    terms.offer.rows = 2;
    terms.sealing = Sealing::Open { hold_out: file(&hold_out) };
    let (_, open) = open(ALICE, terms);
    let (mut program, _folder) = program("{}", &[("model", &model), ("hold-out", &hold_out)]);
    let steps = vec![Step::Ask(deposit(ALICE, RICH, &encode_command(&open)))];
    let turns = play(&mut program, steps).await;
    let notices = turns[0].notices();
    let is_ready = notices.iter().any(|notice| matches!(notice, Notice::JobReady { .. }));
    assert!(is_ready, "{notices:?} {:?}", turns[0].reports());
}

/// A hold-out of two rows of bytes.
fn rows_of_bytes([channels, height, width]: [i64; 3]) -> Vec<u8> {
    let elements = usize::try_from(2 * channels * height * width).unwrap();
    let end = elements + 8;
    let header = format!(
        r#"{{"__metadata__":{{"scale":"0.5","offset":"0"}},"x":{{"dtype":"U8","shape":[2,{channels},{height},{width}],"data_offsets":[0,{elements}]}},"y":{{"dtype":"F32","shape":[2],"data_offsets":[{elements},{end}]}}}}"#
    );
    let length = u64::try_from(header.len()).unwrap().to_le_bytes();
    let x = (0..=255).cycle().take(elements).collect::<Vec<_>>();
    let file = [&length[..], header.as_bytes(), &x, &[0; 8]].concat();
    assert!(file.len() as u64 <= BLOB_BYTES, "{} bytes", file.len());
    file
}
