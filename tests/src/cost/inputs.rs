//! Whole inputs, counted beside what the market says they cost at most.

use std::{fs, process::Command};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::{
    counter::{Counter, between},
    net, rows,
};

/// What an input of the market that is counted may cost: a part of what answering its rows takes.
pub const INPUT_WORK: u64 = 150_000_000;

/// Rows of the hold-out.
const ROWS: usize = 1_000;

/// An input.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Input {
    /// What it is.
    pub input: String,
    /// Bytes of its payload.
    pub bytes: u64,
    /// Outputs that came of it.
    pub outputs: u64,
    /// Instructions it costs at most by the market's numbers.
    pub at_most: u64,
    /// Instructions that were counted; without HTTP.
    #[serde(default)]
    pub counted: u64,
}

/// Counts each input of a market in which a convolutional network is submitted, whose evaluation,
/// without a zero anywhere, takes several.
///
/// - Errors: the program that is counted fails
pub fn count(counter: &Counter) -> Result<Vec<Input>> {
    let folder = tempfile::tempdir()?;
    let [base, hold_out, model] =
        ["base.onnx", "rows.safetensors", "model.onnx"].map(|name| folder.path().join(name));
    fs::write(&base, net::mlp().file())?;
    fs::write(&model, net::cnn().file())?;
    rows::write(&rows::bytes(&[1, 28, 28], ROWS)?, &hold_out)?;
    let (mut command, counts) = counter.command(&counter.program("examples/inputs"));
    command.args([&base, &hold_out, &model]).arg(INPUT_WORK.to_string());
    let printed = printed(command)?;
    let counted = between(&counts)?;
    // Between the marks of an input is what it took, between two inputs what was printed.
    let counted = counted.into_iter().step_by(2);
    let inputs = printed.lines().zip(counted).map(|(line, counted)| {
        let input: Input = serde_json::from_str(line)?;
        Ok(Input { counted, ..input })
    });
    inputs.collect()
}

fn printed(mut command: Command) -> Result<String> {
    let output = command.output().context("cannot run qemu-riscv64")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
