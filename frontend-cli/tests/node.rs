//! The node's client on recorded answers, of each generation of names, whole and spoiled.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use std::time::Duration;

use alloy::primitives::{Address, B256};
use axum::extract::State;
use axum::response::Redirect;
use axum::routing::post;
use axum::{Json, Router};
use deml::chain::{Chain, Contracts};
use deml::follow::Patience;
use deml::ipfs::Store;
use deml::jobs::JobRef;
use deml::node::Node;
use deml::proof;
use deml::session::Session;
use deml::talk::Talk;
use market::{Amount, Award, Evaluators, Market, Offer, Score, Sealing, Terms, Timestamp, Work};
use serde_json::{Value, json};
use wire::{JobList, Query};

const GENERATIONS: [(&str, &str); 3] = [
    ("written", include_str!("fixtures/node/written.json")),
    ("renamed", include_str!("fixtures/node/renamed.json")),
    ("newest", include_str!("fixtures/node/newest.json")),
];

/// A node that answers each method with what was recorded.
async fn node(answers: Value) -> Node {
    let answer = async |State(answers): State<Arc<Value>>, Json(asked): Json<Value>| {
        let result = &answers[asked["method"].as_str().unwrap()];
        Json(match result {
            Value::Null => {
                json!({ "id": 1, "error": { "code": -32601, "message": "Method not found" } })
            }
            result => json!({ "jsonrpc": "2.0", "id": 1, "result": result }),
        })
    };
    let router = Router::new().route("/rpc", post(answer)).with_state(Arc::new(answers));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let (rpc, inspect) = (format!("http://{address}/rpc"), format!("http://{address}/inspect"));
    let node = Node::connect(&rpc, &inspect, Address::repeat_byte(1)).unwrap();
    node.within(Duration::from_secs(20)).unwrap()
}

fn recorded(generation: usize) -> Value {
    serde_json::from_str(GENERATIONS[generation].1).unwrap()
}

/// Everything commands read of a node; the root its proof of output 0 leads to.
async fn read(node: &Node) -> anyhow::Result<B256> {
    anyhow::ensure!(node.processed_inputs().await? == 3, "inputs");
    anyhow::ensure!(node.input(1).await?.status == "ACCEPTED", "status");
    let reports = node.reports_of(2).await?;
    anyhow::ensure!(reports[0].starts_with(b"{\"refused\":\"InsufficientBalance\""), "report");
    let mut pages = node.outputs();
    let page = pages.next().await?.unwrap_or_default();
    anyhow::ensure!(page.len() == 1 && pages.next().await?.is_none(), "outputs");
    let record = node.output(0).await?;
    anyhow::ensure!(record.raw_data == page[0].raw_data && record.input_index == 1, "output");
    let epoch = node.epoch(record.epoch_index).await?;
    anyhow::ensure!(epoch.is_accepted() && epoch.last_block == 49, "epoch");
    Ok(proof::of_node(record, &epoch)?.claim.outputs_root)
}

#[tokio::test]
async fn every_generation_of_names_is_read() {
    let root = recorded(0)["cartesi_getEpoch"]["data"]["claim_hash"].clone();
    for (generation, (name, _)) in GENERATIONS.iter().enumerate() {
        let node = node(recorded(generation)).await;
        let found = read(&node).await.unwrap_or_else(|error| panic!("{name}: {error:#}"));
        assert_eq!(json!(found), root, "{name}");
    }
}

/// Takes away each field that is not needed, and adds one that nobody knows.
fn bare(value: &mut Value) {
    const NEEDED: [&str; 13] = [
        "data",
        "index",
        "input_index",
        "epoch_index",
        "raw_data",
        "status",
        "last_block",
        "output_hashes_siblings",
        "cartesi_getEpoch",
        "cartesi_getInput",
        "cartesi_getOutput",
        "cartesi_listOutputs",
        "cartesi_listReports",
    ];
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| {
                NEEDED.contains(&name.as_str()) || name == "cartesi_getProcessedInputCount"
            });
            fields.values_mut().for_each(bare);
            fields.insert("something_new".to_owned(), json!({ "x": [1] }));
        }
        Value::Array(items) => items.iter_mut().for_each(bare),
        _ => {}
    }
}

#[tokio::test]
async fn unknown_and_missing_fields_are_borne() {
    let mut answers = recorded(0);
    bare(&mut answers);
    // Without a total, a listing ends with an empty page, which this node does not have.
    for list in ["cartesi_listOutputs", "cartesi_listReports"] {
        answers[list]["pagination"] = json!({ "total_count": 1 });
    }
    read(&node(answers).await).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_is_said_in_words() {
    type Spoil = fn(&mut Value);
    let cases: [(Spoil, &str); 13] = [
        (|all| all["cartesi_getOutput"]["data"]["raw_data"] = json!(7), "unexpected format"),
        (|all| drop(all["cartesi_getOutput"]["data"]["raw_data"].take()), "unexpected format"),
        (|all| all["cartesi_getEpoch"]["data"]["last_block"] = json!("49"), "unexpected format"),
        (|all| all["cartesi_getOutput"] = json!([]), "unexpected format"),
        (|all| drop(all["cartesi_getOutput"].take()), "Method not found"),
        (|all| all["cartesi_getInput"]["data"]["index"] = json!("0x0"), "with number 0"),
        (|all| all["cartesi_getEpoch"]["data"]["index"] = json!("0x7"), "with epoch 7"),
        (
            |all| all["cartesi_listReports"]["data"][0]["input_index"] = json!("0x1"),
            "with records of input 1",
        ),
        (
            |all| all["cartesi_listOutputs"]["pagination"]["total_count"] = json!(1_000_000),
            "do not go on",
        ),
        (|all| drop(all["cartesi_listOutputs"]["pagination"].take()), "do not go on"),
        (
            |all| {
                let one = all["cartesi_listOutputs"]["data"][0].clone();
                all["cartesi_listOutputs"]["data"] = json!(vec![one; 1_001]);
            },
            "with 1001 records, not 1000",
        ),
        (
            |all| all["cartesi_getOutput"]["data"]["output_hashes_siblings"] = json!([]),
            "has 0 parts instead of 63",
        ),
        (
            |all| all["cartesi_getEpoch"]["data"]["claim_hash"] = json!(B256::ZERO),
            "does not lead to the root",
        ),
    ];
    for (spoil, says) in cases {
        let mut answers = recorded(0);
        spoil(&mut answers);
        let error = read(&node(answers).await).await.unwrap_err();
        assert!(format!("{error:#}").contains(says), "{says}: {error:#}");
    }
}

#[tokio::test]
async fn a_node_that_answers_only_small_pages_is_read_whole() {
    let outputs = |offset: u64, limit: u64| {
        let one = recorded(0)["cartesi_listOutputs"]["data"][0].clone();
        let page = (offset..20.min(offset + limit)).map(|index| {
            let mut output = one.clone();
            output["index"] = json!(format!("{index:#x}"));
            output
        });
        json!({ "data": page.collect::<Vec<_>>(), "pagination": { "total_count": 20 } })
    };
    let answer = async move |Json(asked): Json<Value>| {
        let number = |name: &str| asked["params"][name].as_u64().unwrap();
        let error = json!({ "code": -31003, "message": "result too large" });
        Json(match number("limit") {
            limit @ 0..=3 => json!({ "id": 1, "result": outputs(number("offset"), limit) }),
            _ => json!({ "id": 1, "error": error }),
        })
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/rpc", listener.local_addr().unwrap());
    let router = Router::new().route("/rpc", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let mut pages = Node::connect(&url, &url, Address::ZERO).unwrap().outputs();
    let mut indices = Vec::new();
    while let Some(page) = pages.next().await.unwrap() {
        indices.extend(page.iter().map(|output| output.index));
    }
    assert!(indices.into_iter().eq(0..20));
}

/// A market that answers every inspect query alike, on a chain with a number and nothing else.
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
        node: Node::connect(&rpc, &inspect, Address::repeat_byte(1)).unwrap(),
        store: "folder:nowhere".parse().unwrap(),
        token: None,
        talk: Talk { json: false, quiet: true },
        patience: Patience { pause: Duration::ZERO, limit: Duration::from_secs(20) },
    }
}

async fn served(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

/// A job's name and what an honest node shows of it.
fn opened() -> (market::JobId, Value) {
    let blob = blobs::blob_ref(b"bytes", blobs::Profile::Kubo);
    let terms = Terms {
        title: [0; 32],
        asset: market::Asset::Ether,
        close: Timestamp(1_000_000),
        places: 1,
        offer: Offer {
            metric: market::Metric::Accuracy,
            min_score: Score(0),
            min_gain: Score(1_000),
            min_worst_class: Score(0),
            max_model_bytes: 1_000,
            max_work: Work(1_000_000),
            max_inputs: 64,
            rows: 100,
            base_model: blob,
            board: None,
        },
        sealing: Sealing::Open { hold_out: blob },
        evaluators: Evaluators::Machine,
        award: Award::Rewards { reward: Amount::new(1_000), count: 1 },
    };
    let (sponsor, app) = (market::Address([2; 20]), market::Address([1; 20]));
    let job = wire::job_name(31_337, app, sponsor, [3; 32], &terms);
    let mut market = Market::new(wire::Genesis::default().settings, []);
    let context = market::Context {
        sender: sponsor,
        app,
        chain_id: 31_337,
        block_time: Timestamp(900_000),
        ..market::Context::default()
    };
    market.begin(&context);
    let ether = Amount::new(1_000_000_000_000_000_000);
    market.deposit(&context, sponsor, market::Asset::Ether, ether).unwrap();
    let command = market::Command::OpenJob { job, salt: [3; 32], terms: Box::new(terms) };
    market.apply(&context, command, &mut eval::Evaluator::new()).unwrap();
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
    // Another price, close or salt, whatever the node changes: the name is another.
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
    assert_eq!(deml::talk::one_line(&format!("{error:#}")), "NotFound: no job");
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
