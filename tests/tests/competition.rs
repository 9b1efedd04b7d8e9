//! Competitions, as a user plays them: the demo both ways, and the commands one by one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use deml_tests::{
    faulty::{Fault, Proxy},
    fixture,
    market::{Market, text},
    program,
};
use serde_json::{Value, json};

/// A whole test token.
const WHOLE: i128 = 1_000_000_000_000_000_000;

fn demo(arguments: &[&str]) -> Value {
    let mut command = Command::new(program("deml"));
    let output = command.args(["--json", "demo", "competition"]).args(arguments).output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{talk}");
    assert!(talk.contains("WrongCommitment"), "the copier's key was not refused: {talk}");
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["solvent"], true);
    result
}

/// What everybody's wallet gained, by name; all of it together is nothing.
fn changes(result: &Value) -> BTreeMap<String, i128> {
    let number = |value: &Value| value.as_str().unwrap().parse::<i128>().unwrap();
    let wallets = result["wallets"].as_array().unwrap().iter();
    let changes = wallets.map(|wallet| {
        let change = number(&wallet["after"]) - number(&wallet["before"]);
        (wallet["role"].as_str().unwrap().to_owned(), change)
    });
    let changes: BTreeMap<_, _> = changes.collect();
    assert_eq!(changes.len(), 13);
    assert_eq!(changes.values().sum::<i128>(), 0, "what some lost, others have: {changes:?}");
    changes
}

#[test]
fn who_is_honest_is_paid_and_who_cheats_pays() {
    let result = demo(&[]);
    let changes = changes(&result);
    // Prize and pool.
    assert_eq!(changes["sponsor"], -1_200 * WHOLE);
    // Buy-in and bond of those who did not reveal, the buy-in of a copy, the bonds of liars.
    for (who, lost) in
        [("copier", 200), ("forgetful", 200), ("ada again", 100), ("liar 6", 100), ("liar 7", 100)]
    {
        assert_eq!(changes[who], -lost * WHOLE, "{who}");
    }
    // A fifth of the pool and of three buy-ins, and of two bonds.
    for miner in (1..=5).map(|number| format!("miner {number}")) {
        assert_eq!(changes[&miner], 140 * WHOLE, "{miner}");
    }
    let decision = &result["board"]["decision"];
    assert_eq!(decision["outcome"], "won");
    let winners = decision["winners"].as_array().unwrap();
    assert!(winners.iter().all(|entry| entry == 0 || entry == 1), "{winners:?}");
    // The prize and what those who did not reveal have lost, less the winners' own buy-ins.
    let paid = changes["ada"] + changes["ben"];
    assert_eq!(paid, (1_000 + 2 * 200 - 2 * 100) * WHOLE);
    let copy = &result["board"]["entries"][3]["model"]["refusal"];
    assert_eq!(copy["refused"], "Copy", "{copy}");
    let miners = result["miners"].as_array().unwrap().iter();
    let offences: Vec<_> = miners.filter(|miner| !miner["offence"].is_null()).collect();
    assert_eq!(offences.len(), 2, "{offences:?}");
    assert!(!result["test"].as_array().unwrap().is_empty(), "no test was made");
    let verdicts = verdicts(&result);
    let [ada, ben] = [result["board"]["ranking"][0].clone(), result["board"]["ranking"][1].clone()];
    assert_eq!(verdicts["ada"], ("accepted".to_owned(), scored(&[&ada, &ben], 0)));
    assert_eq!(verdicts["ben"], ("accepted".to_owned(), scored(&[&ada, &ben], 1)));
    assert_eq!(verdicts["ada again"].0, "Copy");
    for who in ["copier", "forgetful"] {
        assert_eq!(verdicts[who], ("NotRevealed".to_owned(), Value::Null), "{who}");
    }
    assert!(result["dapp_peak_bytes"].as_u64().unwrap() > 1 << 20, "{}", result["dapp_peak_bytes"]);
    assert_eq!((&result["replayed"], &result["is_dapp_emulated"]), (&Value::Null, &json!(false)));
}

/// The score of an entry in the ranking.
fn scored(ranking: &[&Value], entry: u32) -> Value {
    let line = ranking.iter().find(|line| line["entry"] == entry);
    line.unwrap()["score"].clone()
}

/// What became of each submission, by its client: the verdict, and the score.
fn verdicts(result: &Value) -> BTreeMap<String, (String, Value)> {
    let submissions = result["submissions"].as_array().unwrap().iter();
    let lines = submissions.map(|line| {
        assert!(line["gas"].as_u64().unwrap() > 100_000, "{line}");
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        assert!(text("model_cid").starts_with("bafkrei"), "{line}");
        (text("client"), (text("verdict"), line["score"].clone()))
    });
    lines.collect()
}

#[test]
fn a_sponsor_who_never_reveals_loses_prize_and_pool_to_those_who_did() {
    let result = demo(&["--silent-sponsor"]);
    let changes = changes(&result);
    assert_eq!(result["board"]["decision"]["outcome"], "sponsor_failed");
    assert_eq!(changes["sponsor"], -1_200 * WHOLE);
    // Prize, pool, and what two others have lost, among three who have their buy-ins back.
    let revealed = ["ada", "ben", "ada again"].map(|who| changes[who]);
    assert_eq!(verdicts(&result)["ada"], ("NotJudged".to_owned(), Value::Null));
    assert_eq!(revealed.iter().sum::<i128>(), 1_600 * WHOLE);
    assert!(revealed.iter().all(|gain| gain.abs_diff(1_600 * WHOLE / 3) <= 1), "{revealed:?}");
    for miner in (1..=5).map(|number| format!("miner {number}")) {
        assert_eq!(changes[&miner], 0, "{miner}");
    }
}

fn number(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

/// The devnet's Ethereum, with the first block of each question for events.
fn watched(market: &Market) -> (Proxy, Arc<Mutex<Vec<u64>>>) {
    let proxy = Proxy::start(market.devnet_file()["rpc_url"].as_str().unwrap()).unwrap();
    let first_blocks = Arc::<Mutex<Vec<u64>>>::default();
    let noted = Arc::clone(&first_blocks);
    let note = Fault::change(move |question, _| {
        noted.lock().unwrap().push(number(&question["params"][0]["fromBlock"]));
    });
    proxy.tell("eth_getLogs", note);
    (proxy, first_blocks)
}

fn open(market: &Market) {
    let [base, slice, hold_out] =
        ["digits/torch-base.onnx", "digits/client-a.safetensors", "digits/holdout.safetensors"]
            .map(fixture);
    let terms = format!(
        "title = \"Digits\"\nbase = {base:?}\npublic-slice = {slice:?}\nhold-out = {hold_out:?}\n\
         prize = \"1ether\"\nminers = 1\nclose = \"2h\"\nreveal = \"2h\"\nattest = \"2h\"\n"
    );
    fs::write(market.home().join("terms.toml"), terms).unwrap();
    let open = ["--account", "1", "competition", "open", "--terms", "terms.toml"];
    assert_eq!(market.ask(&open)["job"], 0);
}

#[test]
fn a_miner_that_is_killed_goes_on_and_keys_are_where_they_were_made() {
    let market = Market::start();
    open(&market);
    let model = fixture("digits/torch-trained.onnx");
    let enter = ["--account", "2", "competition", "enter", "0", "--model", text(&model)];
    assert_eq!(market.ask(&enter)["entry"], 0);
    assert_eq!(market.refused(&enter), "AlreadyEntered");
    let mine = ["--account", "3", "mine", "--job", "0", "--once"];
    assert_eq!(market.ask(&mine)["deeds"][0]["deed"], "enlisted");
    assert_eq!(market.ask(&["job", "list"])["items"][0]["kind"], "competition");

    let reveal = ["--account", "2", "competition", "reveal", "0"];
    assert_eq!(market.refused(&reveal), "NotYet");
    market.advance(7_200);
    assert_eq!(market.ask(&mine)["deeds"][0]["deed"], "settled", "the seat is drawn");
    let due = market.said(&["--account", "2", "deposit", "1wei"], 0);
    assert!(due.contains("due: `deml competition reveal 0`"), "{due}");
    market.ask(&["--account", "1", "competition", "reveal", "0", "--wait"]);
    market.ask(&reveal);
    assert_eq!(market.refused(&reveal), "AlreadyRevealed");
    // Another account, and another computer, have no key.
    let said = market.said(&["--account", "4", "competition", "reveal", "0"], 1);
    assert!(said.contains("NotEntered"), "{said}");
    fs::rename(market.home().join("deml/vaults"), market.home().join("deml/away")).unwrap();
    let said = market.said(&reveal, 2);
    assert!(said.contains("is not on this computer"), "{said}");
    fs::rename(market.home().join("deml/away"), market.home().join("deml/vaults")).unwrap();

    market.advance(7_200);
    let mut daemon = market
        .command(&["--json", "--account", "3", "mine", "--job", "0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(daemon.stdout.take().unwrap()).lines();
    let attested = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("attested")));
    // As hard as can be, in the middle of what comes after.
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    assert!(attested.is_some(), "the miner ended before it attested");

    // Another one goes on with what was committed to, and reads no block that is long settled.
    market.mine(500);
    let earlier = market.ethereum("eth_blockNumber", json!([]));
    assert_eq!(market.ask(&mine)["deeds"], json!([]), "nothing is committed to twice");
    market.advance(7_200);
    let (proxy, first_blocks) = watched(&market);
    let mined = market.ask(&[&mine[..], &["--rpc-url", &proxy.url()]].concat());
    assert_eq!(mined["deeds"][0]["deed"], "unveiled");
    let first = first_blocks.lock().unwrap().iter().min().copied();
    let [first, earlier] = [first.unwrap(), number(&earlier)];
    assert!(first + 100 > earlier, "read again from block {first} on, not {earlier}");
    market.advance(2 * 7_200);
    let mined = market.ask(&mine);
    assert_eq!(mined["deeds"][0]["deed"], "settled", "{mined}");
    // The pool, and one buy-in.
    assert_eq!(mined["earned"][0]["amount"], "300000000000000000");
    let board = market.ask(&["competition", "board", "0"]);
    assert_eq!(board["decision"]["winners"], json!([0]));
    assert_eq!(market.ask(&["competition", "show", "0"])["stage"], "settled");
}
