//! Tests of the node client on recorded answers of each API generation, intact and corrupted.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::{Address, B256};
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use client::node::Node;
use client::proof;
use serde_json::{Value, json};

const GENERATIONS: [(&str, &str); 3] = [
    ("written", include_str!("fixtures/node/written.json")),
    ("renamed", include_str!("fixtures/node/renamed.json")),
    ("newest", include_str!("fixtures/node/newest.json")),
];

/// A node that answers each method with a recording.
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

/// Reads all that commands read from a node; returns the root that its proof of output 0 leads to.
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

/// Removes each optional field, and adds an unknown one.
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
