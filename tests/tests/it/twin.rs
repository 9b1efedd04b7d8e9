//! The market's code as WebAssembly answers what it answers natively, to the last bit.

#![expect(clippy::print_stderr, reason = "speeds are printed, and asserted nowhere")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use alloy::primitives::{Address, B256};
use client::{chain::Advance, convert::to_market};
use deml_tests::{audit_speed::Load, fixture, program};
use market::{Amount, Asset};
use serde_json::{Value, json};
use tempfile::TempDir;
use twin::question::framed;
use wire::{Genesis, encode_command, encode_ether_deposit};

/// The twin in an engine of WebAssembly.
struct Browser {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    folder: TempDir,
}

impl Browser {
    /// Under Node.
    fn start() -> Self {
        Self::with(None)
    }

    /// In Chromium.
    fn chromium() -> Self {
        Self::with(Some(crate::page::chromium()))
    }

    fn with(chromium: Option<PathBuf>) -> Self {
        let mut node = Command::new("node");
        let folder = crate::page::scripts();
        node.arg("twin.mjs").arg(program("twin.wasm")).args(chromium).current_dir(folder);
        node.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = node.spawn().expect("Node.js is missing");
        let questions = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, questions, answers, folder: tempfile::tempdir().unwrap() }
    }

    fn ask(&mut self, question: &[u8]) -> Vec<u8> {
        let path = self.folder.path().join("question");
        fs::write(&path, question).unwrap();
        writeln!(self.questions, "{}", path.display()).unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim_end().as_bytes().to_vec()
    }

    /// Asks both; returns the answer, and how long each took.
    fn both(&mut self, question: &Value, files: &[&[u8]]) -> (Value, [Duration; 2]) {
        let question = framed(question, files);
        let begun = Instant::now();
        let ours = twin::ask(&question);
        let native = begun.elapsed();
        let begun = Instant::now();
        let theirs = self.ask(&question);
        let times = [native, begun.elapsed()];
        let text = String::from_utf8_lossy(&theirs).into_owned();
        assert!(
            ours == theirs,
            "{} natively, {text} as WebAssembly",
            String::from_utf8_lossy(&ours)
        );
        (serde_json::from_slice(&ours).unwrap(), times)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The models of a kind of data, with its hold-out, a metric and a threshold's.
fn models() -> impl Iterator<Item = (PathBuf, PathBuf, [&'static str; 2])> {
    let kinds = [
        ("digits", ["log_loss", "brier"]),
        ("health", ["auroc", "log_loss"]),
        ("diabetes", ["mean_squared_error", "spearman"]),
        ("images", ["accuracy", "worst_class_recall"]),
    ];
    kinds.into_iter().flat_map(|(kind, metrics)| {
        let hold_out = fixture(&format!("{kind}/holdout.safetensors"));
        let files = fs::read_dir(fixture(kind)).unwrap().map(|entry| entry.unwrap().path());
        let models = files.filter(|path| path.extension().is_some_and(|end| end == "onnx"));
        let models: Vec<_> = models.collect();
        models.into_iter().map(move |model| (model, hold_out.clone(), metrics))
    })
}

#[test]
fn every_model_has_the_same_bits_and_scores_in_webassembly() {
    let mut browser = Browser::start();
    let mut count = 0;
    for (model, rows, [metric, threshold]) in models() {
        let name = model.display().to_string();
        let [model, rows] = [model, rows].map(|path| fs::read(path).unwrap());
        let (bits, _) = browser.both(&json!({ "ask": "bits" }), &[&model, &rows]);
        assert!(bits["ok"].as_array().is_some_and(|bits| !bits.is_empty()), "{name}: {bits}");
        let measured = |output| {
            let measure =
                json!({ "metric": metric, "threshold_metric": threshold, "output": output });
            json!({ "ask": "score", "measure": measure })
        };
        let (scored, [native, web]) = browser.both(&measured("from_graph"), &[&model, &rows]);
        eprintln!("{name}: {native:?} natively, {web:?} as WebAssembly");
        let stated = ["logits", "labels", "probabilities", "log_probabilities"];
        if scored["refused"] == "EvaluationError" {
            let scored = stated.map(|output| browser.both(&measured(output), &[&model, &rows]).0);
            assert!(scored.iter().any(|scored| scored["ok"].is_object()), "{name}: {scored:?}");
        }
        let (inspected, _) = browser.both(&json!({ "ask": "inspect" }), &[&model]);
        assert!(inspected["ok"]["parameters"].is_u64(), "{name}: {inspected}");
        count += 1;
    }
    assert!(count > 15, "only {count} models");
    let (wrong, _) = browser.both(&json!({ "ask": "inspect" }), &[b"no model"]);
    assert_eq!(wrong["refused"], "UnfitModel");
}

#[test]
fn conformance_cases_have_the_bits_of_every_build_in_webassembly() {
    let folder = tempfile::tempdir().unwrap();
    let written = Command::new(program("examples/bits")).arg(folder.path()).status().unwrap();
    assert!(written.success());
    let bits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dapp/eval/tests/bits.txt");
    let bits = fs::read_to_string(bits).unwrap();
    for mut browser in [Browser::start(), Browser::chromium()] {
        for (number, line) in bits.lines().enumerate() {
            let [model, rows] = ["onnx", "rows"]
                .map(|end| fs::read(folder.path().join(format!("{number}.{end}"))).unwrap());
            let answer = browser.ask(&framed(&json!({ "ask": "digest" }), &[&model, &rows]));
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            let (digest, name) = line.split_once(' ').unwrap();
            assert_eq!(answer["ok"], digest, "{name}: {answer}");
        }
        assert!(bits.lines().count() > 200);
    }
}

#[test]
fn ten_thousand_inputs_are_replayed_as_webassembly() {
    let mut browser = Browser::start();
    let ((chain_id, app), now) = ((31_337, Address::repeat_byte(0xaa)), 1_700_000_000);
    let load = Load::without_evaluations(chain_id, to_market(app), now);
    let begin = json!({
        "ask": "begin", "chain_id": chain_id, "application": app.to_string().to_lowercase(),
        "template": null,
    });
    browser.both(&begin, &[b"{}"]);
    let inputs = load.inputs.into_iter().enumerate().map(|(index, (msg_sender, payload))| {
        let index = index as u64;
        let advance = Advance {
            chain_id,
            app_contract: app,
            msg_sender,
            block_number: index / 100,
            block_timestamp: now + index / 100 * 12,
            prev_randao: B256::repeat_byte(7),
            index,
            payload: payload.into(),
        };
        alloy::primitives::hex::encode_prefixed(advance.encode())
    });
    let inputs: Vec<_> = inputs.collect();
    let mut times = [Duration::ZERO; 2];
    let mut progress = Value::Null;
    // As the page asks.
    for part in inputs.chunks(200) {
        let question = json!({ "ask": "advance", "inputs": part, "digest": null });
        let (answer, [native, web]) = browser.both(&question, &[]);
        times = [times[0] + native, times[1] + web];
        progress = answer;
    }
    assert_eq!(progress["ok"]["inputs"], 10_000, "{progress}");
    eprintln!("10000 inputs: {:?} natively, {:?} as WebAssembly", times[0], times[1]);
}

#[test]
fn a_market_is_replayed_as_webassembly() {
    let mut browser = Browser::start();
    let (chain_id, app_contract) = (31_337, Address::repeat_byte(0xaa));
    let genesis = b"{}";
    let begin = json!({
        "ask": "begin", "chain_id": chain_id, "application": app_contract.to_string().to_lowercase(),
        "template": twin::outputs::keccak(genesis).iter().fold("0x".to_owned(), |text, byte| {
            format!("{text}{byte:02x}")
        }),
    });
    assert_eq!(browser.both(&begin, &[genesis]).0["ok"]["inputs"], 0);
    let inputs: Vec<String> = (0..600).map(|index| input(chain_id, app_contract, index)).collect();
    let advance = json!({ "ask": "advance", "inputs": inputs, "digest": null });
    let (progress, [native, web]) = browser.both(&advance, &[]);
    eprintln!("600 inputs: {native:?} natively, {web:?} as WebAssembly");
    assert_eq!(progress["ok"]["inputs"], 600, "{progress}");
    assert!(progress["ok"]["outputs"].as_u64() > Some(100), "{progress}");
    let claims = json!({ "ask": "claims", "claims": [
        { "last_block": 5_000, "root": progress["ok"]["root"] },
    ] });
    assert_eq!(browser.both(&claims, &[]).0["ok"], 1);
    let lie = json!({ "ask": "claims", "claims": [
        { "last_block": 300, "root": progress["ok"]["root"] },
    ] });
    assert_eq!(browser.both(&lie, &[]).0["refused"], "Differs");
    let told = json!({ "ask": "compare", "outputs": [{ "index": 0, "input": 1, "raw": "0x12" }] });
    assert_eq!(browser.both(&told, &[]).0["refused"], "Differs");
    let again = json!({ "ask": "advance", "inputs": [inputs[0]], "digest": null });
    assert_eq!(browser.both(&again, &[]).0["refused"], "Differs");
}

/// A deposit, or the withdrawal of all of the deposit before.
fn input(chain_id: u64, app_contract: Address, index: u64) -> String {
    let account = market::Address([1; 20]);
    let amount = Amount::new(10_u128.pow(18));
    let (msg_sender, payload) = if index.is_multiple_of(2) {
        let portal = Genesis::default().ether_portal;
        (Address::from(portal.0), encode_ether_deposit(account, amount, &[]))
    } else {
        let withdraw = market::Command::Withdraw { asset: Asset::Ether, amount };
        (Address::from(account.0), encode_command(&withdraw))
    };
    let advance = Advance {
        chain_id,
        app_contract,
        msg_sender,
        block_number: index,
        block_timestamp: 1_700_000_000 + index * 12,
        prev_randao: B256::repeat_byte(7),
        index,
        payload: payload.into(),
    };
    let raw = advance.encode();
    let read = wire::Advance::decode(&raw).expect("the InputBox's own encoding");
    assert_eq!(read.context.app, to_market(app_contract));
    alloy::primitives::hex::encode_prefixed(raw)
}
