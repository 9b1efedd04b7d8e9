//! The market by hand: the devnet and the commands of the README, each a process of its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use deml_tests::{
    fixture,
    market::{Market, open_job, text, with},
};
use serde_json::Value;

#[test]
fn a_job_from_deposit_to_claim_with_the_devnet_killed_in_between() {
    let mut market = Market::start();
    let terms = open_job("2");
    let opened = market.ask(&with(&["--account", "1", "job", "open"], &terms));
    assert_eq!(opened["job"], 0);
    assert_eq!(market.ask(&["job", "list"])["items"].as_array().map(Vec::len), Some(1));

    let data = fixture("health/client-a.csv");
    let train = ["train", "--job", "0", "--data", text(&data), "--out", "better.onnx"];
    market.ask(&[&train[..], &["--epochs", "30", "--learning-rate", "0.01"]].concat());
    market.ask(&["model", "check", "better.onnx"]);
    let scored = market.ask(&["score", "--model", "better.onnx", "--job", "0"]);

    let base = fixture("health/sklearn-base.onnx");
    let submit = |model| ["--account", "2", "submit", "--job", "0", "--model", model, "--data"];
    let of_base = [&submit(text(&base))[..], &[text(&data)]].concat();
    assert_eq!(market.refused(&of_base), "ModelIsBase");
    let submitted = market.ask(&[&submit("better.onnx")[..], &[text(&data)]].concat());
    assert_eq!(submitted["accepted"], true);
    assert_eq!(submitted["score"], scored["score"], "the market's score is the one at home");
    assert_eq!(market.refused(&["--account", "2", "job", "settle", "0"]), "DeadlineAhead");

    let before = market.ask(&["job", "show", "0"]);
    market.kill_and_restart();
    assert_eq!(market.ask(&["job", "show", "0"]), before, "nothing is lost or doubled");

    let claimed = market.ask(&["--account", "2", "claim", "--wait"]);
    assert_eq!(claimed["executed"].as_array().map(Vec::len), Some(1));
    assert_eq!(claimed["executed"][0]["payment"]["amount"], "500000000000000000");

    market.ethereum("evm_increaseTime", serde_json::json!([7_200]));
    market.ethereum("evm_mine", serde_json::json!([]));
    market.ask(&["--account", "1", "job", "settle", "0"]);
    market.ask(&["--account", "1", "withdraw", "0.5ether"]);
    let balance = market.ask(&["--account", "1", "balance"]);
    assert_eq!(balance["vouchers"].as_array().map(Vec::len), Some(1));
}

#[test]
fn encoded_bytes_do_what_the_command_does() {
    let market = Market::start();
    let file = market.devnet_file();
    let (application, sponsor) = (file["application"].clone(), accounts(&market)[1].clone());
    let terms = open_job("2");

    let opened = market.ask(&with(&["--account", "1", "job", "open"], &terms));
    let encode = ["encode", "--deposit", "open-job"];
    let payload = market.ask(&with(&encode, &terms))["payloads"][0].clone();
    let portal = &file["contracts"]["ether_portal"];
    let deposit = deposit_ether(&application, payload.as_str().unwrap());
    send(&market, &sponsor, portal, "0xde0b6b3a7640000", &deposit);
    wait_for_stage(&market, "1", "open");

    let job = |id: &str| {
        let mut shown = market.ask(&["job", "show", id]);
        for differs in ["job", "terms"] {
            shown.as_object_mut().unwrap().remove(differs);
        }
        shown
    };
    assert_eq!(opened["job"], 0);
    assert_eq!(job("1"), job("0"), "a deposit with encoded data opens the same job");

    let cancel = market.ask(&["encode", "cancel-job", "1"])["payloads"][0].clone();
    let input = add_input(&application, cancel.as_str().unwrap());
    send(&market, &sponsor, &file["contracts"]["input_box"], "0x0", &input);
    wait_for_stage(&market, "1", "cancelled");
    market.ask(&["--account", "1", "job", "cancel", "0"]);
    assert_eq!(job("1"), job("0"), "an encoded input cancels as the command does");
}

/// Waits until the market has processed what brings a job to this stage.
fn wait_for_stage(market: &Market, job: &str, stage: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let output = market.deml(&["--json", "job", "show", job]);
        let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
        if shown["stage"] == stage {
            return;
        }
        assert!(Instant::now() < deadline, "job {job} does not come to be {stage}: {shown}");
    }
}

fn accounts(market: &Market) -> Vec<Value> {
    market.ethereum("eth_accounts", serde_json::json!([])).as_array().unwrap().clone()
}

/// Sends as any wallet would; the devnet's accounts are unlocked.
fn send(market: &Market, from: &Value, to: &Value, value: &str, data: &str) {
    let transaction = serde_json::json!({ "from": from, "to": to, "value": value, "data": data });
    let hash = market.ethereum("eth_sendTransaction", serde_json::json!([transaction]));
    let receipt = market.ethereum("eth_getTransactionReceipt", serde_json::json!([hash]));
    assert_eq!(receipt["status"], "0x1", "{receipt}");
}

/// Calldata of a function of an address and bytes, as `cartesi` makes it.
fn call(selector: &str, application: &Value, data: &str) -> String {
    let data = data.trim_start_matches("0x");
    let application = application.as_str().unwrap().trim_start_matches("0x");
    let padding = (64 - data.len() % 64) % 64;
    let (length, zeros) = (data.len() / 2, "0".repeat(padding));
    format!("{selector}{application:0>64}{:064x}{length:064x}{data}{zeros}", 64)
}

/// `depositEther(address,bytes)`
fn deposit_ether(application: &Value, data: &str) -> String {
    call("0x938c054f", application, data)
}

/// `addInput(address,bytes)`
fn add_input(application: &Value, payload: &str) -> String {
    call("0x1789cd63", application, payload)
}
