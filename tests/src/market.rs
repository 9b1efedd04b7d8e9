//! A market for tests: a devnet and commands, each as a process of its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use client::{
    chain::{Chain, Contracts},
    ipfs::Store,
    node::Node,
    patience::Patience,
    printer::Printer,
    session::Session,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{fixture, program};

/// A running `deml devnet` with its own home.
pub struct Market {
    home: TempDir,
    options: Vec<String>,
    /// The devnet, unless whoever made this runs it.
    devnet: Option<Child>,
}

impl Market {
    /// Starts one with default options.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts one with these options of `deml devnet`.
    pub fn with(options: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let options: Vec<String> = options.iter().copied().map(str::to_owned).collect();
        let devnet = Some(devnet(home.path(), &options));
        Self { home, options, devnet }
    }

    /// Commands for a devnet that runs in the folder `deml/devnet` of this home.
    pub fn beside_devnet(home: TempDir) -> Self {
        Self { home, options: Vec::new(), devnet: None }
    }

    /// The commands' working and home folder.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The devnet's process.
    pub fn devnet_pid(&self) -> u32 {
        self.devnet.as_ref().unwrap().id()
    }

    /// Kills the devnet (SIGKILL) and starts another on the same folder.
    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.devnet = Some(devnet(self.home.path(), &self.options));
    }

    /// Kills the devnet, removes its folder, and starts another.
    pub fn reset(&mut self) {
        let anvil = self.devnet_file()["rpc_url"].as_str().unwrap().replace("http://", "");
        self.kill();
        // Its programs end a moment later, and write until then: anvil all of its state at last.
        let (folder, deadline) = (self.home.path().join("deml/devnet"), Instant::now());
        while TcpStream::connect(&anvil).is_ok() {
            assert!(deadline.elapsed() < Duration::from_secs(30), "{anvil} stays");
        }
        while fs::remove_dir_all(&folder).is_err() && folder.exists() {
            assert!(deadline.elapsed() < Duration::from_secs(30), "{folder:?} stays");
        }
        self.devnet = Some(devnet(self.home.path(), &self.options));
    }

    fn kill(&mut self) {
        if let Some(devnet) = &mut self.devnet {
            devnet.kill().unwrap();
            devnet.wait().unwrap();
        }
    }

    /// Runs `deml ARGUMENTS`.
    pub fn deml(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The command `deml ARGUMENTS`, not started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program("deml"));
        command.args(arguments).env("XDG_DATA_HOME", self.home.path());
        command.current_dir(self.home.path());
        command
    }

    /// Runs `deml ARGUMENTS`, which must exit with this code; returns its output.
    pub fn said(&self, arguments: &[&str], code: i32) -> String {
        let output = self.deml(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "deml {}: {said}", arguments.join(" "));
        assert!(!said.contains("panicked"), "{said}");
        said
    }

    /// Opens the health job and submits a model that earns its reward; returns the market's answer.
    pub fn play(&self) -> Value {
        answer(self.play_on())
    }

    /// As [`play`](Self::play), whatever the market makes of the model.
    pub fn play_on(&self) -> Output {
        self.ask(&with(&["--account", "1", "job", "open"], &open_job("2")));
        self.train_and_submit("2", "1")
    }

    /// Trains a model for job 0 with this seed and submits it.
    pub fn submit(&self, account: &str, seed: &str) -> Value {
        answer(self.train_and_submit(account, seed))
    }

    fn train_and_submit(&self, account: &str, seed: &str) -> Output {
        let data = fixture("health/client-a.csv");
        let train = ["train", "--job", "0", "--data", text(&data), "--out", "better.onnx"];
        let how = ["--epochs", "30", "--learning-rate", "0.01", "--seed", seed];
        self.ask(&[&train[..], &how].concat());
        let submit = ["--json", "--account", account, "submit", "--job", "0"];
        self.deml(&[&submit[..], &["--model", "better.onnx", "--data", text(&data)]].concat())
    }

    /// Mines blocks at once.
    pub fn mine(&self, blocks: u64) {
        self.ethereum("anvil_mine", serde_json::json!([format!("{blocks:#x}")]));
    }

    /// Advances the time of the chain, in seconds.
    pub fn advance(&self, seconds: u64) {
        self.ethereum("evm_increaseTime", serde_json::json!([seconds]));
        self.mine(1);
    }

    /// Runs `deml --json ARGUMENTS`, which must succeed, and parses its output.
    pub fn ask(&self, arguments: &[&str]) -> Value {
        answer(self.deml(&[&["--json"], arguments].concat()))
    }

    /// Runs `deml --json ARGUMENTS`, which must be refused, and returns the refusal's name.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output = self.deml(&[&["--json"], arguments].concat());
        let printer = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "deml {}: {printer}", arguments.join(" "));
        let refused: Value = serde_json::from_slice(&output.stdout).expect(&printer);
        refused["refused"].as_str().unwrap().to_owned()
    }

    /// A client of the devnet, in this process.
    pub fn session(&self) -> Session {
        let devnet = self.devnet_file();
        let text = |name: &str| devnet[name].as_str().unwrap();
        let contracts: Contracts = serde_json::from_value(devnet["contracts"].clone()).unwrap();
        let application = text("application").parse().unwrap();
        Session {
            chain: Chain::connect(text("rpc_url"), contracts).unwrap(),
            node: Node::connect(text("node_url"), text("inspect_url"), application).unwrap(),
            store: Store::Folder(self.home().join("blocks")),
            token: None,
            printer: Printer { json: false, quiet: true },
            patience: Patience { pause: Duration::from_millis(10), limit: Duration::from_secs(60) },
        }
    }

    /// The contents of the devnet's `devnet.json`.
    pub fn devnet_file(&self) -> Value {
        let path = self.home.path().join("deml/devnet/devnet.json");
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    /// Writes a file into the commands' folder.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.home.path().join(name), text).unwrap();
    }

    /// Waits until a command's answer satisfies a condition.
    pub fn wait_until(&self, command: &[&str], is_so: impl Fn(&Value) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let output = self.deml(&[&["--json"], command].concat());
            let shown: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            if is_so(&shown) {
                return;
            }
            assert!(Instant::now() < deadline, "{command:?} does not come to be so: {shown}");
        }
    }

    /// Calls a method of the devnet's Ethereum.
    pub fn ethereum(&self, method: &str, parameters: Value) -> Value {
        let url = self.devnet_file()["rpc_url"].as_str().unwrap().to_owned();
        json_rpc(&url, method, &parameters)
    }

    /// Sends a transaction as any wallet would, from one of the devnet's accounts, which are
    /// unlocked, and returns its receipt once mined.
    pub fn transact(&self, account: usize, to: &Value, value: u128, data: &str) -> Value {
        let from = &self.ethereum("eth_accounts", json!([]))[account];
        let value = format!("{value:#x}");
        let transaction = json!({ "from": from, "to": to, "value": value, "data": data });
        let hash = self.ethereum("eth_sendTransaction", json!([transaction]));
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let receipt = self.ethereum("eth_getTransactionReceipt", json!([hash]));
            if !receipt.is_null() {
                assert_eq!(receipt["status"], "0x1", "{receipt}");
                return receipt;
            }
            assert!(Instant::now() < deadline, "no block takes {transaction}");
        }
    }

    /// Sends a signal, as `kill` names it, to the devnet's process; its anvil goes on.
    pub fn signal(&self, signal: &str) {
        let devnet = self.devnet_pid().to_string();
        assert!(Command::new("kill").args([signal, &devnet]).status().unwrap().success());
    }
}

impl Drop for Market {
    fn drop(&mut self) {
        if let Some(devnet) = &mut self.devnet {
            devnet.kill().ok();
            devnet.wait().ok();
        }
    }
}

/// What a command that must have succeeded has printed.
fn answer(output: Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn devnet(home: &Path, options: &[String]) -> Child {
    let ports = ["--l1-port", "0", "--node-port", "0", "--inspect-port", "0"];
    let mut child = Command::new(program("deml"))
        .arg("devnet")
        .args(ports)
        .args(options)
        .env("XDG_DATA_HOME", home)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It prints its addresses once it is ready.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.find(|line| line.as_ref().is_ok_and(|line| line.starts_with("TestToken")));
    assert!(ready.is_some(), "the devnet ended before it was ready");
    child
}

/// Calls a method of a JSON-RPC server, which must succeed.
pub fn json_rpc(url: &str, method: &str, parameters: &Value) -> Value {
    let body = serde_json::json!({
        "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters,
    });
    let answer = post(url, &body);
    assert!(answer["error"].is_null(), "{method}: {answer}");
    answer["result"].clone()
}

/// Posts JSON to a server, and returns the JSON response.
pub fn post(url: &str, body: &Value) -> Value {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = client::http::client(Duration::from_secs(30)).unwrap();
        let answer = client.post(url).json(body).send().await.unwrap();
        answer.json().await.unwrap()
    })
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The salt of jobs whose names must be known before they open.
pub const SALT: &str = "0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";

/// Terms of a sealed job on handwritten digits: a prize of one Ether, and this many miners.
pub fn sealed_terms(miners: u32) -> String {
    let [base, slice, hold_out] =
        ["digits/torch-base.onnx", "digits/client-a.safetensors", "digits/holdout.safetensors"]
            .map(fixture);
    let evaluators = match miners {
        0 => String::new(),
        miners => format!("[evaluators]\nminers = {miners}\nattest = \"2h\"\n"),
    };
    format!(
        "title = \"Digits\"\nclose = \"2h\"\nplaces = 4\n\
         [offer]\nbase = {base:?}\npublic-slice = {slice:?}\nhold-out = {hold_out:?}\n\
         [sealing]\nsealed = true\nreveal = \"2h\"\n\
         {evaluators}\
         [award]\nprize = \"1ether\"\n"
    )
}

/// The arguments that open the health job.
pub fn open_job(rewards: &str) -> Vec<String> {
    let (base, hold_out): (PathBuf, PathBuf) =
        (fixture("health/sklearn-base.onnx"), fixture("health/holdout.safetensors"));
    let arguments = [
        "--title",
        "Health",
        "--base",
        text(&base),
        "--hold-out",
        text(&hold_out),
        "--metric",
        "accuracy",
        "--reward",
        "0.5ether",
        "--rewards",
        rewards,
        "--min-gain",
        "5%",
        "--close",
        "2h",
    ];
    arguments.map(str::to_owned).to_vec()
}

/// Concatenates arguments.
pub fn with<'a>(first: &[&'a str], rest: &'a [String]) -> Vec<&'a str> {
    first.iter().copied().chain(rest.iter().map(String::as_str)).collect()
}

/// Calldata of a function with an address and bytes, as `cartesi` encodes it.
pub fn call(selector: &str, application: &Value, data: &str) -> String {
    let data = data.trim_start_matches("0x");
    let application = application.as_str().unwrap().trim_start_matches("0x");
    let padding = (64 - data.len() % 64) % 64;
    let (length, zeros) = (data.len() / 2, "0".repeat(padding));
    format!("{selector}{application:0>64}{:064x}{length:064x}{data}{zeros}", 64)
}

/// Deposits Ether with a command attached, from one of the devnet's accounts:
/// `depositEther(address,bytes)`.
pub fn deposit(market: &Market, account: usize, value: u128, calldata: &Value) {
    let file = market.devnet_file();
    let data = call("0x938c054f", &file["application"], payload(calldata));
    market.transact(account, &file["contracts"]["ether_portal"], value, &data);
}

/// Sends a command from one of the devnet's accounts: `addInput(address,bytes)`.
pub fn input(market: &Market, account: usize, calldata: &Value) {
    let file = market.devnet_file();
    let data = call("0x1789cd63", &file["application"], payload(calldata));
    market.transact(account, &file["contracts"]["input_box"], 0, &data);
}

/// The first payload that a command with `--calldata` prints: a deposit's or an input's.
pub fn payload(calldata: &Value) -> &str {
    let riding = calldata.pointer("/deposit/exec_layer_data");
    riding.unwrap_or(&calldata["payloads"][0]).as_str().unwrap()
}
