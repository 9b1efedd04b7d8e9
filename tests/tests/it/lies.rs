//! Sealed jobs whose miners lie, as seen by users: the machine evaluates any model that was
//! prepaid, and samples rows if it cannot evaluate all.

use std::{
    fs,
    io::{BufRead as _, BufReader, Lines},
    process::{Child, ChildStdout, Stdio},
};

use deml_tests::{
    fixture,
    liar::{Liar, first_job, honest},
    market::{Market, sealed_terms, text},
};
use market::{Attestation, JobId, Metric, Results, Score};
use serde_json::{Value, json};

const BASE: &str = "digits/torch-base.onnx";
const BEST: &str = "digits/torch-trained.onnx";
const OTHER: &str = "digits/sklearn-trained.onnx";
const HOLD_OUT: &str = "digits/holdout.safetensors";

/// Length of each window, in seconds.
const WINDOW: u64 = 7_200;

/// A closed sealed job with a prize and two submissions, of accounts 2 and 3, before the seats
/// are drawn.
fn contest(market: &Market, miners: u32, evaluators: &str, enlist: impl FnOnce()) {
    let terms = sealed_terms(miners);
    let terms =
        terms.replace("[award]", &format!("miner-bond = \"0.1ether\"\n{evaluators}[award]"));
    market.write("terms.toml", &terms);
    market.ask(&["--account", "1", "job", "open", "--terms", "terms.toml"]);
    for (account, model) in [("2", BEST), ("3", OTHER)] {
        let model = fixture(model);
        let submit = ["--account", account, "submit", "--job", "0", "--model", text(&model)];
        market.ask(&submit);
    }
    enlist();
    market.advance(WINDOW);
}

fn reveal_all(market: &Market) {
    for account in ["1", "2", "3"] {
        market.ask(&["--account", account, "job", "reveal", "0"]);
    }
    market.advance(WINDOW);
    market.ask(&["--account", "7", "job", "settle", "0"]);
}

fn enlist(market: &Market, accounts: &[&str]) {
    for account in accounts {
        let mine = ["--account", account, "mine", "--job", "0", "--deposit", "1ether", "--once"];
        assert_eq!(market.ask(&mine)["deeds"][0]["deed"], "enlisted");
    }
}

/// Evaluates and settles as far as possible, as anyone may; returns the job's result.
fn judge(market: &Market) -> Value {
    let settle = ["--account", "7", "job", "settle", "0"];
    market.ask(&settle);
    for what in [&["--base-on-hold-out"][..], &["--submission", "0"], &["--submission", "1"]] {
        let evaluate = [&["--json", "--account", "7", "job", "evaluate", "0"][..], what].concat();
        // Some evaluations were finished by earlier ones.
        market.deml(&evaluate);
    }
    market.deml(&settle);
    let shown = market.ask(&["job", "show", "0"]);
    assert_eq!(shown["stage"], "settled", "{shown:#}");
    shown
}

/// The offence of each seat, by the miner's address in lower case.
fn offences(liar: &Liar, job: JobId) -> Vec<(String, Value)> {
    let seats = liar.inspect(&format!("jobs/{job}/seats"));
    let seats = seats["seats"].as_array().unwrap().clone().into_iter();
    let miner = |seat: &Value| seat["miner"].as_str().unwrap().to_lowercase();
    seats.map(|seat| (miner(&seat), seat["offence"].clone())).collect()
}

/// The address of one of the devnet's accounts.
fn address(account: usize) -> String {
    client::chain::dev_account(account).unwrap().address().to_string().to_lowercase()
}

#[test]
fn miners_who_all_lie_alike_lose_their_bonds_and_the_lie_does_not_win() {
    let market = Market::start();
    contest(&market, 2, "", || enlist(&market, &["5", "6"]));
    reveal_all(&market);
    // All seats underrate the best model, and overrate the other one.
    let made_up = [100_000, 990_000].map(|score| Attestation {
        score: Score(score),
        threshold_score: Score(50_000),
        results: blobs::Digest::of(b"made up"),
    });
    let (job, liars) = (first_job(&market), [5, 6].map(|account| Liar::new(&market, account)));
    liars.iter().for_each(|liar| liar.attest(job, 0, &made_up));
    market.advance(WINDOW);
    liars.iter().for_each(|liar| liar.reveal(job, 0, &made_up, Vec::new()));
    market.advance(WINDOW);
    let ended = judge(&market);
    assert_eq!(ended["decision"]["winner"], 0, "{ended:#}");
    let hold_out = fs::read(fixture(HOLD_OUT)).unwrap();
    let (found, _) = honest(&fs::read(fixture(BEST)).unwrap(), &hold_out);
    assert_eq!(ended["best"]["scores"]["score"], found.score.0);
    for (miner, offence) in offences(&liars[0], job) {
        assert_eq!(offence, "wrong", "{miner}");
    }
    assert_eq!(market.ask(&["audit"])["verdict"], "holds");
}

/// A `deml mine` that runs until it is dropped.
struct Daemon {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Daemon {
    fn start(market: &Market, account: &str) -> Self {
        let mut command = market.command(&["--json", "--account", account, "mine", "--job", "0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Waits until it has reported this deed so many times.
    fn until(&mut self, deed: &str, times: usize) {
        let said = self.lines.by_ref().filter_map(Result::ok);
        let done = said.filter(|line| line.contains(deed)).take(times).count();
        assert_eq!(done, times, "the miner ended before it had {deed}");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn rows_that_are_drawn_decide_where_only_miners_evaluate() {
    let market = Market::start();
    let mut daemons = Vec::new();
    contest(&market, 3, "sample-rows = 40\n", || {
        enlist(&market, &["4", "5", "6"]);
        daemons.extend(["4", "5"].map(|account| Daemon::start(&market, account)));
    });
    reveal_all(&market);
    // The base model and both submissions are a page each. The liar calls the second worthless.
    let files = [BASE, BEST, OTHER].map(|name| fs::read(fixture(name)).unwrap());
    let hold_out = fs::read(fixture(HOLD_OUT)).unwrap();
    let mut says = files.map(|model| honest(&model, &hold_out));
    let rows = says[2].1.rows();
    let none = vec![0; says[2].1.to_bytes().len()];
    let worthless = Results::from_bytes(Metric::Accuracy, rows, &none).unwrap();
    let threshold_score = Score(0);
    says[2] =
        (Attestation { score: Score(0), threshold_score, results: worthless.digest() }, worthless);
    let (job, liar) = (first_job(&market), Liar::new(&market, 6));
    for (page, (said, _)) in (0..).zip(&says) {
        liar.attest(job, page, &[*said]);
    }
    daemons.iter_mut().for_each(|daemon| daemon.until("attested", 3));
    market.advance(WINDOW);
    for (page, (said, results)) in (0..).zip(&says) {
        liar.reveal(job, page, &[*said], results.to_bytes());
    }
    daemons.iter_mut().for_each(|daemon| daemon.until("revealed", 3));
    market.advance(WINDOW);
    let ended = judge(&market);
    assert_eq!(ended["decision"]["winner"], 0, "{ended:#}");
    for (miner, offence) in offences(&liar, job) {
        let expected = if miner == address(6) { json!("wrong") } else { Value::Null };
        assert_eq!(offence, expected, "{miner}");
    }
    assert_eq!(market.ask(&["audit"])["verdict"], "holds");
}
