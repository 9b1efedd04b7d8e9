//! The page in a real browser, on a real market, with wallets that sign through anvil.
//!
//! Its pictures are in `target/tmp/page`. Chromium is Debian's, and playwright comes from npm.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::OnceLock,
};

use deml_tests::{
    faulty::{Fault, Proxy},
    fixture,
    market::{Market, open_job, sealed_terms, text, with},
};
use serde_json::{Value, json};

#[test]
fn the_page_is_used_by_everyone_and_by_a_client() {
    let chromium = chromium();
    let market = Market::start();
    play(&market);
    let (page, url) = serve(&market, &[]);
    let file = market.devnet_file();
    let proxy = |name: &str| Proxy::start(file[name].as_str().unwrap()).unwrap();
    let (inspect, node) = (proxy("inspect_url"), proxy("node_url"));
    let urls = [inspect.url(), node.url()];
    let (_liar, liar) = serve(&market, &["--inspect-url", &urls[0], "--node-url", &urls[1]]);
    let (model, score, bundle) = other_model(&market);
    let devnet = market.devnet_file();
    let [ethereum, token] = ["/rpc_url", "/extra/TestToken"]
        .map(|place| devnet.pointer(place).unwrap().as_str().unwrap().to_owned());
    let client = market.ethereum("eth_accounts", json!([]))[2].clone();
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    fs::create_dir_all(&pictures).unwrap();
    let mut browser = Browser::start(
        "play.mjs",
        &[
            text(&chromium),
            &url,
            &ethereum,
            &token,
            client.as_str().unwrap(),
            text(&pictures),
            &liar,
            text(&model),
            &score,
            text(&bundle),
            text(&fixture("digits/torch-trained.onnx")),
        ],
    );
    let mut page = Some(page);
    loop {
        match browser.asks().as_str() {
            "stop-node" => market.signal("-STOP"),
            "start-node" => market.signal("-CONT"),
            "end-page" => drop(page.take()),
            "mine" => market.mine(12),
            "close" => market.advance(2 * 60 * 60),
            "lie-about-jobs" => {
                inspect.tell("/inspect", Fault::change(|_, answer| more_paid(answer)))
            }
            "lie-about-outputs" => {
                node.tell("cartesi_listOutputs", Fault::change(|_, answer| flip(answer)))
            }
            "seen" => break,
            other => panic!("the browser's test failed: {other:?}"),
        }
        browser.goes_on();
    }
}

/// All that a browser could load but WebAssembly takes no more than the first load may.
#[test]
fn the_page_s_types_fit_and_it_is_small() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../frontend-cli/dashboard");
    run(Command::new("npm").args(["ci", "--prefer-offline"]).current_dir(&folder));
    run(Command::new("npm").args(["run", "check"]).current_dir(&folder));
    let built = tempfile::tempdir().unwrap();
    let build = ["run", "build", "--", "--logLevel", "error", "--outDir", text(built.path())];
    run(Command::new("npm").args(build).current_dir(&folder));
    let size = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/size.mjs");
    let output = Command::new("node").arg(size).arg(built.path()).output().unwrap();
    let bytes: u32 = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap();
    assert!((1..=300_000).contains(&bytes), "the page's files have {bytes} bytes, compressed");
}

/// Opens a job, submits a model that earns a reward and one that does not, has the reward's voucher
/// proven, and opens a sealed job.
fn play(market: &Market) {
    let mut job = open_job("2");
    *job.iter_mut().find(|argument| *argument == "Health").unwrap() = "<i>Health</i>".to_owned();
    market.ask(&with(&["--account", "1", "job", "open"], &job));
    market.submit("2", "1");
    let [model, data] = ["health/torch-base.onnx", "health/client-a.csv"].map(fixture);
    let submit = ["--account", "3", "submit", "--job", "0", "--force", "--model", text(&model)];
    market.said(&[&submit[..], &["--data", text(&data)]].concat(), 1);
    market.mine(12);
    market
        .wait_until(&["--account", "2", "balance"], |held| held["vouchers"][0]["state"] == "ready");
    market.write("sealed.toml", &sealed_terms(0));
    market.ask(&["--account", "1", "job", "open", "--terms", "sealed.toml"]);
}

/// A model that earns the other reward: its file, its score in parts per million, and a bundle of
/// what the first one earned.
fn other_model(market: &Market) -> (PathBuf, String, PathBuf) {
    let data = fixture("health/client-a.csv");
    let train = ["train", "--job", "0", "--data", text(&data), "--out", "other.onnx"];
    market
        .ask(&[&train[..], &["--epochs", "40", "--learning-rate", "0.01", "--seed", "9"]].concat());
    let model = market.home().join("other.onnx");
    let scored = market.ask(&["score", "--job", "0", "--model", text(&model)]);
    let bundle = market.home().join("bundle.json");
    market.said(&["proof", "job", "0", "--out", text(&bundle)], 0);
    (model, scored["score"].to_string(), bundle)
}

/// A node's answer about a job, with one payout more than there was.
fn more_paid(answer: &mut Value) {
    let Some(payload) = answer["reports"][0]["payload"].as_str() else { return };
    let bytes = alloy::hex::decode(payload.trim_start_matches("0x")).unwrap();
    let mut view: Value = serde_json::from_slice(&bytes).unwrap();
    if let Some(payouts) = view["payouts"].as_u64() {
        view["payouts"] = json!(payouts + 1);
        let payload = format!("0x{}", alloy::hex::encode(view.to_string()));
        answer["reports"][0]["payload"] = json!(payload);
    }
}

/// A node's answer about outputs, with another last byte of the first.
fn flip(answer: &mut Value) {
    let first = &mut answer["result"]["data"][0];
    if first["index"] == "0x0" {
        let raw = first["raw_data"].as_str().unwrap();
        let last = if raw.ends_with('1') { '2' } else { '1' };
        first["raw_data"] = json!(format!("{}{last}", &raw[..raw.len() - 1]));
    }
}

/// A running `deml dashboard`, which ends when dropped.
pub(crate) struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

pub(crate) fn serve(market: &Market, urls: &[&str]) -> (Served, String) {
    let arguments = ["--json", "--patience", "4s", "dashboard", "--listen", "127.0.0.1:0"];
    let mut child =
        market.command(&[&arguments[..], urls].concat()).stdout(Stdio::piped()).spawn().unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let url = stdout.lines().map_while(Result::ok).find(|line| line.contains("\"url\""));
    let url = url.expect("deml dashboard ended without an address");
    (Served(child), url.split('"').nth(3).unwrap().to_owned())
}

/// A browser's test, a script of `tests/browser`; it ends when dropped.
pub(crate) struct Browser {
    child: Child,
    answers: ChildStdin,
    asked: BufReader<ChildStdout>,
}

impl Browser {
    pub(crate) fn start(script: &str, arguments: &[&str]) -> Self {
        let folder = scripts();
        let mut node = Command::new("node");
        node.arg(script).args(arguments).current_dir(folder);
        let mut child = node.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (answers, asked) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, answers, asked: BufReader::new(asked) }
    }

    /// The next line that it prints; empty if it has ended.
    pub(crate) fn asks(&mut self) -> String {
        let mut line = String::new();
        self.asked.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    pub(crate) fn goes_on(&mut self) {
        self.told("");
    }

    /// Goes on with this answer.
    pub(crate) fn told(&mut self, answer: &str) {
        writeln!(self.answers, "{answer}").unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Chromium on this computer, which `cargo ci` installs where it may.
///
/// - Panics: it is missing
pub(crate) fn chromium() -> PathBuf {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut paths = std::env::split_paths(&folders).map(|folder| folder.join("chromium"));
    paths
        .find(|path| path.is_file())
        .expect("Chromium is missing: install it, on Debian with `apt-get install chromium`")
}

/// The folder of the browser's tests, with what they need from npm; installed once for all of them.
pub(crate) fn scripts() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
        run(Command::new("npm").args(["ci", "--prefer-offline"]).current_dir(&folder));
        folder
    })
}

fn run(command: &mut Command) {
    let output = command.output().expect("npm is missing: install Node.js 20 or newer");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}
