//! A training as a folder of files, on which this computer or a worker of an engine works:
//!
//! ```text
//! NAME/in/          the contract's input: base.onnx, weights.safetensors, data.safetensors
//! NAME/trainer      the packed trainer, if there is one
//! NAME/0/ 1/ …      a task for each seed: task.json, settings.json, and what comes of it
//! ```
//!
//! Rows held back never lie there: whoever works on a task cannot see what judges it.

pub mod judging;
pub(crate) mod outcome;
pub mod worker;

use std::{
    fs,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use client::{
    files,
    printer::{Printer, Refused},
};
use dataset::Source;
use eval::{
    Dataset,
    train::{self, Options},
};
use market::Metric;
use sandbox::Limits;
use serde::{Deserialize, Serialize};

use self::judging::{JudgedModel, Judging};
use crate::{
    bounds::Bounds,
    custom::{folder::Trainer, manifest::OutputKind},
    keeping, local, rows,
};

/// The packed trainer's file.
pub(crate) const TRAINER: &str = "trainer";
/// The description of a task.
pub(crate) const TASK: &str = "task.json";
/// The settings of a task that a trainer is told.
pub(crate) const SETTINGS: &str = "settings.json";
/// What a client leaves in a task's folder to end it.
pub(crate) const CANCELLED: &str = "cancelled";
/// The contract's input.
pub(crate) const INPUT: &str = "in";

/// A training that a client wants.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What trains.
    pub work: Work,
    /// The trainer, if that is a stranger's.
    pub trainer: Option<Trainer>,
    /// The ONNX file of the base model.
    pub base: Vec<u8>,
    /// The files of rows, joined.
    pub data: Vec<Source>,
    /// How they are read.
    pub reading: dataset::Options,
    /// The training options; which of them a trainer follows is up to it.
    pub options: Options,
    /// The seeds, each of which trains a model.
    pub seeds: Vec<u64>,
    /// What bounds the change.
    pub bounds: Bounds,
    /// File of the model.
    pub out: PathBuf,
}

/// What trains.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// A stranger's trainer.
    Trainer {
        /// What it is given.
        limits: Limits,
        /// The interpreter of Python trainers, on the worker.
        python: PathBuf,
        /// What keeps it in.
        isolation: Isolation,
    },
    /// This program.
    Own,
}

/// What keeps a stranger's trainer in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// The box.
    Box,
    /// The pod that the worker is in, whose description forbids it what the box would.
    Pod,
}

/// What a worker is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) work: Work,
    pub(crate) options: Options,
    /// Computers that may read the data; none if that is this one alone.
    pub(crate) workers: Vec<String>,
}

/// What a trainer is told.
#[derive(Debug, Serialize)]
struct Settings<'a> {
    metric: Metric,
    /// Zero if labels are numbers.
    classes: u16,
    features: usize,
    rows: usize,
    epochs: u32,
    batch_rows: usize,
    learning_rate: f32,
    seed: u64,
    output: &'a str,
}

impl Wanted {
    /// What becomes of the results.
    #[must_use]
    pub fn judging(&self) -> Judging {
        let output = self.trainer.as_ref().map_or(OutputKind::Model, |all| all.manifest.output);
        Judging {
            measure: self.options.measure(),
            output,
            bounds: self.bounds,
            out: self.out.clone(),
        }
    }

    /// The rows to train on, and those that judge.
    ///
    /// - Errors: `NoRows`; a file is no dataset
    pub(crate) fn parted(&self, printer: &Printer) -> Result<(Dataset, Dataset)> {
        let read = self.data.iter().map(|source| local::read(printer, source, &self.reading));
        let dataset = rows::joined(read.collect::<Result<_>>()?)?;
        let (rows, held_back) = train::parted(&dataset, &self.options);
        let why = "no row is held back to judge the result by: give more --data or --validation";
        Ok((rows, held_back.ok_or_else(|| Refused::new("NoRows", why))?))
    }

    /// Writes the files that workers need.
    ///
    /// - Errors: `AsksTooMuch`, `UnfitModel`; they cannot be written
    pub(crate) fn write(&self, folder: &Path, rows: &Dataset, workers: &[String]) -> Result<()> {
        let work = self.work_within_limits()?;
        let input = folder.join(INPUT);
        private(&input)?;
        let weights = train::weights_of(&self.base);
        let weights = weights.map_err(|why| Refused::new("UnfitModel", why))?;
        files::write_private(&input.join("base.onnx"), &self.base)?;
        files::write_private(&input.join("weights.safetensors"), &weights)?;
        files::write_private(&input.join("data.safetensors"), &rows.to_safetensors())?;
        if let Some(trainer) = &self.trainer {
            files::write_private(&folder.join(TRAINER), &trainer.pack()?)?;
        }
        for (number, seed) in self.seeds.iter().enumerate() {
            let within = folder.join(number.to_string());
            private(&within)?;
            let options = Options { seed: *seed, ..self.options.clone() };
            let settings = serde_json::to_vec_pretty(&self.settings(rows, &options))?;
            files::write_private(&within.join(SETTINGS), &settings)?;
            let task = Task { work: work.clone(), options, workers: workers.to_vec() };
            files::write_private(&within.join(TASK), &serde_json::to_vec_pretty(&task)?)?;
        }
        Ok(())
    }

    /// The work, with what the trainer asks for as its limits.
    fn work_within_limits(&self) -> Result<Work> {
        let mut work = self.work.clone();
        if let (Work::Trainer { limits, .. }, Some(trainer)) = (&mut work, &self.trainer) {
            *limits = trainer.manifest.limits(limits)?;
        }
        Ok(work)
    }

    fn settings(&self, rows: &Dataset, options: &Options) -> Settings<'_> {
        Settings {
            metric: options.metric,
            classes: rows.classes(),
            features: rows.row().elements(),
            rows: rows.rows(),
            epochs: options.epochs,
            batch_rows: options.batch_rows,
            learning_rate: options.learning_rate,
            seed: options.seed,
            output: self.trainer.as_ref().map_or("model.onnx", |all| all.manifest.output.file()),
        }
    }
}

/// Makes a folder that nobody but this user can look into.
pub(crate) fn private(folder: &Path) -> Result<()> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot make {}", folder.display()))
}

/// Trains here, judges the result on rows it has not seen, and writes the model; the data lie in
/// this empty folder meanwhile, which is its owner's to remove.
///
/// - Errors: a missing part of the box, `TrainerFailed`, `NoOutput`, `UnfitModel`, `NotBetter`
pub async fn here(
    printer: Printer,
    wanted: Wanted,
    stage: Vec<String>,
    folder: &Path,
) -> Result<JudgedModel> {
    let folder = folder.to_owned();
    local::in_background(move || {
        keeping::try_writing(&wanted.out)?;
        let (rows, held_back) = wanted.parted(&printer)?;
        wanted.write(&folder, &rows, &[])?;
        let mut outcomes = Vec::new();
        for (number, seed) in wanted.seeds.iter().enumerate() {
            let task = folder.join(number.to_string());
            let mut said = |line: &str| outcome::show(&printer, None, line);
            worker::work(&task, &stage, &mut said)?;
            outcomes.push((*seed, outcome::read(&task)?.context("the task has no result")?));
        }
        wanted.judging().judge(&wanted.base, &held_back, outcomes)
    })
    .await
}
