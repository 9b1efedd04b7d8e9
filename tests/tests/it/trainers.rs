//! The demo of trainers as a user runs it: a trainer named by the job, run in the box here and on a
//! cluster that loses a worker, and one that does not get the client's data out.

use std::process::Command;

use deml_tests::program;
use serde_json::Value;

#[test]
fn clients_are_paid_for_what_a_named_trainer_made_and_a_leak_is_caught() {
    let output = Command::new(program("deml")).args(["demo", "models", "--json"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["solvent"], true);
    let list = |value: &Value| value.as_array().unwrap().clone();
    let trainings = list(&result["trainings"]);
    let on = trainings.iter().map(|trained| (&trained["on"], &trained["workers_killed"]));
    let on = on.map(|(on, killed)| (on.as_str().unwrap(), killed.as_u64().unwrap()));
    assert_eq!(on.collect::<Vec<_>>(), [("this computer", 0), ("hq", 1)]);
    for trained in &trainings {
        assert_eq!(list(&trained["judged"]["held"]).len(), 7, "{trained}");
    }
    assert_eq!(said.matches("it: begins on").count(), 2, "both workers began: {said}");
    let submitted = list(&result["submissions"]);
    assert_eq!(submitted.len(), 2, "the third client submits nothing");
    for submission in &submitted {
        assert_eq!(submission["verdict"], "accepted", "{submission}");
    }
    let caught = &result["caught"];
    assert_eq!(caught["refused"]["refused"], "TrainerFailed", "{caught}");
    assert!(caught["refused"]["message"].as_str().unwrap().contains("not permitted"), "{caught}");
    let wallet = |name: &str| {
        let wallets = list(&result["wallets"]);
        let found = wallets.into_iter().find(|line| line["role"] == name).unwrap();
        found["rewards"].as_str().unwrap().parse::<u128>().unwrap()
    };
    let reward = 100 * 10_u128.pow(18);
    let paid = ["client ada", "client ben", "client cem"].map(wallet);
    assert_eq!(paid, [reward, reward, 0]);
}
