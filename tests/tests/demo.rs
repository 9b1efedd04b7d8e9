//! The demo, as a user runs it, judged by what it prints for programs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, fs, process::Command};

use deml_tests::program;
use serde_json::Value;

/// Programs of a demo that run now, by process number.
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
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{talk}");
    let left: Vec<_> = running().into_iter().filter(|(id, _)| !before.contains_key(id)).collect();
    assert_eq!(left, [], "the demo leaves processes behind");

    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["solvent"], true);
    let root = result["outputs_root"].as_str().unwrap();
    assert!(root.starts_with("0x") && root.len() == 66, "{root}");

    // The demo ends with an audit of its own chain.
    let audit = &result["audit"];
    assert_eq!(audit["verdict"], "holds", "{audit}");
    assert_eq!(audit["payouts"], 6, "{audit}");

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
}

/// Clients have exactly their rewards more; sponsors exactly what they paid less.
fn check_wallets(result: &Value) {
    let wallets = result["wallets"].as_array().unwrap();
    let mut sums = BTreeMap::<&str, i128>::new();
    for wallet in wallets {
        let change = number(&wallet["after"]) - number(&wallet["before"]);
        let asset = wallet["asset"].as_str().unwrap();
        *sums.entry(asset).or_default() += change;
        let (role, address) = (wallet["role"].as_str().unwrap(), &wallet["address"]);
        let address = address.as_str().unwrap().to_lowercase();
        let paid: i128 = result["vouchers"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|voucher| voucher["to"].as_str().is_some_and(|to| to.to_lowercase() == address))
            .filter(|voucher| voucher["asset"] == asset)
            .map(|voucher| number(&voucher["amount"]))
            .sum();
        if role.starts_with("client") {
            assert_eq!(change, paid, "{wallet}");
        } else {
            assert!(change < 0 && paid > 0, "{wallet}: the remainder of {paid} came back");
        }
    }
    assert_eq!(sums.len(), 2, "both assets moved");
    assert!(sums.values().all(|sum| *sum == 0), "what sponsors paid, clients have: {sums:?}");
}
