//! `deml data check`: what is in a file of rows.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use client::printer::ExitStatus;
use dataset::LabelKind;
use trainer::local;

use crate::{commands::data::reading::Reading, config::Config};

/// Arguments of `deml data check`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Example:
  deml data check patients.csv

It warns of columns that look like names, numbers of persons, dates of birth or e-mail addresses,
of rows that are there twice, and of classes of very different sizes. Nothing leaves this computer,
and that there is no warning does not mean that there is nothing to hide.")]
pub struct Check {
    /// File of rows, folder of images, or - for standard input
    pub file: PathBuf,
    /// Labels are numbers to predict, not classes
    #[arg(long)]
    pub regression: bool,
    /// How the file is read.
    #[command(flatten)]
    pub reading: Reading,
}

/// Prints what is in the file; exits with 1 if a choice is needed before it can be packed.
///
/// - Errors: `UnfitDataset` if it cannot be read at all
pub fn run(config: &Config, check: &Check) -> Result<ExitStatus> {
    let source = local::open(&check.file)?;
    let options = check.reading.options(kind(check.regression))?;
    let found = dataset::check(&source, &options);
    let found = found.map_err(|why| local::unread(&check.file, why))?;
    config.printer.answer(&found)?;
    Ok(if found.refused.is_some() { ExitStatus::Refused } else { ExitStatus::Done })
}

/// The kind of labels that a flag states.
#[must_use]
pub const fn kind(regression: bool) -> LabelKind {
    if regression { LabelKind::Targets } else { LabelKind::Classes }
}
