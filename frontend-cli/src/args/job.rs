//! Arguments of `job`, and the terms a sponsor writes.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use market::Metric;

use crate::quantity::{Deadline, Money, Share};

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
    #[command(after_help = "Example:\n  deml --account 1 job cancel 0")]
    Cancel(JobNumber),
    /// Close a job whose deadline has passed or whose rewards are all paid
    #[command(after_help = "Example:\n  deml --account 1 job settle 0")]
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
    /// Largest work of one evaluation in instructions [default: four times the base model's]
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
    /// At most this many instructions in each input
    #[arg(long)]
    pub work: Option<u64>,
}
