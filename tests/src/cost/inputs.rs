//! Whole inputs and parts of them, counted beside the market's upper bounds on their cost.

use std::{fs, process::Command};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::{
    counter::{Counter, between},
    net::{self, Net},
    rows,
};
use crate::fixture;

/// Cost limit of an input in the counted market: a fraction of the cost of answering its rows.
pub const INPUT_WORK: u64 = 150_000_000;

/// Rows of the open job's hold-out.
const ROWS: usize = 1_000;
/// Rows of the sealed job's public slice and of its hold-out, as many as the fixtures have.
const SLICE_ROWS: usize = 100;
const HOLD_OUT_ROWS: usize = 300;
/// Rows that only miners evaluate, more than the machine reads.
const LINE_ROWS: usize = 20_000;

/// An input.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Input {
    /// Its name.
    pub input: String,
    /// Bytes of its payload.
    pub bytes: u64,
    /// Outputs that it produced.
    pub outputs: u64,
    /// Upper bound on its instructions by the market's figures.
    pub at_most: u64,
    /// Number of such inputs.
    #[serde(default)]
    pub times: u64,
    /// Instructions counted; without HTTP.
    #[serde(default)]
    pub counted: u64,
}

impl Input {
    /// Whether it is within its bound.
    #[must_use]
    pub const fn is_within(&self) -> bool {
        self.counted <= self.at_most
    }

    /// Whether it is nearer to its bound than another.
    fn is_nearer_than(&self, other: &Self) -> bool {
        let product = |one: u64, other: u64| u128::from(one) * u128::from(other);
        product(self.counted, other.at_most) > product(other.counted, self.at_most)
    }
}

/// Counts the inputs of an open job, whose convolutional network without a zero takes several to be
/// evaluated, and of sealed jobs from opening to end; and parts of the most expensive steps. Of
/// inputs with the same name, the one nearest to its bound is kept.
///
/// - Errors: the counted program fails
pub fn count(counter: &Counter) -> Result<Vec<Input>> {
    let folder = tempfile::tempdir()?;
    for (name, bytes) in files()? {
        fs::write(folder.path().join(name), bytes)?;
    }
    let (mut command, counts) = counter.command(&counter.program("examples/inputs"));
    command.arg(folder.path()).arg(INPUT_WORK.to_string());
    let printed = printed(command)?;
    let counted = between(&counts)?;
    // Between the marks of an input is its cost, between two inputs that of printing.
    let counted = counted.into_iter().step_by(2);
    let mut inputs: Vec<Input> = Vec::new();
    for (line, counted) in printed.lines().zip(counted) {
        let input = Input { counted, times: 1, ..serde_json::from_str(line)? };
        match inputs.iter_mut().find(|other| other.input == input.input) {
            Some(other) => {
                let times = other.times + 1;
                let nearest = if input.is_nearer_than(other) { input } else { other.clone() };
                *other = Input { times, ..nearest };
            }
            None => inputs.push(input),
        }
    }
    Ok(inputs)
}

/// The files that the counted program reads.
fn files() -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = vec![
        ("base.onnx".to_owned(), net::mlp().file()),
        ("model.onnx".to_owned(), net::cnn().file()),
        ("rows.safetensors".to_owned(), rows::bytes(&[1, 28, 28], ROWS)?.to_safetensors()),
        ("slice.safetensors".to_owned(), rows::natural(0, SLICE_ROWS)?.to_safetensors()),
        ("line.onnx".to_owned(), Net::new(&[1]).dense(1, 2).file()),
        ("line.safetensors".to_owned(), rows::bytes(&[1], LINE_ROWS)?.to_safetensors()),
        ("hold-out.safetensors".to_owned(), rows::natural(0, HOLD_OUT_ROWS)?.to_safetensors()),
    ];
    for name in ["mlp.onnx", "cnn.onnx"] {
        files.push((name.to_owned(), fs::read(fixture(&format!("images/{name}")))?));
    }
    let alike = alike();
    let names: Vec<&str> = alike.iter().map(|(name, _)| *name).collect();
    files.push(("alike.txt".to_owned(), names.join("\n").into_bytes()));
    files.extend(alike.into_iter().map(|(name, net)| (name.to_owned(), net.file())));
    Ok(files)
}

/// Networks whose weights are compared: typical trained ones, and those whose form makes comparison
/// expensive.
fn alike() -> Vec<(&'static str, Net)> {
    let relu = |net: Net| net.then("Relu", &[]);
    let deep = |width: i64, layers: u32, first: Net| {
        (0..layers).fold(first, |net, _| relu(net.dense(width, width)))
    };
    vec![
        ("perceptron 784-128-10", net::mlp()),
        ("two convolutions", net::cnn()),
        ("perceptron 30-16-2", relu(Net::new(&[30]).dense(30, 16)).dense(16, 2)),
        ("80 layers of 32", deep(32, 80, Net::new(&[32]))),
        ("15 layers of 256", deep(256, 15, Net::new(&[256]))),
        ("one layer of 1,000", relu(Net::new(&[1_000]).dense(1_000, 1_000)).dense(1_000, 10)),
        ("1,670 neurons of one weight", relu(Net::new(&[1]).dense(1, 1_670)).dense(1_670, 1)),
        (
            "200 neurons behind a tanh",
            Net::new(&[200]).dense(200, 200).then("Tanh", &[]).dense(200, 10),
        ),
        ("300,000 neurons of one weight", relu(Net::new(&[1]).dense(1, 300_000)).dense(300_000, 1)),
        (
            "500 convolutions of one weight",
            (0..500)
                .fold(Net::new(&[1, 4, 4]), |net, _| relu(net.conv(&[1, 1, 1, 1], &[])))
                .then("Flatten", &[]),
        ),
    ]
}

fn printed(mut command: Command) -> Result<String> {
    let output = command.output().context("cannot run qemu-riscv64")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
