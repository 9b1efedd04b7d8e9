//! Output of `cargo speed`: measurements of the market's rules, an evaluation, gas and memory.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the numbers are the point")]

use std::{env, fs, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use deml_tests::{audit_speed, fixture, program, rivals::race};
use serde_json::{Value, json};

/// The models to measure, by description.
const MODELS: [(&str, &str); 3] = [
    ("perceptron 30 features", "health/sklearn-base.onnx"),
    ("perceptron 64 features", "digits/sklearn-base.onnx"),
    ("convolutions 8×8", "digits/torch-base.onnx"),
];

/// Minimum running time of each model.
const AT_LEAST: Duration = Duration::from_secs(2);

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let json = match arguments.as_slice() {
        [] => false,
        ["--json"] => true,
        ["audit"] => return audit(),
        ["train"] => return training(),
        ["rivals"] => return race(false),
        ["rivals", "--json"] => return race(true),
        _ => anyhow::bail!("usage: cargo speed [--json] | audit | train | rivals [--json]"),
    };
    let measured = json!({
        "rules": rules()?,
        "evaluation": evaluations()?,
        "demo": demo()?,
    });
    if json {
        println!("{measured}");
    } else {
        show(&measured);
    }
    Ok(())
}

/// Compares an audit with the application itself; prints a JSON object.
fn audit() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = runtime.block_on(audit_speed::measure(|what| eprintln!("{what}")))?;
    println!("{}", serde_json::to_string_pretty(&measured)?);
    Ok(())
}

/// Prints how long trainings take, and PyTorch's time if it is there.
fn training() -> Result<()> {
    let status = Command::new(program("examples/training")).status().context("cannot run it")?;
    ensure!(status.success(), "the measurement failed");
    Ok(())
}

/// The seconds that each engine takes for many images, on one core.
fn race(json: bool) -> Result<()> {
    for time in race::run()? {
        if json {
            println!("{}", serde_json::to_string(&time)?);
        } else {
            let race::Time { engine, seconds, ratio } = time;
            println!("{engine:12}  {seconds:.3} s  {ratio:.2} times ours");
        }
    }
    Ok(())
}

/// Commands per second of the market's rules, with a growing number of submissions.
fn rules() -> Result<Vec<Value>> {
    eprintln!("measuring the market's rules");
    let output = Command::new(program("examples/speed")).output().context("cannot run it")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout)?;
    lines.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// Multiply-adds per second of evaluations.
fn evaluations() -> Result<Vec<Value>> {
    let mut measured = Vec::new();
    for (name, file) in MODELS {
        eprintln!("measuring the evaluation of {name}");
        let model = eval::Model::from_onnx(&read(&fixture(file))?)?;
        let speed = eval::report::speed(&model, AT_LEAST)?;
        let nanoseconds = speed.elapsed.as_nanos().max(1);
        let per_second = u128::from(speed.cost.multiply_adds()) * 1_000_000_000 / nanoseconds;
        measured.push(json!({ "model": name, "multiply_adds_per_second": per_second }));
    }
    Ok(measured)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Gas of accepted models and the dapp's memory, from the demo.
fn demo() -> Result<Value> {
    eprintln!("playing the demo");
    let output = Command::new(program("deml")).args(["demo", "--json", "--quiet"]).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let played: Value = serde_json::from_slice(&output.stdout)?;
    let list = |key: &str| played[key].as_array().cloned().unwrap_or_default();
    let claim = list("vouchers")
        .iter()
        .filter(|voucher| !voucher["to"].is_null())
        .fold(0, |most, voucher| most.max(voucher["gas"].as_u64().unwrap_or_default()));
    let accepted = list("submissions").into_iter().filter(|one| one["verdict"] == "accepted");
    let gas: Vec<Value> = accepted
        .map(|submission| {
            let entered = submission["gas"].as_u64().unwrap_or_default();
            json!({
                "job": submission["job"],
                "model_bytes": submission["model_bytes"],
                "gas_to_submit": entered,
                "gas_with_claim": entered + claim,
            })
        })
        .collect();
    Ok(json!({
        "seconds": played["seconds"],
        "dapp_peak_bytes": played["dapp_peak_bytes"],
        "submissions": gas,
    }))
}

fn show(measured: &Value) {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    for line in list(&measured["rules"]) {
        let (commands, submissions) = (&line["commands_per_second"], &line["submissions"]);
        println!("rules        {commands} commands a second with {submissions} submissions");
    }
    for line in list(&measured["evaluation"]) {
        let (model, speed) = (&line["model"], &line["multiply_adds_per_second"]);
        println!("evaluation   {speed} multiply-adds a second, {model}");
    }
    for line in list(&measured["demo"]["submissions"]) {
        let (bytes, gas, all) =
            (&line["model_bytes"], &line["gas_to_submit"], &line["gas_with_claim"]);
        println!("gas          {gas} to submit {bytes} bytes, {all} with the claim of the reward");
    }
    println!("memory       {} bytes at most in the dapp", measured["demo"]["dapp_peak_bytes"]);
    println!("demo         {} s", measured["demo"]["seconds"]);
}
