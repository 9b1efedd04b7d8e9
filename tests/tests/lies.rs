//! Competitions whose miners lie, as users meet them: an entrant objects, and where the machine
//! cannot look at all rows, it looks at some.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Lines},
    process::{Child, ChildStdout, Stdio},
};

use deml_tests::{
    fixture,
    liar::{Liar, honest},
    market::{Market, text},
};
use market::{Attestation, Metric, Results, Score};
use serde_json::{Value, json};

/// A tenth of an Ether, in wei.
const TENTH: u128 = 100_000_000_000_000_000;

const BEST: &str = "digits/torch-trained.onnx";
const OTHER: &str = "digits/sklearn-trained.onnx";
const HOLD_OUT: &str = "digits/holdout.safetensors";

/// How long each window is, in seconds.
const WINDOW: u64 = 7_200;

/// A competition with two entrants, accounts 2 and 3, that closed; the seats are not drawn yet.
///
/// Prize 1 Ether, pool 0.2, buy-ins and all bonds 0.1.
fn competition(market: &Market, terms: &str, enlist: impl FnOnce()) {
    let [base, slice, hold_out] =
        ["digits/torch-base.onnx", "digits/client-a.safetensors", HOLD_OUT].map(fixture);
    let terms = format!(
        "title = \"Digits\"\nbase = {base:?}\npublic-slice = {slice:?}\nhold-out = {hold_out:?}\n\
         prize = \"1ether\"\nclose = \"2h\"\nreveal = \"2h\"\nattest = \"2h\"\n\
         tied = \"earliest\"\n{terms}"
    );
    fs::write(market.home().join("terms.toml"), terms).unwrap();
    market.ask(&["--account", "1", "competition", "open", "--terms", "terms.toml"]);
    for (account, model) in [("2", BEST), ("3", OTHER)] {
        let (enter, model) = (["--account", account, "competition", "enter", "0"], fixture(model));
        market.ask(&[&enter[..], &["--model", text(&model)]].concat());
    }
    enlist();
    market.advance(WINDOW);
}

fn reveal_all(market: &Market) {
    for account in ["1", "2", "3"] {
        market.ask(&["--account", account, "competition", "reveal", "0"]);
    }
    market.advance(WINDOW);
}

fn settle(market: &Market) -> Value {
    market.ask(&["--account", "4", "competition", "settle", "0"])
}

/// The offence of each seat, by the miner's address in lower case.
fn offences(market: &Market) -> Vec<(String, Value)> {
    let shown = market.ask(&["competition", "show", "0"]);
    let seats = shown["seat_list"].as_array().unwrap().clone().into_iter();
    let miner = |seat: &Value| seat["miner"].as_str().unwrap().to_lowercase();
    seats.map(|seat| (miner(&seat), seat["offence"].clone())).collect()
}

/// The address of one of the devnet's accounts.
fn address(account: usize) -> String {
    deml::chain::dev_account(account).unwrap().address().to_string().to_lowercase()
}

/// What an account was paid: of which share, how much, and how much in bonds, in tenths of Ether.
fn paid(settled: &Value, account: usize) -> Vec<(String, u128, u128)> {
    let tenths = |value: &Value| {
        let wei: u128 = value.as_str().unwrap().parse().unwrap();
        assert_eq!(wei % TENTH, 0, "{settled:#}");
        wei / TENTH
    };
    let notices = settled["notices"].as_array().unwrap().iter();
    let paid = notices.filter(|notice| notice["event"] == "Paid");
    let to = |notice: &&Value| notice["to"].as_str().unwrap().to_lowercase() == address(account);
    let line = |notice: &Value| {
        let share = notice["share"].as_str().unwrap().to_owned();
        (share, tenths(&notice["amount"]), tenths(&notice["bond"]))
    };
    paid.filter(to).map(line).collect()
}

#[test]
fn miners_who_all_lie_alike_lose_their_bonds_to_those_who_object() {
    let market = Market::start();
    let liars = [5, 6].map(|account| Liar::new(&market, account));
    let object = ["--account", "2", "competition", "object", "0"];
    let one = |entry| [&object[..], &["--entry", entry]].concat();
    competition(&market, "miners = 2\n", || {
        for account in ["5", "6"] {
            let mine = ["--account", account, "mine", "--job", "0", "--once"];
            assert_eq!(market.ask(&mine)["deeds"][0]["deed"], "enlisted");
        }
        assert_eq!(market.refused(&object), "NotYet");
    });
    settle(&market);
    reveal_all(&market);
    // All seats call the best model bad, and the other one better than it is.
    let made_up = [100_000, 990_000].map(|score| Attestation {
        score: Score(score),
        worst_class: Score(50_000),
        results: blobs::Digest::of(b"made up"),
    });
    liars.iter().for_each(|liar| liar.attest(0, &made_up));
    market.advance(WINDOW);
    liars.iter().for_each(|liar| liar.unveil(0, &made_up, Vec::new()));
    market.advance(WINDOW);

    // The entrant objects for its own entry, and a miner without a seat by itself.
    let objected = market.ask(&one("0"));
    let looked_at = &objected["looked_at"][0];
    assert_eq!((&looked_at["entry"], &looked_at["objected"]), (&json!(0), &json!(true)));
    assert_eq!(looked_at["attested"]["score"], 100_000);
    let hold_out = fs::read(fixture(HOLD_OUT)).unwrap();
    let (found, _) = honest(&fs::read(fixture(BEST)).unwrap(), &hold_out);
    assert_eq!(looked_at["found"]["score"], found.score.0);
    assert_eq!(market.refused(&one("0")), "NotAgreed", "it is doubted already");
    let mine = ["--account", "4", "mine", "--job", "0", "--once"];
    let mined = market.ask(&mine);
    let deed = json!([{ "deed": "objected", "job": 0, "of": 1 }]);
    assert_eq!(mined["deeds"], deed);
    assert_eq!(market.ask(&mine)["deeds"], json!([]), "once is enough");
    assert_eq!(market.ask(&object)["looked_at"], json!([]), "nothing is left to doubt");

    market.advance(WINDOW);
    assert_eq!(market.refused(&object), "DeadlinePassed");
    let settled = settle(&market);
    assert_eq!(settled["stage"], "settled");
    for (_, offence) in offences(&market) {
        assert_eq!(offence, "Wrong");
    }
    let board = market.ask(&["competition", "board", "0"]);
    assert_eq!(board["decision"]["winners"], json!([0]), "{board:#}");
    assert_eq!(board["decision"]["right_objectors"], 2, "{board:#}");
    assert_eq!(board["ranking"][0]["score"], found.score.0);
    // Two bonds for two objectors; without a right miner, buy-ins go back and the pool too.
    let line = |share: &str, amount, bond| (share.to_owned(), amount, bond);
    let of_best = [line("prize", 10, 0), line("work", 1, 1), line("entrant", 1, 0)];
    assert_eq!(paid(&settled, 2), of_best);
    assert_eq!(paid(&settled, 3), [line("entrant", 1, 0)]);
    assert_eq!(paid(&settled, 4), [line("work", 1, 1)]);
    assert_eq!([5, 6].map(|liar| paid(&settled, liar)), [vec![], vec![]]);
    assert_eq!(market.ask(&mine)["earned"][0]["amount"], TENTH.to_string());
    assert_eq!(market.ask(&["audit"])["verdict"], "holds");
}

#[test]
fn who_is_right_has_nothing_to_fear_and_nothing_to_object_to() {
    let market = Market::start();
    competition(&market, "miners = 1\n", || {
        market.ask(&["--account", "5", "mine", "--job", "0", "--once"]);
    });
    settle(&market);
    reveal_all(&market);
    for deed in ["attested", "unveiled"] {
        let mined = market.ask(&["--account", "5", "mine", "--job", "0", "--once"]);
        assert_eq!(mined["deeds"][0]["deed"], deed);
        market.advance(WINDOW);
        // What a miner remembers is a convenience: without it, it finds the same.
        let vaults = fs::read_dir(market.home().join("deml/vaults")).unwrap();
        let mut paths = vaults.map(|file| file.unwrap().path());
        let state = paths.find(|path| path.extension().is_some_and(|name| name == "mining"));
        fs::write(state.unwrap(), "damaged").unwrap();
    }
    let object = ["--account", "2", "competition", "object", "0"];
    assert_eq!(market.refused(&[&object[..], &["--entry", "0"]].concat()), "AttestedRight");
    let objected = market.ask(&object);
    let objections = objected["looked_at"].as_array().unwrap().iter();
    let objections: Vec<_> = objections.map(|looked| looked["objected"].clone()).collect();
    assert_eq!((objections, &objected["inputs"]), (vec![json!(false); 2], &json!([])));
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

    /// Waits until it has done this so many times.
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
    let mut daemons = ["4", "5"].map(|account| Daemon::start(&market, account));
    let liar = Liar::new(&market, 6);
    // Nobody named a competition to them yet: it is number 0 once it opens.
    competition(&market, "miners = 3\nminers-only = true\nsample-rows = 40\n", || {
        daemons.iter_mut().for_each(|daemon| daemon.until("enlisted", 1));
        market.ask(&["--account", "6", "mine", "--job", "0", "--once"]);
    });
    reveal_all(&market);
    // The base model and both entries are a page each. The liar calls the second entry worthless.
    let files =
        ["digits/torch-base.onnx", BEST, OTHER].map(|name| fs::read(fixture(name)).unwrap());
    let hold_out = fs::read(fixture(HOLD_OUT)).unwrap();
    let mut says = files.map(|model| honest(&model, &hold_out));
    let rows = says[2].1.rows();
    let none = vec![0; says[2].1.to_bytes().len()];
    let worthless = Results::from_bytes(Metric::Accuracy, rows, &none).unwrap();
    let worst_class = Score(0);
    says[2] =
        (Attestation { score: Score(0), worst_class, results: worthless.digest() }, worthless);
    for (page, (said, _)) in (0..).zip(&says) {
        liar.attest(page, &[*said]);
    }
    daemons.iter_mut().for_each(|daemon| daemon.until("attested", 3));
    market.advance(WINDOW);
    for (page, (said, results)) in (0..).zip(&says) {
        liar.unveil(page, &[*said], results.to_bytes());
    }
    daemons.iter_mut().for_each(|daemon| daemon.until("unveiled", 3));
    market.advance(WINDOW);
    // On the first entry all agree, and rightly so; of the second the machine will see some rows.
    let objected = market.ask(&["--account", "2", "competition", "object", "0"]);
    let looked_at = objected["looked_at"].as_array().unwrap();
    assert_eq!(looked_at.len(), 1, "{objected:#}");
    assert_eq!((&looked_at[0]["entry"], &looked_at[0]["objected"]), (&json!(0), &json!(false)));
    market.advance(WINDOW);
    // Either of them settles, and both are paid half of the pool, of two buy-ins, and of a bond.
    daemons.iter_mut().for_each(|daemon| daemon.until("\"250000000000000000\"", 1));

    for (miner, offence) in offences(&market) {
        let expected = if miner == address(6) { json!("Wrong") } else { Value::Null };
        assert_eq!(offence, expected, "{miner}");
    }
    let board = market.ask(&["competition", "board", "0"]);
    assert_eq!(board["decision"]["winners"], json!([0]), "{board:#}");
    let by_machine = |entry: usize| board["entries"][entry]["model"]["by_machine"].clone();
    assert_eq!([by_machine(0), by_machine(1)], [json!(false), json!(true)], "{board:#}");
    assert_eq!(market.ask(&["audit"])["verdict"], "holds");
}
