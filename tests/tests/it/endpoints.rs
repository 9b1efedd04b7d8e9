//! Public endpoints of Ethereum, with their limits on requests and on ranges of blocks.

use deml_tests::{
    faulty::{Fault, Proxy},
    market::Market,
};

/// A market with a job, behind a proxy of its Ethereum.
fn behind() -> (Market, Proxy) {
    let market = Market::with(&["--epoch-length", "1000"]);
    market.play();
    market.mine(3_000);
    let ethereum = Proxy::start(market.devnet_file()["rpc_url"].as_str().unwrap()).unwrap();
    (market, ethereum)
}

/// Audits and watches from the beginning, each with this exit code; returns what they say.
fn all(market: &Market, ethereum: &Proxy, patience: &str, code: i32) -> Vec<String> {
    let rpc = ethereum.url();
    let commands: [&[&str]; 2] = [&["audit"], &["watch", "--once", "--place", "place.json"]];
    let said = commands.iter().map(|command| {
        std::fs::remove_file(market.home().join("place.json")).ok();
        std::fs::remove_dir_all(market.home().join("deml/audit")).ok();
        market.said(&[*command, &["--rpc-url", &rpc, "--patience", patience]].concat(), code)
    });
    said.collect()
}

#[test]
fn limits_on_requests_are_outlasted_and_ranges_are_kept_to() {
    let (market, ethereum) = behind();
    let busy = |status: &str| Fault::Status {
        status: status.to_owned(),
        headers: vec!["Retry-After: 0".to_owned()],
        body: "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":429,\"message\":\"slow down\"}}".to_owned(),
    };
    // More often than other faults are borne, from the very first request on.
    for fault in [busy("429 Too Many Requests"), busy("503 Service Unavailable")] {
        ethereum.tell_times("eth_", fault, 7);
        all(&market, &ethereum, "60s", 0);
        ethereum.behave();
    }
    let limited = Fault::error(-32_005, "daily request count exceeded, request rate limited");
    ethereum.tell_times("eth_chainId", limited.clone(), 5);
    all(&market, &ethereum, "60s", 0);
    ethereum.behave();

    ethereum.tell("eth_", limited);
    for said in all(&market, &ethereum, "2s", 2) {
        assert!(said.contains("takes no more requests for now (daily request count"), "{said}");
    }
    ethereum.behave();
    let patient = Fault::Status {
        status: "429 Too Many Requests".to_owned(),
        headers: vec!["Retry-After: 3600".to_owned()],
        body: String::new(),
    };
    ethereum.tell("eth_", patient);
    for said in all(&market, &ethereum, "2s", 2) {
        assert!(said.contains("try again in 1 h 0 min"), "{said}");
    }
    ethereum.behave();
    ranges_shrink_for_their_size_alone(&market, &ethereum);
}

fn ranges_shrink_for_their_size_alone(market: &Market, ethereum: &Proxy) {
    for message in ["block range exceeds 700", "query returned more than 10000 results"] {
        ethereum.tell_times("eth_getLogs", Fault::error(-32_005, message), 3);
        all(market, ethereum, "60s", 0);
        ethereum.behave();
    }
    ethereum.tell("eth_getLogs", Fault::error(-32_000, "no archive on this plan"));
    let before = ethereum.asked("eth_getLogs");
    for said in all(market, ethereum, "10s", 2) {
        assert!(said.contains("says: no archive on this plan"), "{said}");
    }
    assert_eq!(ethereum.asked("eth_getLogs") - before, 2);
    ethereum.behave();
}

#[test]
fn a_reset_devnet_is_watched_anew() {
    let mut market = Market::start();
    market.play();
    let watch = ["watch", "--once", "--place", "place.json"];
    market.said(&watch, 0);
    market.reset();
    market.play();
    let said = market.said(&watch, 0);
    assert!(said.contains("another chain than the one that was watched; beginning anew"), "{said}");
    let said = market.said(&watch, 0);
    assert!(!said.contains("another chain"), "{said}");
}
