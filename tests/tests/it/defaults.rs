//! Defaults: whatever a sponsor leaves out, either the job opens or nothing is sent.

use std::{fs, path::PathBuf};

use deml_tests::{
    fixture,
    market::{Market, text},
};
use serde_json::{Value, json};

/// A hold-out, a public slice, and a base model.
struct Files {
    base: PathBuf,
    hold_out: PathBuf,
    slice: PathBuf,
}

impl Files {
    fn new(base: PathBuf, folder: &str) -> Self {
        let file = |name: &str| fixture(&format!("{folder}/{name}"));
        Self { base, hold_out: file("holdout.safetensors"), slice: file("client-b.safetensors") }
    }
}

/// An ONNX file with a description of this many bytes, which no evaluation reads.
fn padded(name: &str, bytes: u32, market: &Market) -> PathBuf {
    let mut model = fs::read(fixture("health/sklearn-base.onnx")).unwrap();
    // Field 6 of a model is its description: the tag, the length as a varint, and the text.
    model.push(6 << 3 | 2);
    let mut left = bytes;
    while left >= 0x80 {
        model.push(u8::try_from(left & 0x7f).unwrap() | 0x80);
        left >>= 7;
    }
    model.push(u8::try_from(left).unwrap());
    model.extend(vec![b' '; bytes as usize]);
    let path = market.home().join(name);
    fs::write(&path, model).unwrap();
    path
}

/// The account's transactions and its ether.
fn wallet(market: &Market) -> [Value; 2] {
    let account = market.ethereum("eth_accounts", json!([]))[1].clone();
    ["eth_getTransactionCount", "eth_getBalance"]
        .map(|method| market.ethereum(method, json!([account, "latest"])))
}

/// Opens a job with these options and no others; returns the exit code and what was said.
fn open(market: &Market, files: &Files, choice: &[&str]) -> (Option<i32>, String) {
    let Files { base, hold_out, slice } = files;
    let needed = ["--account", "1", "job", "open", "--title", "Defaults", "--close", "2h"];
    let named = ["--base", text(base), "--hold-out", text(hold_out)];
    let choice = choice.iter().map(|word| if *word == "SLICE" { text(slice) } else { *word });
    let output = market.deml(&needed.into_iter().chain(named).chain(choice).collect::<Vec<_>>());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("panicked"), "{said}");
    (output.status.code(), said)
}

#[test]
fn every_default_is_rehearsed_before_money_moves() {
    let market = Market::start();
    let sealed = ["--sealed", "--public-slice", "SLICE"];
    let miners = ["--miners", "3", "--public-slice", "SLICE"];
    let sampled = [&miners[..], &["--sample-rows", "20"]].concat();
    let (reward, prize) = (["--reward", "0.5ether"], ["--prize", "1ether"]);
    let choices = [
        reward.to_vec(),
        prize.to_vec(),
        [&reward[..], &["--public-slice", "SLICE"]].concat(),
        [&reward[..], &sealed].concat(),
        [&prize[..], &sealed].concat(),
        [&prize[..], &miners].concat(),
        [&prize[..], &sampled].concat(),
    ];
    let small = Files::new(fixture("health/sklearn-base.onnx"), "health");
    let images = Files::new(fixture("digits/torch-base.onnx"), "digits");
    // Four times it is more than the deployment stores as one blob.
    let large = Files::new(padded("large.onnx", 1_500_000, &market), "health");
    let mut jobs = 0;
    // So large a base takes a part of the store in each job.
    for (files, choices) in [(&small, &choices[..]), (&images, &choices), (&large, &choices[..2])] {
        for choice in choices {
            let (code, said) = open(&market, files, choice);
            assert_eq!(code, Some(0), "{choice:?} on {:?}: {said}", files.base);
            let shown = market.ask(&["job", "show", &jobs.to_string()]);
            assert_eq!(shown["stage"], "open", "{choice:?} on {:?}: {shown}", files.base);
            jobs += 1;
        }
    }

    // Where a default cannot hold, that is said, and nothing is sent.
    let huge = Files::new(padded("huge.onnx", 4_300_000, &market), "health");
    let before = wallet(&market);
    for choice in &choices {
        let (code, said) = open(&market, &huge, choice);
        assert!(code == Some(1) && said.contains("refused: "), "{choice:?}: {said}");
        assert_eq!(wallet(&market), before, "{choice:?} has moved money: {said}");
    }
}
