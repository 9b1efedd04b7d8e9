//! `deml train-worker`: works on a task of a training, for engines.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use client::printer::ExitStatus;
use trainer::task::worker;

use super::box_exec;

/// Arguments of `deml train-worker`.
#[derive(Clone, Debug, Args)]
pub struct TrainWorker {
    /// The task's folder
    pub task: PathBuf,
}

/// Works on the task until it has a result.
///
/// - Errors: this computer may not read the data, or the folder cannot be used
pub async fn run(asked: TrainWorker) -> Result<ExitStatus> {
    let stage = box_exec::stage()?;
    trainer::local::in_background(move || worker::work_for_engine(&asked.task, &stage)).await?;
    Ok(ExitStatus::Done)
}
