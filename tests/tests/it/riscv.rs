//! The program as it is in the machine, built for RISC-V and run by qemu.

use std::process::Command;

use deml_tests::{program, riscv_program};
use serde_json::Value;

/// The demo's inputs go through both programs; the command fails at the first difference.
#[test]
fn the_demo_on_risc_v_gives_the_outputs_of_the_native_program_byte_for_byte() {
    // Two jobs opened and published, five models submitted, three of them in chunks, all settled.
    replayed(&["demo"], 15, 20);
}

#[test]
fn so_does_the_demo_of_a_competition() {
    // Five submissions, seven miners who attest and reveal, payments, and everybody's withdrawals.
    replayed(&["demo", "competition"], 45, 70);
}

/// Runs a demo on RISC-V, whose replay must have more inputs and outputs than these.
fn replayed(demo: &[&str], inputs: u64, outputs: u64) {
    let (mut deml, dapp) = (Command::new(program("deml")), riscv_program("deml-dapp"));
    let output = deml.args(demo).args(["--json", "--dapp"]).arg(dapp).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let same = |what: &str| result["replayed"][what].as_u64().unwrap();
    assert!(same("inputs") > inputs && same("outputs") > outputs, "{result:#}");
    assert!(result["dapp_peak_bytes"].as_u64().unwrap() <= 128 << 20, "{result:#}");
    assert_eq!(result["is_dapp_emulated"], true);
}

/// Size, start, and inputs that evaluate nothing: the command fails above a limit.
#[test]
fn what_is_around_the_evaluation_costs_no_more_than_promised() {
    let output = Command::new(program("deml-cost")).arg("overhead").output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
}
