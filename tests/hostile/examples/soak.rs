//! `soak [--inputs N] [--seed N] [--json] [--load NAME]`: what the application keeps in memory
//! while a crowd sends a million inputs; first to jobs that stay open, then to jobs that come and
//! go; last what the program keeps, with the memory that it is deployed with, while it is attacked.

#![expect(clippy::print_stdout, reason = "the curve is what this program is for")]

use std::{env, process::Command};

use hostile::{
    attack::{Attack, Memory},
    load::{Kept, Load, Mix},
};
use serde_json::{Value, json};

/// Points of a curve.
const POINTS: u64 = 20;
/// The loads by name.
const LOADS: [&str; 3] = ["standstill", "jobs", "attack"];
const USAGE: &str = "usage: soak [--inputs N] [--seed N] [--json] [--load standstill|jobs|attack]";

struct Arguments {
    inputs: u64,
    seed: u64,
    json: bool,
    /// Which load; all when there is none.
    load: Option<&'static str>,
}

fn main() -> Result<(), String> {
    let arguments = arguments()?;
    match arguments.load {
        None => return all(),
        Some("attack") => attack(&arguments),
        Some("jobs") => crowd(Mix::Jobs, &arguments),
        Some(_) => crowd(Mix::Standstill, &arguments),
    }
    Ok(())
}

/// Each load in a process of its own, so that none finds the memory that another has left.
fn all() -> Result<(), String> {
    let failed = |fault: std::io::Error| format!("cannot run a load: {fault}");
    let program = env::current_exe().map_err(failed)?;
    for name in LOADS {
        let mut load = Command::new(&program);
        load.args(env::args().skip(1)).args(["--load", name]);
        if !load.status().map_err(failed)?.success() {
            return Err(format!("the load of {name} failed"));
        }
    }
    Ok(())
}

fn arguments() -> Result<Arguments, String> {
    let mut found = Arguments { inputs: 1_000_000, seed: 1, json: false, load: None };
    let mut rest = env::args().skip(1);
    let wrong = || USAGE.to_owned();
    while let Some(argument) = rest.next() {
        let mut number = || rest.next().and_then(|text| text.parse().ok());
        match argument.as_str() {
            "--json" => found.json = true,
            "--inputs" => found.inputs = number().ok_or_else(wrong)?,
            "--seed" => found.seed = number().ok_or_else(wrong)?,
            "--load" => {
                let name = rest.next().ok_or_else(wrong)?;
                let load = LOADS.into_iter().find(|load| *load == name);
                found.load = Some(load.ok_or_else(wrong)?);
            }
            _ => return Err(wrong()),
        }
    }
    Ok(found)
}

fn crowd(mix: Mix, arguments: &Arguments) {
    let name = if mix == Mix::Jobs { "jobs" } else { "standstill" };
    let mut load = Load::new(mix, arguments.seed);
    for point in 1..=POINTS {
        while load.counts().inputs < arguments.inputs * point / POINTS {
            load.step();
        }
        let (counts, kept) = (load.counts(), load.kept());
        let Kept { records, jobs, payouts, reserved_bytes, balances, resident_bytes } = kept;
        let resident_kib = resident_bytes >> 10;
        let line = json!({
            "load": name, "inputs": counts.inputs, "refused": counts.refused, "jobs": jobs,
            "records": records, "payouts": payouts, "balances": balances,
            "reserved_bytes": reserved_bytes, "resident_kib": resident_kib,
        });
        say(&line, arguments.json);
    }
}

/// The curve of the program, and at its end the victim's money.
fn attack(arguments: &Arguments) {
    let mut attack = Attack::new(arguments.seed);
    for point in 1..=POINTS {
        while attack.counts().inputs < arguments.inputs * point / POINTS {
            attack.step();
        }
        let (counts, memory) = (attack.counts(), attack.memory());
        let Memory { resident_kib, peak_kib, address_space_kib, reserved_bytes, balances } = memory;
        let line = json!({
            "load": "attack", "inputs": counts.inputs, "refused": counts.refused,
            "balances": balances, "reserved_bytes": reserved_bytes, "resident_kib": resident_kib,
            "peak_kib": peak_kib, "address_space_kib": address_space_kib,
        });
        say(&line, arguments.json);
    }
    attack.end();
    say(&json!({ "load": "attack", "victim": "has taken its money out" }), arguments.json);
}

/// A line of JSON, or its values with their names.
fn say(line: &Value, json: bool) {
    if json {
        println!("{line}");
        return;
    }
    let values = line.as_object().into_iter().flatten();
    let text = values.map(|(name, value)| match value {
        Value::String(text) => format!("{name} {text}"),
        value => format!("{name} {value:>9}"),
    });
    println!("{}", text.collect::<Vec<_>>().join("  "));
}
