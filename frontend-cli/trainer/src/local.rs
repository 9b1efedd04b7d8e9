//! Models and datasets on this computer: read and evaluated by the market's own code, so that the
//! integers are the same.

use std::path::Path;

use anyhow::{Result, anyhow};
use blobs::BlobRef;
use client::{
    files::{self, File},
    printer::{Printer, Refused},
};
use eval::{
    Dataset, Evaluator, Model,
    dataset::{CsvRefused, LabelColumn, LabelKind, from_csv},
    report::{self, Report},
};
use market::{
    Blob, Evaluation, Judge as _, Measure, Metric, MetricAccumulator, Quote, Scores, Work,
};

/// Runs a long computation outside the asynchronous runtime.
pub async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| anyhow!("the computation crashed: report it"))?
}

/// Reads a model.
///
/// - Errors: `UnfitModel`, naming the node
pub fn model(bytes: &[u8]) -> Result<Model> {
    Ok(Model::from_onnx(bytes).map_err(|why| Refused::new("UnfitModel", why))?)
}

/// Reads a dataset: CSV by its file name, otherwise safetensors.
///
/// - Errors: `UnfitDataset`, naming the row, or line and column
pub fn dataset(file: &File, label: LabelColumn<'_>, kind: LabelKind) -> Result<Dataset> {
    let is_csv =
        file.path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    if !is_csv {
        let read = Dataset::from_safetensors(&file.bytes);
        return Ok(read.map_err(|why| Refused::new("UnfitDataset", named(&file.path, &why)))?);
    }
    from_csv(file.bytes.as_slice(), label, kind).map_err(|why| match why {
        CsvRefused::Csv(cause) => {
            anyhow!(cause).context(format!("{} cannot be read as CSV", file.path.display()))
        }
        other => Refused::new("UnfitDataset", named(&file.path, &other)).into(),
    })
}

fn named(path: &Path, why: &dyn std::fmt::Display) -> String {
    format!("{}: {why}", path.display())
}

/// The kind of labels that a metric needs.
#[must_use]
pub const fn label_kind(metric: Metric) -> LabelKind {
    if metric.is_regression() { LabelKind::Targets } else { LabelKind::Classes }
}

/// Evaluates a model on a dataset.
///
/// - Errors: `EvaluationError` if they do not fit together
pub fn evaluate(
    printer: &Printer,
    model: &Model,
    dataset: &Dataset,
    measure: Measure,
) -> Result<Report> {
    let bar = printer.bar("scoring", dataset.rows() as u64);
    let mut progress = |done, _all| bar.set(done as u64);
    let report = report::evaluate(model, dataset, measure, &mut progress);
    Ok(report.map_err(|why| Refused::new("EvaluationError", why))?)
}

/// The cost of evaluating a model on a dataset, and its scores, as in the machine.
///
/// - Errors: `EvaluationError` if they do not fit together
pub fn examine(model: &File, data: &File, measure: Measure) -> Result<(Quote, Scores)> {
    let evaluation = Evaluation {
        model: Blob { cid: model.blob.cid(), bytes: &model.bytes },
        hold_out: Blob { cid: data.blob.cid(), bytes: &data.bytes },
        measure,
        rows: None,
    };
    let mut judge = Evaluator::with_threads(report::cores());
    let unfit = |why| Refused::new("EvaluationError", why);
    let quote = judge.quote(&evaluation).map_err(unfit)?;
    let mut accumulator = MetricAccumulator::new(quote.classes);
    while accumulator.rows() < quote.rows {
        judge.answer(&evaluation, &mut accumulator, Work(u64::MAX)).map_err(unfit)?;
    }
    Ok((quote, accumulator.scores(measure.metric)))
}

/// The blob reference of a model's file.
#[must_use]
pub fn blob_of(bytes: &[u8]) -> BlobRef {
    blobs::blob_ref(bytes, files::PROFILE)
}
