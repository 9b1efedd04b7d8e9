//! A market by hand: the devnet and the commands of the README, each a process of its own.

use deml_tests::{
    fixture,
    market::{Market, SALT, call, deposit, input, open_job, payload, sealed_terms, text, with},
};
use serde_json::json;

/// A thousandth of an Ether.
const MILLI: u128 = 1_000_000_000_000_000;

#[test]
fn a_job_from_deposit_to_claim_with_the_devnet_killed_in_between() {
    let mut market = Market::start();
    let terms = [open_job("2"), threshold("90%")].concat();
    let opened = market.ask(&with(&["--account", "1", "job", "open"], &terms));
    assert_eq!(opened["number"], 0);
    assert_eq!(market.ask(&["job", "list"])["items"].as_array().map(Vec::len), Some(1));

    let data = fixture("health/client-a.csv");
    let train = ["train", "--job", "0", "--data", text(&data), "--out", "better.onnx"];
    market.ask(&[&train[..], &["--epochs", "30", "--learning-rate", "0.01"]].concat());
    market.ask(&["model", "check", "better.onnx"]);
    let scored = market.ask(&["score", "--model", "better.onnx", "--job", "0"]);

    let base = fixture("health/sklearn-base.onnx");
    let submit = |model| ["--account", "2", "submit", "--job", "0", "--model", model, "--data"];
    let of_base = [&submit(text(&base))[..], &[text(&data)]].concat();
    assert_eq!(market.refused(&of_base), "ModelIsBase");
    let submitted = market.ask(&[&submit("better.onnx")[..], &[text(&data)]].concat());
    assert_eq!(submitted["accepted"], true);
    assert_eq!(submitted["score"], scored["score"], "the market's score is the rehearsed one");
    assert_eq!(market.refused(&["--account", "2", "job", "settle", "0"]), "NothingToDo");

    // The same model, where more is demanded of the order in which it puts the rows.
    let stricter = [open_job("1"), threshold("100%")].concat();
    market.ask(&with(&["--account", "1", "job", "open"], &stricter));
    let submit = ["--json", "--account", "3", "submit", "--job", "1", "--model", "better.onnx"];
    assert_eq!(market.refused(&submit[1..]), "ThresholdNotMet");
    let refused = market.deml(&[&submit[..], &["--force"]].concat()).stdout;
    let refused: serde_json::Value = serde_json::from_slice(&refused).unwrap();
    assert_eq!(refused["refusal"]["refused"], "ThresholdNotMet", "{refused}");
    assert_eq!(refused["threshold_score"], scored["threshold_score"]);

    let before = market.ask(&["job", "show", "0"]);
    market.kill_and_restart();
    assert_eq!(market.ask(&["job", "show", "0"]), before, "nothing is lost or doubled");

    let claimed = market.ask(&["--account", "2", "claim", "--wait"]);
    assert_eq!(claimed["executed"].as_array().map(Vec::len), Some(1));
    // The reward, and the rest of the stake.
    let paid: u128 = claimed["executed"][0]["payment"]["amount"].as_str().unwrap().parse().unwrap();
    assert!((500 * MILLI..501 * MILLI).contains(&paid), "{paid}");

    market.ethereum("evm_increaseTime", serde_json::json!([7_200]));
    market.ethereum("evm_mine", serde_json::json!([]));
    market.ask(&["--account", "1", "job", "settle", "0"]);
    market.ask(&["--account", "1", "withdraw", "all"]);
    let balance = market.ask(&["--account", "1", "balance"]);
    // A remainder of rent too small to keep may be paid out besides.
    assert!(balance["vouchers"].as_array().is_some_and(|all| !all.is_empty()), "{balance}");
}

/// The arguments for at least this area under the ROC curve.
fn threshold(share: &str) -> Vec<String> {
    vec!["--threshold".to_owned(), format!("auroc:{share}")]
}

#[test]
fn calldata_does_what_the_command_does() {
    let market = Market::start();
    let file = market.devnet_file();
    let terms = open_job("2");

    let open = with(&["--account", "1", "job", "open", "--calldata"], &terms);
    let payload = market.ask(&open);
    deposit(&market, 1, 3_000 * MILLI, &payload);
    market.wait_until(&["job", "show", "0"], |shown| shown["stage"] == "announced");
    for name in ["sklearn-base.onnx", "holdout.safetensors"] {
        let blob = fixture("health").join(name);
        market.ask(&["--account", "1", "data", "publish", "0", text(&blob)]);
    }
    let by_calldata = market.ask(&["job", "show", "0"]);
    assert_eq!(by_calldata["stage"], "open");
    market.ask(&with(&["--account", "1", "job", "open"], &terms));
    let by_command = market.ask(&["job", "show", "1"]);
    for same in ["/stage", "/sponsor", "/base", "/terms/offer", "/terms/award", "/stake/award"] {
        let [one, other] = [&by_calldata, &by_command].map(|shown| shown.pointer(same));
        assert!(one.is_some() && one == other, "{same}: {one:?} {other:?}");
    }

    // The deposit exceeds the job's stake; the rest is free, and can be withdrawn by calldata, too.
    let withdraw = market.ask(&["--account", "1", "withdraw", "0.1ether", "--calldata"]);
    input(&market, 1, &withdraw);
    market.wait_until(&["--account", "1", "balance"], |balance| {
        balance["vouchers"].as_array().is_some_and(|vouchers| !vouchers.is_empty())
    });
    let cancel = market.ask(&["--account", "1", "job", "cancel", "0", "--calldata"]);
    input(&market, 1, &cancel);
    market.wait_until(&["job", "show", "0"], |shown| shown["stage"] == "cancelled");
    assert_eq!(file["application"], market.devnet_file()["application"]);
}

#[test]
fn a_sealed_jobs_files_are_published_by_its_number() {
    let market = Market::start();
    let [base, slice, hold_out, model] =
        ["torch-base.onnx", "client-a.safetensors", "holdout.safetensors", "torch-trained.onnx"]
            .map(|name| fixture("digits").join(name));
    market.write("terms.toml", &sealed_terms(0));
    // Sent with another tool, which does not publish the blobs.
    let open = ["job", "open", "--calldata", "--salt", SALT, "--terms", "terms.toml"];
    let open = market.ask(&[&["--account", "1"], &open[..]].concat());
    deposit(&market, 1, 2_000 * MILLI, &open);
    let show = ["job", "show", "0", "--submissions"];
    market.wait_until(&show, |shown| shown["stage"] == "announced");
    let publish = |account, file| market.ask(&["--account", account, "data", "publish", "0", file]);
    for file in [&base, &slice, &hold_out] {
        assert!(publish("1", text(file))["chunks"].as_u64().unwrap() > 0);
    }
    assert_eq!(publish("1", text(&hold_out))["chunks"], 0, "it is there already");
    assert_eq!(market.ask(&show)["stage"], "open");
    let submit = ["submit", "--job", "0", "--model", text(&model), "--calldata"];
    let submit = market.ask(&[&["--account", "2"], &submit[..]].concat());
    deposit(&market, 2, 200 * MILLI, &submit);
    market.wait_until(&show, |shown| shown["submitted"] == 1);
    market.said(&["--account", "2", "data", "publish", "0", "terms.toml"], 2);
    publish("2", text(&model));
    let shown = market.ask(&show);
    assert_eq!(shown["submission_list"][0]["state"], "sealed", "{shown:#}");
}

#[test]
fn an_account_that_signs_elsewhere_sponsors_by_calldata() {
    let market = Market::start();
    let (safe, file) = ("0x5afe5afe5afe5afe5afe5afe5afe5afe5afe5afe", market.devnet_file());
    market.ethereum("anvil_setBalance", json!([safe, "0x8ac7230489e80000"]));
    market.ethereum("anvil_impersonateAccount", json!([safe]));
    let terms = open_job("2");
    let open = ["--as", safe, "job", "open", "--calldata", "--salt", SALT];
    let print = || market.ask(&with(&open, &terms));
    let printed = print();
    // The close is so many hours from a second that may end in between.
    assert!((0..5).any(|_| print() == print()), "the same lines for the same salt");

    let contracts = &file["contracts"];
    let amount: u128 = printed["deposit"]["amount"].as_str().unwrap().parse().unwrap();
    let data = call("0x938c054f", &file["application"], payload(&printed));
    let mut sent = vec![(&contracts["ether_portal"], amount, data)];
    for line in printed["payloads"].as_array().unwrap() {
        let data = call("0x1789cd63", &file["application"], line.as_str().unwrap());
        sent.push((&contracts["input_box"], 0, data));
    }
    for (to, value, data) in sent {
        let value = format!("{value:#x}");
        let transaction = json!({ "from": safe, "to": to, "value": value, "data": data });
        market.ethereum("eth_sendTransaction", json!([transaction]));
    }
    market.wait_until(&["job", "show", "0"], |shown| shown["stage"] == "open");
    assert_eq!(market.ask(&["job", "show", "0"])["sponsor"], safe);

    let sealed = ["--as", safe, "job", "open", "--calldata", "--terms", "terms.toml"];
    market.write("terms.toml", &sealed_terms(0));
    assert_eq!(market.refused(&sealed), "NoKey");
    market.said(&["--as", safe, "withdraw", "1wei"], 2);
}
