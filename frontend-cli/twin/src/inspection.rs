//! What a model is, and its score on rows at hand.

use blobs::{BlobRef, Profile, blob_ref};
use eval::{Dataset, Estimate, Model, report, trace::Bits};
use market::{Measure, Output};
use serde::Serialize;

use crate::{
    error::{Error, Result},
    figures::Figures,
};

/// How files are chunked for their CIDs, as the commands do it.
pub(crate) const PROFILE: Profile = Profile::Kubo;

/// A model that can be evaluated.
#[derive(Debug, Serialize)]
pub(crate) struct Inspected {
    model: BlobRef,
    /// Shape of one input row.
    input: Vec<usize>,
    /// Numbers it answers per row.
    answers: usize,
    /// What they are, if its graph shows it.
    output: Option<Output>,
    /// The operator that shows it.
    shown_by: Option<String>,
    parameters: usize,
    /// Its operators, in execution order.
    operators: Vec<String>,
}

pub(crate) fn model(bytes: &[u8]) -> Result<Model> {
    Model::from_onnx(bytes).map_err(|why| Error::refused("UnfitModel", why))
}

pub(crate) fn dataset(bytes: &[u8]) -> Result<Dataset> {
    Dataset::from_safetensors(bytes).map_err(|why| Error::refused("UnfitDataset", why))
}

/// Describes a model.
///
/// - Errors: `UnfitModel`, naming the node
pub(crate) fn inspect(bytes: &[u8]) -> Result<Inspected> {
    let summary = report::summary(&model(bytes)?);
    let operators = summary.nodes.iter().map(|node| node.node.operator.as_str().to_owned());
    Ok(Inspected {
        model: blob_ref(bytes, PROFILE),
        input: summary.row.sizes().to_vec(),
        answers: summary.answers,
        output: summary.output.map(|(output, _)| output),
        shown_by: summary.output.map(|(_, node)| node.operator.as_str().to_owned()),
        parameters: summary.parameters,
        operators: operators.collect(),
    })
}

/// A model's score on some rows.
#[derive(Debug, Serialize)]
pub(crate) struct Scored {
    score: u32,
    /// Its score by the threshold's metric.
    threshold_score: u32,
    output: Output,
    figures: Figures,
    /// Instructions of the evaluation, as predicted.
    work: u64,
}

/// Scores a model.
///
/// - Errors: `UnfitModel`, `UnfitDataset`, `EvaluationError`
pub(crate) fn score(model: &[u8], rows: &[u8], measure: Measure) -> Result<Scored> {
    let (read, dataset) = (self::model(model)?, self::dataset(rows)?);
    let failed = |why| Error::refused("EvaluationError", why);
    let report = report::evaluate(&read, &dataset, measure, &mut |_, _| {}).map_err(failed)?;
    let measure = Measure { output: report.output, ..measure };
    let estimate = Estimate::new([model.len(), rows.len()], &read, &dataset, measure);
    let estimate = estimate.map_err(|why| Error::refused("EvaluationError", why))?;
    Ok(Scored {
        score: report.scores.score.0,
        threshold_score: report.scores.threshold_score.0,
        output: report.output,
        figures: Figures::of(&report, &dataset),
        work: estimate.quote(&dataset).work.0,
    })
}

/// The bits of each node of a model on some rows, as digests.
///
/// - Errors: `UnfitModel`, `UnfitDataset`, `EvaluationError`
pub(crate) fn bits(model: &[u8], rows: &[u8]) -> Result<Vec<String>> {
    let (read, dataset) = (self::model(model)?, self::dataset(rows)?);
    if read.row().elements() != dataset.row().elements() {
        return Err(Error::refused("EvaluationError", "the model takes other rows"));
    }
    let bits = Bits::of(&read, &dataset.features(0..dataset.rows()));
    let Bits { layers, answers } = bits.map_err(|why| Error::refused("EvaluationError", why))?;
    let layers = layers.into_iter().map(|layer| layer.digest.to_string());
    Ok(layers.chain([answers.to_string()]).collect())
}

/// The digest of all bits of a model on rows that may be of any numbers, as conformance cases have
/// them.
///
/// - `rows`: f32, little-endian, one row after the other
/// - Errors: `UnfitModel`, `EvaluationError`
pub(crate) fn digest(model: &[u8], rows: &[u8]) -> Result<String> {
    let rows: Vec<f32> =
        rows.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let bits = Bits::of(&self::model(model)?, &rows);
    Ok(bits.map_err(|why| Error::refused("EvaluationError", why))?.digest().to_string())
}
