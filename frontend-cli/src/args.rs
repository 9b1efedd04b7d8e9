//! The command line as clap reads it: plain data, resolved once in `config`.

use std::{ffi::OsString, path::PathBuf};

use alloy::primitives::Address;
use clap::{Args, Parser, Subcommand, ValueEnum};
use market::Metric;

use crate::quantity::{Deadline, Money, Share};

const EXAMPLES: &str = "\
Examples:
  deml devnet                                   start a local market, in another terminal
  deml --account 1 job open --title Health --base base.onnx --hold-out holdout.safetensors \\
       --metric accuracy --reward 0.5ether --rewards 2 --min-gain 1% --deadline 2h
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
    /// The Cartesi node's inspect server [default: the devnet's, else http://127.0.0.1:10012/inspect]
    #[arg(long, global = true, env = "DEML_INSPECT_URL", value_name = "URL")]
    pub inspect_url: Option<String>,
    /// The market's application contract [default: the running devnet's]
    #[arg(long, global = true, env = "DEML_APP", value_name = "ADDRESS")]
    pub app: Option<Address>,
    /// The ERC-20 token that amounts like 5token are in [default: the running devnet's]
    #[arg(long, global = true, env = "DEML_TOKEN", value_name = "ADDRESS")]
    pub token: Option<Address>,
    /// Encrypted keystore that signs: a file, or a name that `account list` shows
    #[arg(long, global = true, env = "DEML_KEYSTORE", value_name = "FILE", conflicts_with = "account")]
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
    Demo,
    /// Open, look at and end jobs
    #[command(subcommand)]
    Job(Job),
    /// Make and publish datasets
    #[command(subcommand)]
    Data(Data),
    /// Look at and fetch models
    #[command(subcommand)]
    Model(Model),
    /// Train a model on data that stays on this computer
    Train(Train),
    /// Score a model exactly as the market would
    Score(Score),
    /// Enter a model for a job's reward
    Submit(Submit),
    /// Show wallet, free balance and vouchers
    Balance(Balance),
    /// Put money into the market
    Deposit(Deposit),
    /// Take free balance out of the market, as a voucher
    Withdraw(Withdraw),
    /// Execute vouchers that are proven on Ethereum
    Claim(Claim),
    /// Make and list encrypted keystores
    #[command(subcommand)]
    Account(Account),
    /// Print the hex of a command, for other Ethereum tools
    Encode(Encode),
    /// Run a program and end it when standard input closes; for the devnet's own use
    #[command(hide = true)]
    Guard(Guard),
}

/// A guarded program.
#[derive(Clone, Debug, Args)]
pub struct Guard {
    /// The program and its arguments
    #[arg(required = true, last = true)]
    pub program: Vec<OsString>,
}

/// Jobs.
#[derive(Debug, Subcommand)]
pub enum Job {
    /// Offer a reward for models better than yours
    Open(Box<JobOpen>),
    /// List jobs
    List(JobList),
    /// Show one job
    Show(JobShow),
    /// Cancel a job that nobody has submitted to
    Cancel(JobNumber),
    /// Close a job whose deadline has passed or whose rewards are all paid
    Settle(JobNumber),
    /// Go on with a job's pending evaluations
    Evaluate(JobEvaluate),
}

/// What a score measures, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetricName {
    /// Share of rows answered right
    Accuracy,
    /// Share answered right of the class answered worst
    WorstClassRecall,
    /// Mean F1 of the classes
    MacroF1,
    /// 1 / (1 + mean squared error)
    MeanSquaredError,
    /// 1 / (1 + mean absolute error)
    MeanAbsoluteError,
    /// 1 / (1 + mean negative log-likelihood)
    LogLoss,
}

impl From<MetricName> for Metric {
    fn from(name: MetricName) -> Self {
        match name {
            MetricName::Accuracy => Self::Accuracy,
            MetricName::WorstClassRecall => Self::WorstClassRecall,
            MetricName::MacroF1 => Self::MacroF1,
            MetricName::MeanSquaredError => Self::MeanSquaredError,
            MetricName::MeanAbsoluteError => Self::MeanAbsoluteError,
            MetricName::LogLoss => Self::LogLoss,
        }
    }
}

/// A sponsor's terms, from flags or a file; a flag wins.
#[derive(Clone, Debug, Default, Args, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TermsDraft {
    /// Short name, at most 32 bytes
    #[arg(long)]
    pub title: Option<String>,
    /// ONNX file of the model to beat and to train from
    #[arg(long, value_name = "FILE")]
    pub base: Option<PathBuf>,
    /// safetensors file that decides the scores; it becomes public
    #[arg(long, value_name = "FILE")]
    pub hold_out: Option<PathBuf>,
    /// What is measured [default: accuracy]
    #[arg(long)]
    pub metric: Option<MetricName>,
    /// Reward of each accepted model: 0.5ether, 100token, 7units
    #[arg(long, value_name = "AMOUNT")]
    pub reward: Option<Money>,
    /// How many models are rewarded [default: 1]
    #[arg(long, value_name = "N")]
    pub rewards: Option<u32>,
    /// When it ends: a duration like 2h or 7d, or seconds since 1970
    #[arg(long, value_name = "TIME")]
    pub deadline: Option<Deadline>,
    /// Smallest score that is paid: 91.5% or 915000ppm [default: 0%]
    #[arg(long, value_name = "SHARE")]
    pub min_score: Option<Share>,
    /// Smallest gain over the base model's score [default: 0.1%]
    #[arg(long, value_name = "SHARE")]
    pub min_gain: Option<Share>,
    /// Smallest recall of the worst class [default: 0%]
    #[arg(long, value_name = "SHARE")]
    pub min_worst_class: Option<Share>,
    /// Largest model file in bytes [default: four times the base model]
    #[arg(long, value_name = "BYTES")]
    pub max_model_bytes: Option<u64>,
    /// Largest work of one evaluation in multiply-adds [default: four times the base model's]
    #[arg(long, value_name = "WORK")]
    pub max_work: Option<u64>,
}

/// Opening a job.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = "\
Example:
  deml --account 1 job open --title Health --base base.onnx --hold-out holdout.safetensors \\
       --metric accuracy --reward 0.5ether --rewards 2 --min-gain 1% --deadline 2h

The hold-out is published with the job: whoever wants can train on it. Give the terms in a file
with --terms terms.toml, keys as the options: title = \"Health\", min-gain = \"1%\"…")]
pub struct JobOpen {
    /// TOML or JSON file with these terms
    #[arg(long, value_name = "FILE")]
    pub terms: Option<PathBuf>,
    /// The terms themselves.
    #[command(flatten)]
    pub draft: TermsDraft,
    /// Pay from the free balance in the market, without a deposit
    #[arg(long)]
    pub from_balance: bool,
}

/// Listing jobs.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml job list --limit 10")]
pub struct JobList {
    /// Jobs to leave out at the start
    #[arg(long, default_value_t = 0)]
    pub offset: u64,
    /// Jobs to show at most, 100 or fewer
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub limit: u64,
}

/// Showing a job.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml job show 0 --submissions")]
pub struct JobShow {
    /// The job's number
    pub job: u32,
    /// Its submissions too
    #[arg(long)]
    pub submissions: bool,
}

/// One job.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml --account 1 job settle 0")]
pub struct JobNumber {
    /// The job's number
    pub job: u32,
}

/// Going on with evaluations.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml --account 2 job evaluate 0")]
pub struct JobEvaluate {
    /// The job's number
    pub job: u32,
    /// At most this many multiply-adds in each input
    #[arg(long)]
    pub work: Option<u64>,
}

/// Datasets.
#[derive(Debug, Subcommand)]
pub enum Data {
    /// Make a dataset of a CSV file
    Pack(DataPack),
    /// Send the missing bytes of a blob the market expects
    Publish(DataPublish),
}

/// Packing a dataset.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml data pack patients.csv --label diagnosis --out patients.safetensors")]
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

What the market has received already is not sent again.")]
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
    /// Dataset to train on: CSV or safetensors
    #[arg(long, value_name = "FILE", required = true)]
    pub data: PathBuf,
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
  deml score --model better.onnx --hold-out holdout.safetensors --metric macro-f1")]
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

/// Balances.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml --account 2 balance")]
pub struct Balance {
    /// Whose [default: the account that signs]
    pub address: Option<Address>,
}

/// Depositing.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  deml --account 1 deposit 0.5ether\n  deml --account 1 deposit 100token")]
pub struct Deposit {
    /// How much: 0.5ether, 100token, 7units
    pub amount: Money,
}

/// Withdrawing.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  deml --account 1 withdraw 0.5ether\n  deml --account 1 withdraw all --token 0x…")]
pub struct Withdraw {
    /// How much: 0.5ether, 100token, 7units; or `all` of Ether and the token
    pub amount: String,
}

/// Claiming.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml --account 2 claim --wait")]
pub struct Claim {
    /// This voucher, whoever it pays [default: all that pay the account that signs]
    #[arg(long, value_name = "N")]
    pub index: Vec<u64>,
    /// Wait until their claims are accepted
    #[arg(long)]
    pub wait: bool,
}

/// Keystores.
#[derive(Debug, Subcommand)]
pub enum Account {
    /// Make a new key in an encrypted keystore
    New(AccountName),
    /// Encrypt a private key you have; it is asked for, or read from stdin
    Import(AccountName),
    /// List the keystores of this user
    List,
}

/// A keystore's name.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml account new alice --password-file alice.password")]
pub struct AccountName {
    /// Its name, for --keystore
    pub name: String,
}

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
    /// At most this many multiply-adds
    pub work: u64,
}
