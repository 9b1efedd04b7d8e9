//! The page with a wallet on another device, through a relay of WalletConnect on this computer.

use std::{fs, path::Path};

use deml_tests::market::{Market, text};
use serde_json::json;

use crate::page::{Browser, chromium, serve};

#[test]
fn a_wallet_on_another_device_signs_through_a_relay() {
    let chromium = chromium();
    let market = Market::start();
    let devnet = market.devnet_file();
    let accounts = market.ethereum("eth_accounts", json!([]));
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("walletconnect");
    fs::create_dir_all(&pictures).unwrap();
    let mut browser = Browser::start(
        "walletconnect.mjs",
        &[
            text(&chromium),
            devnet["rpc_url"].as_str().unwrap(),
            accounts[2].as_str().unwrap(),
            accounts[3].as_str().unwrap(),
            text(&pictures),
        ],
    );
    let relay = browser.asks();
    let project = "0123456789abcdef0123456789abcdef";
    let options = ["--walletconnect", project, "--walletconnect-relay", &relay];
    let (_page, url) = serve(&market, &options);
    browser.told(&url);
    let asked = browser.asks();
    assert_eq!(asked, "seen", "the browser's test failed");
}
