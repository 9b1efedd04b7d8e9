//! The page in a real browser, on a real market, with wallets that sign through anvil.
//!
//! Its pictures are in `target/tmp/page`. Chromium is Debian's, and playwright comes from npm.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use deml_tests::{
    fixture,
    market::{Market, open_job, text, with},
};

#[test]
fn the_page_is_used_by_everyone_and_by_a_client() {
    let chromium = chromium();
    let market = Market::start();
    play(&market);
    let (page, url) = serve(&market);
    let devnet = market.devnet_file();
    let [ethereum, token] = ["/rpc_url", "/extra/TestToken"]
        .map(|place| devnet.pointer(place).unwrap().as_str().unwrap().to_owned());
    let client = market.ethereum("eth_accounts", serde_json::json!([]))[2].clone();
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    fs::create_dir_all(&pictures).unwrap();
    let mut browser = Browser::start(&[
        text(&chromium),
        &url,
        &ethereum,
        &token,
        client.as_str().unwrap(),
        text(&pictures),
    ]);
    let mut page = Some(page);
    loop {
        match browser.asks().as_str() {
            "stop-node" => market.signal("-STOP"),
            "start-node" => market.signal("-CONT"),
            "end-page" => drop(page.take()),
            "seen" => break,
            other => panic!("the browser's test failed: {other:?}"),
        }
        browser.goes_on();
    }
}

#[test]
fn the_page_s_types_fit() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../frontend-cli/dashboard");
    run(Command::new("npm").args(["ci", "--prefer-offline"]).current_dir(&folder));
    run(Command::new("npm").args(["run", "check"]).current_dir(&folder));
}

/// Opens a job, submits a model that earns a reward and one that does not, and has the reward's
/// voucher proven.
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
}

/// A running `deml dashboard`, which ends when dropped.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn serve(market: &Market) -> (Served, String) {
    let arguments = ["--json", "--patience", "4s", "dashboard", "--listen", "127.0.0.1:0"];
    let mut child = market.command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let url = stdout.lines().map_while(Result::ok).find(|line| line.contains("\"url\""));
    let url = url.expect("deml dashboard ended without an address");
    (Served(child), url.split('"').nth(3).unwrap().to_owned())
}

/// The browser's test, `play.mjs`; it ends when dropped.
struct Browser {
    child: Child,
    answers: ChildStdin,
    asked: BufReader<ChildStdout>,
}

impl Browser {
    fn start(arguments: &[&str]) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
        run(Command::new("npm").args(["ci", "--prefer-offline"]).current_dir(&folder));
        let mut node = Command::new("node");
        node.arg("play.mjs").args(arguments).current_dir(&folder);
        let mut child = node.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (answers, asked) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, answers, asked: BufReader::new(asked) }
    }

    /// The next line that it prints; empty if it has ended.
    fn asks(&mut self) -> String {
        let mut line = String::new();
        self.asked.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    fn goes_on(&mut self) {
        writeln!(self.answers).unwrap();
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
fn chromium() -> PathBuf {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut paths = std::env::split_paths(&folders).map(|folder| folder.join("chromium"));
    paths
        .find(|path| path.is_file())
        .expect("Chromium is missing: install it, on Debian with `apt-get install chromium`")
}

fn run(command: &mut Command) {
    let output = command.output().expect("npm is missing: install Node.js 20 or newer");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}
