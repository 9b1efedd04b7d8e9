//! The command line as clap reads it: plain data, resolved once in `config`. Each command's own
//! arguments are in its file.

use std::path::PathBuf;

use alloy::primitives::Address;
use clap::{Args, Parser};
use client::quantity::Deadline;

use crate::commands::Command;

const EXAMPLES: &str = "\
Examples:
  deml devnet                                   start a local market, in another terminal
  deml --account 1 job open --title Health --base base.onnx --hold-out holdout.safetensors \\
       --metric accuracy --reward 0.5ether --rewards 2 --min-gain 1% --close 2h
  deml --account 2 train --job 0 --data mine.csv --out better.onnx
  deml --account 2 submit --job 0 --model better.onnx --data mine.csv
  deml --account 2 claim --wait

Exit codes: 0 done, 1 refused by the market or a check, 2 something failed.";

/// DeML: rewards for better models, paid by a market that runs in a Cartesi Machine.
#[derive(Debug, Parser)]
#[command(name = "deml", version, about, after_help = EXAMPLES, subcommand_required = true)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What holds for every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Ethereum's JSON-RPC [default: the running devnet's, else http://127.0.0.1:8545]
    #[arg(long, global = true, env = "DEML_RPC_URL", value_name = "URL")]
    pub rpc_url: Option<String>,
    /// The Cartesi node's JSON-RPC [default: the devnet's, else http://127.0.0.1:10011/rpc]
    #[arg(long, global = true, env = "DEML_NODE_URL", value_name = "URL")]
    pub node_url: Option<String>,
    /// The Cartesi node's inspect server [default: the devnet's, else
    /// http://127.0.0.1:10012/inspect]
    #[arg(long, global = true, env = "DEML_INSPECT_URL", value_name = "URL")]
    pub inspect_url: Option<String>,
    /// The market's application contract [default: the running devnet's]
    #[arg(long, global = true, env = "DEML_APP", value_name = "ADDRESS")]
    pub app: Option<Address>,
    /// The ERC-20 token that amounts like 5token are in [default: the running devnet's]
    #[arg(long, global = true, env = "DEML_TOKEN", value_name = "ADDRESS")]
    pub token: Option<Address>,
    /// Encrypted keystore that signs: a file, or a name that `account list` shows
    #[arg(
        long,
        global = true,
        env = "DEML_KEYSTORE",
        value_name = "FILE",
        conflicts_with = "account"
    )]
    pub keystore: Option<PathBuf>,
    /// File with the keystore's password [else $DEML_PASSWORD, else asked for]
    #[arg(long, global = true, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Sign with the public test account of this number; on a local devnet only
    #[arg(long, global = true, value_name = "N")]
    pub account: Option<usize>,
    /// IPFS store: folder:PATH, kubo:URL or gateway:URL [default: a folder of this user]
    #[arg(long, global = true, env = "DEML_IPFS", value_name = "STORE")]
    pub ipfs: Option<String>,
    /// How long to wait for the node, e.g. 90s or 10m
    #[arg(long, global = true, value_name = "DURATION", default_value = "5m")]
    pub patience: Deadline,
    /// Print data as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Say nothing on the way
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definitions_fit_together() {
        Cli::command().debug_assert();
    }
}
