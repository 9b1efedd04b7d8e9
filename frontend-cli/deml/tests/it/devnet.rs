//! The devnet on a real anvil with the real Cartesi contracts and a real application process.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alloy::primitives::{Address, B256, Bytes, U256, hex};
use anyhow::{Context, Result};
use application::InputStatus;
use client::chain::{Chain, Contracts, Output, Sent, dev_account};
use client::merkle;
use devnet::{Config, Devnet, ExtraContract, Ports};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

alloy::sol! {
    /// Mints test tokens.
    function mint(address account, uint256 amount) external;
}

const WITHIN: Duration = Duration::from_secs(60);

/// Messages of a devnet under test.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<String>>>);

impl Said {
    fn has(&self, text: &str) -> bool {
        self.0.lock().unwrap().iter().any(|line| line.contains(text))
    }
}

fn echo() -> PathBuf {
    let deml = PathBuf::from(env!("CARGO_BIN_EXE_deml"));
    deml.parent().unwrap().join("examples/echo")
}

fn config(folder: &Path, said: &Said) -> Config {
    let genesis =
        Arc::new(|deployed: &devnet::Deployed| Ok(serde_json::to_string(&deployed.contracts)?));
    let said = said.clone();
    let mut config = Config::new(folder.to_owned(), echo(), genesis).unwrap();
    config.deml = env!("CARGO_BIN_EXE_deml").into();
    config.ports = Ports::ANY;
    config.name = "echo".to_owned();
    config.block_interval = Duration::from_millis(50);
    config.notify = Arc::new(move |line| said.0.lock().unwrap().push(line.to_owned()));
    config
}

async fn start(folder: &Path) -> (Devnet, Said) {
    let said = Said::default();
    (Devnet::start(config(folder, &said)).await.unwrap(), said)
}

async fn send(devnet: &Devnet, payload: &[u8]) -> Result<(Sent, InputStatus)> {
    let sender = devnet.sender(0)?;
    let sent = sender.add_input(devnet.info().application, payload.to_vec().into()).await?;
    let input = sent.input.context("no input")?;
    Ok((sent, devnet.wait_processed(input, WITHIN).await?))
}

/// Queries the node's JSON-RPC; returns the result, or the error's code.
async fn ask(devnet: &Devnet, method: &str, params: Value) -> Result<Value, i64> {
    let body = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
    let request = reqwest::Client::new().post(&devnet.info().node_url).json(&body).send();
    let answer: Value = request.await.unwrap().json().await.unwrap();
    assert_eq!(answer["id"], 7);
    answer["error"]["code"].as_i64().map_or_else(|| Ok(answer["result"].clone()), Err)
}

async fn list(devnet: &Devnet, what: &str, filter: Value) -> Vec<Value> {
    let mut params = json!({ "application": "echo" });
    params.as_object_mut().unwrap().extend(filter.as_object().unwrap().clone());
    let answer = ask(devnet, &format!("cartesi_list{what}"), params).await.unwrap();
    answer["data"].as_array().unwrap().clone()
}

async fn inspect(devnet: &Devnet, app: &str, question: &'static str) -> (u16, Value) {
    let url = format!("{}/{app}", devnet.info().inspect_url);
    let answer = reqwest::Client::new().post(url).body(question).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
}

/// Number of inputs seen according to the application itself.
async fn inputs_seen(devnet: &Devnet) -> u64 {
    let (status, answer) = inspect(devnet, "echo", "how many?").await;
    assert_eq!((status, answer["status"].as_str()), (200, Some("Accepted")));
    let report = hex::decode(answer["reports"][0]["payload"].as_str().unwrap()).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["asked"], "how many?");
    report["inputs"].as_u64().unwrap()
}

fn kill(pid: u32) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
}

#[tokio::test]
async fn a_deposit_comes_back_through_a_proven_voucher() {
    let folder = tempfile::tempdir().unwrap();
    let (devnet, _) = start(folder.path()).await;
    let application = devnet.info().application;
    let alice = devnet.sender(1).unwrap();
    let wei = U256::from(1_234_567_890_u64);
    let sent = alice.deposit_ether(application, wei, Bytes::new()).await.unwrap();
    let input = sent.input.unwrap();
    assert_eq!(devnet.wait_processed(input, WITHIN).await.unwrap(), InputStatus::Accepted);
    assert_eq!(devnet.chain().ether_balance(application).await.unwrap(), wei);

    // Before its claim the voucher is refused with an error; afterwards it pays, once.
    let early = alice.execute_output(application, &[], 0, vec![B256::ZERO; 63]).await;
    assert!(format!("{:#}", early.unwrap_err()).contains("wait for the end of its epoch"));
    let (output, siblings) = devnet.wait_claimed(0, WITHIN).await.unwrap();
    let destination = alice.address();
    let payload = Bytes::new();
    assert_eq!(Output::decode(&output), Some(Output::Voucher { destination, value: wei, payload }));
    assert!(merkle::verify(&output, 0, &siblings, devnet.outputs_root()));
    devnet.chain().validate_output(application, &output, 0, siblings.clone()).await.unwrap();
    let before = devnet.chain().ether_balance(alice.address()).await.unwrap();
    let paid = alice.execute_output(application, &output, 0, siblings.clone()).await.unwrap();
    let after = devnet.chain().ether_balance(alice.address()).await.unwrap();
    assert_eq!(after + U256::from(paid.fee_wei), before + wei);
    let twice = alice.execute_output(application, &output, 0, siblings).await.unwrap_err();
    assert!(format!("{twice:#}").contains("executed already"), "{twice:#}");

    // The notice is proven by the same claim, and the node reports the execution.
    let (notice, siblings) = devnet.wait_claimed(1, WITHIN).await.unwrap();
    devnet.chain().validate_output(application, &notice, 1, siblings.clone()).await.unwrap();
    let wrong = devnet.chain().validate_output(application, &notice, 0, siblings).await;
    assert!(wrong.is_err());
    let executed = poll(async || {
        let answer = ask(
            &devnet,
            "cartesi_getOutput",
            json!({"application": "echo", "output_index": "0x0"}),
        );
        let hash = answer.await.unwrap()["data"]["execution_transaction_hash"].clone();
        hash.as_str().map(str::to_owned)
    });
    assert_eq!(executed.await, paid.transaction.to_string());
    devnet.shutdown().await.unwrap();
}

/// Polls until there is a value, with a deadline.
async fn poll<T>(look: impl AsyncFn() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + WITHIN;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "nothing came");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn deposited_tokens_come_back_through_a_voucher() {
    let artifact = include_str!("../../../../contracts/artifacts/TestToken.json");
    let artifact: Value = serde_json::from_str(artifact).unwrap();
    let code = hex::decode(artifact["bytecode"].as_str().unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), &Said::default());
    config.contracts = vec![ExtraContract { name: "TestToken".to_owned(), code }];
    let devnet = Devnet::start(config).await.unwrap();
    let (token, application) = (devnet.info().extra["TestToken"], devnet.info().application);
    let alice = devnet.sender(1).unwrap();
    let value = U256::from(700);
    let mint = mintCall { account: alice.address(), amount: U256::from(1_000) };
    alice.transact("mint", token, U256::ZERO, &mint).await.unwrap();
    let sent = alice.deposit_erc20(token, application, value, Bytes::new()).await.unwrap();
    devnet.wait_processed(sent.input.unwrap(), WITHIN).await.unwrap();
    assert_eq!(
        devnet.chain().erc20_balance(token, alice.address()).await.unwrap(),
        U256::from(300)
    );
    let (output, siblings) = devnet.wait_claimed(0, WITHIN).await.unwrap();
    alice.execute_output(application, &output, 0, siblings).await.unwrap();
    let balance = devnet.chain().erc20_balance(token, alice.address()).await.unwrap();
    assert_eq!(balance, U256::from(1_000));
    let poor = alice.deposit_erc20(token, application, U256::from(1_001), Bytes::new()).await;
    assert!(format!("{:#}", poor.unwrap_err()).contains("holds 1000 units"));
    devnet.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_rejected_input_never_happened() {
    let folder = tempfile::tempdir().unwrap();
    let (devnet, said) = start(folder.path()).await;
    send(&devnet, b"one").await.unwrap();
    let root = devnet.outputs_root();
    let pid = devnet.dapp_pid().await;
    assert_eq!(send(&devnet, b"reject").await.unwrap().1, InputStatus::Rejected);
    assert_eq!(devnet.outputs_root(), root);
    assert_eq!(inputs_seen(&devnet).await, 1);
    assert_ne!(devnet.dapp_pid().await, pid);
    assert_eq!(send(&devnet, b"two").await.unwrap().1, InputStatus::Accepted);
    assert_eq!(inputs_seen(&devnet).await, 2);
    let outputs = list(&devnet, "Outputs", json!({})).await;
    assert_eq!(outputs.len(), 2);
    assert_eq!(outputs[1]["input_index"], "0x2");
    assert_eq!(list(&devnet, "Reports", json!({"input_index": "0x1"})).await.len(), 0);
    assert!(!said.has("DIED"));
    devnet.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_killed_application_is_brought_back() {
    let folder = tempfile::tempdir().unwrap();
    let (devnet, said) = start(folder.path()).await;
    send(&devnet, b"one").await.unwrap();
    kill(devnet.dapp_pid().await.unwrap());
    assert_eq!(send(&devnet, b"two").await.unwrap().1, InputStatus::Accepted);
    assert_eq!(inputs_seen(&devnet).await, 2);
    assert!(said.has("THE APPLICATION DIED"));
    let (status, answer) = inspect(&devnet, "echo", "die").await;
    assert_eq!((status, answer["status"].as_str()), (200, Some("Exception")));
    assert_eq!(inputs_seen(&devnet).await, 2);
    devnet.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_application_that_dies_of_an_input_is_dead_as_on_a_real_node() {
    for (payload, status) in
        [(b"die".as_slice(), InputStatus::MachineHalted), (b"exception", InputStatus::Exception)]
    {
        let folder = tempfile::tempdir().unwrap();
        let (devnet, said) = start(folder.path()).await;
        send(&devnet, b"one").await.unwrap();
        assert_eq!(send(&devnet, payload).await.unwrap().1, status);
        assert!(said.has("dead for ever"));
        let sender = devnet.sender(0).unwrap();
        let application = devnet.info().application;
        sender.add_input(application, Bytes::from_static(b"late")).await.unwrap();
        let late = poll(async || list(&devnet, "Inputs", json!({})).await.get(2).cloned());
        assert_eq!(late.await["status"], "NONE");
        let answer = ask(&devnet, "cartesi_getApplication", json!({"application": "echo"}));
        assert_eq!(answer.await.unwrap()["data"]["state"], "INOPERABLE");
        assert_eq!(inspect(&devnet, "echo", "well?").await.0, 503);
        devnet.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn an_application_that_is_not_deterministic_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let (devnet, _) = start(folder.path()).await;
    send(&devnet, b"pid").await.unwrap();
    send(&devnet, b"reject").await.unwrap();
    assert!(devnet.failed().await.to_string().contains("not deterministic"));
    devnet.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_restart_leads_to_the_same_root_and_claims_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (devnet, _) = start(folder.path()).await;
    for payload in [b"one".as_slice(), b"reject", b"three"] {
        send(&devnet, payload).await.unwrap();
    }
    devnet.wait_claimed(1, WITHIN).await.unwrap();
    devnet.advance_time(7 * 24 * 60 * 60).await.unwrap();
    send(&devnet, b"a week later").await.unwrap();
    let (root, application) = (devnet.outputs_root(), devnet.info().application);
    let time = devnet.chain().block_time().await.unwrap();
    devnet.shutdown().await.unwrap();

    let (devnet, _) = start(folder.path()).await;
    assert_eq!(devnet.outputs_root(), root);
    assert_eq!(devnet.info().application, application);
    assert_eq!(inputs_seen(&devnet).await, 3);
    send(&devnet, b"after the restart").await.unwrap();
    assert!(devnet.chain().block_time().await.unwrap() > time);
    devnet.wait_claimed(3, WITHIN).await.unwrap();
    let epochs = list(&devnet, "Epochs", json!({"status": "CLAIM_ACCEPTED"})).await;
    assert_eq!(epochs.len(), list(&devnet, "Epochs", json!({})).await.len());
    assert_eq!(claims_on_l1(&devnet).await, epochs.len());
    devnet.shutdown().await.unwrap();
}

async fn claims_on_l1(devnet: &Devnet) -> usize {
    use alloy::sol_types::SolEvent;
    use client::chain::bindings::Authority::ClaimSubmitted;
    let filter = alloy::rpc::types::Filter::new()
        .address(devnet.info().authority)
        .event_signature(ClaimSubmitted::SIGNATURE_HASH);
    let mut reader = devnet.chain().logs(filter, 0);
    let head = devnet.chain().head().await.unwrap();
    let mut claims = 0;
    while let Some(logs) = reader.next(head).await.unwrap() {
        claims += logs.len();
    }
    claims
}

/// The parent of process `pid`.
#[cfg(target_os = "linux")]
fn parent(pid: u32) -> u32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    after_name.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
fn is_running(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_application_whose_guard_is_killed_does_not_live_on_unseen() {
    let folder = tempfile::tempdir().unwrap();
    let (devnet, _) = start(folder.path()).await;
    send(&devnet, b"one").await.unwrap();
    let pid = devnet.dapp_pid().await.unwrap();
    kill(parent(pid));
    assert_eq!(send(&devnet, b"two").await.unwrap().1, InputStatus::Accepted);
    poll(async || (!is_running(pid)).then_some(())).await;
    assert_eq!(inputs_seen(&devnet).await, 2);
    devnet.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_killed_anvil_is_said_and_the_devnet_goes_on_from_what_was_saved() {
    let folder = tempfile::tempdir().unwrap();
    let (devnet, _) = start(folder.path()).await;
    let (sent, _) = send(&devnet, b"one").await.unwrap();
    let root = devnet.outputs_root();
    poll(async || {
        let saved = std::fs::read(folder.path().join("l1.json")).ok()?;
        let saved: Value = serde_json::from_slice(&saved).unwrap();
        (saved["best_block_number"].as_u64().unwrap() >= sent.block).then_some(())
    })
    .await;
    kill(devnet.l1_pid().await);
    let failure = devnet.failed().await.to_string();
    assert!(failure.contains("start the devnet again"), "{failure}");
    devnet.shutdown().await.unwrap();

    let (devnet, _) = start(folder.path()).await;
    assert_eq!(devnet.outputs_root(), root);
    send(&devnet, b"two").await.unwrap();
    assert_eq!(inputs_seen(&devnet).await, 2);
    devnet.shutdown().await.unwrap();
}

/// `deml devnet` as a separate process, and its info file.
async fn spawn(folder: &Path) -> (tokio::process::Child, Value) {
    let child = tokio::process::Command::new(env!("CARGO_BIN_EXE_deml"))
        .args(["devnet", "--l1-port", "0", "--node-port", "0", "--inspect-port", "0"])
        .arg("--dapp")
        .arg(echo())
        .arg("--dir")
        .arg(folder)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let pid = child.id();
    let info = poll(async || {
        let info = std::fs::read(folder.join("devnet.json")).ok()?;
        let info: Value = serde_json::from_slice(&info).ok()?;
        (info["pid"] == json!(pid)).then_some(info)
    });
    (child, info.await)
}

/// The node's answer on a devnet that runs in another process.
async fn rpc(info: &Value, method: &str, mut params: Value) -> Value {
    params["application"] = info["application"].clone();
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let url = info["node_url"].as_str().unwrap();
    let answer = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
    answer.json().await.unwrap()
}

/// The outputs root after input `index`, once the node reports it.
async fn root_after(info: &Value, index: u64) -> String {
    poll(async || {
        let index = json!({ "input_index": format!("{index:#x}") });
        let answer = rpc(info, "cartesi_getInput", index).await;
        answer["result"]["data"]["outputs_hash"].as_str().map(str::to_owned)
    })
    .await
}

#[tokio::test]
async fn a_devnet_killed_at_any_moment_leaves_no_process_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut root = None;
    for round in 0..3_u64 {
        let (mut child, info) = spawn(folder.path()).await;
        let url = info["rpc_url"].as_str().unwrap();
        let chain = Chain::connect(url, Contracts::default()).unwrap();
        let sender = chain.sender(dev_account(0).unwrap());
        let application: Address = info["application"].as_str().unwrap().parse().unwrap();
        if let Some(root) = root {
            assert_eq!(root_after(&info, 2 * round - 2).await, root);
        }
        sender.add_input(application, Bytes::from_static(b"processed")).await.unwrap();
        root = Some(root_after(&info, 2 * round).await);
        // An input in a block is not lost, whether it was processed before the kill or not.
        sender.add_input(application, Bytes::from_static(b"perhaps not")).await.unwrap();
        kill(child.id().unwrap());
        child.wait().await.unwrap();
    }
    let (child, info) = spawn(folder.path()).await;
    root_after(&info, 5).await;
    let count = rpc(&info, "cartesi_getProcessedInputCount", json!({})).await;
    assert_eq!(count["result"]["data"], "0x6");
    let chain = Chain::connect(info["rpc_url"].as_str().unwrap(), Contracts::default()).unwrap();
    kill(child.id().unwrap());
    poll(async || chain.head().await.is_err().then_some(())).await;
}

#[tokio::test]
async fn lists_are_filtered_and_paged_as_the_node_does() {
    let folder = tempfile::tempdir().unwrap();
    let (devnet, _) = start(folder.path()).await;
    for payload in [b"one".as_slice(), b"two", b"three"] {
        send(&devnet, payload).await.unwrap();
    }
    let bob = devnet.sender(2).unwrap();
    let application = devnet.info().application;
    let sent = bob.deposit_ether(application, U256::from(5), Bytes::new()).await.unwrap();
    devnet.wait_processed(sent.input.unwrap(), WITHIN).await.unwrap();

    let params = json!({"application": application, "limit": 2, "offset": 1, "descending": true});
    let page = ask(&devnet, "cartesi_listInputs", params).await.unwrap();
    assert_eq!(page["pagination"], json!({"total_count": 4, "limit": 2, "offset": 1}));
    let indices: Vec<&Value> =
        page["data"].as_array().unwrap().iter().map(|i| &i["index"]).collect();
    assert_eq!(indices, ["0x2", "0x1"]);
    assert_eq!(page["data"][0]["decoded_data"]["payload"], hex::encode_prefixed("three"));

    let portal = devnet.info().contracts.ether_portal;
    assert_eq!(list(&devnet, "Inputs", json!({"sender": portal})).await.len(), 1);
    assert_eq!(list(&devnet, "Outputs", json!({"output_type": "0x237a816f"})).await.len(), 1);
    assert_eq!(list(&devnet, "Outputs", json!({"output_type": "0xc258d6e5"})).await.len(), 4);
    let to_bob = list(&devnet, "Outputs", json!({"voucher_address": bob.address()})).await;
    assert_eq!(to_bob.len(), 1);
    assert_eq!(to_bob[0]["decoded_data"]["value"], "0x5");
    assert_eq!(list(&devnet, "Outputs", json!({"input_index": "0x3"})).await.len(), 2);
    assert_eq!(list(&devnet, "Reports", json!({"limit": 1})).await.len(), 1);

    let of = |key: &str, value: &str| json!({"application": "echo", key: value});
    let count = ask(&devnet, "cartesi_getProcessedInputCount", of("x", "")).await.unwrap();
    assert_eq!(count["data"], "0x4");
    assert_eq!(ask(&devnet, "cartesi_getChainId", Value::Null).await.unwrap()["data"], "0x7a69");
    assert!(ask(&devnet, "cartesi_getNodeVersion", json!({})).await.is_ok());
    assert!(ask(&devnet, "cartesi_getReport", of("report_index", "0x3")).await.is_ok());
    let epoch = list(&devnet, "Inputs", json!({})).await[0]["epoch_index"].clone();
    let epoch = of("epoch_index", epoch.as_str().unwrap());
    let epoch = ask(&devnet, "cartesi_getEpoch", epoch).await.unwrap();
    assert!(epoch["data"]["first_block"].is_string());

    let refused = [
        ("cartesi_getOutput", of("output_index", "0x63"), -32001),
        ("cartesi_getOutput", of("output_index", "5"), -32602),
        ("cartesi_listInputs", json!({"application": "another"}), -32001),
        ("cartesi_listInputs", json!({"application": Address::ZERO}), -32001),
        ("cartesi_listInputs", json!({"application": "No Name"}), -32602),
        ("cartesi_listEpochs", of("status", "SLEEPING"), -32602),
        ("cartesi_listOutputs", of("output_type", "0x12"), -32602),
        ("cartesi_getLastAcceptedEpochIndex", of("x", ""), -32001),
        ("cartesi_listPortals", of("x", ""), -32601),
    ];
    for (method, params, code) in refused {
        assert_eq!(ask(&devnet, method, params.clone()).await, Err(code), "{method} {params}");
    }
    devnet.wait_claimed(0, WITHIN).await.unwrap();
    assert!(ask(&devnet, "cartesi_getLastAcceptedEpochIndex", of("x", "")).await.is_ok());
    assert_eq!(inspect(&devnet, "another", "who?").await.0, 404);
    assert_eq!(inspect(&devnet, &application.to_string(), "who?").await.0, 200);
    devnet.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_second_devnet_on_the_same_folder_or_port_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let (devnet, said) = start(folder.path()).await;
    let again = Devnet::start(config(folder.path(), &said)).await.err().unwrap();
    assert!(again.to_string().contains("already runs"), "{again}");
    let other = tempfile::tempdir().unwrap();
    let mut config = config(other.path(), &said);
    config.ports.l1 = devnet.info().rpc_url.rsplit(':').next().unwrap().parse().unwrap();
    let taken = Devnet::start(config).await.err().unwrap();
    assert!(taken.to_string().contains("is in use"), "{taken}");
    devnet.shutdown().await.unwrap();
}
