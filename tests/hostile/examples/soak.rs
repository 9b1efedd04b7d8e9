//! `soak [--inputs N] [--seed N] [--json] [--load NAME]`: what the application keeps in memory
//! while a crowd sends a million inputs; first with records that do not grow, then with bounties
//! whose records do, then with competitions among them.

#![expect(clippy::print_stdout, reason = "the curve is what this program is for")]

use std::{env, process::Command};

use hostile::load::{Kept, Load, Mix};

/// Points of a curve.
const POINTS: u64 = 20;

struct Arguments {
    inputs: u64,
    seed: u64,
    json: bool,
    /// Which load; all when there is none.
    load: Option<(&'static str, Mix)>,
}

/// What was measured after so many inputs.
struct Point {
    inputs: u64,
    refused: u64,
    kept: Kept,
}

/// The loads by name.
const LOADS: [(&str, Mix); 3] = [
    ("standstill", Mix::Standstill),
    ("bounties", Mix::Bounties),
    ("competitions", Mix::Competitions),
];

const USAGE: &str =
    "usage: soak [--inputs N] [--seed N] [--json] [--load standstill|bounties|competitions]";

fn main() -> Result<(), String> {
    let arguments = arguments()?;
    let Some((name, mix)) = arguments.load else { return all() };
    let points = curve(mix, &arguments);
    let most = points.iter().map(|point| point.kept.resident_bytes).max().unwrap_or(1);
    for point in &points {
        if arguments.json {
            json(name, point);
        } else {
            chart(name, point, most);
        }
    }
    summary(name, &points, arguments.json);
    Ok(())
}

/// Each load in a process of its own, so that none finds the memory that another has left.
fn all() -> Result<(), String> {
    let failed = |fault: std::io::Error| format!("cannot run a load: {fault}");
    let program = env::current_exe().map_err(failed)?;
    for (name, _) in LOADS {
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
                let load = LOADS.into_iter().find(|(load, _)| *load == name);
                found.load = Some(load.ok_or_else(wrong)?);
            }
            _ => return Err(wrong()),
        }
    }
    Ok(found)
}

/// Sends the inputs and looks now and then.
fn curve(mix: Mix, arguments: &Arguments) -> Vec<Point> {
    let mut load = Load::new(mix, arguments.seed);
    let mut points = Vec::new();
    for point in 1..=POINTS {
        while load.counts().inputs < arguments.inputs * point / POINTS {
            load.step();
        }
        let counts = load.counts();
        points.push(Point { inputs: counts.inputs, refused: counts.refused, kept: load.kept() });
    }
    points
}

fn json(name: &str, point: &Point) {
    let Point { inputs, refused, kept } = point;
    let Kept { records, jobs, stored_bytes, balances, resident_bytes } = kept;
    println!(
        r#"{{"load":"{name}","inputs":{inputs},"refused":{refused},"records":{records},"jobs":{jobs},"balances":{balances},"stored_bytes":{stored_bytes},"resident_bytes":{resident_bytes}}}"#
    );
}

fn chart(name: &str, point: &Point, most: u64) {
    let Kept { records, stored_bytes, resident_bytes, .. } = point.kept;
    let length = usize::try_from(resident_bytes * 40 / most.max(1)).unwrap_or(40);
    let (kib, bar) = (resident_bytes >> 10, "#".repeat(length));
    let inputs = point.inputs;
    println!(
        "{name:>12} {inputs:>9} inputs {records:>8} records {stored_bytes:>7} B stored {kib:>7} KiB {bar}"
    );
}

/// What a record takes, from the first quarter on, when all that is reused is there.
fn summary(name: &str, points: &[Point], json: bool) {
    let (Some(first), Some(last)) = (points.get(points.len() / 4), points.last()) else { return };
    let bytes = last.kept.resident_bytes.saturating_sub(first.kept.resident_bytes);
    let records = last.kept.records - first.kept.records;
    let per_record = bytes.checked_div(records);
    if json {
        let per_record = per_record.map_or("null".to_owned(), |bytes| bytes.to_string());
        println!(
            r#"{{"load":"{name}","grown_bytes":{bytes},"grown_records":{records},"bytes_per_record":{per_record}}}"#
        );
    } else {
        let per_record = per_record.map_or(String::new(), |bytes| format!(", {bytes} B each"));
        println!("{name:>12} grew by {bytes} B with {records} more records{per_record}\n");
    }
}
