//! The committed models give the answers of the frameworks that exported them, sample by sample.

use std::fs;

use blobs::Text as _;
use eval::{Dataset, Model, report};
use market::{Measure, Metric, Output, Score};
use serde_json::Value;

use crate::{fixtures, read};

/// Whether two frameworks' f32 sums differ by no more than the tolerance.
fn is_close(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= 2e-5 * (1.0 + theirs.abs())
}

#[test]
fn answers_equal_the_exporting_frameworks() {
    let mut seen = 0;
    for entry in fs::read_dir(fixtures().join("reference")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let reference = serde_json::from_slice(&read(&format!("reference/{name}"))).unwrap();
        compare(&name, &reference);
        seen += 1;
    }
    assert!(seen >= 14, "only {seen} references");
}

fn compare(name: &str, reference: &Value) {
    let text = |key: &str| reference[key].as_str().unwrap();
    let model =
        Model::from_onnx(&read(text("model"))).unwrap_or_else(|why| panic!("{name}: {why}"));
    let dataset = Dataset::from_safetensors(&read(text("dataset"))).unwrap();
    let is_regression = dataset.classes() == 0;
    let metric = if is_regression { Metric::MeanSquaredError } else { Metric::Accuracy };
    let output = output_of(text("output"));
    let evaluate = |metric| {
        let measure = Measure::new(metric, output);
        report::evaluate(&model, &dataset, measure, &mut |_, _| {}).unwrap()
    };
    let report = evaluate(metric);

    let predictions = reference["predictions"].as_array().unwrap();
    assert_eq!(predictions.len(), dataset.rows(), "{name}");
    for (row, theirs) in predictions.iter().enumerate() {
        let theirs = theirs.as_array().unwrap();
        let ours = &report.answers[row * report.per_row..][..report.per_row];
        assert_eq!(theirs.len(), ours.len(), "{name} row {row}");
        for (ours, theirs) in ours.iter().zip(theirs) {
            let theirs = theirs.as_f64().unwrap();
            assert!(is_close(f64::from(*ours), theirs), "{name} row {row}: {ours} {theirs}");
        }
    }
    if let Some(labels) = reference["labels"].as_array() {
        let ours = report.predicted().map(u64::from).collect::<Vec<_>>();
        let theirs = labels.iter().map(|label| label.as_u64().unwrap()).collect::<Vec<_>>();
        assert_eq!(ours, theirs, "{name}");
    }

    let metrics = &reference["metrics"];
    let expect = |key: &str, metric, expected: &dyn Fn(f64) -> f64| {
        let Some(theirs) = metrics[key].as_f64() else { return };
        let (Score(ours), theirs) = (evaluate(metric).scores.score, expected(theirs) * 1e6);
        assert!((f64::from(ours) - theirs).abs() <= 6.0, "{name} {key}: {ours} {theirs}");
    };
    expect("accuracy", Metric::Accuracy, &|share| share);
    expect("worst_class_recall", Metric::WorstClassRecall, &|share| share);
    expect("macro_f1", Metric::MacroF1, &|share| share);
    expect("log_loss", Metric::LogLoss, &|loss| 1.0 / (1.0 + loss));
}

/// What a reference says that its numbers are.
pub(crate) fn output_of(name: &str) -> Output {
    match name {
        "value" => Output::FromGraph,
        "probability_of_class_1" => Output::Probabilities,
        name => Output::read(name).unwrap_or_else(|| panic!("{name}")),
    }
}

/// The metric, and that the answers are logits where the graph does not show what they are.
pub(crate) fn measure(model: &Model, metric: Metric) -> Measure {
    let is_known = model.output().is_some() || metric.is_regression();
    Measure::new(metric, if is_known { Output::FromGraph } else { Output::Logits })
}
