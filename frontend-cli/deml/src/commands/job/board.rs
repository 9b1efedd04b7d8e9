//! `deml job board`: models shown on the public slice, best first.

use std::fmt;

use anyhow::Result;
use clap::Args;
use client::{jobs::JobRef, printer::ExitStatus, quantity::percent, session::Session};
use market::JobId;
use serde::Serialize;
use wire::{BoardLineView, JobList, Query};

use crate::config::Config;

/// Arguments of `deml job board`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml job board 0")]
pub struct Board {
    /// The job: its number, or its name: 0x and at least its first 8 digits
    pub job: JobRef,
}

/// Models shown on the public slice, best first.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// The job.
    pub job: JobId,
    /// The board.
    pub board: Vec<BoardLineView>,
}

/// Shows the board.
pub async fn run(config: &Config, board: Board) -> Result<ExitStatus> {
    config.printer.answer(&self::board(&config.session()?, board.job).await?)?;
    Ok(ExitStatus::Done)
}

/// Queries a job's public board.
pub async fn board(session: &Session, job: impl Into<JobRef>) -> Result<Shown> {
    let job = session.job(job).await?.job;
    let board = session.all(|paging| Query::List(job.into(), JobList::Board, paging)).await?;
    Ok(Shown { job, board })
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "shown for job {}", self.job)?;
        for BoardLineView { rank, submission, client, score } in &self.board {
            let score = percent(*score);
            write!(out, "\n  {rank:>3}. {score:>10}  submission {submission:<4} {client}")?;
        }
        Ok(())
    }
}
