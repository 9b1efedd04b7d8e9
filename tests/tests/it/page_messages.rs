//! Messages on the page, between two people with a browser and a wallet each.
//!
//! Its pictures are in `target/tmp/page`.

use std::{fs, path::Path};

use deml_tests::market::{Market, text};
use serde_json::json;

use crate::page::{Browser, chromium, serve};

#[test]
fn a_client_and_a_sponsor_write_to_each_other_on_the_page() {
    let chromium = chromium();
    let market = Market::start();
    market.play();
    let (_page, url) = serve(&market, &[]);
    let ethereum = market.devnet_file()["rpc_url"].as_str().unwrap().to_owned();
    let accounts = market.ethereum("eth_accounts", json!([]));
    let [sponsor, client] = [1, 2].map(|at: usize| accounts[at].as_str().unwrap().to_owned());
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    fs::create_dir_all(&pictures).unwrap();
    let arguments = [text(&chromium), &url, &ethereum, &client, &sponsor, text(&pictures)];
    let mut browser = Browser::start("messages.mjs", &arguments);
    assert_eq!(browser.asks(), "seen");
    // What was sent from the page is read on the command line's terms: from Ethereum.
    assert!(market.deml(&["audit"]).status.success());
}
