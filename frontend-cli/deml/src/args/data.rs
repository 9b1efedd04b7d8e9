//! Arguments of `data` and `model`.

use std::path::PathBuf;

use alloy::primitives::B256;
use clap::{Args, Subcommand};
use client::jobs::JobRef;

use super::Sending;

/// Datasets.
#[derive(Debug, Subcommand)]
pub enum Data {
    /// Make a dataset of a CSV file
    Pack(DataPack),
    /// Seal a hold-out or a model for a sealed job
    Seal(DataSeal),
    /// Send the missing bytes of a file that a job expects from you
    Publish(DataPublish),
}

/// Packing a dataset.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  deml data pack patients.csv --label diagnosis --out patients.safetensors"
)]
pub struct DataPack {
    /// CSV file; a first row that is no numbers is its header
    pub csv: PathBuf,
    /// Where to write the dataset
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Column of the labels, by its name in the header [default: the last one]
    #[arg(long, value_name = "NAME")]
    pub label: Option<String>,
    /// Labels are numbers to come near to, not classes
    #[arg(long)]
    pub regression: bool,
    /// Keep features as bytes; they are then read as byte × scale
    #[arg(long)]
    pub u8: bool,
    /// What a byte is multiplied with
    #[arg(long, requires = "u8", default_value_t = 1.0)]
    pub scale: f32,
}

/// Sealing a file.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  deml --account 1 data seal holdout.safetensors --salt 0x… --out holdout.sealed
  deml --account 2 data seal better.onnx --job 3 --out better.sealed

`job open` and `submit` seal by themselves. The key is kept, encrypted, on this computer.")]
pub struct DataSeal {
    /// The file
    pub file: PathBuf,
    /// The job that a model is for
    #[arg(long, required_unless_present = "salt")]
    pub job: Option<JobRef>,
    /// The salt of the job that a hold-out is for, as `job open --salt` takes it
    #[arg(long, value_name = "HEX", conflicts_with = "job")]
    pub salt: Option<B256>,
    /// Where to write the ciphertext
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Publishing a file.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  deml --account 1 data publish 0 holdout.safetensors

What the market has received already is not sent again. Of what is sealed, give the plain file on
the computer that sealed it: it is sealed again with the same key.")]
pub struct DataPublish {
    /// The job: its number, or its name: 0x and at least its first 8 digits
    pub job: JobRef,
    /// The file
    pub file: PathBuf,
    /// Whether to send.
    #[command(flatten)]
    pub sending: Sending,
}

/// Models.
#[derive(Debug, Subcommand)]
pub enum Model {
    /// Say what a model is made of and what evaluating it costs
    Check(ModelCheck),
    /// Fetch a job's base model, or any blob, from IPFS
    Get(ModelGet),
}

/// Checking a model.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml model check base.onnx")]
pub struct ModelCheck {
    /// ONNX file
    pub file: PathBuf,
    /// Rows of the dataset that its cost is shown for
    #[arg(long, default_value_t = 1_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rows: u32,
    /// Million instructions that the machine runs a second [default: 60]
    #[arg(long, value_name = "MILLION")]
    pub speed: Option<u32>,
}

/// Fetching a model.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml model get --job 0 --out base.onnx")]
pub struct ModelGet {
    /// The job whose base model it is
    #[arg(long, value_name = "JOB", required_unless_present = "cid")]
    pub job: Option<JobRef>,
    /// Its CID
    #[arg(long, conflicts_with = "job")]
    pub cid: Option<blobs::Cid>,
    /// Where to write it
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}
