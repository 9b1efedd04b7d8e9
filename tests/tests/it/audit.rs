//! The auditor as a user runs it, on chains with one lie each.

use std::process::{Command, Output};

use deml_tests::program;
use serde_json::Value;

fn sabotaged(lie: &str) -> (Output, Value) {
    let args = ["demo", "--quiet", "--json", "--sabotage", lie];
    let output = Command::new(program("deml")).args(args).output().unwrap();
    let report = serde_json::from_slice(&output.stdout);
    let report = report.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output, report)
}

/// Runs a market whose devnet tells a lie, and returns the audit's report.
fn found(lie: &str, place: &str) -> Value {
    let (output, report) = sabotaged(lie);
    assert_eq!(output.status.code(), Some(1), "{lie}: {report:#}");
    assert_eq!(report["verdict"], "diverges", "{lie}: {report:#}");
    assert_eq!(report["kind"], lie, "{report:#}");
    assert_eq!(report["seen_in"], place, "{lie}: {report:#}");
    assert!(report["transaction"].is_string(), "{lie}: {report:#}");
    report
}

/// The number of an output, and the sides of the difference that are present.
fn sides(report: &Value) -> (bool, bool, bool) {
    (report["output"].is_u64(), report["expected"].is_string(), report["found"].is_string())
}

#[test]
fn outputs_that_are_not_the_applications_are_named() {
    for (lie, sides_there) in [
        ("added", (true, false, true)),
        ("dropped", (true, true, false)),
        ("reordered", (true, true, true)),
        ("flipped", (true, true, true)),
        ("rejected-kept", (true, false, true)),
    ] {
        let report = found(lie, "claim");
        assert_eq!(sides(&report), sides_there, "{lie}: {report:#}");
        assert!(report["input"].is_u64(), "{lie}: {report:#}");
    }
}

#[test]
fn one_bit_is_one_bit() {
    let report = found("flipped", "claim");
    let [expected, found] = ["expected", "found"].map(|side| report[side].as_str().unwrap());
    let differ = expected.bytes().zip(found.bytes()).filter(|(one, other)| one != other);
    assert_eq!((expected.len(), differ.count()), (found.len(), 1));
}

#[test]
fn a_reward_that_goes_to_another_wallet_is_named() {
    let report = found("payout", "claim");
    assert_eq!(sides(&report), (true, true, true), "{report:#}");
    assert!(report["sentence"].as_str().unwrap().contains("instead of"), "{report:#}");
}

#[test]
fn a_score_that_was_not_earned_is_named() {
    let report = found("score", "claim");
    let [expected, found] =
        ["expected", "found"].map(|side| report[side].as_str().unwrap().parse::<u32>().unwrap());
    assert!(expected <= 1_000_000 && found <= 1_000_000 && expected != found, "{report:#}");
    let drill_down = &report["drill_down"];
    assert!(drill_down["sample"].is_u64() && drill_down["node"].is_u64(), "{report:#}");
    assert!(drill_down["operator"].is_string(), "{report:#}");
    assert_ne!(drill_down["expected_bits"], drill_down["found_bits"]);
}

#[test]
fn claims_that_are_wrong_or_missing_are_named() {
    let report = found("wrong-claim", "claim");
    assert_eq!(sides(&report), (false, true, true), "{report:#}");
    let report = found("missing-claim", "claim");
    assert_eq!(sides(&report), (false, true, false), "{report:#}");
}

#[test]
fn an_input_the_node_passes_over_is_named() {
    let report = found("withheld", "claim");
    assert_eq!(sides(&report), (false, true, false), "{report:#}");
}
