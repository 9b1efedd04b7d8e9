//! `deml data pack`: a dataset, made of a CSV file.

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

/// Packing a dataset.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  deml data pack patients.csv --label diagnosis --out patients.safetensors"
)]
pub struct Pack {
    /// CSV file; a first row that is no numbers is its header
    pub csv: PathBuf,
    /// Where to write the dataset
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Column of the labels, by its name in the header [default: the last one]
    #[arg(long, value_name = "NAME")]
    pub label: Option<String>,
    /// Labels are numbers to come near to, not classes
    #[arg(long)]
    pub regression: bool,
    /// Keep features as bytes; they are then read as byte × scale
    #[arg(long)]
    pub u8: bool,
    /// What a byte is multiplied with
    #[arg(long, requires = "u8", default_value_t = 1.0)]
    pub scale: f32,
}

/// A dataset that was written.
#[derive(Clone, Debug, Serialize)]
pub struct Packed {
    /// Where it is.
    pub file: PathBuf,
    /// Its CID.
    pub cid: Cid,
    /// Its bytes.
    pub bytes: u64,
    /// Its rows.
    pub rows: usize,
    /// Features of a row.
    pub features: usize,
    /// Rows of each class; empty when the labels are numbers.
    pub classes: Vec<usize>,
}

/// Packs a dataset.
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

/// The column that a flag names.
#[must_use]
pub fn label_column(name: Option<&str>) -> LabelColumn<'_> {
    name.map_or(LabelColumn::Last, LabelColumn::Named)
}

fn class_counts(dataset: &Dataset) -> Vec<usize> {
    let Labels::Classes(labels) = dataset.labels() else { return Vec::new() };
    let count = |class: u16| labels.iter().filter(|label| u16::from(**label) == class).count();
    (0..dataset.classes()).map(count).collect()
}
