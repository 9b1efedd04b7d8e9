//! Arguments of `job`.

use clap::{Args, Subcommand};
use client::{jobs::JobRef, quantity::Money};

use super::JobOpen;

/// Jobs.
#[derive(Debug, Subcommand)]
pub enum Job {
    /// Offer rewards, or a prize, for models better than yours
    Open(Box<JobOpen>),
    /// List jobs
    List(JobList),
    /// Show one job: its choices, its windows, and what entering it costs at most
    Show(JobShow),
    /// Show the public board
    #[command(after_help = "Example:\n  deml job board 0")]
    Board(OneJob),
    /// Show who stands where on the hold-out
    #[command(after_help = "Example:\n  deml job leaderboard 0")]
    Leaderboard(OneJob),
    /// Cancel a job that nobody has submitted to
    #[command(after_help = "Example:\n  deml --account 1 job cancel 0")]
    Cancel(JobCancel),
    /// Move a job on as far as time allows; anyone may
    Settle(JobSettle),
    /// Go on with an evaluation; who does is paid for the rows answered
    Evaluate(JobEvaluate),
    /// Reveal what this account has sealed: its model, or its hold-out
    Reveal(JobReveal),
}

/// Listing jobs.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml job list --limit 10")]
pub struct JobList {
    /// Begin at the job of this number
    #[arg(long, default_value_t = 0)]
    pub from: u64,
    /// Jobs to show at most, 100 or fewer
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub limit: u64,
}

/// Showing a job.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml job show 0 --submissions")]
pub struct JobShow {
    /// Its number, or its name: 0x and at least its first 8 digits
    pub job: JobRef,
    /// Its submissions too
    #[arg(long)]
    pub submissions: bool,
}

/// One job.
#[derive(Clone, Debug, Args)]
pub struct OneJob {
    /// Its number, or its name: 0x and at least its first 8 digits
    pub job: JobRef,
}

/// What every command that sends can be asked.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Sending {
    /// Print the payload as hex, for other Ethereum tools, and send nothing
    #[arg(long)]
    pub calldata: bool,
}

/// What may be spent on inputs that go on with something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
pub struct Caps {
    /// Send at most this many inputs to go on
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub max_inputs: u32,
    /// Spend at most this much on their gas
    #[arg(long, value_name = "AMOUNT", default_value = "0.01ether")]
    pub max_cost: Money,
    /// Pay at most this surcharge for each while the machine lags, from the free balance
    /// [default: nothing]
    #[arg(long, value_name = "AMOUNT")]
    pub max_surcharge: Option<Money>,
}

/// Cancelling.
#[derive(Clone, Debug, Args)]
pub struct JobCancel {
    /// Its number, or its name: 0x and at least its first 8 digits
    pub job: JobRef,
    /// Whether to send.
    #[command(flatten)]
    pub sending: Sending,
}

/// Settling.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml --account 1 job settle 0")]
pub struct JobSettle {
    /// Its number, or its name: 0x and at least its first 8 digits
    pub job: JobRef,
    /// At most how much.
    #[command(flatten)]
    pub caps: Caps,
    /// Whether to send.
    #[command(flatten)]
    pub sending: Sending,
}

/// Going on with an evaluation.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  deml --account 2 job evaluate 0                    your submission, else what blocks the job
  deml --account 2 job evaluate 0 --submission 3
  deml --account 2 job evaluate 0 --base")]
pub struct JobEvaluate {
    /// Its number, or its name: 0x and at least its first 8 digits
    pub job: JobRef,
    /// What.
    #[command(flatten)]
    pub what: EvaluateWhat,
    /// At most how much.
    #[command(flatten)]
    pub caps: Caps,
    /// Whether to send.
    #[command(flatten)]
    pub sending: Sending,
}

/// What is evaluated; if nothing is named, this account's submission, else what blocks the job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
#[group(multiple = false)]
pub struct EvaluateWhat {
    /// The base model, on the dataset that the job opens with
    #[arg(long)]
    pub base: bool,
    /// The base model, on the revealed hold-out
    #[arg(long)]
    pub base_on_hold_out: bool,
    /// The submission of this number
    #[arg(long, value_name = "N")]
    pub submission: Option<u32>,
    /// The model that the account of this submission shows on the board
    #[arg(long, value_name = "N")]
    pub shown: Option<u32>,
}

impl EvaluateWhat {
    /// What is named.
    #[must_use]
    pub fn target(self) -> Option<market::Target> {
        let base = self.base.then_some(market::Target::Base);
        base.or(self.base_on_hold_out.then_some(market::Target::BaseOnHoldOut))
            .or(self.submission.map(market::Target::Submission))
            .or(self.shown.map(market::Target::Shown))
    }
}

/// Revealing.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  deml --account 2 job reveal 0 --wait

Who does not reveal in time loses the place bond; a sponsor loses its bond and the award.")]
pub struct JobReveal {
    /// Its number, or its name: 0x and at least its first 8 digits
    pub job: JobRef,
    /// Wait until keys are taken
    #[arg(long)]
    pub wait: bool,
    /// Whether to send.
    #[command(flatten)]
    pub sending: Sending,
}
