//! Arguments of `data` and `model`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::DataSeal;

/// Datasets.
#[derive(Debug, Subcommand)]
pub enum Data {
    /// Make a dataset of a CSV file
    Pack(DataPack),
    /// Seal a file for a competition
    Seal(DataSeal),
    /// Send the missing bytes of a blob the market expects
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

/// Publishing a blob.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  deml --account 1 data publish 0 holdout.safetensors

What the market has received already is not sent again. Of a competition's sealed blobs, give the
plain file on the computer that sealed it: it is sealed again with the same key.")]
pub struct DataPublish {
    /// The job it belongs to, or its CID
    pub expected: String,
    /// The file
    pub file: PathBuf,
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
    #[arg(long, value_name = "N", required_unless_present = "cid")]
    pub job: Option<u32>,
    /// Its CID
    #[arg(long, conflicts_with = "job")]
    pub cid: Option<blobs::Cid>,
    /// Where to write it
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}
