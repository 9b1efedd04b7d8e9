//! Arguments of `audit`.

use std::path::PathBuf;

use auditor::Moment;
use clap::Args;

/// An audit.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  deml audit                                     the running devnet's application
  deml audit --app 0x… --genesis genesis.json --rpc-url https://… --node-url https://…
  deml audit --from 100 --to block:20000000 --no-node

Exit codes: 0 all holds, 1 something does not, 2 it could not be checked.")]
pub struct Audit {
    /// Judge from this input on, or from a block as block:N; the replay begins where
    /// the last audit ended, or at genesis
    #[arg(long, value_name = "INPUT|block:N")]
    pub from: Option<Moment>,
    /// Judge up to this input, or as things were after a block
    #[arg(long, value_name = "INPUT|block:N")]
    pub to: Option<Moment>,
    /// Begin at genesis, and keep nothing for the next audit
    #[arg(long)]
    pub no_checkpoint: bool,
    /// Write a page for people to read, with all that happened since genesis
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// How.
    #[command(flatten)]
    pub replay: Replay,
}

/// How to replay, and what to compare with.
#[derive(Clone, Debug, Args)]
pub struct Replay {
    /// How to replay.
    #[command(flatten)]
    pub engine: Engine,
    /// Audit from Ethereum alone: ask no Cartesi node
    #[arg(long)]
    pub no_node: bool,
    /// Blocks after an epoch's end by which its claim must be there [default: an epoch]
    #[arg(long, value_name = "BLOCKS")]
    pub claim_patience: Option<u64>,
}

/// How to replay.
#[derive(Clone, Debug, Args)]
pub struct Engine {
    /// The application's genesis file [default: the running devnet's]
    #[arg(long, value_name = "FILE")]
    pub genesis: Option<PathBuf>,
    /// The folder of blobs the application carries
    #[arg(long, value_name = "FOLDER")]
    pub blobs: Option<PathBuf>,
    /// Replay through this program instead of the application inside deml
    #[arg(long, value_name = "FILE")]
    pub dapp: Option<PathBuf>,
    /// Replay in a Cartesi Machine: the folder that `cartesi build` stores one in
    #[arg(long, value_name = "FOLDER", conflicts_with = "dapp")]
    pub machine: Option<PathBuf>,
}
