//! Kills (SIGKILL) of every program at random moments of a market at work: nothing is lost,
//! nothing is paid twice, and audits hold.

use std::{
    collections::BTreeMap,
    env, fs,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use alloy::primitives::Address;
use client::chain::{Chain, Contracts};
use deml_tests::market::{Market, open_job};
use market::{Command as MarketCommand, Context};
use serde_json::Value;

/// Kills in the suite; `DEML_KILLS` is another number, `DEML_SEED` another seed.
const KILLS: u64 = 12;
const SEED: u64 = 26;

/// A whole ether, and what tells one round's amounts from another's, in wei.
const ETHER: u128 = 1_000_000_000_000_000_000;
const ROUND: u128 = 1_000_000;

/// Anvil saves its state every second: what it mined since then is gone when it is killed.
const SAVED: Duration = Duration::from_millis(2_500);

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Victim {
    CommandLine,
    Devnet,
    Application,
    Anvil,
}

const VICTIMS: [Victim; 4] =
    [Victim::CommandLine, Victim::Devnet, Victim::Application, Victim::Anvil];

/// What is under way when that happens; amounts and titles are of one round alone.
#[derive(Clone, Copy, Debug)]
enum Act {
    Deposit,
    Withdraw,
    Open,
    Claim,
}

impl Act {
    fn arguments(self, round: u64) -> Vec<String> {
        let wei = |base: u128| format!("{}wei", base + ROUND * u128::from(round));
        let account = ["--account", "3", "--patience", "20s"].map(str::to_owned).to_vec();
        let rest = match self {
            Self::Deposit => vec!["deposit".to_owned(), wei(ETHER)],
            Self::Withdraw => vec!["withdraw".to_owned(), wei(ETHER / 10)],
            Self::Open => {
                let mut open = open_job("1");
                open[1] = title(round);
                [vec!["job".to_owned(), "open".to_owned()], open].concat()
            }
            Self::Claim => vec!["claim".to_owned()],
        };
        [account, rest].concat()
    }

    /// What the market has once it is done; a claim is seen on the contract alone.
    fn trace(self, round: u64) -> Option<Trace> {
        let round_wei = ROUND * u128::from(round);
        match self {
            Self::Deposit => Some(Trace::Deposit(ETHER + round_wei)),
            Self::Withdraw => Some(Trace::Withdrawal(ETHER / 10 + round_wei)),
            Self::Open => Some(Trace::Job(title(round))),
            Self::Claim => None,
        }
    }
}

/// What an act leaves on Ethereum.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Trace {
    Deposit(u128),
    Withdrawal(u128),
    Job(String),
}

fn title(round: u64) -> String {
    format!("Job of round {round}")
}

#[test]
fn kills_at_random_moments_lose_nothing_and_pay_nothing_twice() {
    let number = |name: &str, other| {
        env::var(name).map_or(other, |text| text.parse().expect("a whole number"))
    };
    let (kills, seed) = (number("DEML_KILLS", KILLS), number("DEML_SEED", SEED));
    let mut random = fastrand::Rng::with_seed(seed);
    let mut market = Market::with(&["--epoch-length", "5"]);
    market.play();
    market.ask(&["--account", "3", "deposit", "20ether"]);
    let mut expected = Vec::new();
    for round in 1..=kills {
        let victim = VICTIMS[usize::try_from(round).unwrap() % VICTIMS.len()];
        let act = random.choice([Act::Deposit, Act::Withdraw, Act::Open, Act::Claim]).unwrap();
        if victim == Victim::Anvil {
            thread::sleep(SAVED);
        }
        let (after, mut said) = (random.u64(..600), Vec::new());
        let was_done = disturbed(&mut market, &act.arguments(round), (victim, after), &mut said);
        let has =
            |market: &Market| act.trace(round).is_none_or(|of| traces(market).contains_key(&of));
        if was_done && victim != Victim::Anvil {
            assert!(has(&market), "round {round}: {act:?} was done, and {victim:?} took it away");
        }
        // As a person would: the same command, until it is done.
        if !was_done || !has(&market) {
            until_done(&market, &act.arguments(round), act, &mut said);
        }
        expected.extend(act.trace(round));
        let found = traces(&market);
        for trace in &expected {
            let times = found.get(trace).copied().unwrap_or(0);
            let said = said.join("\n--\n");
            let when = format!("round {round} of seed {seed}, {victim:?} killed after {after} ms");
            assert_eq!(times, 1, "{when}: {trace:?}, and the commands said: {said}");
        }
        if round % 25 == 0 || round == kills {
            let report = market.ask(&["audit", "--no-checkpoint"]);
            assert_eq!(report["verdict"], "holds", "round {round} of seed {seed}: {report}");
        }
    }
    market.ask(&["--account", "3", "claim", "--wait"]);
    let report = market.ask(&["audit", "--no-checkpoint"]);
    assert_eq!(report["verdict"], "holds", "seed {seed}: {report}");
}

/// Runs a command, kills after so many milliseconds, and brings the devnet back if it ended;
/// returns whether the command was seen to be done.
fn disturbed(
    market: &mut Market,
    arguments: &[String],
    (victim, after): (Victim, u64),
    said: &mut Vec<String>,
) -> bool {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = market.command(&[&["--json"], &arguments[..]].concat());
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    thread::sleep(Duration::from_millis(after));
    let devnet = market.devnet_pid();
    match victim {
        Victim::CommandLine => child.kill().unwrap(),
        Victim::Devnet => kill(devnet),
        Victim::Application => descendant(devnet, "deml-dapp").into_iter().for_each(kill),
        Victim::Anvil => descendant(devnet, "anvil").into_iter().for_each(kill),
    }
    if matches!(victim, Victim::Devnet | Victim::Anvil) {
        market.kill_and_restart();
    }
    let output = child.wait_with_output().unwrap();
    said.push(String::from_utf8_lossy(&output.stderr).into_owned());
    // A killed command that has said its result was done.
    output.status.success()
        || serde_json::from_slice::<Value>(&output.stdout).is_ok()
        || says_it_is_open(&String::from_utf8_lossy(&output.stderr))
}

/// Whether `job open` has said of its job that it exists: what is left is to publish its blobs, and
/// the same command would open another.
fn says_it_is_open(said: &str) -> bool {
    said.lines().any(|line| line.starts_with("job ") && line.contains(" is 0x"))
}

fn until_done(market: &Market, arguments: &[String], act: Act, all: &mut Vec<String>) {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut said = String::new();
    for _ in 0..5 {
        let output = market.deml(&arguments);
        said = String::from_utf8_lossy(&output.stderr).into_owned();
        all.push(said.clone());
        assert!(!said.contains("panicked"), "{said}");
        // Nothing may be left to claim.
        if output.status.success() || matches!(act, Act::Claim) || says_it_is_open(&said) {
            return;
        }
    }
    panic!("{arguments:?} does not come to be done: {said}");
}

/// How often each act is on Ethereum.
fn traces(market: &Market) -> BTreeMap<Trace, u32> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let file = market.devnet_file();
    let application: Address = file["application"].as_str().unwrap().parse().unwrap();
    let inputs = runtime.block_on(async {
        let chain = Chain::connect(file["rpc_url"].as_str().unwrap(), Contracts::default());
        let chain = chain.unwrap();
        let head = chain.head().await.unwrap();
        chain.inputs(application, 0, head).await.unwrap()
    });
    let mut traces = BTreeMap::new();
    for input in inputs {
        let (sender, payload) = (input.advance.msg_sender, &input.advance.payload);
        let (command, deposit) = if sender == Contracts::default().ether_portal {
            let value = u128::from_be_bytes(payload[36..52].try_into().unwrap());
            (&payload[52..], (payload.len() == 52).then_some(Trace::Deposit(value)))
        } else {
            (&payload[..], None)
        };
        let trace = match wire::decode_command(&Context::default(), command) {
            Ok(MarketCommand::Withdraw { amount, .. }) => {
                Some(Trace::Withdrawal(amount.0.as_u128()))
            }
            Ok(MarketCommand::OpenJob { terms, .. }) => {
                let title = terms.title.iter().take_while(|byte| **byte != 0).copied().collect();
                Some(Trace::Job(String::from_utf8(title).unwrap()))
            }
            _ => deposit,
        };
        if let Some(trace) = trace {
            *traces.entry(trace).or_default() += 1;
        }
    }
    traces
}

fn kill(process: u32) {
    // One that has just ended needs no kill.
    Command::new("kill").args(["-9", &process.to_string()]).stderr(Stdio::null()).status().unwrap();
}

/// The processes of this name that a process has started, by itself or through others.
fn descendant(ancestor: u32, name: &str) -> Vec<u32> {
    let mut parents = BTreeMap::new();
    let mut named = Vec::new();
    for entry in fs::read_dir("/proc").unwrap() {
        let path = entry.unwrap().path();
        let Some(process) = path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok())
        else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(path.join("stat")) else { continue };
        let Some((before, after)) = stat.rsplit_once(") ") else { continue };
        let parent = after.split(' ').nth(1).and_then(|parent| parent.parse::<u32>().ok());
        parents.insert(process, parent.unwrap_or(0));
        if before.split_once('(').is_some_and(|(_, found)| found == name) {
            named.push(process);
        }
    }
    let is_below = |process: &u32| {
        let line = std::iter::successors(Some(*process), |process| parents.get(process).copied());
        line.take(16).any(|process| process == ancestor)
    };
    named.into_iter().filter(is_below).collect()
}
