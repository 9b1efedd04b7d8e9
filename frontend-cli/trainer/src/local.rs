//! Models and datasets on this computer: read and evaluated by the market's own code, so that the
//! integers are the same.

use std::path::Path;

use anyhow::{Result, anyhow};
use blobs::BlobRef;
use client::{
    files::{self, File},
    printer::{Printer, Refused},
};
use dataset::{LabelKind, Options, ReadRefused, Source, Understood};
use eval::{
    Dataset, Evaluator, Model,
    report::{self, Report},
};
use market::{
    Blob, Evaluation, Judge as _, Measure, Metric, MetricAccumulator, Quote, Score, Scores, Work,
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

/// Opens a file of rows, a folder of images, or standard input.
///
/// - Errors: it cannot be read
pub fn open(path: &Path) -> Result<Source> {
    Source::open(path).map_err(|why| unread(path, why))
}

/// Reads rows, and says what was understood unless they are a packed dataset.
///
/// - Errors: `UnfitDataset`, naming the row, or line and column, and what to do
pub fn read(printer: &Printer, source: &Source, options: &Options) -> Result<Understood> {
    let read = dataset::read(source, options).map_err(|why| unread(&source.path, why))?;
    if !read.is_packed {
        printer.say(format_args!("{}: {}", source.path.display(), read.description));
    }
    Ok(read)
}

/// A refusal that names the file, or the fault of the file system.
#[must_use]
pub fn unread(path: &Path, why: ReadRefused) -> anyhow::Error {
    match why {
        fault @ ReadRefused::Io { .. } => fault.into(),
        why => Refused::new("UnfitDataset", format_args!("{}: {why}", path.display())).into(),
    }
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

/// A model's score on these rows, without a word.
///
/// - Errors: `UnfitModel`; `EvaluationError` if they do not fit together
pub(crate) fn score(model: &[u8], rows: &Dataset, measure: Measure) -> Result<Score> {
    let report = report::evaluate(&self::model(model)?, rows, measure, &mut |_, _| {});
    Ok(report.map_err(|why| Refused::new("EvaluationError", why))?.scores.score)
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
    Ok((quote, accumulator.scores(measure)))
}

/// The blob reference of a model's file.
#[must_use]
pub fn blob_of(bytes: &[u8]) -> BlobRef {
    blobs::blob_ref(bytes, files::PROFILE)
}
