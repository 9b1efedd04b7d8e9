//! The auditor as a user runs it, on chains with one lie each.

use client::printer::ExitStatus;
use deml_tests::lying_devnet::{Lie, audited};
use serde_json::Value;

/// Audits a market whose devnet tells a lie, and returns the report.
fn found(lie: Lie, kind: &str) -> Value {
    let found = audited(lie);
    let report = serde_json::to_value(&found).unwrap();
    assert_eq!(found.exit_status(), ExitStatus::Refused, "{lie:?}: {report:#}");
    assert_eq!(report["verdict"], "diverges", "{lie:?}: {report:#}");
    assert_eq!(report["kind"], kind, "{report:#}");
    assert_eq!(report["seen_in"], "claim", "{lie:?}: {report:#}");
    assert!(report["transaction"].is_string(), "{lie:?}: {report:#}");
    report
}

/// The number of an output, and the sides of the difference that are present.
fn sides(report: &Value) -> (bool, bool, bool) {
    (report["output"].is_u64(), report["expected"].is_string(), report["found"].is_string())
}

#[test]
fn outputs_that_are_not_the_applications_are_named() {
    for (lie, kind, sides_there) in [
        (Lie::Added, "added", (true, false, true)),
        (Lie::Dropped, "dropped", (true, true, false)),
        (Lie::Reordered, "reordered", (true, true, true)),
        (Lie::Flipped, "flipped", (true, true, true)),
        (Lie::RejectedKept, "rejected-kept", (true, false, true)),
    ] {
        let report = found(lie, kind);
        assert_eq!(sides(&report), sides_there, "{kind}: {report:#}");
        assert!(report["input"].is_u64(), "{kind}: {report:#}");
    }
}

#[test]
fn one_bit_is_one_bit() {
    let report = found(Lie::Flipped, "flipped");
    let [expected, found] = ["expected", "found"].map(|side| report[side].as_str().unwrap());
    let differ = expected.bytes().zip(found.bytes()).filter(|(one, other)| one != other);
    assert_eq!((expected.len(), differ.count()), (found.len(), 1));
}

#[test]
fn a_reward_that_goes_to_another_wallet_is_named() {
    let report = found(Lie::Payout, "payout");
    assert_eq!(sides(&report), (true, true, true), "{report:#}");
    assert!(report["sentence"].as_str().unwrap().contains("instead of"), "{report:#}");
}

#[test]
fn a_score_that_was_not_earned_is_named() {
    let report = found(Lie::Score, "score");
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
    let report = found(Lie::WrongClaim, "wrong-claim");
    assert_eq!(sides(&report), (false, true, true), "{report:#}");
    let report = found(Lie::MissingClaim, "missing-claim");
    assert_eq!(sides(&report), (false, true, false), "{report:#}");
}

#[test]
fn an_input_the_node_passes_over_is_named() {
    let report = found(Lie::Withheld, "withheld");
    assert_eq!(sides(&report), (false, true, false), "{report:#}");
}
