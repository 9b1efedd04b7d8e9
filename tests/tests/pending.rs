//! A node that always says that an evaluation waits: the command line does not pay for ever.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicU64, Ordering};

use deml_tests::{
    faulty::{Fault, Proxy},
    market::Market,
};
use serde_json::{Value, json};

/// A market whose only submission is decided long ago, behind a node that denies it.
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
        // What the application refuses, nobody hears of.
        node.tell(
            "cartesi_listReports",
            Fault::change(|_, answer| {
                answer["result"]["data"] = json!([]);
                answer["result"]["pagination"]["total_count"] = json!(0);
            }),
        );
        Self { market, inspect, node }
    }

    /// Has the node say that the submission waits, further on by so many steps at each answer.
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

    /// How many transactions an account sends that wants the evaluation to go on.
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
        let account = &self.market.ethereum("eth_accounts", json!([]))[3];
        let count = self.market.ethereum("eth_getTransactionCount", json!([account, "latest"]));
        u64::from_str_radix(count.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
    }
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
