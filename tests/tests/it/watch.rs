//! A watch over a real market: its alerts, and its saved state.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    process::Stdio,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use alloy::{
    hex,
    primitives::{Address, B256, U256},
    sol_types::SolCall,
};
use client::chain::bindings::{Authority::submitClaimCall, EtherPortal::depositEtherCall};
use deml_tests::{
    faulty::{Fault, Proxy},
    market::Market,
};
use serde_json::{Value, json};

alloy::sol! {
    function newAuthority(address owner, uint256 epochLength) external returns (address);
    function migrateToOutputsMerkleRootValidator(address validator) external;
}

const LONG: &[&str] = &["--epoch-length", "1000"];
const ETHER: u128 = 1_000_000_000_000_000_000;

/// One run of a watch: its lines, and its messages.
fn watch(market: &Market, more: &[&str], code: i32) -> (Vec<Value>, String) {
    let place = ["--json", "watch", "--once", "--place", "place.json"];
    let output = market.deml(&[&place[..], more].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(code), "{lines}{said}");
    assert!(!said.contains("panicked"), "{said}");
    (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), said)
}

/// A run with one alert and nothing else; returns it.
fn alerted(market: &Market, more: &[&str], alert: &str) -> Value {
    let (lines, _) = watch(market, more, 1);
    let alerts: Vec<&Value> = lines.iter().filter(|line| line["event"] == "alert").collect();
    assert_eq!(alerts.len(), 1, "{lines:#?}");
    assert_eq!(alerts[0]["alert"], alert, "{lines:#?}");
    alerts[0].clone()
}

/// The saved record of the newest block read.
fn kept(market: &Market) -> Value {
    let kept = fs::read(market.home().join("place.json")).unwrap();
    let kept: Value = serde_json::from_slice(&kept).unwrap();
    kept["place"]["marks"].as_array().unwrap().last().unwrap().clone()
}

/// The market's liabilities in wei, as far as the watch has read.
fn owed(market: &Market) -> U256 {
    kept(market)["owed"]["ether"].as_str().unwrap().parse().unwrap()
}

fn application(market: &Market) -> Address {
    market.devnet_file()["application"].as_str().unwrap().parse().unwrap()
}

/// Sends a call from one of the devnet's accounts, and returns its receipt.
fn send(market: &Market, account: usize, to: &Value, value: u128, call: &impl SolCall) -> Value {
    market.transact(account, to, value, &hex::encode_prefixed(call.abi_encode()))
}

fn deposit(market: &Market) {
    let call = depositEtherCall {
        appContract: application(market),
        execLayerData: alloy::primitives::Bytes::new(),
    };
    let portal = &market.devnet_file()["contracts"]["ether_portal"];
    send(market, 3, portal, ETHER, &call);
}

/// Waits until the claims of all epochs of the node are accepted.
fn await_claims(market: &Market) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let epochs = node(market, "cartesi_listEpochs", json!({}));
        let epochs = epochs["data"].as_array().unwrap();
        if epochs.iter().all(|epoch| epoch["status"] == "CLAIM_ACCEPTED") {
            return;
        }
        assert!(Instant::now() < deadline, "no claim comes: {epochs:#?}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn node(market: &Market, method: &str, params: Value) -> Value {
    let mut params = params;
    params["application"] = market.devnet_file()["application"].clone();
    let url = market.devnet_file()["node_url"].as_str().unwrap().to_owned();
    deml_tests::market::json_rpc(&url, method, &params)
}

/// Receives alerts: refuses the first `refusals`, keeps the rest.
fn webhook(refusals: usize) -> (String, Arc<Mutex<Vec<Value>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/alerts", listener.local_addr().unwrap());
    let taken = Arc::<Mutex<Vec<Value>>>::default();
    let shared = taken.clone();
    thread::spawn(move || {
        for (count, client) in listener.incoming().enumerate() {
            let mut client = client.unwrap();
            let mut reader = BufReader::new(&client);
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let status = if count < refusals { "503 Busy" } else { "204 Taken" };
            if count >= refusals {
                shared.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
            }
            write!(client, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .unwrap();
        }
    });
    (url, taken)
}

#[test]
fn a_watch_audits_what_is_claimed_keeps_its_place_and_tells_a_webhook() {
    let market = Market::with(LONG);
    market.play();
    assert_eq!(watch(&market, &[], 0).0, [] as [Value; 0], "nothing is claimed yet");
    market.mine(1_000);
    await_claims(&market);
    let (lines, _) = watch(&market, &[], 0);
    assert_eq!((&lines[0]["event"], &lines[0]["claims"]), (&json!("audited"), &json!(1)));
    assert!(lines[0]["inputs"].as_u64().unwrap() > 2, "{lines:#?}");
    assert_eq!(watch(&market, &[], 0).0, [] as [Value; 0], "it goes on where it was");

    // The liabilities are the deposits minus the payments.
    let (before, reward) = (owed(&market), U256::from(ETHER / 2));
    assert!(before > reward + reward, "two rewards, and stakes: {before}");
    market.ask(&["--account", "2", "claim", "--wait"]);
    watch(&market, &[], 0);
    let left = owed(&market);
    assert!(left > reward && left < before - reward, "{left} of {before}");

    // An alert is sent once the webhook is back, and not raised twice.
    let application = market.devnet_file()["application"].clone();
    let balance = market.ethereum("eth_getBalance", json!([application, "latest"]));
    market.ethereum("anvil_setBalance", json!([application, "0x1"]));
    market.mine(1);
    let (url, taken) = webhook(3);
    let told = ["--webhook", url.as_str()];
    let alert = alerted(&market, &told, "insolvent");
    assert_eq!((&alert["kind"], &alert["found"]), (&json!("ether"), &json!("1")));
    assert_eq!(alert["expected"], left.to_string());
    assert!(taken.lock().unwrap().is_empty(), "the webhook refused three times");
    assert_eq!(watch(&market, &told, 0).0, [] as [Value; 0]);
    let got = taken.lock().unwrap().clone();
    assert_eq!((got.len(), &got[0]["alert"]), (1, &json!("insolvent")));
    market.ethereum("anvil_setBalance", json!([application, balance]));
    market.mine(1);
    watch(&market, &[], 0);

    // Saved state that was edited, or belongs to another market, is detected.
    let place = market.home().join("place.json");
    let text = fs::read_to_string(&place).unwrap();
    fs::write(&place, text.replace("\"from\":0", "\"from\":9")).unwrap();
    let (lines, said) = watch(&market, &[], 0);
    assert!(said.contains("was changed; beginning anew"), "{said}");
    assert_eq!(lines[0]["event"], "audited");

    // A lying node is a divergence, which ends a watch.
    let proxy = Proxy::start(market.devnet_file()["node_url"].as_str().unwrap()).unwrap();
    proxy.tell(
        "cartesi_listOutputs",
        Fault::change(|_, answer| {
            let bytes = &mut answer["result"]["data"][1]["raw_data"];
            *bytes = bytes.as_str().unwrap().replacen("0xc258d6e5", "0xc258d6e4", 1).into();
        }),
    );
    deposit(&market);
    market.mine(1_000);
    await_claims(&market);
    fs::remove_file(&place).unwrap();
    let lying = ["--node-url", &proxy.url(), "--webhook", &url];
    let alert = alerted(&market, &lying, "divergence");
    let found = (&alert["kind"], &alert["output"]);
    assert_eq!(found, (&json!("flipped"), &json!(1)), "{alert:#}");
    assert_eq!(taken.lock().unwrap().last(), Some(&without_event(&alert)));
    // It ends without `--once`, too, as no later result would be reliable.
    let ended = market.deml(&[&["watch", "--place", "place.json"], &lying[..]].concat());
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8(ended.stdout).unwrap().contains("ALERT flipped"));
}

fn without_event(alert: &Value) -> Value {
    let mut alert = alert.clone();
    alert.as_object_mut().unwrap().remove("event");
    alert
}

#[test]
fn another_validator_and_missed_claims_are_alerted_and_the_watch_goes_on() {
    let market = Market::with(LONG);
    market.play();
    let (application, file) = (application(&market), market.devnet_file());
    let owner = &market.ethereum("eth_accounts", json!([]))[9];
    let call = newAuthorityCall {
        owner: owner.as_str().unwrap().parse().unwrap(),
        epochLength: U256::from(1_000),
    };
    let made = send(&market, 9, &file["contracts"]["authority_factory"], 0, &call);
    let logs = made["logs"].as_array().unwrap();
    // The factory's own event is the last and names the new contract.
    let named = logs.last().unwrap()["data"].as_str().unwrap();
    let new: Address = format!("0x{}", &named[named.len() - 40..]).parse().unwrap();
    let call = migrateToOutputsMerkleRootValidatorCall { validator: new };
    let changed = send(&market, 9, &json!(application), 0, &call);

    let alert = alerted(&market, &[], "validator-changed");
    assert_eq!(alert["transaction"], changed["transactionHash"]);
    assert_eq!(
        alert["expected"].as_str().unwrap().parse(),
        file["authority"].as_str().unwrap().parse::<Address>()
    );
    assert_eq!(alert["found"].as_str().unwrap().parse(), Ok(new));
    assert_eq!(watch(&market, &[], 0).0, [] as [Value; 0]);

    // The node continues to claim where claims no longer count.
    market.mine(1_000);
    await_claims(&market);
    assert_eq!(watch(&market, &[], 0).0, [] as [Value; 0], "there is still time");
    market.mine(1_000);
    let alert = alerted(&market, &[], "missing-claim");
    assert_eq!(alert["kind"], "missing-claim");
    assert!(alert["input"].is_u64() && alert["expected"].is_string(), "{alert:#}");
    assert_eq!(watch(&market, &[], 0).0, [] as [Value; 0], "it is not alerted of twice");

    // Claims of the new validator count: a right one, and a wrong one.
    let root = alert["expected"].as_str().unwrap().parse().unwrap();
    claim(&market, new, 999, root);
    let (lines, _) = watch(&market, &[], 0);
    assert_eq!(lines[0]["event"], "audited", "{lines:#?}");
    deposit(&market);
    market.mine(1_000);
    claim(&market, new, 2_999, B256::repeat_byte(7));
    let alert = alerted(&market, &[], "divergence");
    assert_eq!((&alert["kind"], &alert["expected"]), (&json!("wrong-claim"), &json!(root)));
    assert_eq!(alert["found"], json!(B256::repeat_byte(7)));
}

fn claim(market: &Market, authority: Address, last_block: u64, root: B256) {
    let call = submitClaimCall {
        appContract: application(market),
        lastProcessedBlockNumber: U256::from(last_block),
        outputsMerkleRoot: root,
    };
    send(market, 9, &json!(authority), 0, &call);
}

#[test]
fn replaced_blocks_are_forgotten_and_a_late_claim_is_audited() {
    let market = Market::with(LONG);
    market.play();
    let alone = ["--no-node"];
    watch(&market, &alone, 0);
    let before = owed(&market);
    let block = market.ethereum("eth_blockNumber", json!([]));

    // A deposit is seen, then reorganised away; the devnet is paused meanwhile, as if crashed.
    market.signal("-STOP");
    deposit(&market);
    let shy = [&alone[..], &["--confirmations", "1"]].concat();
    watch(&market, &shy, 0);
    assert_eq!(owed(&market), before, "the newest block is left alone");
    watch(&market, &alone, 0);
    assert_eq!(owed(&market), before + U256::from(ETHER));
    market.ethereum("anvil_reorg", json!([1, []]));
    assert_eq!(
        u64::from_str_radix(&block.as_str().unwrap()[2..], 16).unwrap() + 1,
        kept(&market)["block"].as_u64().unwrap()
    );
    let (_, said) = watch(&market, &alone, 0);
    assert!(said.contains("stepping back"), "{said}");
    assert_eq!(owed(&market), before);

    market.mine(2_001);
    let alert = alerted(&market, &alone, "missing-claim");
    assert!(alert["input"].is_u64(), "{alert:#}");
    market.signal("-CONT");
    await_claims(&market);
    let (lines, _) = watch(&market, &[], 0);
    assert_eq!(lines[0]["event"], "audited", "{lines:#?}");
}

#[test]
fn an_endpoint_that_fails_in_between_costs_no_watch() {
    let market = Market::with(LONG);
    market.play();
    market.mine(1_000);
    await_claims(&market);
    let proxy = Proxy::start(market.devnet_file()["rpc_url"].as_str().unwrap()).unwrap();
    proxy.tell("eth_", Fault::Refuse);
    let mut command = market.command(&["--json", "watch", "--place", "place.json"]);
    command.args(["--rpc-url", &proxy.url()]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    let mut said = BufReader::new(running.stderr.take().unwrap()).lines();
    let mut trouble = || {
        said.find(|line| line.as_ref().is_ok_and(|line| line.contains("trying again"))).is_some()
    };
    assert!(trouble(), "it says that it cannot begin");
    // After the start, the endpoint limits and garbles its responses.
    proxy.behave();
    proxy.tell_times("eth_getLogs", Fault::Garble, 8);
    assert!(trouble(), "it says that it could not check");
    proxy.tell("eth_getLogs", Fault::BlockRange(7));
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(line["event"], "audited");
    running.kill().unwrap();
    running.wait().unwrap();
}
