//! Copies, however disguised, are distinguished from independently trained models.

use blobs::{Cid, Codec, Digest};
use eval::Evaluator;
use market::{
    Blob, Comparison, EvaluationError, Fault, Judge, Measure, Metric, Output, Similarity,
    WeightDistance, Work,
};

use crate::{
    clouds::Clouds,
    models,
    onnx::{model, node, ports, weights},
    read,
    rewrites::rewrites,
};

/// The base model and the hold-out of a comparison.
struct Room<'a> {
    base: &'a [u8],
    hold_out: &'a [u8],
    measure: Measure,
}

impl Room<'_> {
    fn comparison<'a>(&'a self, first: &'a [u8], second: &'a [u8]) -> Comparison<'a> {
        let blob = |bytes| Blob { cid: Cid::of_block(Codec::Raw, bytes), bytes };
        Comparison {
            base: blob(self.base),
            first: blob(first),
            second: blob(second),
            hold_out: blob(self.hold_out),
            measure: self.measure,
            seed: Digest::of(b"seed"),
        }
    }

    fn compare(&self, first: &[u8], second: &[u8]) -> Result<Similarity, EvaluationError> {
        Evaluator::new().compare(&self.comparison(first, second))
    }
}

const CLOUDS: Clouds = Clouds { numbers: 8, classes: 4, width: 0.3 };

#[test]
fn no_rewrite_of_its_graph_hides_a_copy() {
    let mut names = Vec::new();
    // A pipeline of classical operators has none of the layers that are rewritten.
    for (name, hold_out) in models().into_iter().filter(|(name, _)| !name.contains("pipeline")) {
        let (file, hold_out) = (read(&name), read(&hold_out));
        let is_number = name.starts_with("diabetes");
        let metric = if is_number { Metric::MeanSquaredError } else { Metric::Accuracy };
        let base = read(
            &name.replace("-trained", "-base").replace("-branches", "").replace("-logits", ""),
        );
        // A rewrite hides what one answer is: the job states it.
        let is_one = name.starts_with("health") && !name.contains("logits");
        let output = if is_one { Output::Probabilities } else { Output::FromGraph };
        let room = Room { base: &base, hold_out: &hold_out, measure: Measure::new(metric, output) };
        for (rewrite, copy) in rewrites(&file, is_number) {
            assert_ne!(copy, file);
            for similarity in [room.compare(&file, &copy), room.compare(&copy, &file)] {
                let similarity =
                    similarity.unwrap_or_else(|why| panic!("{name}, {rewrite}: {why:?}"));
                assert!(similarity.is_copy(), "{name}, {rewrite}: {similarity:?}");
                assert!(similarity.agreement >= 999_900, "{name}, {rewrite}: {similarity:?}");
            }
            names.push(rewrite);
        }
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 13, "a rewrite suits no model: {names:?}");
}

/// An offset or a factor common to all classes does not count in the weights either.
#[test]
fn what_all_classes_have_in_common_does_not_count_as_weights() {
    let [base, file] = ["digits/torch-base.onnx", "digits/torch-trained.onnx"].map(read);
    let hold_out = read("digits/holdout.safetensors");
    let room = Room { base: &base, hold_out: &hold_out, measure: Metric::Accuracy.into() };
    for (rewrite, copy) in rewrites(&file, false) {
        let distance = room.compare(&file, &copy).unwrap().distance;
        if ["1 added to all final biases", "a final layer three times as large"].contains(&rewrite)
        {
            assert!(distance.unwrap() < WeightDistance(10), "{rewrite}: {distance:?}");
        }
        if rewrite == "nodes that do nothing" {
            assert_eq!(distance, None);
        }
    }
}

#[test]
fn networks_of_others_are_not_copies() {
    let hold_out = read("digits/holdout.safetensors");
    let metric = Metric::Accuracy;
    let names = ["torch", "keras", "sklearn", "torch-branches"];
    let files = names.map(|name| read(&format!("digits/{name}-trained.onnx")));
    let base = read("digits/torch-base.onnx");
    let room = Room { base: &base, hold_out: &hold_out, measure: metric.into() };
    for (index, second) in files.iter().enumerate() {
        for first in &files[..index] {
            let similarity = room.compare(first, second).unwrap();
            assert!(!similarity.is_copy(), "{similarity:?}");
            assert_eq!(similarity.distance, None);
        }
    }
    assert_eq!(
        room.compare(&base, &base),
        Ok(Similarity { agreement: 1_000_000, distance: Some(WeightDistance::EQUAL) })
    );
    // A base model of another form is no base: distances are then measured from zero.
    let keras = read("digits/keras-base.onnx");
    let room = Room { base: &keras, ..room };
    let distance = room.compare(&base, &files[0]).unwrap().distance;
    assert!(distance > Some(WeightDistance::ALIKE), "{distance:?}");
}

#[test]
fn answers_that_are_not_finite_help_nobody() {
    let hold_out = CLOUDS.rows(30, 1).to_safetensors();
    let honest = CLOUDS.network(16, 1);
    let broken = model(&[
        node("Div", &["x", "zero"], "nothing", &[]),
        node("MatMul", &["nothing", "w"], "y", &[]),
        weights("zero", &[1], &[0.0]),
        weights("w", &[8, 4], &[1.0; 32]),
        ports(&[-1, 8]),
    ]);
    let room = Room { base: &honest, hold_out: &hold_out, measure: Metric::Accuracy.into() };
    let agreement = |first: &[u8], second: &[u8]| room.compare(first, second).unwrap().agreement;
    assert_eq!(agreement(&honest, &broken), 1_000_000);
    assert_eq!(agreement(&broken, &honest), 0);
    assert_eq!(agreement(&broken, &broken), 1_000_000);
}

#[test]
fn a_comparison_costs_what_shapes_say() {
    let hold_out = read("digits/holdout.safetensors");
    let [torch, keras, trained] = ["torch-base", "keras-base", "torch-trained"]
        .map(|name| read(&format!("digits/{name}.onnx")));
    let room = Room { base: &torch, hold_out: &hold_out, measure: Metric::Accuracy.into() };
    let quote = |first: &[u8], second: &[u8]| {
        let comparison = room.comparison(first, second);
        let mut judge = Evaluator::new();
        (judge.quote_comparison(&comparison).unwrap(), judge.reading_comparison(&comparison))
    };
    let [(one, reading), (other, _), (both, _)] =
        [quote(&torch, &trained), quote(&keras, &keras), quote(&keras, &torch)];
    assert_eq!(quote(&torch, &torch), quote(&trained, &trained));
    assert_eq!(Work((one.0 + other.0) / 2), both);
    let comparison = Comparison { seed: Digest::of(b"other"), ..room.comparison(&torch, &trained) };
    assert_eq!(Evaluator::new().quote_comparison(&comparison), Ok(one));
    // Fewer rows than the hold-out has, and within the cost limit of an input.
    assert!(one < Work(500_000_000), "{one}");
    assert!(reading < Work(1_000_000_000), "{reading}");
}

#[test]
fn what_cannot_be_compared_is_named() {
    let [torch, health] = ["digits/torch-base.onnx", "health/torch-base.onnx"].map(read);
    let hold_out = read("digits/holdout.safetensors");
    let room = Room { base: &torch, hold_out: &hold_out, measure: Metric::Accuracy.into() };
    let unfit = |fault| Err(EvaluationError { fault, node: None });
    assert_eq!(room.compare(&torch, b"\xff"), unfit(Fault::MalformedModel));
    assert_eq!(room.compare(&health, &torch), unfit(Fault::Mismatch));
    assert_eq!(
        Room { base: b"\xff", ..room }.compare(&torch, &torch),
        unfit(Fault::MalformedModel)
    );
}

/// Exact on every platform: the integers are the same on all.
#[test]
fn similarities_are_the_same_everywhere() {
    let similarity = |folder: &str, [base, first, second]: [&str; 3], metric: Metric| {
        let [base, first, second] =
            [base, first, second].map(|name| read(&format!("{folder}/{name}.onnx")));
        let hold_out = read(&format!("{folder}/holdout.safetensors"));
        let room = Room { base: &base, hold_out: &hold_out, measure: metric.into() };
        let Similarity { agreement, distance } = room.compare(&first, &second).unwrap();
        (agreement, distance.map(|distance| distance.0))
    };
    let (accuracy, losses) = (Metric::Accuracy, Metric::MeanSquaredError);
    let found = [
        similarity("digits", ["torch-base", "torch-base", "torch-trained"], accuracy),
        similarity("digits", ["torch-trained", "keras-base", "keras-trained"], Metric::LogLoss),
        similarity("digits", ["torch-base", "torch-trained", "keras-trained"], accuracy),
        similarity("health", ["torch-base", "torch-trained", "torch-logits-trained"], accuracy),
        similarity("diabetes", ["sklearn-base", "sklearn-base", "sklearn-trained"], losses),
    ];
    let expected = [
        (830_567, Some(1_000_000)),
        (782_715, Some(553_003)),
        (883_179, None),
        (964_722, None),
        (108_202, Some(1_000_000)),
    ];
    assert_eq!(found, expected);
}

#[cfg(feature = "train")]
mod trained {
    use std::ops::ControlFlow;

    use eval::{
        Dataset, Model, report,
        train::{Disguise, Options, Progress, disguise, train},
    };
    use market::{Evaluation, MetricAccumulator};

    use super::*;

    fn usual() -> Options {
        Options { learning_rate: 0.01, epochs: 6, held_back_percent: 0, ..Options::default() }
    }

    fn trained(base: &[u8], data: &Dataset, options: &Options) -> Vec<u8> {
        let go_on = &mut |_: Progress<'_>| ControlFlow::Continue(());
        train(base, data, options, go_on).unwrap().onnx
    }

    fn dataset(path: &str) -> Dataset {
        Dataset::from_safetensors(&read(path)).unwrap()
    }

    #[test]
    fn a_copy_is_known_in_any_disguise_and_others_work_is_not_taken_for_one() {
        for name in
            ["digits/torch-base", "digits/sklearn-base", "digits/keras-base", "health/torch-base"]
        {
            let base = read(&format!("{name}.onnx"));
            let (folder, _) = name.split_once('/').unwrap();
            let hold_out = read(&format!("{folder}/holdout.safetensors"));
            let output = if folder == "health" { Output::Probabilities } else { Output::FromGraph };
            let measure = Measure::new(Metric::Accuracy, output);
            let room = Room { base: &base, hold_out: &hold_out, measure };
            let data = dataset(&format!("{folder}/client-b.safetensors"));
            let model = trained(&base, &data, &usual());
            let none = Disguise::default();
            let all = Disguise { reorder: true, rescale: true, turn: true, seed: 7, ..none };
            for how in [
                Disguise { reorder: true, ..none },
                Disguise { rescale: true, ..none },
                Disguise { noise: 0.05, ..none },
                Disguise { noise: 0.05, ..all },
            ] {
                let copy = disguise(&base, &model, &how).unwrap();
                assert_ne!(copy, model, "{name} {how:?}");
                for similarity in [room.compare(&model, &copy), room.compare(&copy, &model)] {
                    let similarity = similarity.unwrap();
                    assert!(similarity.is_copy(), "{name} {how:?}: {similarity:?}");
                }
            }
            // A little noise, and a graph whose weights cannot be compared.
            let copy = disguise(&base, &model, &Disguise { noise: 0.02, ..all }).unwrap();
            for (rewrite, copy) in rewrites(&copy, false) {
                let similarity = room.compare(&model, &copy).unwrap();
                assert!(similarity.is_copy(), "{name}, {rewrite}: {similarity:?}");
            }
            let other = trained(&base, &data, &Options { seed: 2, ..usual() });
            let similarity = room.compare(&model, &other).unwrap();
            assert!(!similarity.is_copy(), "{name}: {similarity:?}");
        }
    }

    #[test]
    fn two_models_that_are_right_on_every_row_are_no_copies() {
        let hold_out = CLOUDS.rows(150, 3);
        let file = hold_out.to_safetensors();
        let base = CLOUDS.network(16, 1);
        let room = Room { base: &base, hold_out: &file, measure: Metric::Accuracy.into() };
        let options = Options { epochs: 40, ..usual() };
        let ours = trained(&base, &CLOUDS.rows(200, 1), &options);
        let theirs = trained(&base, &CLOUDS.rows(200, 2), &Options { seed: 2, ..options.clone() });
        let wider = trained(&CLOUDS.network(24, 2), &CLOUDS.rows(200, 2), &options);
        let models = [ours, theirs, wider];
        for model in &models {
            let model = Model::from_onnx(model).unwrap();
            let report = report::evaluate(&model, &hold_out, Metric::Accuracy, &mut |_, _| {});
            assert_eq!(report.unwrap().scores.score.0, 1_000_000);
        }
        for (first, second) in [(0, 1), (0, 2), (1, 2)] {
            let similarity = room.compare(&models[first], &models[second]).unwrap();
            assert!(!similarity.is_copy(), "{first} {second}: {similarity:?}");
        }
    }

    #[test]
    fn a_disguise_without_noise_answers_as_the_model_does() {
        let base = read("digits/torch-base.onnx");
        let hold_out = dataset("digits/holdout.safetensors");
        let model = trained(&base, &dataset("digits/client-b.safetensors"), &usual());
        let how = Disguise { reorder: true, rescale: true, turn: true, noise: 0.0, seed: 3 };
        let copy = disguise(&base, &model, &how).unwrap();
        let predicted = |file: &[u8]| {
            let model = Model::from_onnx(file).unwrap();
            let report = report::evaluate(&model, &hold_out, Metric::Accuracy, &mut |_, _| {});
            report.unwrap().predicted().collect::<Vec<_>>()
        };
        assert_eq!(predicted(&copy), predicted(&model));
    }

    /// Behind a tanh, neurons can be negated without changing a bit of the answers, and it does not
    /// help.
    #[test]
    fn turned_signs_change_neither_answers_nor_weights() {
        let metric = Metric::MeanSquaredError;
        let base = read("diabetes/sklearn-base.onnx");
        let hold_out = read("diabetes/holdout.safetensors");
        let rows = dataset("diabetes/client-b.safetensors");
        let room = Room { base: &base, hold_out: &hold_out, measure: metric.into() };
        let model = trained(&base, &rows, &Options { metric, ..usual() });
        let losses = |file: &[u8]| {
            let Comparison { first: model, hold_out, .. } = room.comparison(file, file);
            let evaluation = Evaluation { model, hold_out, measure: metric.into(), rows: None };
            let mut accumulator = MetricAccumulator::with_results(0, metric);
            Evaluator::new().answer(&evaluation, &mut accumulator, Work(u64::MAX)).unwrap();
            accumulator.into_results().unwrap()
        };
        let how = Disguise { turn: true, seed: 5, ..Disguise::default() };
        let copy = disguise(&base, &model, &how).unwrap();
        assert_ne!(copy, model);
        assert_eq!(losses(&copy), losses(&model));
        let equal = Similarity { agreement: 1_000_000, distance: Some(WeightDistance::EQUAL) };
        assert_eq!(room.compare(&model, &copy), Ok(equal));
        assert_eq!(room.compare(&copy, &model), Ok(equal));
        let how =
            Disguise { reorder: true, turn: true, noise: 0.05, seed: 6, ..Disguise::default() };
        let copy = disguise(&base, &model, &how).unwrap();
        assert!(room.compare(&copy, &model).unwrap().is_copy());
        // Without a tanh nothing is negated.
        let relus = read("digits/torch-trained.onnx");
        let how = Disguise { turn: true, seed: 5, ..Disguise::default() };
        assert_eq!(disguise(&relus, &relus, &how).unwrap(), relus);
    }
}
