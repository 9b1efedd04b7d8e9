//! Models sent as their difference from the base model, as a user sends them: paid for at a third
//! of the gas, rebuilt by the machine and by the auditor, and lost if they lie.

use std::fs;

use deml_tests::{
    fixture,
    market::{Market, deposit, input, sealed_terms, text},
};
use serde_json::{Value, json};

/// A tenth of an Ether.
const DECI: u128 = 100_000_000_000_000_000;

/// Opens a bounty on the digits, and trains its base model further.
fn trained(market: &Market) {
    let [base, hold_out, data] = ["torch-base.onnx", "holdout.safetensors", "client-a.safetensors"]
        .map(|name| fixture("digits").join(name));
    let open = ["--account", "1", "job", "open", "--title", "Digits", "--base", text(&base)];
    let offer = ["--hold-out", text(&hold_out), "--metric", "accuracy", "--min-gain", "5%"];
    let award = ["--reward", "0.5ether", "--rewards", "2", "--close", "2h"];
    market.ask(&[&open[..], &offer, &award].concat());
    let train = ["train", "--job", "0", "--data", text(&data), "--out", "better.onnx"];
    market.ask(&[&train[..], &["--epochs", "12"]].concat());
}

#[test]
fn a_fine_tuned_model_takes_a_third_of_the_gas_and_comes_back_whole() {
    let market = Market::start();
    trained(&market);
    let scored = market.ask(&["score", "--model", "better.onnx", "--job", "0"]);
    let submit = ["--account", "2", "submit", "--job", "0", "--model", "better.onnx", "--delta"];
    let submitted = market.ask(&submit);
    assert_eq!(submitted["accepted"], true, "{submitted:#}");
    assert!(submitted["score"].as_u64() >= scored["score"].as_u64(), "{submitted:#}");
    let gas = submitted["gas_used"].as_u64().unwrap();
    assert!(gas <= 350_000, "{gas} gas");

    // What the machine rebuilt and scored is what everybody gets.
    let cid = submitted["model_cid"].as_str().unwrap();
    market.ask(&["model", "get", "--cid", cid, "--out", "fetched.onnx"]);
    let read = |name: &str| fs::read(market.home().join(name)).unwrap();
    assert!(read("fetched.onnx") == read("better.delta.onnx"));
    assert_eq!(market.ask(&["model", "check", "fetched.onnx"])["cid"], cid);
    assert_eq!(market.ask(&["audit"])["verdict"], "holds");

    // The same model, however it is sent by another account, is the same model.
    let copy = ["--json", "--account", "3", "submit", "--job", "0", "--model", "fetched.onnx"];
    let copy: Value = serde_json::from_slice(&market.deml(&copy).stdout).unwrap();
    assert_eq!(copy["refusal"]["refused"], "Copy", "{copy:#}");
}

#[test]
fn a_delta_of_another_model_than_the_one_committed_to_loses_the_bond() {
    let market = Market::start();
    trained(&market);
    let other = fixture("digits").join("torch-trained.onnx");
    let submit = ["--account", "2", "submit", "--job", "0", "--calldata", "--model"];
    let honest = market.ask(&[&submit[..], &["better.onnx", "--delta"]].concat());
    let committed = market.ask(&[&submit[..], &[text(&other)]].concat());
    deposit(&market, 2, DECI, &committed);
    let submissions = ["job", "show", "0", "--submissions"];
    let first = |shown: &Value, field: &str| shown["submission_list"][0][field].clone();
    market.wait_until(&submissions, |shown| first(shown, "state") == "expecting");
    // The delta itself is sound: only what it rebuilds is another model.
    input(&market, 2, &json!({ "payloads": [honest["payloads"][0]] }));
    market.advance(3_700);
    market.ask(&["--account", "1", "job", "settle", "0"]);
    let shown = market.ask(&submissions);
    assert_eq!(first(&shown, "state"), "refused", "{shown:#}");
    assert_eq!(first(&shown, "refusal")["refused"], "NotDelivered", "{shown:#}");
    assert_eq!(market.ask(&["audit"])["verdict"], "holds");
}

#[test]
fn a_sealed_delta_is_rebuilt_once_its_key_is_revealed() {
    let market = Market::start();
    market.write("terms.toml", &sealed_terms(0));
    market.ask(&["--account", "1", "job", "open", "--terms", "terms.toml"]);
    let model = fixture("digits").join("torch-trained.onnx");
    fs::copy(model, market.home().join("better.onnx")).unwrap();
    let submit = ["--account", "2", "submit", "--job", "0", "--model", "better.onnx", "--delta"];
    let submitted = market.ask(&submit);
    assert_eq!(submitted["state"], "sealed", "{submitted:#}");
    let gas = submitted["gas_used"].as_u64().unwrap();
    assert!(gas <= 400_000, "{gas} gas");
    market.advance(7_300);
    for account in ["1", "2"] {
        market.ask(&["--account", account, "job", "reveal", "0"]);
    }
    market.advance(7_300);
    let evaluate = ["--account", "2", "job", "evaluate", "0", "--submission", "0"];
    assert!(market.said(&evaluate, 1).contains("settle it first"));
    market.ask(&["--account", "2", "job", "settle", "0"]);
    market.ask(&evaluate);
    market.ask(&["--account", "2", "job", "settle", "0"]);
    let shown = market.ask(&["job", "show", "0", "--submissions"]);
    assert_eq!(shown["submission_list"][0]["state"], "accepted", "{shown:#}");
    let cid = submitted["model_cid"].as_str().unwrap();
    market.ask(&["model", "get", "--cid", cid, "--out", "fetched.onnx"]);
    assert_eq!(market.ask(&["audit"])["verdict"], "holds");
}
