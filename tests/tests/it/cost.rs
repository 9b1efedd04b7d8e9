//! Predicted costs of evaluations, compared with counted instructions.

use std::process::Command;

use deml_tests::program;

/// If the counting tools are missing, the program names them, and this fails.
#[test]
fn predictions_are_near_what_is_counted() {
    let output = Command::new(program("deml-cost")).arg("check").output().unwrap();
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "{out}{err}");
    assert!(out.lines().count() >= 40, "{out}");
}

#[test]
fn no_input_costs_more_than_it_may() {
    let output = Command::new(program("deml-cost")).arg("inputs").output().unwrap();
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "{out}{err}");
    assert!(out.contains("× evaluating\n"), "{out}");
}
