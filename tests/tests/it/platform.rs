//! What a real Cartesi Machine, today's contracts and their clients ask of a devnet.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::Stdio,
    time::Duration,
};

use alloy::sol_types::SolCall as _;
use client::chain::{bindings, dev_account};
use deml_tests::market::{Market, json_rpc, open_job, post, sealed_terms, text, with};
use devnet::OWNER_ACCOUNT;
use serde_json::{Value, json};

#[test]
fn a_machine_on_a_devnet_is_replayed_natively_and_its_template_left() {
    let market = Market::start();
    let file = market.devnet_file();
    // The same rules in other bytes: what a machine's own hash looks like to a program.
    let genesis = fs::read_to_string(file["genesis"].as_str().unwrap()).unwrap();
    let other = market.home().join("other.json");
    fs::write(&other, format!("{genesis}\n")).unwrap();
    let audit = ["audit", "--json", "--no-checkpoint", "--genesis", text(&other)];
    let report = |code: i32| -> Value {
        let output = market.deml(&audit);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    assert_eq!(report(1)["kind"], "template");

    let mut changed = file.clone();
    changed["is_machine"] = json!(true);
    let devnet = market.home().join("deml/devnet/devnet.json");
    fs::write(&devnet, changed.to_string()).unwrap();
    let report = report(0);
    assert_eq!(report["verdict"], "holds");
    let note = report["notes"][0].as_str().unwrap();
    assert!(note.contains("was not checked: that takes its machine, --machine FOLDER"), "{note}");
}

#[test]
fn parameters_may_be_positional_and_queries_pasted_as_json() {
    let market = Market::start();
    let file = market.devnet_file();
    let (node, app) = (file["node_url"].as_str().unwrap(), &file["application"]);
    let named = json_rpc(node, "cartesi_getApplication", &json!({ "application": app }));
    assert_eq!(json_rpc(node, "cartesi_getApplication", &json!([app])), named);
    let page = json_rpc(node, "cartesi_listInputs", &json!([app, null, null, 5, 2, true]));
    assert_eq!(page["pagination"], json!({ "total_count": 0, "limit": 5, "offset": 2 }));
    assert_eq!(json_rpc(node, "cartesi_getChainId", &json!([]))["data"], "0x7a69");

    let inspect = format!("{}/{}", file["inspect_url"].as_str().unwrap(), app.as_str().unwrap());
    let query = "solvency";
    let pasted = json!({ "payload": format!("0x{}", alloy::hex::encode(query)) });
    let (answer, origin) = ask(&inspect, query);
    assert_eq!(answer["status"], "Accepted", "{answer}");
    assert_eq!(post(&inspect, &pasted), answer);
    assert_eq!(origin, "*", "pages of other origins may read it");
}

/// Posts bytes; returns the JSON of the answer, and which origins may read it.
fn ask(url: &str, body: &'static str) -> (Value, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = client::http::client(Duration::from_secs(30)).unwrap();
        let answer = client.post(url).body(body).send().await.unwrap();
        let origin = answer.headers()["access-control-allow-origin"].to_str().unwrap().to_owned();
        (answer.json().await.unwrap(), origin)
    })
}

#[test]
fn both_build_files_make_the_same_machine_for_their_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
    let (toml, config, dockerfile) =
        (read("cartesi.toml"), read("cartesi.config.ts"), read("Dockerfile"));
    for shared in [
        "rollup-init deml-dapp --blobs /mnt/blobs --memory 192",
        "256Mi",
        "dapp/rollup/blobs",
        "1Mi",
        "/mnt/blobs",
    ] {
        assert!(toml.contains(&format!("\"{shared}\"")), "{shared}");
        assert!(config.contains(&format!("'{shared}'")), "{shared}");
    }
    assert!(dockerfile.contains("COPY dapp/rollup/${GENESIS} /opt/deml/genesis.json"));
    for (text, file) in [(&toml, "genesis.json"), (&config, "genesis-alpha.json")] {
        assert!(text.contains(&format!("GENESIS={file}")), "{file}");
        assert!(root.join("dapp/rollup").join(file).is_file(), "{file}");
    }
}

#[test]
fn a_market_of_the_alpha_line_is_claimed_audited_and_foreclosed() {
    let market = Market::with(&["--contracts", "3.0.0-alpha"]);
    market.said(&["--account", "1", "deposit", "2ether"], 0);
    market.said(&["--account", "1", "withdraw", "1ether"], 0);
    market.said(&["--account", "1", "claim", "--wait"], 0);
    let audit = || -> Value {
        let output = market.deml(&["audit", "--json", "--no-checkpoint"]);
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let report = audit();
    assert!(report["verdict"] == "holds" && report["claims"].as_u64() >= Some(1), "{report}");

    // A proof of that line is checked by whoever has it, without being told the line.
    market.said(&["proof", "0", "--out", "voucher.json"], 0);
    let rpc = market.devnet_file()["rpc_url"].as_str().unwrap().to_owned();
    let verified = market.ask(&["--rpc-url", &rpc, "proof", "verify", "voucher.json"]);
    assert_eq!(verified["basis"], "accepted", "{verified}");

    // The contracts of the other line are not those the market listens to.
    let said = market.said(&["--account", "1", "--contracts", "2.2.0", "deposit", "1ether"], 2);
    assert!(said.contains("say --contracts 3.0.0-alpha"), "{said}");

    foreclose(&market);
    market.said(&["--account", "1", "withdraw", "1ether"], 0);
    let said = market.said(&["--account", "1", "claim", "--wait"], 1);
    assert!(said.contains("foreclosed"), "{said}");
    let watch = market.deml(&["watch", "--once", "--json"]);
    assert_eq!(watch.status.code(), Some(1), "{watch:?}");
    let alerts = String::from_utf8_lossy(&watch.stdout);
    assert!(alerts.contains("\"foreclosed\""), "{alerts}");
    let notes = audit()["notes"].to_string();
    assert!(notes.contains("foreclosed by its guardian"), "{notes}");
}

/// Has the guardian, a public account of the devnet, give the application up.
fn foreclose(market: &Market) {
    let file = market.devnet_file();
    let (rpc, application) = (file["rpc_url"].as_str().unwrap(), &file["application"]);
    let data = alloy::hex::encode_prefixed(&alloy::primitives::keccak256("foreclose()")[..4]);
    let guardian = dev_account(OWNER_ACCOUNT).unwrap().address();
    let transaction = json!([{ "from": guardian, "to": application, "data": data }]);
    json_rpc(rpc, "eth_sendTransaction", &transaction);
}

#[test]
fn the_devnets_clock_is_moved_by_hand() {
    let market = Market::start();
    let time = |said: &Value| said["time"].as_u64().unwrap();
    let before = time(&market.ask(&["devnet", "time", "+1h"]));
    let after = time(&market.ask(&["devnet", "time", "+2h"]));
    assert!(after - before >= 7_200, "{before} to {after}");
    let said = market.said(&["devnet", "time", "soon"], 2);
    assert!(said.contains("write it like +2h"), "{said}");
}

#[test]
fn an_asset_that_the_genesis_does_not_take_is_refused_before_anything_is_sent() {
    let market = Market::start();
    // Any other contract stands for a token that the genesis does not name.
    let other = market.devnet_file()["extra"]["ModelRegistry"].as_str().unwrap().to_owned();
    let deposit = ["--account", "1", "--token", other.as_str(), "deposit", "1token"];
    assert_eq!(market.refused(&deposit), "AssetNotAllowed");
}

#[test]
fn two_miners_of_one_account_are_noticed() {
    let market = Market::start();
    let mine = |account| ["--account", account, "mine", "--all-matching", "--max-bond", "1ether"];
    let rest = ["--min-pool", "0.001ether"];
    let mut first = market.command(&[&mine("3")[..], &rest].concat());
    let mut first = first.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(first.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("mining until")));
    let said = market.said(&[&mine("3")[..], &rest, &["--once"]].concat(), 2);
    assert!(said.contains("another miner already works for this account"), "{said}");
    market.said(&[&mine("4")[..], &rest, &["--once"]].concat(), 0);
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn competitions_are_listed_without_the_bounties() {
    let market = Market::start();
    market.write("sealed.toml", &sealed_terms(0));
    market.ask(&with(&["--account", "1", "job", "open"], &open_job("1")));
    market.ask(&["--account", "1", "job", "open", "--terms", "sealed.toml"]);
    let numbers = |arguments: &[&str]| -> Vec<u64> {
        let listed = market.ask(arguments);
        let items = listed["items"].as_array().unwrap();
        items.iter().map(|job| job["number"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(&["job", "list", "--limit", "1"]), [0]);
    assert_eq!(numbers(&["competition", "list", "--limit", "1"]), [1]);
    assert_eq!(numbers(&["job", "list", "--award", "rewards"]), [0]);
}

#[test]
fn thousands_of_raw_inputs_at_once_stop_neither_senders_nor_claims() {
    // `DEML_INPUTS=10000` sends as many.
    let inputs: u32 = std::env::var("DEML_INPUTS").map_or(2_000, |text| text.parse().unwrap());
    let market = Market::with(&["--epoch-length", "100"]);
    let file = market.devnet_file();
    let (rpc, application) = (file["rpc_url"].as_str().unwrap(), &file["application"]);
    let (from, to) = (dev_account(6).unwrap().address(), &file["contracts"]["input_box"]);
    let call = bindings::InputBox::addInputCall {
        appContract: application.as_str().unwrap().parse().unwrap(),
        payload: b"noise".into(),
    };
    let data = alloy::hex::encode_prefixed(call.abi_encode());
    let send = |nonce: u32| {
        let nonce = format!("{nonce:#x}");
        let of = json!({ "from": from, "to": to, "data": data, "gas": "0x30000", "nonce": nonce });
        json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_sendTransaction", "params": [of] })
    };
    // Anvil takes no longer request than two megabytes, and a while for each.
    for first in (0..inputs).step_by(250) {
        let answers = post(rpc, &(first..inputs.min(first + 250)).map(send).collect());
        let refused = answers.as_array().unwrap().iter().find(|answer| !answer["error"].is_null());
        assert_eq!(refused, None);
    }
    market.said(&["--account", "1", "deposit", "2ether"], 0);
    market.said(&["--account", "1", "withdraw", "1ether"], 0);
    market.said(&["--account", "1", "claim", "--wait"], 0);
    let processed = || {
        let of = json!({ "application": application });
        let node = file["node_url"].as_str().unwrap();
        let processed = json_rpc(node, "cartesi_getProcessedInputCount", &of);
        let processed = processed["data"].as_str().unwrap().trim_start_matches("0x");
        u32::from_str_radix(processed, 16).unwrap()
    };
    // What pays more comes first; the rest follows, block after block.
    let all = (0..inputs).any(|_| {
        market.mine(1);
        // Anvil loses one of thousands now and then: its sender sends it again.
        if market.ethereum("txpool_status", json!([]))["pending"] == "0x0" {
            let next = market.ethereum("eth_getTransactionCount", json!([from, "latest"]));
            let next = u32::from_str_radix(next.as_str().unwrap().trim_start_matches("0x"), 16);
            post(rpc, &send(next.unwrap()));
        }
        processed() >= inputs
    });
    assert!(all, "{} inputs are processed", processed());
}
