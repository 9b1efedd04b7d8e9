//! Arguments of `encode`.

use std::path::PathBuf;

use alloy::primitives::{B256, Bytes};
use clap::{Args, Subcommand};

use super::{CompetitionOpen, Deposit, JobNumber, JobOpen};

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
    /// Open a competition whose hold-out was sealed with `data seal`
    OpenCompetition(Box<EncodeOpenCompetition>),
    /// Enter a model that was sealed with `data seal`
    Enter(EncodeSealed),
    /// Show an open model on a competition's board
    Show(EncodeShow),
    /// Offer to evaluate: for one competition, or for all
    Enlist(EncodeEnlist),
    /// Take back the offer for all competitions
    Retire,
    /// Reveal what was sealed with `data seal`
    Reveal(EncodeSealed),
    /// Commit to attestations
    Attest(EncodeAttest),
    /// Show attestations
    Unveil(EncodeUnveil),
    /// Doubt an entry's attestations
    Object(EncodeObject),
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

/// Encoding the opening of a competition.
#[derive(Clone, Debug, Args)]
pub struct EncodeOpenCompetition {
    /// The number it will get, for which the hold-out was sealed
    pub job: u32,
    /// The terms.
    #[command(flatten)]
    pub open: CompetitionOpen,
}

/// Encoding what names a seal of this account.
#[derive(Clone, Debug, Args)]
pub struct EncodeSealed {
    /// The competition
    pub job: u32,
    /// The file that was sealed
    pub file: PathBuf,
}

/// Encoding what is shown.
#[derive(Clone, Debug, Args)]
pub struct EncodeShow {
    /// The competition
    pub job: u32,
    /// ONNX file
    pub model: PathBuf,
}

/// Encoding an offer.
#[derive(Clone, Debug, Args)]
pub struct EncodeEnlist {
    /// The competition [default: all]
    pub job: Option<u32>,
}

/// Encoding a commitment to attestations.
#[derive(Clone, Debug, Args)]
pub struct EncodeAttest {
    /// The competition
    pub job: u32,
    /// The page of the revealed models
    pub page: u32,
    /// SHA-256 of the attestations, as the interface states it
    pub commitment: B256,
}

/// Encoding attestations.
#[derive(Clone, Debug, Args)]
pub struct EncodeUnveil {
    /// The competition
    pub job: u32,
    /// The page of the revealed models
    pub page: u32,
    /// What hides them in the commitment
    #[arg(long)]
    pub salt: B256,
    /// One for each model: SCORE,WORST_CLASS,RESULTS in parts per million and hexadecimal
    #[arg(long, value_name = "ATTESTATION", required = true)]
    pub attestation: Vec<String>,
    /// Results row by row, in competitions for miners only
    #[arg(long, default_value = "0x")]
    pub results: Bytes,
}

/// Encoding an objection.
#[derive(Clone, Debug, Args)]
pub struct EncodeObject {
    /// The competition
    pub job: u32,
    /// The entry
    pub entry: u32,
}
