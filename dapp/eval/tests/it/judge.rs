//! Evaluation in steps, as the market requests it.

use blobs::Cid;
use eval::{Dataset, Evaluator, Features, Labels, Model, Shape, report};
use market::{Blob, Evaluation, EvaluationError, Fault, Judge, Metric, MetricAccumulator, Work};

use crate::{
    models,
    onnx::{model, node, ports, weights},
    read,
};

pub(crate) fn blob(bytes: &[u8]) -> Blob<'_> {
    Blob { cid: Cid::of_block(blobs::Codec::Raw, bytes), bytes }
}

fn evaluation<'a>(model: &'a [u8], hold_out: &'a [u8], metric: Metric) -> Evaluation<'a> {
    Evaluation { model: blob(model), hold_out: blob(hold_out), measure: metric.into(), rows: None }
}

/// Answers all rows with a budget per call, and counts the calls.
fn in_steps(evaluation: &Evaluation<'_>, budget: Work) -> (MetricAccumulator, Work, usize) {
    let mut judge = Evaluator::new();
    let quote = judge.quote(evaluation).unwrap();
    let (mut accumulator, mut work, mut calls) =
        (MetricAccumulator::new(quote.classes), Work(0), 0);
    while accumulator.rows() < quote.rows {
        let done = judge.answer(evaluation, &mut accumulator, budget).unwrap();
        assert!(done <= budget.max(quote.step), "{done} of {budget}");
        (work, calls) = (work.plus(done), calls + 1);
    }
    assert_eq!(quote.reading.plus(work), quote.work);
    (accumulator, work, calls)
}

#[test]
fn steps_come_to_the_same_as_one_go() {
    let hold_out = read("digits/holdout.safetensors");
    for name in ["digits/torch-base.onnx", "digits/keras-trained.onnx"] {
        let model = read(name);
        for metric in [Metric::Accuracy, Metric::LogLoss] {
            let evaluation = evaluation(&model, &hold_out, metric);
            let (whole, work, calls) = in_steps(&evaluation, Work(u64::MAX));
            assert_eq!(calls, 1);
            for budget in [0, work.0 / 9, work.0 / 2, work.0 - 1] {
                let (accumulator, _, calls) = in_steps(&evaluation, Work(budget));
                assert_eq!(accumulator, whole, "{name} {metric:?} {budget}");
                assert!(calls > 1, "{name} {metric:?} {budget}");
            }
            let (model, dataset) =
                (Model::from_onnx(&model).unwrap(), Dataset::from_safetensors(&hold_out).unwrap());
            let report = report::evaluate(&model, &dataset, metric, &mut |_, _| {}).unwrap();
            assert_eq!(report.accumulator, whole);
        }
    }
}

#[test]
fn chosen_rows_get_the_results_they_get_among_all() {
    let hold_out = read("digits/holdout.safetensors");
    for name in ["digits/torch-base.onnx", "digits/keras-trained.onnx"] {
        let model = read(name);
        for metric in [Metric::Accuracy, Metric::LogLoss] {
            let all = evaluation(&model, &hold_out, metric);
            let mut judge = Evaluator::new();
            let quote = judge.quote(&all).unwrap();
            let mut whole = MetricAccumulator::with_results(quote.classes, metric);
            judge.answer(&all, &mut whole, Work(u64::MAX)).unwrap();
            let last = quote.rows - 1;
            for rows in [&[][..], &[3], &[0, 1, 63, 64, 200, last - 1, last]] {
                let some = Evaluation { rows: Some(rows), ..all };
                let expected = whole.results().unwrap().of_rows(rows).unwrap();
                for budget in [Work(0), Work(u64::MAX)] {
                    let quote = judge.quote(&some).unwrap();
                    let mut accumulator = MetricAccumulator::with_results(quote.classes, metric);
                    let mut work = quote.reading;
                    while accumulator.rows() < quote.rows {
                        work = work.plus(judge.answer(&some, &mut accumulator, budget).unwrap());
                    }
                    assert_eq!(
                        accumulator.results(),
                        Some(&expected),
                        "{name} {metric:?} {rows:?}"
                    );
                    assert_eq!(work, quote.work, "{name} {metric:?} {rows:?}");
                }
            }
            for rows in [&[last + 1][..], &[5, 5], &[6, 5]] {
                let mismatch = EvaluationError { fault: Fault::Mismatch, node: None };
                assert_eq!(judge.quote(&Evaluation { rows: Some(rows), ..all }), Err(mismatch));
            }
        }
    }
}

#[test]
fn reading_costs_no_more_than_the_lengths_say() {
    for (model, hold_out) in models() {
        let (file, rows) = (read(&model), read(&hold_out));
        let mut judge = Evaluator::new();
        for metric in [Metric::Accuracy, Metric::MeanSquaredError] {
            let evaluation = evaluation(&file, &rows, metric);
            let Ok(quote) = judge.quote(&evaluation) else { continue };
            let at_most = judge.reading(&evaluation);
            assert!(quote.reading <= at_most, "{model}: {} of {at_most}", quote.reading);
        }
    }
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let digits = read("digits/holdout.safetensors");
    let health = read("health/holdout.safetensors");
    let model_of_digits = read("digits/torch-base.onnx");
    let refusal = |model: &[u8], hold_out: &[u8], metric| {
        Evaluator::new().quote(&evaluation(model, hold_out, metric)).unwrap_err()
    };
    let unfit = |fault, node| EvaluationError { fault, node };
    let unknown = model(&[node("Unheard", &["x"], "y", &[]), ports(&[-1, 64])]);
    let too_few = model(&[
        node("MatMul", &["x", "w"], "y", &[]),
        weights("w", &[64, 9], &[0.5; 64 * 9]),
        ports(&[-1, 64]),
    ]);
    for (found, expected) in [
        (refusal(&model_of_digits, &health, Metric::Accuracy), unfit(Fault::Mismatch, None)),
        (
            refusal(&model_of_digits, &digits, Metric::MeanSquaredError),
            unfit(Fault::Mismatch, None),
        ),
        (refusal(&too_few, &digits, Metric::Accuracy), unfit(Fault::Mismatch, None)),
        (refusal(&model_of_digits, b"", Metric::Accuracy), unfit(Fault::MalformedDataset, None)),
        (refusal(b"\xff", &digits, Metric::Accuracy), unfit(Fault::MalformedModel, None)),
        (refusal(&unknown, &digits, Metric::Accuracy), unfit(Fault::UnknownOperator, Some(0))),
    ] {
        assert_eq!(found, expected);
    }
}

#[test]
fn answers_that_are_not_finite_are_refused() {
    let file = model(&[
        node("Div", &["x", "zero"], "y", &[]),
        weights("zero", &[1], &[0.0]),
        ports(&[-1, 2]),
    ]);
    let row = Shape::new(&[2]).unwrap();
    let features = Features::Real(vec![0.0, 1.0]);
    let dataset = Dataset::new(row, features, Labels::Classes(vec![0])).unwrap().to_safetensors();
    let evaluation = evaluation(&file, &dataset, Metric::Accuracy);
    let mut judge = Evaluator::new();
    let quote = judge.quote(&evaluation).unwrap();
    let found = judge.answer(&evaluation, &mut MetricAccumulator::new(quote.classes), quote.work);
    assert_eq!(found, Err(EvaluationError { fault: Fault::AnswerNotFinite, node: None }));
}
