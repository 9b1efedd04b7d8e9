//! `deml competition`: the jobs with one prize, beside those with a reward for each model.

use anyhow::Result;
use clap::Subcommand;
use client::printer::ExitStatus;

use crate::{
    commands::job::list::{self, AwardKind, List},
    config::Config,
};

/// Competitions: jobs with one prize.
#[derive(Debug, Subcommand)]
pub enum Competition {
    /// List competitions
    #[command(after_help = "Example:\n  deml competition list --limit 10")]
    List {
        /// Start at the job of this number
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// Maximum of competitions to show, 100 or fewer
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=100))]
        limit: u64,
    },
}

/// Runs the subcommand.
///
/// - Errors: a job's name is not the hash of its terms
pub async fn run(config: &Config, competition: Competition) -> Result<ExitStatus> {
    let Competition::List { from, limit } = competition;
    list::run(config, List { from, limit, award: Some(AwardKind::Prize) }).await
}
