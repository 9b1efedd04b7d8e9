//! `deml job leaderboard`: ranking on the hold-out.

use std::fmt;

use anyhow::Result;
use clap::Args;
use client::{
    jobs::JobRef,
    printer::{ExitStatus, one_line},
    quantity::percent,
    session::Session,
};
use market::JobId;
use serde::Serialize;
use wire::{JobList, Query, RankView};

use crate::config::Config;

/// Arguments of `deml job leaderboard`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml job leaderboard 0")]
pub struct Leaderboard {
    /// The job: its number, or its name: 0x and at least its first 8 digits
    pub job: JobRef,
}

/// Submissions by their scores on the hold-out, best first.
#[derive(Clone, Debug, Serialize)]
pub struct Ranking {
    /// The job.
    pub job: JobId,
    /// The ranking; submissions that do not count come last.
    pub ranking: Vec<RankView>,
}

/// Shows the leaderboard.
pub async fn run(config: &Config, leaderboard: Leaderboard) -> Result<ExitStatus> {
    config.printer.answer(&self::leaderboard(&config.session()?, leaderboard.job).await?)?;
    Ok(ExitStatus::Done)
}

/// Queries a job's ranking.
pub async fn leaderboard(session: &Session, job: impl Into<JobRef>) -> Result<Ranking> {
    let job = session.job(job).await?.job;
    let ranking =
        session.all(|paging| Query::List(job.into(), JobList::Leaderboard, paging)).await?;
    Ok(Ranking { job, ranking })
}

impl fmt::Display for Ranking {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ranking of job {}", self.job)?;
        for RankView { rank, submission, client, scores, refusal } in &self.ranking {
            let rank = rank.map_or_else(|| " out".to_owned(), |rank| format!("{rank:>3}."));
            let score = scores.map_or_else(|| "-".to_owned(), |scores| percent(scores.score));
            write!(out, "\n  {rank} {score:>10}  submission {submission:<4} {client}")?;
            if let Some(why) = refusal {
                write!(out, ": {}", one_line(&why.message))?;
            }
        }
        Ok(())
    }
}
