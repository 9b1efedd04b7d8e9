//! Output of `cargo cost`: instructions of evaluations, counted as RISC-V under qemu.

#![expect(clippy::print_stdout, reason = "the numbers are the point")]

use std::env;

use anyhow::{Context, Result, ensure};
use deml_tests::{
    cost::{
        cases::{self, Case},
        counter::Counter,
        fit, hostile, inputs,
        nets::{self, BATCH_SIZES, Line, OURS, SUBJECTS, Zeros},
        overhead::{self, Figure},
    },
    rivals::{COUNTED, Rivals},
};

const USAGE: &str = "usage: cargo cost [--json] [--engine NAME]... | cargo cost fit | \
                     cargo cost check [--json] | cargo cost inputs [--json] | \
                     cargo cost overhead [--json]";

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["fit"] => print_weights(),
        ["check"] => check(false),
        ["check", "--json"] => check(true),
        ["overhead"] => around(false),
        ["overhead", "--json"] => around(true),
        ["inputs"] => count_inputs(false),
        ["inputs", "--json"] => count_inputs(true),
        options => per_multiply_add(options),
    }
}

/// Instructions per multiply-add of both networks, for our engine and then the rivals.
fn per_multiply_add(options: &[&str]) -> Result<()> {
    let (json, chosen) = (options.contains(&"--json"), engines(options)?);
    let counter = Counter::new()?;
    if !json {
        println!(
            "{:4}  {:12}  {:>5}  {:8}  instructions per multiply-add",
            "net", "engine", "batch", "zeros"
        );
    }
    if chosen.contains(&OURS) {
        count_engine(OURS, json, &|given| nets::ours(&counter, given))?;
    }
    let mut chosen = chosen.into_iter().filter(|engine| *engine != OURS).peekable();
    if chosen.peek().is_some() {
        let rivals = Rivals::as_riscv()?;
        for engine in chosen {
            count_engine(engine, json, &|given| rivals.count(&counter, engine, given))?;
        }
    }
    Ok(())
}

/// The requested engines, or all if none is named.
fn engines<'a>(options: &[&'a str]) -> Result<Vec<&'a str>> {
    let all = [&[OURS], COUNTED.as_slice()].concat();
    let mut chosen = Vec::new();
    let mut options = options.iter().filter(|option| **option != "--json");
    while let Some(option) = options.next() {
        ensure!(*option == "--engine", USAGE);
        let name = options.next().context(USAGE)?;
        ensure!(all.contains(name), "the engines are {}", all.join(", "));
        chosen.push(*name);
    }
    Ok(if chosen.is_empty() { all } else { chosen })
}

fn count_engine(
    engine: &str,
    json: bool,
    count: &dyn Fn(nets::Given<'_>) -> Result<u64>,
) -> Result<()> {
    for subject in SUBJECTS {
        for batch in BATCH_SIZES {
            for zeros in [Zeros::Dense, Zeros::Natural] {
                show(&nets::count(subject, engine, batch, zeros, count)?, json)?;
            }
        }
    }
    Ok(())
}

/// The table of weights, in the format of `dapp/eval/src/cost/weights.rs`.
fn print_weights() -> Result<()> {
    let counter = Counter::new()?;
    let usual = fit::count_all(&counter, &cases::all()?)?;
    let hostile = fit::count_all(&counter, &hostile::all()?)?;
    for (kind, weight) in fit::weights(&usual, &hostile)? {
        println!("    (CostKind::{kind:?}, {}),", grouped(weight));
    }
    Ok(())
}

/// A number in Rust's notation, its digits in groups of three.
fn grouped(number: u64) -> String {
    if number < 1_000 {
        return number.to_string();
    }
    format!("{}_{:03}", grouped(number / 1_000), number % 1_000)
}

/// Compares predictions with counts: close for usual cases, no lower for hostile ones.
fn check(json: bool) -> Result<()> {
    let counter = Counter::new()?;
    let compare = |cases: &[Case]| -> Result<Vec<_>> {
        let counted = fit::count_all(&counter, cases)?;
        Ok(counted.iter().map(fit::Counted::compared).collect())
    };
    let (usual, hostile) = (compare(&cases::all()?)?, compare(&hostile::all()?)?);
    for line in usual.iter().chain(&hostile) {
        if json {
            println!("{}", serde_json::to_string(line)?);
        } else {
            let fit::Compared { case, predicted, counted, ratio, .. } = line;
            println!("{predicted:>12}  {counted:>12}  {ratio:.3}  {case}");
        }
    }
    let limit = fit::TOLERANCE_PERCENT;
    let far = usual.iter().filter(|line| !line.is_near()).count();
    ensure!(far == 0, "{far} of {} predictions are more than {limit} % off", usual.len());
    let expensive = hostile.iter().filter(|line| !line.is_covered()).count();
    ensure!(
        expensive == 0,
        "{expensive} of {} predictions are more than {limit} % too low",
        hostile.len()
    );
    Ok(())
}

/// The overhead around an evaluation, with its limits.
fn around(json: bool) -> Result<()> {
    let figures = overhead::figures(&Counter::new()?)?;
    for figure in &figures {
        let Figure { what, unit, count, limit } = figure;
        if json {
            println!("{}", serde_json::to_string(figure)?);
        } else {
            let limit = limit.map_or_else(String::new, |limit| format!(", {limit} at most"));
            println!("{what:<44} {count:>10} {unit}{limit}");
        }
    }
    let over: Vec<_> =
        figures.iter().filter(|figure| !figure.is_within()).map(|figure| figure.what).collect();
    ensure!(over.is_empty(), "more than the limit: {}", over.join("; "));
    Ok(())
}

/// Whole inputs, compared with their upper bounds.
fn count_inputs(json: bool) -> Result<()> {
    let inputs = inputs::count(&Counter::new()?)?;
    for input in &inputs {
        if json {
            println!("{}", serde_json::to_string(input)?);
        } else {
            let inputs::Input { input: what, bytes, counted, at_most, times, .. } = input;
            let sign = if input.is_within() { ' ' } else { '!' };
            println!(
                "{counted:>12} {sign} of {at_most:>12}  {bytes:>7} bytes  {times:>4} × {what}"
            );
        }
    }
    let expensive = inputs.iter().filter(|input| !input.is_within()).count();
    ensure!(expensive == 0, "{expensive} inputs cost more than they may");
    Ok(())
}

fn show(line: &Line, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string(line)?);
    } else {
        let Line { net, engine, batch, zeros, instructions_per_mac } = line;
        let zeros = format!("{zeros:?}").to_lowercase();
        println!("{net:4}  {engine:12}  {batch:>5}  {zeros:8}  {instructions_per_mac:.3}");
    }
    Ok(())
}
