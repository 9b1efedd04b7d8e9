//! `deml data pack`: converts a CSV file to a dataset.

use std::{fmt, path::PathBuf};

use anyhow::Result;
use blobs::Cid;
use clap::Args;
use client::{files, printer::ExitStatus};
use eval::{
    Dataset, Labels,
    dataset::{LabelColumn, LabelKind},
};
use serde::Serialize;
use trainer::{local, rows};

use crate::config::Config;

/// Arguments of `deml data pack`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  deml data pack patients.csv --label diagnosis --out patients.safetensors"
)]
pub struct Pack {
    /// CSV file; a non-numeric first row is its header
    pub csv: PathBuf,
    /// Output file of the dataset
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Label column, by its name in the header [default: the last one]
    #[arg(long, value_name = "NAME")]
    pub label: Option<String>,
    /// Labels are numbers to predict, not classes
    #[arg(long)]
    pub regression: bool,
    /// Store features as bytes; they are then read as byte × scale
    #[arg(long)]
    pub u8: bool,
    /// Factor by which bytes are multiplied
    #[arg(long, requires = "u8", default_value_t = 1.0)]
    pub scale: f32,
}

/// A dataset that was written.
#[derive(Clone, Debug, Serialize)]
pub struct Packed {
    /// Path of the file.
    pub file: PathBuf,
    /// Its CID.
    pub cid: Cid,
    /// Its size in bytes.
    pub bytes: u64,
    /// Number of rows.
    pub rows: usize,
    /// Features per row.
    pub features: usize,
    /// Rows per class; empty if the labels are numbers.
    pub classes: Vec<usize>,
}

/// Packs a dataset and prints its summary.
///
/// - Errors: `UnfitDataset`, with line and column; `NotBytes`
pub fn run(config: &Config, pack: &Pack) -> Result<ExitStatus> {
    config.printer.answer(&self::pack(pack)?)?;
    Ok(ExitStatus::Done)
}

impl fmt::Display for Packed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, cid, bytes, rows, features, classes } = self;
        writeln!(out, "{}: {rows} rows of {features} features, {bytes} bytes", file.display())?;
        if !classes.is_empty() {
            let counts: Vec<String> = classes.iter().map(usize::to_string).collect();
            writeln!(out, "  rows of each class: {}", counts.join(", "))?;
        }
        write!(out, "  {cid}")
    }
}

/// Packs a CSV file into a dataset.
///
/// - Errors: `UnfitDataset`, with line and column; `NotBytes`
pub fn pack(pack: &Pack) -> Result<Packed> {
    let csv = files::read(&pack.csv)?;
    let label = label_column(pack.label.as_deref());
    let kind = if pack.regression { LabelKind::Targets } else { LabelKind::Classes };
    let mut dataset = local::dataset(&csv, label, kind)?;
    if pack.u8 {
        dataset = rows::as_bytes(&dataset, pack.scale)?;
    }
    let bytes = dataset.to_safetensors();
    files::write(&pack.out, &bytes)?;
    let blob = local::blob_of(&bytes);
    Ok(Packed {
        file: pack.out.clone(),
        cid: blob.cid(),
        bytes: blob.size,
        rows: dataset.rows(),
        features: dataset.row().elements(),
        classes: class_counts(&dataset),
    })
}

/// The label column named by a flag.
#[must_use]
pub fn label_column(name: Option<&str>) -> LabelColumn<'_> {
    name.map_or(LabelColumn::Last, LabelColumn::Named)
}

fn class_counts(dataset: &Dataset) -> Vec<usize> {
    let Labels::Classes(labels) = dataset.labels() else { return Vec::new() };
    let count = |class: u16| labels.iter().filter(|label| u16::from(**label) == class).count();
    (0..dataset.classes()).map(count).collect()
}
