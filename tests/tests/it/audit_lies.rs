//! Lies of the node or the endpoint alone: detected, named, and told apart from false claims.

use std::fs;

use deml_tests::{
    faulty::{Fault, Proxy},
    market::{Market, open_job, text, with},
};
use serde_json::{Value, json};

/// A change to a page of records.
type Change = fn(&mut Vec<Value>);

/// Audits with these options; returns the finding.
fn found(market: &Market, options: &[&str]) -> Value {
    let output = market.deml(&[&["--json", "audit", "--no-checkpoint"], options].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    assert_eq!(output.status.code(), Some(1), "{said}{report:#}");
    assert_eq!(report["verdict"], "diverges", "{report:#}");
    report
}

/// Changes the middle digit.
fn flip(text: &mut Value) {
    let mut digits = text.as_str().unwrap().to_owned().into_bytes();
    let index = digits.len() / 2;
    digits[index] = if digits[index] == b'0' { b'1' } else { b'0' };
    *text = String::from_utf8(digits).unwrap().into();
}

#[test]
fn a_node_that_lies_in_its_answers_only_is_told_apart() {
    let market = Market::start();
    market.play();
    let node = Proxy::start(market.devnet_file()["node_url"].as_str().unwrap()).unwrap();
    let url = node.url();
    let audit = ["--node-url", &url];
    let outputs = |change: Change| {
        Fault::change(move |_, answer| {
            if let Some(data) = answer["result"]["data"].as_array_mut()
                && data.len() > 2
            {
                change(data);
            }
        })
    };
    let cases: [(&str, &str, Change); 3] = [
        ("cartesi_listOutputs", "flipped", |data| flip(&mut data[1]["raw_data"])),
        ("cartesi_listInputs", "foreign-input", |data| flip(&mut data[1]["raw_data"])),
        ("cartesi_listInputs", "withheld", |data| drop(data.remove(1))),
    ];
    for (method, kind, change) in cases {
        node.tell(method, outputs(change));
        let report = found(&market, &audit);
        assert_eq!((&report["kind"], &report["seen_in"]), (&json!(kind), &json!("node")));
        node.behave();
    }
    let output = market.deml(&[&["audit", "--no-checkpoint"][..], &audit].concat());
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("all holds: "));
}

#[test]
fn audit_is_not_blinded_by_the_first_lie() {
    let market = Market::start();
    market.play();
    // Job 1 uses the blobs of job 0 and is cancelled; both receive the same model.
    market.ask(&with(&["--account", "1", "job", "open"], &open_job("2")));
    market.ask(&["--account", "1", "job", "cancel", "1"]);
    assert_eq!(market.ask(&["audit", "--no-checkpoint"])["verdict"], "holds");

    let node = Proxy::start(market.devnet_file()["node_url"].as_str().unwrap()).unwrap();
    node.tell(
        "cartesi_listOutputs",
        Fault::change(|_, answer| {
            let Some(data) = answer["result"]["data"].as_array_mut() else { return };
            let last = data.len() - 1;
            [0, last].into_iter().for_each(|lie| flip(&mut data[lie]["raw_data"]));
        }),
    );
    let report = found(&market, &["--node-url", &node.url()]);
    assert_eq!((&report["kind"], &report["output"]), (&json!("flipped"), &json!(0)));
    let later = report["later"].as_array().unwrap();
    assert_eq!(later.len(), 1, "{report:#}");
    assert_eq!(later[0]["kind"], "flipped", "{report:#}");
    assert!(later[0]["transaction"].is_string() && later[0]["found"].is_string());
    assert!(later[0]["input"].as_u64() > report["input"].as_u64(), "{report:#}");
}

#[test]
fn an_endpoint_that_changes_what_ethereum_holds_is_found() {
    let market = Market::start();
    market.play();
    market.deml(&["--account", "2", "claim", "--wait"]);
    let ethereum = Proxy::start(market.devnet_file()["rpc_url"].as_str().unwrap()).unwrap();
    let url = ethereum.url();
    // Input 1 with another payload; an execution of another output.
    for (topics, kind) in [(3, "input-hash"), (1, "executed")] {
        ethereum.tell(
            "eth_getLogs",
            Fault::change(move |_, answer| {
                let logs = answer["result"].as_array_mut().into_iter().flatten();
                let ours = logs.filter(|log| log["topics"].as_array().unwrap().len() == topics);
                ours.take(1).for_each(|log| flip(&mut log["data"]));
            }),
        );
        let report = found(&market, &["--rpc-url", &url]);
        assert_eq!(report["kind"], kind, "{report:#}");
        ethereum.behave();
    }
}

#[test]
fn applications_that_are_mixed_up_are_found() {
    let market = Market::start();
    market.play();
    // The genesis of another application.
    let genesis = market.devnet_file()["genesis"].as_str().unwrap().to_owned();
    let mut changed: Value = serde_json::from_slice(&fs::read(genesis).unwrap()).unwrap();
    changed["max_blob_bytes"] = json!(1_000_000);
    let path = market.home().join("other.json");
    fs::write(&path, changed.to_string()).unwrap();
    let report = found(&market, &["--genesis", text(&path)]);
    assert_eq!(report["kind"], "template");
    assert!(report["expected"].is_string() && report["found"].is_string());

    // The node answers for another application, with other inputs.
    let other = Market::start();
    other.ask(&["--account", "3", "deposit", "1ether"]);
    let (ours, theirs) = (market.devnet_file(), other.devnet_file());
    // Equal rules give equal addresses on every chain.
    assert_eq!(ours["application"], theirs["application"]);
    let report = found(&market, &["--node-url", theirs["node_url"].as_str().unwrap()]);
    assert_eq!((&report["kind"], &report["seen_in"]), (&json!("foreign-input"), &json!("node")));
}

#[test]
fn what_cannot_be_checked_is_no_verdict() {
    let market = Market::start();
    let output = market.deml(&["--json", "audit", "--rpc-url", "http://127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(2));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["verdict"], "unchecked");
    assert!(report["error"].as_str().unwrap().contains("no answer"), "{report}");
}
