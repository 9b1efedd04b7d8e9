//! Arguments of what clients do: `train`, `score`, `submit`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::MetricName;

/// How weights are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Optimizer {
    /// Stochastic gradient descent with momentum
    Sgd,
    /// Adam
    Adam,
}

/// Training.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  deml train --job 0 --data mine.csv --out better.onnx --epochs 30

Ctrl-C ends it early and keeps the best model so far. Nothing of your data leaves this computer.")]
pub struct Train {
    /// Job whose base model is trained further
    #[arg(long, value_name = "N", required_unless_present = "base")]
    pub job: Option<u32>,
    /// ONNX file to train further
    #[arg(long, value_name = "FILE", conflicts_with = "job")]
    pub base: Option<PathBuf>,
    /// Datasets to train on: CSV or safetensors, one or several
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub data: Vec<PathBuf>,
    /// Where to write the trained model
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Column of the labels in a CSV file [default: the last one]
    #[arg(long, value_name = "NAME")]
    pub label: Option<String>,
    /// What the validation score measures [default: the job's, else accuracy]
    #[arg(long)]
    pub metric: Option<MetricName>,
    /// How weights are changed
    #[arg(long, default_value = "adam")]
    pub optimizer: Optimizer,
    /// Step size [default: 0.001 for adam, 0.05 for sgd]
    #[arg(long)]
    pub learning_rate: Option<f32>,
    /// Times all rows are seen
    #[arg(long, default_value_t = 20)]
    pub epochs: u32,
    /// Rows a step
    #[arg(long, default_value_t = 32)]
    pub batch: usize,
    /// Percent of the rows held back to choose the best epoch
    #[arg(long, default_value_t = 20, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(..=90))]
    pub validation: u8,
    /// Decides the order of rows; the same seed gives the same model
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Scoring.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  deml score --model better.onnx --job 0
  deml score --model better.onnx --hold-out holdout.safetensors --metric macro-f1
  deml score --model better.onnx --hold-out holdout.safetensors --bits

With --bits, two computers are compared: their digests are equal, or the first that is not names
the node where they part.")]
pub struct Score {
    /// ONNX file
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// Job whose rules and hold-out decide
    #[arg(long, value_name = "N", required_unless_present = "hold_out")]
    pub job: Option<u32>,
    /// Dataset that decides: safetensors or CSV
    #[arg(long, value_name = "FILE", conflicts_with = "job")]
    pub hold_out: Option<PathBuf>,
    /// What is measured
    #[arg(long, conflicts_with = "job", default_value = "accuracy")]
    pub metric: MetricName,
    /// Also digest the bits of what each node makes, over all rows
    #[arg(long)]
    pub bits: bool,
    /// Million instructions that the machine runs a second [default: 60]
    #[arg(long, value_name = "MILLION")]
    pub speed: Option<u32>,
}

/// Submitting.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  deml --account 2 submit --job 0 --model better.onnx --data mine.csv

Of the data only a CID is sent. An interrupted submission goes on where it stopped.")]
pub struct Submit {
    /// The job
    #[arg(long, value_name = "N")]
    pub job: u32,
    /// ONNX file
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// What it was trained on; its bytes are not sent
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// Submit although the checks on this computer say it will be refused
    #[arg(long)]
    pub force: bool,
}
