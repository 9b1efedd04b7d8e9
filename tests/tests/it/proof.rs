//! Proofs of outputs as users create, share and check them; and claiming, which relies on them.

use std::fs;

use deml_tests::{
    faulty::{Fault, Proxy},
    market::Market,
};
use serde_json::{Value, json};

/// An epoch that only ends when a test mines its blocks.
const LONG: &[&str] = &["--epoch-length", "1000"];

/// Changes the contents of a file.
fn changed(market: &Market, file: &str, change: impl Fn(&mut Value)) {
    let path = market.home().join(file);
    let mut bundle: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    change(&mut bundle);
    fs::write(market.home().join("changed.json"), bundle.to_string()).unwrap();
}

/// Flips the lowest bit of the last digit.
fn flip(text: &mut Value) {
    let mut digits = text.as_str().unwrap().to_owned();
    let last = u8::from_str_radix(&digits.split_off(digits.len() - 1), 16).unwrap();
    *text = format!("{digits}{:x}", last ^ 1).into();
}

fn sent_by(market: &Market, account: &Value) -> Value {
    market.ethereum("eth_getTransactionCount", json!([account, "latest"]))
}

#[test]
fn outputs_are_proven_once_they_are_claimed_and_no_sooner() {
    let market = Market::with(LONG);
    let submitted = market.play();
    let voucher = submitted["voucher"].as_u64().unwrap().to_string();
    let client = &market.ethereum("eth_accounts", json!([]))[2];

    // No gas is spent on a voucher before its claim; the message says when it can be executed.
    let sent = sent_by(&market, client);
    assert_eq!(market.refused(&["proof", &voucher]), "TooEarly");
    assert_eq!(market.refused(&["proof", "job", "0"]), "TooEarly");
    assert_eq!(market.refused(&["proof", &voucher, "--recompute"]), "TooEarly");
    let early = market.deml(&["--json", "--account", "2", "claim"]);
    assert_eq!(early.status.code(), Some(1));
    let early: Value = serde_json::from_slice(&early.stdout).unwrap();
    let waiting = &early["waiting"][0];
    assert_eq!((&waiting["state"], &waiting["last_block"]), (&json!("waiting"), &json!(999)));
    assert!(waiting["blocks_left"].as_u64().unwrap() > 900, "{waiting}");
    assert!(waiting["seconds_left"].is_u64(), "{waiting}");
    let said = market.said(&["--account", "2", "claim"], 1);
    assert!(said.contains("its epoch ends with block 999") && said.contains("or about"), "{said}");
    assert_eq!(sent_by(&market, client), sent, "a transaction that would revert was sent");

    market.mine(1_000);
    check_claiming_by_a_lie(&market, client);
    let claimed = market.ask(&["--account", "2", "claim", "--wait"]);
    assert_eq!(claimed["executed"][0]["index"].to_string(), voucher);

    // A proof of one output, and one of all that concern the job, as files for anyone.
    let made = market.ask(&["proof", &voucher, "--out", "voucher.json"]);
    assert_eq!(made["format"], "deml-proof-2");
    assert_eq!(made["outputs"][0]["siblings"].as_array().map(Vec::len), Some(63));
    let root = made["claims"][0]["outputs_root"].as_str().unwrap();
    let file: Value =
        serde_json::from_slice(&fs::read(market.home().join("voucher.json")).unwrap()).unwrap();
    assert_eq!(file, made);
    market.ask(&["proof", "job", "0", "--out", "job.json"]);
    // Without a node, the same is computed from Ethereum.
    let alone = ["--recompute", "--node-url", "http://127.0.0.1:9/rpc"];
    assert_eq!(market.ask(&[&["proof", &voucher][..], &alone].concat()), made);
    let job = market.ask(&["proof", "job", "0"]);
    assert_eq!(market.ask(&[&["proof", "job", "0"][..], &alone].concat()), job);
    assert_eq!(market.refused(&[&["proof", "99"][..], &alone].concat()), "NotFound");
    assert_eq!(market.refused(&["proof", "99"]), "NotFound");
    let rpc = market.devnet_file()["rpc_url"].as_str().unwrap().to_owned();
    let verify = ["proof", "verify", "job.json"];
    let verified = market.ask(&verify);
    assert_eq!(verified["basis"], "stated");
    assert_eq!(market.ask(&[&verify[..], &["--root", root]].concat())["basis"], "given");
    assert_eq!(market.ask(&[&verify[..], &["--rpc-url", &rpc]].concat())["basis"], "accepted");
    assert_eq!(
        market.ask(&["proof", "verify", "voucher.json", "--root", root])["job"],
        Value::Null
    );

    let outputs = verified["outputs"].as_array().unwrap();
    let events = outputs.iter().filter_map(|output| output["meaning"]["notice"]["event"].as_str());
    let events: Vec<&str> = events.collect();
    for event in ["JobOpened", "JobReady", "Submitted", "SubmissionDecided", "Paid"] {
        assert!(events.contains(&event), "no {event} in {events:?}");
    }
    let number: u64 = voucher.parse().unwrap();
    let paid = outputs.iter().find(|output| output["index"] == number).unwrap();
    // The reward together with the rest of the stake.
    let amount: u128 = paid["meaning"]["payment"]["amount"].as_str().unwrap().parse().unwrap();
    assert!(amount > 500_000_000_000_000_000, "{paid:#}");

    let other = format!("0x{}", "11".repeat(32));
    assert_eq!(market.refused(&[&verify[..], &["--root", &other]].concat()), "NotProven");
    assert_eq!(market.refused(&["proof", "job", "7"]), "NotFound");
    check_changed_files(&market, &rpc);
    check_lying_node(&market, &voucher);
}

/// Takes the root of an epoch's claim away, under both names that nodes have for it.
fn without_root(epoch: &mut Value) {
    for name in ["claim_hash", "outputs_merkle_root"] {
        epoch[name] = Value::Null;
    }
}

/// A proof that fails here, or on Ethereum, is never sent.
fn check_claiming_by_a_lie(market: &Market, client: &Value) {
    let node = market.devnet_file()["node_url"].as_str().unwrap().to_owned();
    let proxy = Proxy::start(&node).unwrap();
    let spoil = |_: &Value, answer: &mut Value| {
        let siblings = &mut answer["result"]["data"]["output_hashes_siblings"];
        if siblings.is_array() {
            flip(&mut siblings[5]);
        }
    };
    proxy.tell("cartesi_getOutput", Fault::change(spoil));
    let sent = sent_by(market, client);
    let claim = ["--account", "2", "claim", "--wait", "--node-url", &proxy.url()];
    let said = market.said(&claim, 2);
    assert!(said.contains("does not lead to the root it claims"), "{said}");
    let silent = |_: &Value, answer: &mut Value| without_root(&mut answer["result"]["data"]);
    proxy.tell("cartesi_getEpoch", Fault::change(silent));
    let said = market.said(&claim, 2);
    assert!(said.contains("Ethereum does not prove it"), "{said}");
    assert_eq!(sent_by(market, client), sent, "a transaction that would revert was sent");
}

/// The statements in a file do not count if hashes or Ethereum contradict them.
fn check_changed_files(market: &Market, rpc: &str) {
    let offline = ["proof", "verify", "changed.json"];
    let online = [&offline[..], &["--rpc-url", rpc]].concat();
    let first = |bundle: &mut Value, field: &str| bundle["outputs"][0][field].take();
    for change in [
        |bundle: &mut Value| flip(&mut bundle["outputs"][0]["output"]),
        |bundle: &mut Value| flip(&mut bundle["outputs"][0]["siblings"][62]),
        |bundle: &mut Value| bundle["outputs"][0]["index"] = json!(1_000),
        |bundle: &mut Value| bundle["outputs"][0]["index"] = json!(u64::MAX),
        |bundle: &mut Value| drop(bundle["outputs"][0]["siblings"].as_array_mut().unwrap().pop()),
        |bundle: &mut Value| flip(&mut bundle["claims"][0]["outputs_root"]),
        |bundle: &mut Value| bundle["claims"] = json!([]),
        |bundle: &mut Value| bundle["outputs"] = json!([]),
        |bundle: &mut Value| bundle["outputs"].as_array_mut().unwrap().reverse(),
        |bundle: &mut Value| flip(&mut bundle["job"]),
    ] {
        changed(market, "job.json", change);
        assert_eq!(market.refused(&offline), "NotProven");
        assert_eq!(market.refused(&online), "NotProven");
    }
    // Errors that only Ethereum reveals.
    for change in [
        |bundle: &mut Value| bundle["chain_id"] = json!(1),
        |bundle: &mut Value| bundle["claims"][0]["last_block"] = json!(1_999),
        |bundle: &mut Value| flip(&mut bundle["claims"][0]["transaction"]),
        |bundle: &mut Value| {
            // A made-up tree, without a claim.
            let siblings = bundle["outputs"][0]["siblings"].clone();
            let output = json!({ "index": 0, "output": "0x01", "siblings": siblings });
            bundle["outputs"] = json!([output]);
            bundle["job"] = Value::Null;
            bundle["claims"][0]["outputs_root"] = own_root(&bundle["outputs"][0]).into();
            bundle["claims"][0]["transaction"].take();
        },
    ] {
        changed(market, "job.json", change);
        market.ask(&offline);
        assert_eq!(market.refused(&online), "NotProven");
    }
    // Files that are not bundles.
    for change in [
        |bundle: &mut Value| bundle["format"] = json!("deml-proof-9"),
        |bundle: &mut Value| bundle["more"] = json!(1),
        |bundle: &mut Value| *bundle = json!([1]),
        |bundle: &mut Value| bundle["outputs"][0]["output"] = json!("0x0"),
        |bundle: &mut Value| bundle["outputs"][0]["index"] = json!(-1),
    ] {
        changed(market, "job.json", change);
        assert!(market.said(&offline, 2).contains("error: changed.json"));
    }
    changed(market, "job.json", |bundle| drop(first(bundle, "index")));
    market.said(&offline, 2);
    let whole = fs::read(market.home().join("job.json")).unwrap();
    fs::write(market.home().join("changed.json"), &whole[..whole.len() / 2]).unwrap();
    assert!(market.said(&offline, 2).contains("no bundle"));
    let large = fs::File::create(market.home().join("changed.json")).unwrap();
    large.set_len(64 * 1_024 * 1_024 + 1).unwrap();
    assert!(market.said(&offline, 2).contains("too large"));
    let app = format!("0x{}", "22".repeat(20));
    let said = market.said(&["proof", "verify", "job.json", "--app", &app], 2);
    assert!(said.contains("another application"), "{said}");
    let nobody = ["proof", "verify", "job.json", "--rpc-url", "http://127.0.0.1:9"];
    assert!(market.said(&nobody, 2).contains("is it running?"));
}

/// The root computed from an output's siblings.
fn own_root(output: &Value) -> String {
    let proof: client::proof::Proof = serde_json::from_value(output.clone()).unwrap();
    proof.root().unwrap().to_string()
}

/// A node's answers are verified.
fn check_lying_node(market: &Market, voucher: &str) {
    let node = market.devnet_file()["node_url"].as_str().unwrap().to_owned();
    let proxy = Proxy::start(&node).unwrap();
    let ask = ["proof", voucher, "--node-url", &proxy.url()];
    for (change, says) in [
        (
            (|_, answer| flip(&mut answer["result"]["data"]["output_hashes_siblings"][5]))
                as Change,
            "does not lead to the root it claims",
        ),
        (|_, answer| flip(&mut answer["result"]["data"]["raw_data"]), "does not lead to the root"),
        (|_, answer| answer["result"]["data"]["index"] = json!("0x0"), "with number 0"),
        (
            |_, answer| drop(answer["result"]["data"]["output_hashes_siblings"].take()),
            "gives no proof",
        ),
    ] {
        proxy.tell("cartesi_getOutput", Fault::change(change));
        let said = market.said(&ask, 2);
        assert!(said.contains(says), "{said}");
        proxy.behave();
    }
    // The contract detects a node that lies consistently.
    proxy.tell(
        "cartesi_getOutput",
        Fault::change(|_, answer| {
            flip(&mut answer["result"]["data"]["output_hashes_siblings"][5]);
        }),
    );
    proxy.tell(
        "cartesi_getEpoch",
        Fault::change(|_, answer| without_root(&mut answer["result"]["data"])),
    );
    let said = market.said(&ask, 1);
    assert!(said.contains("not proven: Ethereum does not accept"), "{said}");
}

type Change = fn(&Value, &mut Value);
