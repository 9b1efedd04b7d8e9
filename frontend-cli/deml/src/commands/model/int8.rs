//! `deml model pack --int8`: a model's weights as signed bytes.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::Result;
use blobs::Cid;
use client::{
    files::{self, PROFILE},
    printer::{Printer, Refused},
    quantity::percent,
};
use eval::Model;
use market::Score;
use serde::Serialize;
use trainer::local;

use super::scoring::{Scoring, parts};
use crate::deltas;

/// A model with weights of signed bytes.
#[derive(Clone, Debug, Serialize)]
pub struct Quantised {
    /// Its CID.
    pub cid: Cid,
    /// Bytes of the file before.
    pub before: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Score before, in parts per million, if there is a dataset.
    pub score_before: Option<u32>,
    /// Score after, in parts per million.
    pub score: Option<u32>,
    /// Path of the file.
    pub file: PathBuf,
}

impl fmt::Display for Quantised {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cid, before, bytes, score_before, score, file } = self;
        writeln!(out, "{}: {cid}", file.display())?;
        write!(out, "  {before} bytes became {bytes}; its weights are signed bytes")?;
        let scores = score_before.zip(*score);
        let Some((was, is)) = scores.map(|(was, is)| (percent(Score(was)), percent(Score(is))))
        else {
            return write!(out, "\n  --hold-out FILE says what that does to its score");
        };
        write!(out, "\n  it scores {is}, before {was}")
    }
}

/// Packs a model into a file with weights of signed bytes, and scores both.
///
/// - Errors: `UnfitModel`, `UnfitDataset`, `EvaluationError`; a file cannot be written
pub fn pack(
    printer: &Printer,
    (path, out): (&Path, PathBuf),
    scoring: &Scoring,
) -> Result<Quantised> {
    let unfit = |why| Refused::new("UnfitModel", why);
    let file = files::read(path)?;
    let int8 = Model::int8(&file.bytes).map_err(unfit)?;
    let int8 = int8.ok_or_else(|| {
        Refused::new("UnfitModel", "it has no f32 weights that lie in the file itself")
    })?;
    local::model(&int8)?;
    let scores = match scoring.read(printer)? {
        None => None,
        Some((dataset, measure)) => {
            let score = |bytes: &[u8]| deltas::scores(bytes, &dataset, measure);
            Some([score(&file.bytes)?, score(&int8)?])
        }
    };
    let [before, after] = parts(scores);
    files::write(&out, &int8)?;
    let blob = blobs::blob_ref(&int8, PROFILE);
    Ok(Quantised {
        cid: blob.cid(),
        before: file.blob.size,
        bytes: blob.size,
        score_before: before,
        score: after,
        file: out,
    })
}
