//! Metrics against scikit-learn and SciPy (`tests/fixtures/metrics.py`), and what answers are:
//! known from the graph or stated, never guessed.

use blobs::Text as _;
use eval::{Dataset, EvaluationRefused, Evaluator, Features, Labels, Model, Shape, report};
use market::{
    Evaluation, Judge as _, Measure, Metric, MetricAccumulator, Output, Score, Scores, Work,
};
use serde_json::Value;

use crate::{
    judge::blob,
    onnx::{integer_attribute, integers_attribute, model, node, ports, weights, whole},
    read,
    reference::output_of,
};

/// Errors of f32 in the frameworks' own answers; else a score is exact to a part per million.
const TOLERANCE_PPM: f64 = 6.0;

fn cases(part: &str) -> Vec<Value> {
    let all: Value = serde_json::from_slice(&read("metrics.json")).unwrap();
    all[part].as_array().unwrap().clone()
}

/// A model's scores on a dataset, answered in small pieces.
fn in_pieces(model: &[u8], dataset: &[u8], measure: Measure) -> Scores {
    let evaluation =
        Evaluation { model: blob(model), hold_out: blob(dataset), measure, rows: None };
    let mut judge = Evaluator::new();
    let quote = judge.quote(&evaluation).unwrap();
    let mut accumulator = MetricAccumulator::new(quote.classes);
    while accumulator.rows() < quote.rows {
        judge.answer(&evaluation, &mut accumulator, Work(0)).unwrap();
    }
    accumulator.scores(measure)
}

/// Each metric beside each other one as its threshold's.
#[test]
fn scores_are_those_of_scikit_learn() {
    let mut seen = std::collections::BTreeSet::new();
    for case in cases("models") {
        let name = case["model"].as_str().unwrap();
        let (file, rows) = (read(name), read(case["dataset"].as_str().unwrap()));
        let model = Model::from_onnx(&file).unwrap();
        let dataset = Dataset::from_safetensors(&rows).unwrap();
        let output = output_of(case["output"].as_str().unwrap());
        let metrics = case["metrics"].as_object().unwrap().iter().map(|(metric, theirs)| {
            let metric = Metric::read(metric).unwrap_or_else(|| panic!("{metric}"));
            (metric, theirs.as_f64().unwrap() * 1e6)
        });
        let metrics: Vec<_> = metrics.collect();
        let pairs = metrics.iter().flat_map(|one| metrics.iter().map(move |other| [*one, *other]));
        for [(metric, theirs), (threshold_metric, beside)] in pairs {
            let measure = Measure { metric, threshold_metric, output };
            let ours = report::evaluate(&model, &dataset, measure, &mut |_, _| {}).unwrap().scores;
            for (ours, theirs) in [(ours.score, theirs), (ours.threshold_score, beside)] {
                let apart = (f64::from(ours.0) - theirs).abs();
                assert!(apart <= TOLERANCE_PPM, "{name} {measure:?}: {ours} {theirs}");
            }
            assert_eq!(in_pieces(&file, &rows, measure), ours, "{name} {measure:?}");
            seen.insert((metric, threshold_metric));
        }
    }
    let pairs = Metric::ALL.into_iter().flat_map(|one| Metric::ALL.map(|other| (one, other)));
    for pair in pairs.filter(|(one, other)| one.is_regression() == other.is_regression()) {
        assert!(
            seen.contains(&pair),
            "{pair:?} has no value of scikit-learn's in tests/fixtures/metrics.json: add it to \
             metrics.py beside that, and run it"
        );
    }
}

#[test]
fn ranks_with_ties_are_those_of_scikit_learn_and_scipy() {
    for case in cases("ranked") {
        let list = |name: &str| {
            let numbers = case[name].as_array().unwrap().iter();
            numbers.map(|number| u32::try_from(number.as_u64().unwrap()).unwrap()).collect()
        };
        let [truth, targets, scores]: [Vec<u32>; 3] = ["truth", "targets", "scores"].map(list);
        for (metric, theirs) in case["metrics"].as_object().unwrap() {
            let metric = Metric::read(metric).unwrap_or_else(|| panic!("{metric}"));
            let truth = if metric.is_regression() { &targets } else { &truth };
            let mut accumulator = MetricAccumulator::new(0);
            truth.iter().zip(&scores).for_each(|(truth, score)| accumulator.rank(*truth, *score));
            let (Score(ours), theirs) = (accumulator.score(metric), theirs.as_f64().unwrap() * 1e6);
            assert!((f64::from(ours) - theirs).abs() <= 1.0, "{metric}: {ours} {theirs}");
        }
    }
}

/// Rows of one number each, which is also what the model below answers, times `factor`.
fn rows(numbers: &[f32], labels: Labels) -> Dataset {
    Dataset::new(Shape::new(&[1]).unwrap(), Features::Real(numbers.to_vec()), labels).unwrap()
}

/// `y = after(x · factor)`.
fn linear(factor: f32, after: &[Vec<u8>]) -> Model {
    let product = node("MatMul", &["x", "w"], if after.is_empty() { "y" } else { "p" }, &[]);
    let parts = [product, weights("w", &[1, 1], &[factor]), after.concat(), ports(&[-1, 1])];
    Model::from_onnx(&model(&parts)).unwrap()
}

fn score(model: &Model, rows: &Dataset, measure: impl Into<Measure>) -> Result<u32, String> {
    let report = report::evaluate(model, rows, measure, &mut |_, _| {});
    report.map(|report| report.scores.score.0).map_err(|why| why.to_string())
}

#[test]
fn one_logit_is_thresholded_at_zero_and_never_taken_for_a_probability() {
    let (model, rows) = (linear(1.0, &[]), rows(&[-2.0, 0.3, 0.4, 2.0], classes(&[0, 1, 1, 1])));
    let accuracy = |output| score(&model, &rows, Measure::new(Metric::Accuracy, output));
    assert_eq!(accuracy(Output::Logits), Ok(1_000_000));
    assert_eq!(accuracy(Output::Probabilities), Ok(500_000));
    let why = accuracy(Output::FromGraph).unwrap_err();
    assert!(why.contains("does not show") && why.contains("--output logits"), "{why}");
}

#[test]
fn a_log_loss_of_logits_is_that_of_their_softmax() {
    let rows = rows(&[-2.0, 0.3, 0.4, 2.0], classes(&[0, 1, 0, 1]));
    let sigmoid = linear(1.0, &[node("Sigmoid", &["p"], "y", &[])]);
    for metric in [Metric::LogLoss, Metric::Brier] {
        let logits = Measure::new(metric, Output::Logits);
        let [stated, shown] =
            [score(&linear(1.0, &[]), &rows, logits), score(&sigmoid, &rows, metric)]
                .map(Result::unwrap);
        assert!(stated.abs_diff(shown) <= 1, "{metric}: {stated} {shown}");
        assert!(score(&linear(1.0, &[]), &rows, metric).is_err());
    }
}

#[test]
fn an_output_that_the_graph_contradicts_or_the_metric_cannot_use_is_refused() {
    let rows = rows(&[-2.0, 2.0], classes(&[0, 1]));
    let sigmoid = linear(1.0, &[node("Sigmoid", &["p"], "y", &[])]);
    let refused = |model: &Model, metric, output| {
        eval::understand(model, &rows, Measure::new(metric, output)).unwrap_err()
    };
    let (stated, shown) = (Output::Logits, Output::Probabilities);
    assert_eq!(
        refused(&sigmoid, Metric::Accuracy, stated),
        EvaluationRefused::OutputDiffers { stated, shown }
    );
    let (metric, output) = (Metric::LogLoss, Output::Labels);
    assert_eq!(
        refused(&linear(1.0, &[]), metric, output),
        EvaluationRefused::OutputUnfit { metric, output }
    );
}

#[test]
fn a_threshold_needs_what_its_metric_needs() {
    let two = rows(&[-2.0, 2.0], classes(&[0, 1]));
    let three = rows(&[0.0, 2.0, 1.0], classes(&[0, 2, 1]));
    let beside = |threshold_metric, output| Measure {
        threshold_metric,
        ..Measure::new(Metric::Accuracy, output)
    };
    let refused = |rows, measure| eval::understand(&linear(1.0, &[]), rows, measure).unwrap_err();
    let (metric, output) = (Metric::Brier, Output::Labels);
    assert_eq!(
        refused(&two, beside(metric, output)),
        EvaluationRefused::OutputUnfit { metric, output }
    );
    for (rows, metric) in [(&three, Metric::Auroc), (&two, Metric::R2)] {
        assert_eq!(refused(rows, beside(metric, Output::Labels)), EvaluationRefused::Metric);
    }
    let pair = linear(1.0, &[node("Concat", &["p", "p"], "y", &[integer_attribute("axis", 1)])]);
    let measure = Measure::new(Metric::Accuracy, Output::FromGraph);
    assert!(eval::understand(&pair, &two, measure).is_ok());
    let metric = Metric::Auroc;
    assert_eq!(
        eval::understand(&pair, &two, beside(metric, Output::FromGraph)).unwrap_err(),
        EvaluationRefused::OutputUnknown { metric }
    );
}

#[test]
fn a_threshold_costs_no_less_than_its_metric_alone() {
    let (model, hold_out) =
        (read("health/torch-logits-trained.onnx"), read("health/holdout.safetensors"));
    let work = |measure| {
        let evaluation =
            Evaluation { model: blob(&model), hold_out: blob(&hold_out), measure, rows: None };
        Evaluator::new().quote(&evaluation).unwrap().work
    };
    let of = |metric, threshold_metric| {
        work(Measure { threshold_metric, ..Measure::new(metric, Output::Logits) })
    };
    let is_of_classes = |metric: &Metric| !metric.is_regression();
    for metric in Metric::ALL.into_iter().filter(is_of_classes) {
        for threshold in Metric::ALL.into_iter().filter(is_of_classes) {
            let alone = [metric, threshold].map(|metric| of(metric, metric));
            assert!(of(metric, threshold) >= alone[0].max(alone[1]), "{metric} {threshold}");
        }
    }
    let [log, brier, both] = [
        (Metric::LogLoss, Metric::LogLoss),
        (Metric::Brier, Metric::Brier),
        (Metric::LogLoss, Metric::Brier),
    ]
    .map(|(metric, threshold)| of(metric, threshold));
    let counted = of(Metric::Accuracy, Metric::Accuracy);
    // Each of the four is rounded.
    assert!(both.plus(counted).0.abs_diff(log.plus(brier).0) <= 4, "{both} {log} {brier}");
}

#[test]
fn labels_are_classes_themselves() {
    let rows = rows(&[0.0, 2.0, 1.0, 0.5], classes(&[0, 2, 0, 1]));
    let measure = Measure::new(Metric::Accuracy, Output::Labels);
    assert_eq!(score(&linear(1.0, &[]), &rows, measure), Ok(500_000));
}

#[test]
fn the_graph_shows_what_its_last_operator_makes() {
    let shown = |parts: &[Vec<u8>]| {
        let parts = [&[weights("w", &[2, 3], &[1.0; 6]), ports(&[-1, 2])], parts].concat();
        let model = Model::from_onnx(&model(&parts)).unwrap();
        model.output().map(|(output, node)| (output, node.operator.as_str().to_owned()))
    };
    let product = node("MatMul", &["x", "w"], "p", &[]);
    let last = |operator: &str, attributes: &[Vec<u8>]| {
        shown(&[product.clone(), node(operator, &["p"], "y", attributes)])
    };
    let of = |output, operator: &str| Some((output, operator.to_owned()));
    assert_eq!(last("Softmax", &[]), of(Output::Probabilities, "Softmax"));
    assert_eq!(last("LogSoftmax", &[]), of(Output::LogProbabilities, "LogSoftmax"));
    assert_eq!(last("Sigmoid", &[]), of(Output::Probabilities, "Sigmoid"));
    assert_eq!(last("Tanh", &[]), None);
    // Along the rows of a batch it says nothing of the classes.
    assert_eq!(last("Softmax", &[integer_attribute("axis", 0)]), None);
    let reshaped = [
        product.clone(),
        node("Softmax", &["p"], "s", &[]),
        whole("shape", &[-1, 3]),
        node("Reshape", &["s", "shape"], "r", &[]),
        node("Identity", &["r"], "y", &[]),
    ];
    assert_eq!(shown(&reshaped), of(Output::Probabilities, "Softmax"));
    let turned = integers_attribute("perm", &[0, 1]);
    let turned = [node("Softmax", &["p"], "s", &[]), node("Transpose", &["s"], "y", &[turned])];
    assert_eq!(shown(&[&[product][..], &turned].concat()), of(Output::Probabilities, "Softmax"));
}

#[test]
fn regression_scores_are_relative_to_the_targets_spread() {
    let truth = (0..100).map(|row: u16| 200_000.0 + 4_000.0 * f32::from(row)).collect::<Vec<_>>();
    let middle = 200_000.0 + 4_000.0 * 49.5;
    let near = truth.iter().map(|target| target + 5_000.0).collect::<Vec<_>>();
    let of = |answers: &[f32], targets: &[f32], metric| {
        score(&linear(1.0, &[]), &rows(answers, Labels::Targets(targets.to_vec())), metric).unwrap()
    };
    for metric in [Metric::R2, Metric::MeanSquaredError, Metric::MeanAbsoluteError] {
        assert_eq!(of(&truth, &truth, metric), 1_000_000, "{metric}");
        assert!(of(&[middle; 100], &truth, metric) <= 1, "{metric}");
        assert_eq!(of(&[0.0; 100], &truth, metric), 0, "{metric}");
        let good = of(&near, &truth, metric);
        assert!((940_000..1_000_000).contains(&good) || metric == Metric::MeanAbsoluteError);
        // The unit of the targets changes nothing.
        let [near, truth] = [&near, &truth]
            .map(|list| list.iter().map(|number| number / 1_024.0).collect::<Vec<_>>());
        assert_eq!(of(&near, &truth, metric), good, "{metric}");
    }
    // Without any spread, only what is exactly right is worth something, as for scikit-learn's R².
    assert_eq!(of(&[5.0; 3], &[5.0; 3], Metric::R2), 1_000_000);
    assert_eq!(of(&[5.0, 5.0, 4.0], &[5.0; 3], Metric::R2), 0);
}

fn classes(classes: &[u8]) -> Labels {
    Labels::Classes(classes.to_vec())
}
