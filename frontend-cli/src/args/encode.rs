//! Arguments of `encode`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Deposit, JobNumber, JobOpen};

/// Encoding.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cartesi send $(deml encode settle 0) --encoding hex
  cartesi deposit ether 1 --exec-layer-data $(deml encode --deposit open-job --terms terms.toml)")]
pub struct Encode {
    /// Say how to let the command ride on a deposit
    #[arg(long)]
    pub deposit: bool,
    /// The command
    #[command(subcommand)]
    pub command: EncodeCommand,
}

/// Commands of the market.
#[derive(Debug, Subcommand)]
pub enum EncodeCommand {
    /// Open a job
    OpenJob(Box<JobOpen>),
    /// Cancel a job
    CancelJob(JobNumber),
    /// Publish a blob: one line for each input
    Publish(EncodePublish),
    /// Enter a model
    Submit(EncodeSubmit),
    /// Go on with evaluations
    Evaluate(EncodeEvaluate),
    /// Close a job
    Settle(JobNumber),
    /// Take free balance out
    Withdraw(Deposit),
}

/// Encoding the chunks of a blob.
#[derive(Clone, Debug, Args)]
pub struct EncodePublish {
    /// The file
    pub file: PathBuf,
    /// Bytes of it that the market has received already
    #[arg(long, default_value_t = 0)]
    pub offset: u64,
}

/// Encoding a submission.
#[derive(Clone, Debug, Args)]
pub struct EncodeSubmit {
    /// The job's number
    pub job: u32,
    /// ONNX file
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// What it was trained on
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
}

/// Encoding an evaluation.
#[derive(Clone, Debug, Args)]
pub struct EncodeEvaluate {
    /// The job's number
    pub job: u32,
    /// At most this many instructions
    pub work: u64,
}
