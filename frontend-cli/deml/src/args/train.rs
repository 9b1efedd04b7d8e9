//! Arguments of what clients and miners do: `train`, `score`, `submit`, `show`, `mine`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use client::{jobs::JobRef, quantity::Money};

use super::{Caps, MetricName, Sending};

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
    #[arg(long, value_name = "JOB", required_unless_present = "base")]
    pub job: Option<JobRef>,
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
    #[arg(long, value_name = "JOB", required_unless_present = "hold_out")]
    pub job: Option<JobRef>,
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

It says what it may cost before it begins. Of the data only a CID is sent; of a sealed job's model
only a ciphertext, whose key stays on this computer: reveal it after the close with `deml job
reveal`, or lose the place bond. An interrupted submission goes on where it stopped.")]
pub struct Submit {
    /// The job: its number, or its name: 0x and at least its first 8 digits
    #[arg(long)]
    pub job: JobRef,
    /// ONNX file
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// What it was trained on; its bytes are not sent [default: not said]
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// Submit although the checks on this computer say it will be refused
    #[arg(long)]
    pub force: bool,
    /// Also go on with earlier submissions that must be decided before this one
    #[arg(long)]
    pub evaluate_earlier: bool,
    /// Pay from the free balance in the market, without a deposit
    #[arg(long)]
    pub from_balance: bool,
    /// At most how much.
    #[command(flatten)]
    pub caps: Caps,
    /// Whether to send.
    #[command(flatten)]
    pub sending: Sending,
}

/// Showing a model.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml --account 2 show --job 0 --model better.onnx")]
pub struct Show {
    /// The job: its number, or its name: 0x and at least its first 8 digits
    #[arg(long)]
    pub job: JobRef,
    /// ONNX file; everybody can see it
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// Pay from the free balance in the market, without a deposit
    #[arg(long)]
    pub from_balance: bool,
    /// At most how much.
    #[command(flatten)]
    pub caps: Caps,
    /// Whether to send.
    #[command(flatten)]
    pub sending: Sending,
}

/// Mining.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  deml --account 5 mine --job 0 --deposit 3ether
  deml --account 5 mine --all-matching --max-bond 1ether --min-pool 0.5ether

It offers to evaluate for the jobs that are named, or that keep within the limits, and attests and
reveals what it found until Ctrl-C. Started again, it goes on. The bond of each job comes from the
free balance, which --deposit fills.")]
pub struct Mine {
    /// For this job; can be given more than once
    #[arg(long, required_unless_present = "all_matching")]
    pub job: Vec<JobRef>,
    /// For every job within the limits
    #[arg(long, conflicts_with = "job", requires = "max_bond", requires = "min_pool")]
    pub all_matching: bool,
    /// Only where the bond is at most this
    #[arg(long, value_name = "AMOUNT")]
    pub max_bond: Option<Money>,
    /// Only where the sponsor's pool is at least this
    #[arg(long, value_name = "AMOUNT")]
    pub min_pool: Option<Money>,
    /// Only jobs in this asset: ether, or a token's address
    #[arg(long, value_parser = asset)]
    pub asset: Option<market::Asset>,
    /// Deposit this much first
    #[arg(long, value_name = "AMOUNT")]
    pub deposit: Option<Money>,
    /// Do what there is to do now, and end
    #[arg(long)]
    pub once: bool,
    /// At most how much for moving jobs on, in all; its own duties come first and do not count.
    #[command(flatten)]
    pub caps: Caps,
    /// Whether to send.
    #[command(flatten)]
    pub sending: Sending,
}

fn asset(text: &str) -> Result<market::Asset, String> {
    use wire::Text as _;
    market::Asset::read(text).ok_or_else(|| format!("{text:?} is not {}", market::Asset::WHAT))
}
