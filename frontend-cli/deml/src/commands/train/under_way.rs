//! `deml train status`, `follow` and `cancel`: trainings that an engine has.

use std::fmt;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use client::{
    jobs::JobRef,
    printer::{ExitStatus, Printer},
};
use serde::Serialize;
use trainer::{
    engine::{self, Record, Status},
    local,
    task::judging::JudgedModel,
};

use super::{answer, stop_on_signals};
use crate::config::Config;

/// A command about trainings that an engine has.
#[derive(Clone, Debug, Subcommand)]
pub enum UnderWay {
    /// Show the trainings that engines have, and how far they are
    #[command(after_help = "Example:\n  deml train status")]
    Status,
    /// Go on with a training: wait for its results, judge them and write the best model
    #[command(after_help = "Example:\n  deml train follow deml-1f2e3d4c")]
    Follow(Named),
    /// End a training, and remove the data that its workers saw
    #[command(after_help = "Example:\n  deml train cancel deml-1f2e3d4c")]
    Cancel(Named),
}

/// A training.
#[derive(Clone, Debug, Args)]
pub struct Named {
    /// Its name [default: the only one]
    pub name: Option<String>,
}

/// All trainings that engines have.
#[derive(Clone, Debug, Serialize)]
pub struct Statuses {
    /// They, by name.
    pub trainings: Vec<Status>,
}

impl fmt::Display for Statuses {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.trainings.iter().map(ToString::to_string).collect::<Vec<_>>();
        out.write_str(if all.is_empty() { "no training is under way" } else { "" })?;
        out.write_str(&all.join("\n"))
    }
}

/// A training that was ended.
#[derive(Clone, Debug, Serialize)]
pub struct Cancelled {
    /// Its name.
    pub cancelled: String,
}

impl fmt::Display for Cancelled {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} is ended, and its data are removed", self.cancelled)
    }
}

/// Runs the command.
///
/// - Errors: `NoTraining`; the engine is unreachable; those of [`engine::follow`]
pub(super) async fn run(config: &Config, under_way: UnderWay) -> Result<ExitStatus> {
    match under_way {
        UnderWay::Status => {
            let trainings = engine::all(&engine::folder()?)?.iter().map(engine::status).collect();
            config.printer.answer(&Statuses { trainings })?;
            Ok(ExitStatus::Done)
        }
        UnderWay::Follow(Named { name }) => {
            let record = engine::find(&engine::folder()?, name.as_deref())?;
            let out = record.judging.out.clone();
            let job = record.job.as_deref().map(str::parse::<JobRef>).transpose();
            let job = job.ok().context("the record names no job")?;
            let session = job.as_ref().map(|_| config.session()).transpose()?;
            let trained = followed(config.printer, record).await?;
            answer(config.printer, session.as_ref(), job.as_ref(), &out, trained).await
        }
        UnderWay::Cancel(Named { name }) => {
            let record = engine::find(&engine::folder()?, name.as_deref())?;
            engine::cancel(&record)?;
            config.printer.answer(&Cancelled { cancelled: record.name })?;
            Ok(ExitStatus::Done)
        }
    }
}

/// Follows a training to its end, or until a signal leaves it to the engine.
///
/// - Errors: those of [`engine::follow`]
pub(super) async fn followed(printer: Printer, record: Record) -> Result<JudgedModel> {
    let stop = stop_on_signals(printer, "leaving")?;
    local::in_background(move || engine::follow(&printer, record, &stop)).await
}
