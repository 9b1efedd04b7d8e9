//! A node that lies about progress: the command line pays no more than allowed, and publishes no
//! model before its commitment.

use std::{
    collections::BTreeSet,
    fs,
    sync::atomic::{AtomicU64, Ordering},
};

use deml_tests::{
    faulty::{Fault, Proxy},
    fixture,
    market::{Market, text},
};
use serde_json::{Value, json};

/// A market whose only submission was decided long ago, behind a node that denies it.
struct Denied {
    market: Market,
    inspect: Proxy,
    node: Proxy,
}

impl Denied {
    fn start() -> Self {
        let market = Market::start();
        market.play();
        let file = market.devnet_file();
        let proxy = |name: &str| Proxy::start(file[name].as_str().unwrap()).unwrap();
        let (inspect, node) = (proxy("inspect_url"), proxy("node_url"));
        // The application's refusals are hidden.
        node.tell(
            "cartesi_listReports",
            Fault::change(|_, answer| {
                answer["result"]["data"] = json!([]);
                answer["result"]["pagination"]["total_count"] = json!(0);
            }),
        );
        Self { market, inspect, node }
    }

    /// Makes the node report that the submission waits, its step rising by `steps` at each answer.
    fn at_steps_of(&self, steps: u64) {
        let answers = AtomicU64::new(0);
        self.inspect.behave();
        let wait = move |answer: &mut Value| {
            let payload = answer["reports"][0]["payload"].as_str().unwrap();
            let bytes = alloy::hex::decode(payload.trim_start_matches("0x")).unwrap();
            let mut view: Value = serde_json::from_slice(&bytes).unwrap();
            if !view["submission"].is_u64() {
                return;
            }
            view["state"] = json!("whole");
            view["scores"] = Value::Null;
            view["step"] = json!(answers.fetch_add(steps, Ordering::Relaxed));
            answer["reports"][0]["payload"] =
                json!(format!("0x{}", alloy::hex::encode(view.to_string())));
        };
        self.inspect.tell("/inspect", Fault::change(move |_, answer| wait(answer)));
    }

    /// Number of transactions sent by an account that evaluates, with these caps.
    fn sent(&self, caps: &[&str]) -> u64 {
        let before = self.transactions();
        let (inspect, node) = (self.inspect.url(), self.node.url());
        let evaluate = ["--account", "3", "job", "evaluate", "0", "--submission", "0"];
        let urls = ["--inspect-url", &inspect, "--node-url", &node, "--patience", "20s"];
        let output = self.market.deml(&[&evaluate[..], &urls, caps].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("panicked"), "{said}");
        self.transactions() - before
    }

    fn transactions(&self) -> u64 {
        transactions(&self.market, 3)
    }
}

/// Number of transactions that an account has sent.
fn transactions(market: &Market, account: usize) -> u64 {
    let account = &market.ethereum("eth_accounts", json!([]))[account];
    let count = market.ethereum("eth_getTransactionCount", json!([account, "latest"]));
    u64::from_str_radix(count.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

/// *Plain bytes too early*: whoever fetches a model before its commitment could commit first.
#[test]
fn a_model_stays_here_until_it_is_committed_to() {
    let market = Market::start();
    market.play();
    let node = Proxy::start(market.devnet_file()["node_url"].as_str().unwrap()).unwrap();
    let url = node.url();
    let data = fixture("health/client-a.csv");
    let train = ["train", "--job", "0", "--data", text(&data), "--out", "mine.onnx", "--seed", "7"];
    market.ask(&[&train[..], &["--epochs", "30", "--learning-rate", "0.01"]].concat());
    let submit = ["--account", "4", "--patience", "5s", "--node-url", &url, "submit", "--job", "0"];
    let submit = [&submit[..], &["--model", "mine.onnx", "--force"]].concat();
    let (before, sent) = (blocks(&market), transactions(&market, 4));

    node.tell("cartesi_getInput", Fault::Stall);
    let output = market.deml(&submit);
    assert_ne!(output.status.code(), Some(0), "nobody has said that it is committed to");
    assert_eq!(transactions(&market, 4) - sent, 1, "the commitment is under way");
    assert_eq!(blocks(&market), before, "and nothing of the model is in the store");

    node.behave();
    market.deml(&submit);
    assert!(transactions(&market, 4) - sent > 1, "its bytes follow");
    assert!(blocks(&market).is_superset(&before) && blocks(&market).len() > before.len());
}

/// The names of all blocks in the store.
fn blocks(market: &Market) -> BTreeSet<String> {
    let folder = fs::read_dir(market.home().join("deml/blocks")).unwrap();
    folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_node_that_always_says_pending_is_not_paid_for_ever() {
    let denied = Denied::start();
    denied.at_steps_of(0);
    assert_eq!(denied.sent(&[]), 1, "an input that advances nothing is the last");
    denied.at_steps_of(1);
    assert_eq!(denied.sent(&["--max-inputs", "3"]), 3, "no more than allowed");
    denied.at_steps_of(1);
    assert_eq!(denied.sent(&[]), 16, "no more than a person would choose");
}
