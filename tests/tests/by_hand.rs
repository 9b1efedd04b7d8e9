//! The market by hand: the devnet and the commands of the README, each a process of its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use deml_tests::{
    fixture,
    market::{Market, open_job, text, with},
};
use serde_json::Value;

/// A thousandth of an Ether.
const MILLI: u128 = 1_000_000_000_000_000;

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
    let application = file["application"].clone();
    let terms = open_job("2");

    let opened = market.ask(&with(&["--account", "1", "job", "open"], &terms));
    let encode = ["encode", "--deposit", "open-job"];
    let payload = market.ask(&with(&encode, &terms));
    deposit(&market, 1, 1000 * MILLI, &payload);
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
    market.transact(1, &file["contracts"]["input_box"], 0, &input);
    wait_for_stage(&market, "1", "cancelled");
    market.ask(&["--account", "1", "job", "cancel", "0"]);
    assert_eq!(job("1"), job("0"), "an encoded input cancels as the command does");
}

#[test]
fn a_competitions_files_are_published_by_its_number() {
    let market = Market::start();
    let [base, slice, hold_out, model] =
        ["torch-base.onnx", "client-a.safetensors", "holdout.safetensors", "torch-trained.onnx"]
            .map(|name| fixture("digits").join(name));
    let terms = format!(
        "base = {base:?}\npublic-slice = {slice:?}\nhold-out = {hold_out:?}\nprize = \"1ether\"\n\
         close = \"2h\""
    );
    std::fs::write(market.home().join("terms.toml"), terms).unwrap();
    let seal = ["data", "seal", text(&hold_out), "--job", "0", "--out", "holdout.sealed"];
    market.ask(&[&["--account", "1"], &seal[..]].concat());
    // Sent by another tool, which publishes nothing.
    let open = ["encode", "--deposit", "open-competition", "0", "--terms", "terms.toml"];
    let open = market.ask(&[&["--account", "1"], &open[..]].concat());
    deposit(&market, 1, 1200 * MILLI, &open);
    let show = ["competition", "show", "0"];
    wait_until(&market, &show, |shown| shown["stage"] == "announced");
    let publish = |account, file| market.ask(&["--account", account, "data", "publish", "0", file]);
    for file in [&base, &slice, &hold_out] {
        assert!(publish("1", text(file))["chunks"].as_u64().unwrap() > 0);
    }
    assert_eq!(publish("1", "holdout.sealed")["chunks"], 0, "it is there already");
    assert_eq!(market.ask(&show)["stage"], "open");
    let seal = ["data", "seal", text(&model), "--job", "0", "--out", "model.sealed"];
    market.ask(&[&["--account", "2"], &seal[..]].concat());
    let enter = market.ask(&["--account", "2", "encode", "--deposit", "enter", "0", text(&model)]);
    deposit(&market, 2, 200 * MILLI, &enter);
    wait_until(&market, &show, |shown| shown["entries"] == 1);
    let said = market.said(&["--account", "2", "data", "publish", "0", "terms.toml"], 2);
    assert!(
        said.contains("neither the base model, the slice, the hold-out nor your entry"),
        "{said}"
    );
    publish("2", text(&model));
    let entries = market.ask(&show)["entry_list"].clone();
    assert_eq!(entries[0]["state"], "sealed", "{entries:#}");
}

/// Waits until the market has processed what brings a job to this stage.
fn wait_for_stage(market: &Market, job: &str, stage: &str) {
    wait_until(market, &["job", "show", job], |shown| shown["stage"] == stage);
}

/// Waits until the market has processed what this answer needs.
fn wait_until(market: &Market, command: &[&str], is_so: impl Fn(&Value) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let output = market.deml(&[&["--json"], command].concat());
        let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
        if is_so(&shown) {
            return;
        }
        assert!(Instant::now() < deadline, "{command:?} does not come to be so: {shown}");
    }
}

/// Calldata of a function of an address and bytes, as `cartesi` makes it.
fn call(selector: &str, application: &Value, data: &str) -> String {
    let data = data.trim_start_matches("0x");
    let application = application.as_str().unwrap().trim_start_matches("0x");
    let padding = (64 - data.len() % 64) % 64;
    let (length, zeros) = (data.len() / 2, "0".repeat(padding));
    format!("{selector}{application:0>64}{:064x}{length:064x}{data}{zeros}", 64)
}

/// Deposits so much Ether with a command on it, as one of the devnet's accounts.
fn deposit(market: &Market, account: usize, value: u128, encoded: &Value) {
    let file = market.devnet_file();
    let portal = &file["contracts"]["ether_portal"];
    let data = deposit_ether(&file["application"], encoded["payloads"][0].as_str().unwrap());
    market.transact(account, portal, value, &data);
}

/// `depositEther(address,bytes)`
fn deposit_ether(application: &Value, data: &str) -> String {
    call("0x938c054f", application, data)
}

/// `addInput(address,bytes)`
fn add_input(application: &Value, payload: &str) -> String {
    call("0x1789cd63", application, payload)
}
