//! Runs another engine on the rows of a dataset in batches, to be counted or timed.
//!
//! It answers the first batch once, then writes a line to stderr before and after all batches, in
//! one call, which the counter detects. It prints the seconds they took, and the classes, to
//! stdout:
//!
//! ```text
//! rivals --engine burn-ndarray --net FILE.onnx --rows FILE.safetensors --batch 32
//! ```
//!
//! Each engine starts from the rows' bytes and ends with a class for each row, like ours.

mod library;
mod net;
mod plain;
mod rows;
#[cfg(not(target_arch = "riscv64"))]
mod tract;

use std::{error::Error, fs, io::Write as _, time::Instant};

use burn_flex::Flex;
use serde_json::json;

use crate::{library::Library, plain::Plain, rows::Rows};

/// The engine being measured.
trait Engine {
    /// The numbers answered for rows given one after the other.
    fn answer(&self, rows: Vec<f32>) -> Vec<f32>;
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let named = |name: &str| {
        let pair = arguments.as_chunks::<2>().0.iter().find(|pair| pair[0] == name);
        pair.map(|pair| pair[1].as_str()).ok_or_else(|| format!("{name} is missing"))
    };
    let (net, rows) = (fs::read(named("--net")?)?, Rows::read(&fs::read(named("--rows")?)?)?);
    let batch: usize = named("--batch")?.parse()?;
    let engine = engine(named("--engine")?, &net, batch, rows.sizes)?;

    // The first batch pays for one-time work.
    engine.answer(rows.batches(batch).next().ok_or("there are no rows")?);
    mark()?;
    let begun = Instant::now();
    let classes = classes(&*engine, &rows, batch);
    let seconds = begun.elapsed().as_secs_f64();
    mark()?;
    println!("{}", json!({ "seconds": seconds, "classes": classes }));
    Ok(())
}

#[expect(deprecated, reason = "the backend that our own evaluator is built on")]
fn engine(
    name: &str,
    net: &[u8],
    batch: usize,
    row: [usize; 3],
) -> Result<Box<dyn Engine>, Box<dyn Error>> {
    Ok(match name {
        "burn-ndarray" => Box::new(Library::<burn_ndarray::NdArray>::new(net::read(net)?, row)),
        "burn-flex" => Box::new(Library::<Flex>::new(net::read(net)?, row)),
        "loop" => Box::new(Plain { layers: net::read(net)?, sizes: row }),
        "tract" => tract(net, batch, row)?,
        _ => return Err(format!("no engine {name} here").into()),
    })
}

#[cfg(not(target_arch = "riscv64"))]
fn tract(net: &[u8], batch: usize, row: [usize; 3]) -> Result<Box<dyn Engine>, Box<dyn Error>> {
    Ok(Box::new(tract::Tract::new(net, batch, row)?))
}

#[cfg(target_arch = "riscv64")]
fn tract(_: &[u8], _: usize, _: [usize; 3]) -> Result<Box<dyn Engine>, Box<dyn Error>> {
    Err("tract is only timed natively".into())
}

/// The class of each row: the index of the largest number, the first among equals.
fn classes(engine: &dyn Engine, rows: &Rows, batch: usize) -> Vec<usize> {
    let mut classes = Vec::new();
    for numbers in rows.batches(batch) {
        let count = numbers.len() / rows.sizes.iter().product::<usize>();
        let answers = engine.answer(numbers);
        classes.extend(answers.chunks_exact(answers.len() / count).map(largest));
    }
    classes
}

fn largest(answer: &[f32]) -> usize {
    let mut best = 0;
    for (class, number) in answer.iter().enumerate() {
        if *number > answer[best] {
            best = class;
        }
    }
    best
}

/// Marks the beginning or the end of the work for the counter.
fn mark() -> std::io::Result<()> {
    std::io::stderr().write_all(b"\n")
}
