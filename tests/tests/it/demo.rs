//! The demo as a user runs it, checked by its JSON output.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use deml_tests::program;
use serde_json::Value;

/// One whole coin.
const WHOLE: i128 = 1_000_000_000_000_000_000;

/// Running programs of a demo, by process id.
fn running() -> BTreeMap<u32, String> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let entry = entry.ok()?;
        let number = entry.file_name().to_str()?.parse().ok()?;
        let name = fs::read_to_string(entry.path().join("comm")).ok()?;
        Some((number, name.trim().to_owned()))
    });
    processes.filter(|(_, name)| ["anvil", "deml", "deml-dapp"].contains(&name.as_str())).collect()
}

fn number(value: &Value) -> i128 {
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn both_jobs_are_played_and_everybody_is_paid_exactly() {
    let before = running();
    let output = Command::new(program("deml")).args(["demo", "--json"]).output().unwrap();
    let printer = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printer}");
    let left: Vec<_> = running().into_iter().filter(|(id, _)| !before.contains_key(id)).collect();
    assert_eq!(left, [], "the demo leaves processes behind");

    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["solvent"], true);
    let root = result["outputs_root"].as_str().unwrap();
    assert!(root.starts_with("0x") && root.len() == 66, "{root}");

    // The demo ends with an audit of its own chain.
    let audit = &result["audit"];
    assert_eq!(audit["verdict"], "holds", "{audit}");
    // Rent that is too small to keep may be paid out as well.
    assert!(audit["payouts"].as_u64().unwrap() >= 8, "{audit}");

    let submissions = result["submissions"].as_array().unwrap();
    let verdicts = |job: u64, verdict: &str| {
        let of_job = submissions.iter().filter(|submission| submission["job"] == job);
        of_job.filter(|submission| submission["verdict"] == verdict).count()
    };
    for job in [0, 1] {
        assert_eq!(verdicts(job, "accepted"), 2, "{submissions:#?}");
    }
    let refused = submissions.iter().filter(|submission| submission["verdict"] == "GainTooSmall");
    assert_eq!(refused.count(), 1, "{submissions:#?}");

    check_wallets(&result);
    check_gas(&result);
}

#[test]
fn an_interrupted_demo_leaves_neither_folders_nor_processes() {
    // While the devnet is set, and in the middle of a job.
    for moment in ["L1: anvil at", "Health"] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(program("deml"));
        command.arg("demo").env("TMPDIR", folder.path());
        let mut demo = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(demo.stderr.take().unwrap()).lines();
        assert!(said.any(|line| line.unwrap().contains(moment)), "{moment}");
        let id = demo.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let last = said.map(Result::unwrap).last().unwrap();
        assert!(last.starts_with("interrupted"), "{last}");
        assert_eq!(demo.wait().unwrap().code(), Some(130));
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert!(left.is_empty(), "{moment}: {left:?}");
    }
}

/// Clients gain exactly their rewards less the work they paid; sponsors lose what they paid.
fn check_wallets(result: &Value) {
    let mut sums = BTreeMap::<&str, i128>::new();
    for wallet in result["wallets"].as_array().unwrap() {
        let change = number(&wallet["after"]) - number(&wallet["before"]);
        let [rewards, work, fees] = ["rewards", "work", "fees"].map(|name| number(&wallet[name]));
        assert_eq!(change, rewards + work + fees, "{wallet}");
        let (role, asset) = (wallet["role"].as_str().unwrap(), wallet["asset"].as_str().unwrap());
        *sums.entry(asset).or_default() += change;
        let is_ether = asset == "ether";
        match role {
            "client ada" | "client ben" => {
                assert_eq!(rewards, if is_ether { WHOLE / 2 } else { 100 * WHOLE }, "{wallet}");
                assert!(work < 0 && -work < WHOLE / 100 && fees == 0, "{wallet}");
            }
            "operator" => assert!(rewards == 0 && work > 0 && fees > 0, "{wallet}"),
            // The surcharge on rent that rises as the store fills.
            "sink" => assert!(rewards == 0 && work == 0 && fees > 0, "{wallet}"),
            _ => {
                assert_eq!(rewards, if is_ether { -WHOLE } else { -200 * WHOLE }, "{wallet}");
                assert!(work < 0 && fees < 0 && -fees < WHOLE / 10, "{wallet}");
            }
        }
    }
    assert_eq!(sums.len(), 2, "both assets moved");
    assert!(sums.values().all(|sum| *sum == 0), "what some paid, others have: {sums:?}");
}

/// A model of 20 KB takes a deposit with the command attached, and one chunk.
fn check_gas(result: &Value) {
    let submissions = result["submissions"].as_array().unwrap();
    let large = submissions.iter().filter(|one| one["model_bytes"].as_u64().unwrap() > 20_000);
    let gas: Vec<_> = large.map(|one| one["gas"].as_u64().unwrap()).collect();
    assert!(gas.len() == 2 && gas.iter().all(|gas| *gas <= 1_100_000), "{gas:?}");
}
