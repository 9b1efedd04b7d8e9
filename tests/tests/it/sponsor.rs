//! What a sponsor does on the page, in a real browser on a real market: jobs opened by a form,
//! revealed, settled, cancelled.
//!
//! Its pictures are in `target/tmp/sponsor`.

use std::{fs, path::Path, time::Duration};

use client::session::Currency;
use deml_tests::{
    fixture,
    market::{Market, text},
};
use market::{Address, Amount, Timestamp};
use serde_json::{Value, json};
use twin::{
    question::framed,
    sponsor::{Desk, Holding},
    transactions::{Contracts, Purse},
};
use wire::{Genesis, QuoteView};

use crate::page::{Browser, chromium, serve};

#[test]
fn a_sponsor_opens_reveals_settles_and_cancels_jobs_on_the_page() {
    let (chromium, market) = (chromium(), Market::start());
    let (_page, url) = serve(&market, &[]);
    let devnet = market.devnet_file();
    let sponsor = market.ethereum("eth_accounts", json!([]))[1].clone();
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sponsor");
    fs::create_dir_all(&pictures).unwrap();
    let mut browser = Browser::start(
        "sponsor.mjs",
        &[
            text(&chromium),
            &url,
            devnet["rpc_url"].as_str().unwrap(),
            sponsor.as_str().unwrap(),
            text(&pictures),
            text(&fixture("health")),
            text(&fixture("digits")),
            text(&fixture("health/client-a.csv")),
        ],
    );
    loop {
        match browser.asks().as_str() {
            "client" => assert_eq!(market.submit("2", "1")["accepted"], true),
            "sealed-client" => take_part(&market),
            "window" => market.advance(7_200),
            "evaluate" => {
                let submission = ["job", "evaluate", "1", "--submission", "0"];
                market.ask(&[&["--account", "2"][..], &submission].concat());
            }
            // The page asks every other second whether there is anything new.
            "shown" => std::thread::sleep(Duration::from_secs(5)),
            "seen" => break,
            other => panic!("the browser's test failed: {other:?}"),
        }
        browser.goes_on();
    }
    let jobs = market.ask(&["job", "list"]);
    let stages = jobs["items"].as_array().unwrap().iter();
    let stages: Vec<_> = stages.map(|job| &job["stage"]).collect();
    assert_eq!(stages, ["open", "settled", "cancelled"], "{jobs:#}");
    assert_eq!(market.ask(&["job", "show", "1"])["decision"]["winner"], 0);
}

/// Enters a model into the sealed job, and reveals it after the close.
fn take_part(market: &Market) {
    let model = fixture("digits/torch-trained.onnx");
    market.ask(&["--account", "2", "submit", "--job", "1", "--model", text(&model)]);
    market.advance(7_200);
    market.ask(&["--account", "2", "job", "reveal", "1"]);
}

/// The market as a sponsor with a wallet of ten Ether meets it.
fn desk(now: u64) -> Desk {
    let address = |byte| Address([byte; 20]);
    let settings = Genesis::default().settings;
    let now = Timestamp(now);
    let (currency, nothing) = (Currency::ether(), Amount::ZERO);
    let purse = Purse { currency, free: nothing, allowance: nothing };
    Desk {
        chain_id: 31_337,
        application: address(9),
        contracts: Contracts {
            input_box: address(2),
            ether_portal: address(3),
            erc20_portal: address(4),
        },
        market: QuoteView { settings, now, lag_seconds: 0, reserved_bytes: 0, jobs: 0 },
        now,
        gas_price: 1_000_000_000,
        sponsor: Some(address(1)),
        holdings: vec![Holding { purse, wallet: Amount::new(10_000_000_000_000_000_000) }],
        job: None,
        slots: Vec::new(),
    }
}

/// The twin's answer; of a refusal its name.
fn ask(question: &Value, desk: &Desk, files: &[&[u8]]) -> Result<Value, String> {
    let desk = serde_json::to_vec(desk).unwrap();
    let files = [&[&*desk], files].concat();
    let mut answer: Value = serde_json::from_slice(&twin::ask(&framed(question, &files))).unwrap();
    match answer["refused"].as_str() {
        Some(refused) => Err(refused.to_owned()),
        None => Ok(answer["ok"].take()),
    }
}

#[test]
fn an_opening_is_of_the_files_that_were_rehearsed_and_never_late_or_unpaid() {
    let read = |name: &str| fs::read(fixture(name)).unwrap();
    let [base, rows, slice] = ["sklearn-base.onnx", "holdout.safetensors", "client-b.safetensors"]
        .map(|name| read(&format!("health/{name}")));
    let (now, files) = (1_800_000_000, [&*base, &*rows, &*slice]);
    let draft = |prize: &str| {
        json!({ "title": "Heart", "close": "2h", "sealing": { "sealed": true },
                "award": { "prize": prize } })
    };
    let plan = |prize| ask(&json!({ "ask": "plan", "draft": draft(prize) }), &desk(now), &files);
    let planned = plan("8ether").unwrap();
    assert!(planned["total"].as_str().unwrap().starts_with("10.0"), "{planned:#}");
    assert_eq!(plan("8").unwrap_err(), "Unclear");
    assert_eq!(plan("8token").unwrap_err(), "Unclear");

    let salt = format!("0x{}", "5a".repeat(32));
    let seal = json!({ "key": format!("0x{}", "01".repeat(32)), "salt": salt });
    let mut begun =
        json!({ "terms": planned["terms"], "salt": salt, "seal": null, "trainer": null });
    let name = |begun: &Value| ask(&json!({ "ask": "name", "begun": begun }), &desk(now), &[&rows]);
    assert_eq!(name(&begun).unwrap_err(), "NoSeal");
    begun["seal"] = seal;
    let named = name(&begun).unwrap();
    begun["terms"] = named["terms"].clone();
    let open =
        |desk: &Desk, files: &[&[u8]]| ask(&json!({ "ask": "open", "begun": begun }), desk, files);
    // It needs the prize, a quarter of it as the bond, and a little more.
    assert_eq!(open(&desk(now), &files).unwrap_err(), "WalletTooSmall");
    let mut rich = desk(now);
    rich.holdings[0].wallet = Amount::new(20_000_000_000_000_000_000);
    let transactions = open(&rich, &files).unwrap();
    let what = transactions[0]["what"].as_str().unwrap();
    assert!(what.starts_with("open the job, with a deposit of 10.0"), "{what}");
    assert!(transactions.as_array().unwrap().len() >= 3, "{transactions:#}");
    assert_eq!(open(&rich, &[&rows, &rows]).unwrap_err(), "WrongFile");
    assert_eq!(open(&rich, &[&base, &base]).unwrap_err(), "WrongFile");
    let late = Desk { now: Timestamp(now + 7_200), ..rich };
    assert_eq!(open(&late, &files).unwrap_err(), "CloseTooSoon");
}
