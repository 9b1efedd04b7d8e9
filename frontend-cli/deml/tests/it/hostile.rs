//! Attacks of a lying node or gateway that must fail: passing off other terms as a job's, looping
//! this program forever, controlling the terminal, making this computer query another one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use alloy::primitives::{Address, B256};
use axum::{Json, Router, response::Redirect, routing::post};
use client::{
    chain::{Chain, Contracts},
    convert::to_ethereum,
    ipfs::Store,
    jobs::JobRef,
    node::Node,
    patience::Patience,
    printer::{Printer, one_line},
    session::Session,
};
use market::{Amount, Asset, Market};
use scenarios::{APP, ETHER, SALT, Speller, bounty, open_job};
use serde_json::{Value, json};
use wire::{JobList, Query};

/// A market that answers every inspect query alike, on a chain that has only an id.
async fn session(report: Value) -> Session {
    let payload = format!("0x{}", alloy::hex::encode(report.to_string()));
    let inspect =
        async move || Json(json!({ "status": "Accepted", "reports": [{ "payload": payload }] }));
    let rpc = async |Json(asked): Json<Value>| {
        Json(json!({ "jsonrpc": "2.0", "id": asked["id"], "result": "0x7a69" }))
    };
    let router = Router::new().route("/rpc", post(rpc)).fallback(inspect);
    let url = served(router).await;
    let (rpc, inspect) = (format!("{url}/rpc"), format!("{url}/inspect"));
    Session {
        chain: Chain::connect(&rpc, Contracts::V2_2_0).unwrap(),
        node: Node::connect(&rpc, &inspect, to_ethereum(APP)).unwrap(),
        store: "folder:nowhere".parse().unwrap(),
        token: None,
        printer: Printer { json: false, quiet: true },
        patience: Patience { pause: Duration::ZERO, limit: Duration::from_secs(20) },
    }
}

async fn served(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

/// A job's name and an honest node's view of it.
fn opened() -> (market::JobId, Value) {
    let context = scenarios::context(scenarios::ALICE);
    let (job, opening) = open_job(&context, SALT, &bounty());
    let mut market = Market::new(wire::Genesis::default().settings, []);
    market.begin(&context);
    market.deposit(context.sender, Asset::Ether, Amount::new(10 * ETHER));
    market.apply(&context, opening, &mut Speller).unwrap();
    (job, serde_json::from_slice(&wire::answer(&market, b"jobs/0")).unwrap())
}

#[tokio::test]
async fn a_job_is_believed_only_if_its_name_is_the_hash_of_its_terms() {
    let (name, mut shown) = opened();
    let honest = session(shown.clone()).await;
    assert_eq!(honest.job(0).await.unwrap().job, name);
    assert_eq!(honest.job(name).await.unwrap().number, 0);
    let error = honest.job("1".parse::<JobRef>().unwrap()).await.unwrap_err();
    assert!(format!("{error:#}").contains("another job than 1"), "{error:#}");
    // Another price, close or salt: whatever the node changes, the name is another.
    for (field, lie) in [("salt", json!(B256::repeat_byte(9))), ("sponsor", json!(Address::ZERO))] {
        let mut lied = shown.clone();
        lied[field] = lie;
        let error = session(lied).await.job(0).await.unwrap_err();
        assert!(format!("{error:#}").contains("do not trust it"), "{error:#}");
    }
    shown["terms"]["close"] = json!(2_000_000_000);
    let error = session(shown).await.job(name).await.unwrap_err();
    assert!(format!("{error:#}").contains("do not trust it"), "{error:#}");
}

#[tokio::test]
async fn lists_of_a_lying_node_come_to_an_end() {
    let slot = json!({
        "slot": "base_model", "submission": null, "received": 1, "size": 2, "whole": false
    });
    let page = |items: usize| json!({ "total": null, "from": 0, "limit": 100, "items": vec![&slot; items] });
    for (items, says) in [(100, "has no end"), (101, "longer pages than asked for")] {
        let session = session(page(items)).await;
        let all =
            session.all::<wire::SlotView>(|paging| Query::List(0.into(), JobList::Blobs, paging));
        let error = all.await.unwrap_err();
        assert!(format!("{error:#}").contains(says), "{error:#}");
    }
}

#[tokio::test]
async fn what_a_node_says_cannot_command_a_terminal() {
    let hostile = "no \u{1b}[2J\u{202e}job\r\n";
    let error = session(json!({ "error": hostile })).await.job(0).await.unwrap_err();
    assert_eq!(one_line(&format!("{error:#}")), "not found: no job");
}

#[tokio::test]
async fn a_gateway_s_redirect_is_not_followed() {
    let asked = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&asked);
    let inside = served(Router::new().fallback(async move || {
        seen.store(true, Ordering::SeqCst);
        "secret"
    }));
    let inside = inside.await;
    let outside = served(Router::new().fallback(async move || Redirect::temporary(&inside))).await;
    let store: Store = format!("gateway:{outside}").parse().unwrap();
    let cid = blobs::cid_of(b"file", blobs::Profile::Kubo);
    let error = store.get(cid, 100).await.unwrap_err();
    assert!(format!("{error:#}").contains("the address it redirects to"), "{error:#}");
    assert!(!asked.load(Ordering::SeqCst));
}
