//! The rounding of a model's change before it is committed to.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use blobs::Cid;
use client::{
    files::{self, File},
    printer::Refused,
    session::Session,
};
use eval::Dataset;
use trainer::local;
use wire::JobView;

use super::job_bytes;
use crate::deltas;

/// The model of a job with its change rounded, written beside its file; the scores are said.
///
/// - Errors: as [`deltas::round`]; the job's base model or dataset is not in the store
pub async fn round(session: &Session, view: &JobView, model: File) -> Result<File> {
    let (decides, drive) = job_bytes(session, view).await?;
    let base = view.terms.offer.base_model.cid();
    let measure = view.terms.offer.measure();
    let (path, rounded) = local::in_background(move || {
        let blob = |cid: Cid| drive.get(&cid).context("the job's files are not at hand");
        let dataset = Dataset::from_safetensors(blob(decides.cid())?);
        let dataset = dataset.map_err(|why| Refused::new("UnfitDataset", why))?;
        let rounded = deltas::round(blob(base)?, &model.bytes, Some((&dataset, measure)))?;
        Ok((beside(&model), rounded))
    })
    .await?;
    files::write(&path, &rounded.bytes)?;
    session.printer.say(format_args!("{rounded}, in {}", path.display()));
    files::read(&path)
}

/// The path of a rounded model: `better.delta.onnx` of `better.onnx`.
fn beside(model: &File) -> PathBuf {
    model.path.with_extension("delta.onnx")
}
