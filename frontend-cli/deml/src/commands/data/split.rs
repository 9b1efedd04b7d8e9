//! `deml data split`: divides rows into a training part and a hold-out.

use std::{fmt, path::PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use client::printer::ExitStatus;
use dataset::Understood;
use serde::Serialize;
use trainer::local;

use crate::{
    commands::data::{
        check::kind,
        pack::{self, Packed},
        reading::Reading,
    },
    config::Config,
};

/// Arguments of `deml data split`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  deml data split patients.csv --percent 20 --train train.safetensors --hold-out holdout.safetensors

Each part has its share of every class, exact to one row. The same seed gives the same parts on
every computer: rows are ordered by SHA-256 of seed and row number.")]
pub struct Split {
    /// File of rows, folder of images, or - for standard input
    pub file: PathBuf,
    /// Percentage of the rows that go to the hold-out
    #[arg(long, default_value_t = 20, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=99))]
    pub percent: u8,
    /// Seed of the choice
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Output file of the training part
    #[arg(long, value_name = "FILE")]
    pub train: PathBuf,
    /// Output file of the hold-out
    #[arg(long, value_name = "FILE")]
    pub hold_out: PathBuf,
    /// Labels are numbers to predict, not classes
    #[arg(long)]
    pub regression: bool,
    /// How the file is read.
    #[command(flatten)]
    pub reading: Reading,
}

/// The two parts.
#[derive(Clone, Debug, Serialize)]
pub struct Parts {
    /// The training part.
    pub train: Packed,
    /// The hold-out.
    pub hold_out: Packed,
}

impl fmt::Display for Parts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}\n{}", self.train, self.hold_out)
    }
}

/// Splits a file, and prints a summary of each part.
///
/// - Errors: `UnfitDataset`, with line and column; there are too few rows
pub fn run(config: &Config, split: &Split) -> Result<ExitStatus> {
    let source = local::open(&split.file)?;
    let options = split.reading.options(kind(split.regression))?;
    let all = local::read(&config.printer, &source, &options)?;
    let parts = dataset::split(&all.dataset, split.percent, split.seed);
    let [train, hold_out] = parts.context("there is one row only: nothing can be held out")?;
    let packed = |dataset, path: &PathBuf| {
        let part = Understood { dataset, ..all.clone() };
        pack::written(&part, path, &source)
    };
    let (train, hold_out) = (packed(train, &split.train)?, packed(hold_out, &split.hold_out)?);
    config.printer.answer(&Parts { train, hold_out })?;
    Ok(ExitStatus::Done)
}
