//! Sealed jobs with miners and a prize, as a user runs them: both variants of the demo, and
//! the commands one by one.

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
    market::{Market, sealed_terms, text},
    program,
};
use serde_json::{Value, json};

/// One whole test token.
const WHOLE: i128 = 1_000_000_000_000_000_000;

fn demo(arguments: &[&str]) -> Value {
    let mut command = Command::new(program("deml"));
    let output = command.args(["--json", "demo", "competition"]).args(arguments).output().unwrap();
    let printer = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printer}");
    assert!(printer.contains("wrong commitment"), "the copier's key was not refused: {printer}");
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["solvent"], true);
    result
}

/// The change of a wallet and its explanation.
#[derive(Clone, Copy, Debug)]
struct Wallet {
    change: i128,
    rewards: i128,
    work: i128,
    fees: i128,
}

/// All wallets, by name; the changes sum to zero.
fn wallets(result: &Value) -> BTreeMap<String, Wallet> {
    let number = |value: &Value| value.as_str().unwrap().parse::<i128>().unwrap();
    let wallets = result["wallets"].as_array().unwrap().iter();
    let wallets = wallets.map(|line| {
        let [change, rewards, work, fees] = [
            number(&line["after"]) - number(&line["before"]),
            number(&line["rewards"]),
            number(&line["work"]),
            number(&line["fees"]),
        ];
        assert_eq!(change, rewards + work + fees, "{line}");
        (line["role"].as_str().unwrap().to_owned(), Wallet { change, rewards, work, fees })
    });
    let wallets: BTreeMap<_, _> = wallets.collect();
    // Thirteen participants, the operator and the sink.
    assert_eq!(wallets.len(), 15);
    let sum: i128 = wallets.values().map(|wallet| wallet.change).sum();
    assert_eq!(sum, 0, "what some lost, others have: {wallets:?}");
    wallets
}

/// A bound above place bonds of small models, work and rent, and below all other stakes.
const LITTLE: i128 = WHOLE / 10;

/// Whether an amount is close to this many whole tokens.
fn is_about(amount: i128, whole: i128) -> bool {
    (amount - whole * WHOLE).abs() < LITTLE
}

#[test]
fn who_is_honest_is_paid_and_who_cheats_pays() {
    let result = demo(&[]);
    let wallets = wallets(&result);
    // One account gets the whole prize.
    let decision = &result["decision"];
    assert_eq!(decision["outcome"], "won");
    let winner = ["ada", "ben"][usize::try_from(decision["winner"].as_u64().unwrap()).unwrap()];
    assert_eq!(wallets["sponsor"].rewards, -1_000 * WHOLE);
    assert_eq!(wallets[winner].rewards, 1_000 * WHOLE);
    // The pool; then everybody's buy-ins.
    assert!(is_about(wallets["sponsor"].fees, -200), "{:?}", wallets["sponsor"]);
    for who in ["ada", "ben", "ada again"] {
        assert!(is_about(wallets[who].fees, -100), "{who}: {:?}", wallets[who]);
    }
    // Those who did not reveal still pay miners, and forfeit the place bond to nobody.
    for who in ["copier", "forgetful"] {
        let lost = wallets[who].fees;
        assert!(lost < -100 * WHOLE && is_about(lost, -100), "{who}: {:?}", wallets[who]);
    }
    // Liars lose the bond; the others share pool, buy-ins and the rest of two bonds.
    for liar in ["liar 6", "liar 7"] {
        assert_eq!(wallets[liar].change, -100 * WHOLE, "{liar}");
    }
    for miner in (1..=5).map(|number| format!("miner {number}")) {
        assert!(is_about(wallets[&miner].fees, (200 + 5 * 100 + 2 * 100) / 5), "{miner}");
    }
    assert!(wallets["sink"].change > 0 && wallets["operator"].work > 0, "{wallets:?}");
    assert!(wallets.values().map(|wallet| wallet.work).sum::<i128>() == 0, "{wallets:?}");
    let miners = result["miners"].as_array().unwrap().iter();
    let offences: Vec<_> = miners.filter(|miner| !miner["offence"].is_null()).collect();
    assert_eq!(offences.len(), 2, "{offences:?}");
    let verdicts = verdicts(&result);
    let scores = result["ranking"].as_array().unwrap();
    for (number, who) in [(0, "ada"), (1, "ben"), (3, "ada again")] {
        let verdict = if who == winner { "accepted" } else { "Outranked" };
        let line = scores.iter().find(|line| line["submission"] == number).unwrap();
        assert_eq!(verdicts[who], (verdict.to_owned(), line["scores"]["score"].clone()), "{who}");
    }
    for who in ["copier", "forgetful"] {
        assert_eq!(verdicts[who], ("NotRevealed".to_owned(), Value::Null), "{who}");
    }
    assert!(result["dapp_peak_bytes"].as_u64().unwrap() > 1 << 20, "{}", result["dapp_peak_bytes"]);
    assert_eq!((&result["replayed"], &result["is_dapp_emulated"]), (&Value::Null, &json!(false)));
}

/// Verdict and score of each submission, by client.
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
fn a_sponsor_who_never_reveals_loses_the_award_to_those_who_did_and_the_bond_to_nobody() {
    let result = demo(&["--silent-sponsor"]);
    let wallets = wallets(&result);
    assert_eq!(result["decision"]["outcome"], "sponsor_failed");
    assert_eq!(wallets["sponsor"].rewards, -1_000 * WHOLE);
    // A quarter of the award; the pool is refunded.
    assert!(is_about(wallets["sponsor"].fees, -250), "{:?}", wallets["sponsor"]);
    assert!(is_about(wallets["sink"].fees, 250), "{:?}", wallets["sink"]);
    let revealed = ["ada", "ben", "ada again"].map(|who| wallets[who].rewards);
    assert_eq!(revealed.iter().sum::<i128>(), 1_000 * WHOLE);
    assert!(revealed.iter().all(|gain| gain.abs_diff(1_000 * WHOLE / 3) <= 1), "{revealed:?}");
    for miner in (1..=5).map(|number| format!("miner {number}")) {
        assert_eq!(wallets[&miner].change, 0, "{miner}");
    }
}

fn number(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

/// The devnet's Ethereum, and the first block of each request for logs.
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

#[test]
fn a_miner_that_is_killed_goes_on_and_keys_are_where_they_were_made() {
    let market = Market::start();
    market.write("terms.toml", &sealed_terms(1));
    let open = ["--account", "1", "job", "open", "--terms", "terms.toml"];
    assert_eq!(market.ask(&open)["number"], 0);
    let model = fixture("digits/torch-trained.onnx");
    let submit = ["--account", "2", "submit", "--job", "0", "--model", text(&model)];
    assert_eq!(market.ask(&submit)["submission"], 0);
    let mine = ["--account", "3", "mine", "--job", "0", "--deposit", "1ether", "--once"];
    assert_eq!(market.ask(&mine)["deeds"][0]["deed"], "enlisted");
    let mine = ["--account", "3", "mine", "--job", "0", "--once"];

    let reveal = ["--account", "2", "job", "reveal", "0"];
    assert_eq!(market.refused(&reveal), "NotYet");
    market.advance(7_200);
    let due = market.said(&["--account", "2", "deposit", "1ether"], 0);
    assert!(due.contains("due: `deml job reveal 0`"), "{due}");
    market.ask(&["--account", "1", "job", "reveal", "0", "--wait"]);
    market.ask(&reveal);
    assert_eq!(market.refused(&reveal), "AlreadyRevealed");
    // Another account, or another computer, has no key.
    let said = market.said(&["--account", "4", "job", "reveal", "0"], 1);
    assert!(said.contains("not submitted"), "{said}");
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
    // SIGKILL, in the middle of the next steps.
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    assert!(attested.is_some(), "the miner ended before it attested");

    // Another daemon continues from the commitments, and reads no block that is long final.
    market.mine(500);
    let earlier = market.ethereum("eth_blockNumber", json!([]));
    assert_eq!(market.ask(&mine)["deeds"], json!([]), "nothing is committed to twice");
    market.advance(7_200);
    let (proxy, first_blocks) = watched(&market);
    let mined = market.ask(&[&mine[..], &["--rpc-url", &proxy.url()]].concat());
    assert_eq!(mined["deeds"][0]["deed"], "revealed");
    let first = first_blocks.lock().unwrap().iter().min().copied();
    let [first, earlier] = [first.unwrap(), number(&earlier)];
    assert!(first + 100 > earlier, "read again from block {first} on, not {earlier}");
    market.advance(7_200);
    market.ask(&["--account", "2", "job", "settle", "0"]);
    let mined = market.ask(&mine);
    // The pool and one buy-in, and small shares for evaluations.
    let earned: u128 = mined["earned"][0]["amount"].as_str().unwrap().parse().unwrap();
    let pool: u128 = 300_000_000_000_000_000;
    assert!((pool..pool + pool / 1_000).contains(&earned), "{earned}");
    let shown = market.ask(&["job", "show", "0"]);
    assert_eq!(shown["decision"]["winner"], 0, "{shown:#}");
    assert_eq!(shown["stage"], "settled");
}
