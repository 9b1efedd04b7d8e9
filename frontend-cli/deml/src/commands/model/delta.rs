//! `deml model pack --delta`: rounds a model's change from its base, so that few bytes say it.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use blobs::Cid;
use clap::Args;
use client::{
    files::{self, PROFILE},
    printer::Printer,
};
use market::{JobId, Slot};
use serde::Serialize;

use super::scoring::{Scoring, parts};
use crate::deltas::{self, Rounded, Saving};

/// Options of `deml model pack` for deltas.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Rounding the change from a base model")]
pub struct Delta {
    /// Round the change from the base model, so that `deml submit` sends few bytes of it
    #[arg(long, requires = "base")]
    pub delta: bool,
    /// ONNX file that it was trained from
    #[arg(long, value_name = "FILE", requires = "delta")]
    pub base: Option<PathBuf>,
}

/// A model whose change from its base is rounded.
#[derive(Clone, Debug, Serialize)]
pub struct PackedDelta {
    /// Its CID.
    pub cid: Cid,
    /// The greatest change is of so many bits.
    pub bits: u8,
    /// Score before, in parts per million, if there is a dataset.
    pub score_before: Option<u32>,
    /// Score after, in parts per million.
    pub score: Option<u32>,
    /// What it saves to send it as a delta; `None` if that is not less.
    pub saving: Option<Saving>,
    /// Path of the file.
    pub file: PathBuf,
    #[serde(skip)]
    rounded: Rounded,
}

impl fmt::Display for PackedDelta {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cid, saving, file, rounded, .. } = self;
        writeln!(out, "{}: {cid}", file.display())?;
        write!(out, "  {rounded}")?;
        match saving {
            Some(saving) => write!(out, "\n  {saving}"),
            None => write!(out, "\n  as it is, it takes less gas than as a delta"),
        }
    }
}

/// Rounds a model's change from its base into a file.
///
/// - Errors: `UnfitModel`, `NotOfBase`, `UnfitDataset`, `EvaluationError`; a file cannot be written
pub fn pack(
    printer: &Printer,
    (file, out): (&Path, Option<PathBuf>),
    (delta, scoring): (&Delta, &Scoring),
) -> Result<PackedDelta> {
    let base = files::read(delta.base.as_deref().context("which base model? say --base FILE")?)?;
    let model = files::read(file)?;
    let scored = scoring.read(printer)?;
    let scored = scored.as_ref().map(|(dataset, measure)| (dataset, *measure));
    let rounded = deltas::round(&base.bytes, &model.bytes, scored)?;
    let file = out.unwrap_or_else(|| file.with_extension("delta.onnx"));
    files::write(&file, &rounded.bytes)?;
    let blob = blobs::blob_ref(&rounded.bytes, PROFILE);
    let both = (Some(base.bytes.as_slice()), rounded.bytes.as_slice());
    let chunks = deltas::chunks(JobId::default(), Slot::Submission, both, 0)?;
    let [before, after] = parts(rounded.scores);
    Ok(PackedDelta {
        cid: blob.cid(),
        bits: rounded.bits,
        score_before: before,
        score: after,
        saving: deltas::saving(blob, JobId::default(), &rounded.bytes, &chunks),
        file,
        rounded,
    })
}
