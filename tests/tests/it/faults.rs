//! Faulty endpoints: transient faults are tolerated, lasting ones reported; nothing crashes.

use deml_tests::{
    faulty::{Fault, Proxy},
    market::Market,
};
use serde_json::{Value, json};

/// A market with a job, a payment and an accepted claim, behind proxies.
struct Behind {
    market: Market,
    ethereum: Proxy,
    node: Proxy,
}

impl Behind {
    fn start() -> Self {
        let market = Market::with(&["--epoch-length", "1000"]);
        market.play();
        market.mine(1_000);
        market.ask(&["--account", "2", "claim", "--wait"]);
        let file = market.devnet_file();
        let proxy = |name: &str| Proxy::start(file[name].as_str().unwrap()).unwrap();
        let (ethereum, node) = (proxy("rpc_url"), proxy("node_url"));
        Self { market, ethereum, node }
    }

    /// Audits, reads a balance and proves an output through the proxies; each exits with `code`.
    fn all(&self, code: i32) -> Vec<String> {
        let (rpc, node) = (self.ethereum.url(), self.node.url());
        let urls = ["--rpc-url", &rpc, "--node-url", &node, "--patience", "4s"];
        let commands: [&[&str]; 4] = [
            &["audit"],
            &["--account", "2", "balance"],
            &["proof", "job", "0"],
            &["watch", "--once", "--place", "place.json"],
        ];
        let said = commands.iter().map(|command| {
            self.forget();
            self.market.said(&[*command, &urls[..]].concat(), code)
        });
        said.collect()
    }

    /// Makes the next audit and the next watch start over, with all requests.
    fn forget(&self) {
        std::fs::remove_file(self.market.home().join("place.json")).ok();
        std::fs::remove_dir_all(self.market.home().join("deml/audit")).ok();
    }

    fn behave(&self) {
        self.ethereum.behave();
        self.node.behave();
    }
}

#[test]
fn what_passes_is_borne_and_what_stays_is_said() {
    let behind = Behind::start();
    behind.all(0);
    for (fault, says) in [
        (Fault::Refuse, "500"),
        (Fault::Cut, "breaks off in the middle"),
        (Fault::Garble, "not JSON"),
        (Fault::Stall, "in time"),
    ] {
        // Once for each kind of request.
        for method in ["eth_blockNumber", "eth_getLogs", "eth_call", "eth_getBlockByNumber"] {
            behind.ethereum.tell_times(method, fault.clone(), 1);
        }
        for method in ["cartesi_list", "cartesi_get"] {
            behind.node.tell_times(method, fault.clone(), 1);
        }
        behind.all(0);
        behind.behave();

        // On every request.
        behind.ethereum.tell("eth_", fault.clone());
        for said in behind.all(2) {
            assert!(said.contains(says), "{says}: {said}");
        }
        behind.behave();
        behind.node.tell("cartesi_", fault);
        for said in behind.all(2) {
            assert!(said.contains(says), "{says}: {said}");
        }
        behind.behave();
    }
}

#[test]
fn answers_without_end_and_of_other_forms_are_said() {
    let behind = Behind::start();
    for (fault, says) in
        [(Fault::Flood, "exceeds 64 MiB"), (Fault::wrong_types(), "unexpected format")]
    {
        behind.ethereum.tell("eth_", fault.clone());
        for said in behind.all(2) {
            assert!(said.contains(says) && said.len() < 2_000, "{says}: {said}");
        }
        behind.behave();
        behind.node.tell("cartesi_", fault);
        for said in behind.all(2) {
            assert!(said.contains(says) && said.len() < 2_000, "{says}: {said}");
        }
        behind.behave();
    }
}

#[test]
fn limited_ranges_are_kept_to_and_strange_events_refused() {
    let behind = Behind::start();
    for most in [400, 7] {
        behind.ethereum.tell("eth_getLogs", Fault::BlockRange(most));
        behind.all(0);
        behind.behave();
    }
    let strange = |change: fn(&mut Value)| {
        Fault::change(move |_, answer| {
            for log in answer["result"].as_array_mut().into_iter().flatten() {
                change(log);
            }
        })
    };
    for change in [
        |log: &mut Value| log["address"] = json!(format!("0x{}", "33".repeat(20))),
        |log: &mut Value| log["blockNumber"] = json!("0xffffff"),
        |log: &mut Value| log["topics"][0] = json!(format!("0x{}", "44".repeat(32))),
        |log: &mut Value| log["removed"] = json!(true),
    ] {
        behind.ethereum.tell("eth_getLogs", strange(change));
        let rpc = behind.ethereum.url();
        for command in [&["audit"][..], &["watch", "--once", "--place", "place.json"]] {
            behind.forget();
            let said = behind.market.said(&[command, &["--rpc-url", &rpc]].concat(), 2);
            assert!(said.contains("not asked for"), "{said}");
        }
        behind.behave();
    }
}

#[test]
fn a_payment_is_never_sent_twice() {
    let behind = Behind::start();
    let rpc = behind.ethereum.url();
    behind.ethereum.tell("eth_sendRawTransaction", Fault::Cut);
    let deposit = ["--account", "3", "deposit", "1ether", "--rpc-url", &rpc];
    behind.market.said(&deposit, 0);
    assert_eq!(behind.ethereum.asked("eth_sendRawTransaction"), 1);
}
