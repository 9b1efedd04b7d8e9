//! Arguments of `proof`.

use std::path::PathBuf;

use alloy::primitives::B256;
use clap::{Args, Subcommand};
use client::jobs::JobRef;

use super::Engine;

/// Proofs.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "\
Examples:
  deml proof 7 --out voucher.json
  deml proof 7 --recompute
  deml proof job 0 --out job.json
  deml proof verify job.json --root 0x…

A file holds the outputs, their proofs and the claims they lead to, and is checked without trusting
who made it.")]
pub struct Proof {
    /// More than one output, or checking.
    #[command(subcommand)]
    pub what: Option<ProofWhat>,
    /// The output's number
    #[arg(required = true)]
    pub output: Option<u64>,
    /// Where to and where from.
    #[command(flatten)]
    pub make: ProofMake,
}

/// How proofs are made.
#[derive(Clone, Debug, Args)]
pub struct ProofMake {
    /// Write them to this file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Compute them anew from Ethereum, by replaying all inputs, instead of asking the node
    #[arg(long)]
    pub recompute: bool,
    /// How to replay.
    #[command(flatten)]
    pub engine: Engine,
}

/// What else there is to proofs.
#[derive(Clone, Debug, Subcommand)]
pub enum ProofWhat {
    /// Prove all outputs that concern a job: notices that name it, vouchers that came with them
    Job(ProofJob),
    /// Check a file of proofs: against a root, or with --rpc-url on Ethereum
    Verify(ProofVerify),
}

/// Proofs of a job.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml proof job 0 --out job.json")]
pub struct ProofJob {
    /// Its number, or its name: 0x and at least its first 8 digits
    pub job: JobRef,
    /// Where to and where from.
    #[command(flatten)]
    pub make: ProofMake,
}

/// Checking proofs.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  deml proof verify job.json --root 0x…     without asking anyone
  deml proof verify job.json --rpc-url URL  asks Ethereum whether the roots were accepted")]
pub struct ProofVerify {
    /// The file
    pub file: PathBuf,
    /// An outputs root that is known to be accepted; may be said more than once
    #[arg(long, value_name = "ROOT")]
    pub root: Vec<B256>,
}
