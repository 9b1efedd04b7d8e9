//! Models: read, planned, and run if that is cheap.

use blobs::{Cid, Profile, cid_of};
use eval::{Dataset, Evaluator, Features, Labels, Model, Shape, report};
use market::{
    Blob, Evaluation, EvaluationError, Judge, Measure, Metric, MetricAccumulator, Output, Quote,
    Work,
};

use crate::memory::{peak, within};

/// Memory for reading, beyond the file's own numbers.
const READING_BYTES: usize = 8 << 20;
/// Memory per byte of a file: lists of small integers take eight, and grow by doubling.
const READING_PER_BYTE: usize = 24;
/// Memory for running, beyond the tensors that were counted.
const RUNNING_BYTES: usize = 4 << 20;
/// Limit of a step's tensors, as in `eval`.
const STEP_BYTES: usize = 32 << 20;
/// Work that is cheap enough to be run very often.
const CHEAP: Work = Work(40_000_000);
/// Rows of the dataset: more than a batch, so that the last one is smaller.
const ROWS: usize = 67;

/// Reads a model, and runs it if that is cheap.
///
/// - Memory follows the file's length while it is read, and the plan while it runs.
/// - Read again it is refused for the same reason, or costs the same; the plan is within its limit.
/// - However an evaluation is split into steps, its accumulator or its refusal is the same.
/// - No step works more than predicted.
///
/// - Panics: if one of these does not hold
pub fn onnx(bytes: &[u8]) {
    let limit = READING_BYTES + READING_PER_BYTE * bytes.len();
    let read = || Model::from_onnx(bytes);
    let model = match within(limit, "reading a model", read) {
        Ok(model) => model,
        Err(refused) => {
            assert_eq!(read().err(), Some(refused), "a refusal depends on the bytes alone");
            assert!(!refused.to_string().is_empty());
            return;
        }
    };
    let summary = within(limit, "a summary", || report::summary(&model));
    assert!(summary.batch_bytes <= STEP_BYTES, "{} bytes planned", summary.batch_bytes);
    assert!((1..=64).contains(&model.batch_rows()), "{} rows in a batch", model.batch_rows());
    if let Some(dataset) = rows_for(&model) {
        evaluate(bytes, &dataset.to_safetensors(), model.answers(), summary.batch_bytes);
    }
}

/// Rows of numbers of many magnitudes, and labels; `None` if rows would be too large.
fn rows_for(model: &Model) -> Option<Dataset> {
    let row = Shape::new(&[model.row().elements()])?;
    let elements = row.elements().checked_mul(ROWS).filter(|elements| *elements <= 1 << 20)?;
    let number = |index: usize| match index % 5 {
        0 => 0.0,
        1 => -1.5,
        2 => 1e-40,
        3 => 3.0e4,
        _ => 0.25,
    };
    let features = Features::Real((0..elements).map(number).collect());
    let labels = if model.answers() == 1 {
        Labels::Targets((0..ROWS).map(number).collect())
    } else {
        Labels::Classes((0..ROWS).map(|row| u8::from(row % 3 == 0)).collect())
    };
    Dataset::new(row, features, labels).ok()
}

/// Evaluates in one run and step by step.
fn evaluate(model: &[u8], hold_out: &[u8], answers: usize, tensors: usize) {
    let cid = |bytes: &[u8]| -> Cid { cid_of(bytes, Profile::Kubo) };
    let metric = if answers == 1 { Metric::MeanSquaredError } else { Metric::LogLoss };
    // Where the graph does not show what is answered, logits are marked by every step there is.
    let shown = Model::from_onnx(model).ok().and_then(|model| model.output());
    let is_known = answers == 1 || shown.is_some();
    let output = if is_known { Output::FromGraph } else { Output::Logits };
    let evaluation = Evaluation {
        model: Blob { cid: cid(model), bytes: model },
        hold_out: Blob { cid: cid(hold_out), bytes: hold_out },
        measure: Measure::new(metric, output),
        rows: None,
    };
    let mut judge = Evaluator::new();
    let Ok(quote) = judge.quote(&evaluation) else { return };
    assert!(quote.step.plus(quote.reading) <= quote.work, "a step costs more than all");
    assert!(quote.reading <= judge.reading(&evaluation), "reading costs more than lengths say");
    if quote.work > CHEAP {
        return;
    }
    let at_once = run(&mut judge, &evaluation, quote, Work(u64::MAX), tensors);
    let by_steps = run(&mut judge, &evaluation, quote, Work(0), tensors);
    assert_eq!(at_once, by_steps, "how an evaluation is cut changes nothing");
}

/// The accumulator after all rows, with at most one step beyond `budget` at a time.
fn run(
    judge: &mut Evaluator,
    evaluation: &Evaluation<'_>,
    quote: Quote,
    budget: Work,
    tensors: usize,
) -> Result<MetricAccumulator, EvaluationError> {
    let mut accumulator = MetricAccumulator::new(quote.classes);
    let mut done = Work(0);
    while accumulator.rows() < quote.rows {
        let before = accumulator.rows();
        let (held, work) = peak(|| judge.answer(evaluation, &mut accumulator, budget));
        let work = work?;
        assert!(accumulator.rows() > before, "a step answers rows");
        assert!(work <= quote.step.max(budget), "a step works more than was said");
        let most = tensors + RUNNING_BYTES;
        assert!(held <= most, "a step took {held} bytes, {most} were counted");
        done = done.plus(work);
    }
    let all = done.plus(quote.reading);
    assert_eq!((accumulator.rows(), all), (quote.rows, quote.work), "the quote was kept");
    Ok(accumulator)
}
