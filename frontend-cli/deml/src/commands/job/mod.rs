//! `deml job`: opening, inspecting and ending jobs; one file each.

pub mod board;
pub mod cancel;
pub mod evaluate;
pub mod leaderboard;
pub mod list;
pub mod open;
pub mod reveal;
pub mod settle;
pub mod show;

use anyhow::Result;
use clap::Subcommand;
use client::printer::ExitStatus;

use crate::config::Config;

/// Jobs.
#[derive(Debug, Subcommand)]
pub enum Job {
    /// Offer rewards, or a prize, for models better than yours
    Open(Box<open::Open>),
    /// List jobs
    List(list::List),
    /// Show one job: its choices, its windows, and the maximum cost of entering it
    Show(show::Show),
    /// Show the public board
    Board(board::Board),
    /// Show the ranking on the hold-out
    Leaderboard(leaderboard::Leaderboard),
    /// Cancel a job that nobody has submitted to
    #[command(after_help = "Example:\n  deml --account 1 job cancel 0")]
    Cancel(cancel::Cancel),
    /// Advance a job as far as time allows; anyone may
    Settle(settle::Settle),
    /// Advance an evaluation; whoever does is paid for the rows answered
    Evaluate(evaluate::Evaluate),
    /// Reveal this account's sealed model or hold-out
    Reveal(reveal::Reveal),
}

/// Runs the subcommand.
///
/// - Errors: a `Refused`, or what failed and what to do about it
pub async fn run(config: &Config, job: Job) -> Result<ExitStatus> {
    match job {
        Job::Open(open) => open::run(config, *open).await,
        Job::List(list) => list::run(config, list).await,
        Job::Show(show) => show::run(config, show).await,
        Job::Board(board) => board::run(config, board).await,
        Job::Leaderboard(leaderboard) => leaderboard::run(config, leaderboard).await,
        Job::Cancel(cancel) => cancel::run(config, cancel).await,
        Job::Settle(settle) => settle::run(config, settle).await,
        Job::Evaluate(evaluate) => evaluate::run(config, evaluate).await,
        Job::Reveal(reveal) => reveal::run(config, reveal).await,
    }
}
