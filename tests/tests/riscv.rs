//! The program as it is in the machine, built for RISC-V and run by qemu.

use std::process::Command;

use deml_tests::{program, riscv_program};
use serde_json::Value;

/// The demo's inputs went through both programs; the command fails at the first difference.
#[test]
fn the_demo_on_risc_v_gives_the_outputs_of_the_native_program_byte_for_byte() {
    let mut demo = Command::new(program("deml"));
    let dapp = riscv_program("deml-dapp");
    let output = demo.args(["demo", "--json", "--dapp"]).arg(dapp).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let same = |what: &str| result["replayed"][what].as_u64().unwrap();
    // Two jobs opened and published, five models submitted, three of them in chunks, all settled.
    assert!(same("inputs") > 15, "{result:#}");
    assert!(same("outputs") > 20, "{result:#}");
    assert!(result["dapp_peak_bytes"].as_u64().unwrap() <= 128 << 20, "{result:#}");
}

/// Size, start, and what inputs cost that evaluate nothing: the command fails above a limit.
#[test]
fn what_is_around_the_evaluation_costs_no_more_than_promised() {
    let output = Command::new(program("deml-cost")).arg("overhead").output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
}
