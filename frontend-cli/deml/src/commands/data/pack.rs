//! `deml data pack`: converts a file of rows to a dataset.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::Result;
use blobs::Cid;
use clap::Args;
use client::{
    files,
    printer::{ExitStatus, Printer},
};
use dataset::{Description, Source, Understood};
use eval::{Dataset, Labels, limits};
use serde::Serialize;
use trainer::{local, rows};

use crate::{
    commands::data::{check::kind, reading::Reading},
    config::Config,
};

/// Arguments of `deml data pack`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  deml data pack patients.csv --label diagnosis --out patients.safetensors
  deml data pack images/ --out images.safetensors
  deml data pack - --regression --out prices.safetensors

Read are tables of text (CSV, TSV and others; any separator, decimal mark and encoding, also in
gzip), .npy, .npz, safetensors, Parquet, and folders of PNG or JPEG images, one for each class. What
was understood is said first; where two readings are plausible, an option is asked for.

The file is a safetensors container, as anything else may write it:
  x          [rows, ...] of f32; or of u8, and then the metadata have
  scale      and
  offset     as decimal numbers: a feature is x * scale + offset, rounded after each step
  y          [rows] of u8 or i64 for classes from 0 to 255, of f32 for numbers to predict
  classes    in the metadata, for people only: the names of the classes, as a JSON list
It may have 64 MiB, of which the header takes at most 4096 bytes.")]
pub struct Pack {
    /// File of rows, folder of images, or - for standard input
    pub file: PathBuf,
    /// Output file of the dataset
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Labels are numbers to predict, not classes
    #[arg(long)]
    pub regression: bool,
    /// Store features as bytes; they are then read as byte × scale
    #[arg(long)]
    pub u8: bool,
    /// Factor by which bytes are multiplied [default: 1, of images 1/255]
    #[arg(long, requires = "u8")]
    pub scale: Option<f32>,
    /// How the file is read.
    #[command(flatten)]
    pub reading: Reading,
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
    /// The names of the classes, in the same order.
    pub class_names: Vec<String>,
    /// What the file was taken for.
    pub understood: Description,
}

/// Packs a dataset and prints its summary.
///
/// - Errors: `UnfitDataset`, with line and column; `NotBytes`
pub fn run(config: &Config, pack: &Pack) -> Result<ExitStatus> {
    config.printer.answer(&self::pack(&config.printer, pack)?)?;
    Ok(ExitStatus::Done)
}

impl fmt::Display for Packed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, cid, bytes, rows, features, classes, class_names, .. } = self;
        writeln!(out, "{}: {rows} rows of {features} features, {bytes} bytes", file.display())?;
        if !classes.is_empty() {
            let each = class_names.iter().zip(classes).enumerate();
            let counts: Vec<String> = each
                .map(|(class, (name, rows))| match *name == class.to_string() {
                    true => rows.to_string(),
                    false => format!("{class} ({name}) {rows}"),
                })
                .collect();
            writeln!(out, "  rows of each class: {}", counts.join(", "))?;
        }
        write!(out, "  {cid}")
    }
}

/// Packs a file of rows into a dataset.
///
/// - Errors: `UnfitDataset`, with line and column; `NotBytes`
pub fn pack(printer: &Printer, pack: &Pack) -> Result<Packed> {
    let source = local::open(&pack.file)?;
    let mut options = pack.reading.options(kind(pack.regression))?;
    options.limit = Some((if pack.u8 { 1 } else { 4 }, FEATURES_BYTES));
    let mut read = local::read(printer, &source, &options)?;
    if pack.u8 {
        read.dataset = rows::as_bytes(&read.dataset, pack.scale)?;
    }
    written(&read, &pack.out, &source)
}

/// The most bytes that rows may take in a dataset: all but the header.
pub const FEATURES_BYTES: usize = limits::DATASET_BYTES - 4_104;

/// Writes the file of a dataset.
///
/// - Errors: `UnfitDataset` if it is too large, or its classes have too long names
pub fn written(read: &Understood, out: &Path, source: &Source) -> Result<Packed> {
    let bytes = dataset::pack(read).map_err(|why| local::unread(&source.path, why))?;
    files::write(out, &bytes)?;
    let (blob, Understood { dataset, classes, description, .. }) = (local::blob_of(&bytes), read);
    Ok(Packed {
        file: out.to_owned(),
        cid: blob.cid(),
        bytes: blob.size,
        rows: dataset.rows(),
        features: dataset.row().elements(),
        classes: class_counts(dataset, classes.len()),
        class_names: classes.clone(),
        understood: description.clone(),
    })
}

fn class_counts(dataset: &Dataset, classes: usize) -> Vec<usize> {
    let Labels::Classes(labels) = dataset.labels() else { return Vec::new() };
    let count = |class: usize| labels.iter().filter(|label| usize::from(**label) == class).count();
    (0..classes).map(count).collect()
}
