//! The command line as clap reads it: plain data, resolved once in `config`.

mod audit;
mod data;
mod job;
mod money;
mod proof;
mod terms;
mod train;
mod watch;

use std::{ffi::OsString, path::PathBuf};

use alloy::primitives::Address;
use clap::{Args, Parser, Subcommand};
use client::quantity::Deadline;
use devnet::Lie;

pub use self::{audit::*, data::*, job::*, money::*, proof::*, terms::*, train::*, watch::*};

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

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Play a whole market on this computer: deposits, training, evaluation, paid wallets
    Demo(Demo),
    /// Run a market on this computer until Ctrl-C, for development
    Devnet(Devnet),
    /// Open, look at and end jobs
    #[command(subcommand)]
    Job(Job),
    /// Make, seal and publish datasets
    #[command(subcommand)]
    Data(Data),
    /// Look at and fetch models
    #[command(subcommand)]
    Model(Model),
    /// Train a model on data that stays on this computer
    Train(Train),
    /// Score a model exactly as the market would
    Score(Score),
    /// Enter a model for a job's award, openly or sealed as the job asks
    Submit(Submit),
    /// Show an open model on a job's public board
    Show(Show),
    /// Evaluate for jobs with miners, for a share of their pools
    Mine(Mine),
    /// Show wallet, free balance and vouchers
    Balance(Balance),
    /// Put money into the market
    Deposit(Deposit),
    /// Take free balance out of the market, as a voucher
    Withdraw(Withdraw),
    /// Execute vouchers that are proven on Ethereum
    Claim(Claim),
    /// Prove outputs to anyone, and check such proofs
    Proof(Proof),
    /// Check everything the market ever decided against Ethereum
    Audit(Audit),
    /// Audit each epoch as it is claimed, and raise an alarm at what is wrong
    Watch(Watch),
    /// Make and list encrypted keystores
    #[command(subcommand)]
    Account(Account),
    /// Run a program and end it when standard input closes; for the devnet's own use
    #[command(hide = true)]
    Guard(Guard),
}

/// A demo.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  deml demo --dapp target/riscv64gc-unknown-linux-gnu/release/deml-dapp")]
pub struct Demo {
    /// Play with this executable as the application, then replay all inputs through the deml-dapp
    /// beside deml and compare every output, byte for byte; one for RISC-V is run by qemu-riscv64
    #[arg(long, global = true, value_name = "FILE")]
    pub dapp: Option<PathBuf>,
    /// For tests of the auditor only: have the devnet tell this lie, play one short job and print
    /// what the audit finds
    #[arg(long, value_name = "KIND", hide = true, conflicts_with = "dapp")]
    pub sabotage: Option<Lie>,
    /// Another play than the two bounties.
    #[command(subcommand)]
    pub play: Option<DemoPlay>,
}

/// Plays beside the two bounties.
#[derive(Clone, Debug, Subcommand)]
pub enum DemoPlay {
    /// A competition of sealed models, with miners, copiers and liars
    #[command(after_help = "Example:\n  deml demo competition --silent-sponsor")]
    Competition {
        /// The sponsor never reveals its hold-out
        #[arg(long)]
        silent_sponsor: bool,
    },
}

/// A devnet.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  deml devnet --dir ./mydevnet --epoch-length 20

It is a small local stand-in for the Cartesi Rollups Node, on anvil and the real contracts; nobody
runs it in production. Killed at any moment, it goes on from its folder.

--machine needs cartesi-machine 0.19, 0.20 or 0.21 on the PATH. Its command lines follow these
releases' sources; they have not been tried with the programs yet.")]
pub struct Devnet {
    /// Where it keeps its state; other commands look there through $DEML_DEVNET [default:
    /// $DEML_DEVNET, else deml/devnet in this user's data folder]
    #[arg(long, value_name = "FOLDER")]
    pub dir: Option<PathBuf>,
    /// The application's executable; one for RISC-V is run by qemu-riscv64 [default: deml-dapp
    /// beside deml]
    #[arg(long, value_name = "FILE")]
    pub dapp: Option<PathBuf>,
    /// Run the application in a Cartesi Machine: the folder that `cartesi build` stores one in,
    /// which has its genesis and its blobs inside
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["dapp", "blobs"])]
    pub machine: Option<PathBuf>,
    /// Folder of blobs the application carries, as on a drive of its machine
    #[arg(long, value_name = "FOLDER")]
    pub blobs: Option<PathBuf>,
    /// Port of Ethereum's JSON-RPC; 0 is any
    #[arg(long, default_value_t = 8_545)]
    pub l1_port: u16,
    /// Port of the node's JSON-RPC; 0 is any
    #[arg(long, default_value_t = 10_011)]
    pub node_port: u16,
    /// Port of the node's inspect server; 0 is any
    #[arg(long, default_value_t = 10_012)]
    pub inspect_port: u16,
    /// Blocks in an epoch, which is claimed when it ends
    #[arg(long, default_value_t = 10)]
    pub epoch_length: u64,
}

/// A guarded program.
#[derive(Clone, Debug, Args)]
pub struct Guard {
    /// The program and its arguments
    #[arg(required = true, last = true)]
    pub program: Vec<OsString>,
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
