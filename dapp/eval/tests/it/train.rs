//! Training the committed base models on each client's own rows, as a client would.

use std::{ops::ControlFlow, slice::from_ref};

use eval::{
    Dataset, EvaluationRefused, Features, Labels, Model, Shape, report,
    train::{Epoch, Optimiser, Options, TrainRefused, Trained, train},
};
use market::{Metric, Score};

use crate::{
    onnx::{model, node, ports, weights},
    read,
};

const OPTIONS: Options = Options {
    optimiser: Optimiser::Adam,
    learning_rate: 0.01,
    epochs: 30,
    batch_rows: 32,
    seed: 1,
    held_back_percent: 10,
    metric: Metric::Accuracy,
};

fn go_on(_: Epoch) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn trained(file: &[u8], shard: &Dataset, options: &Options) -> Trained {
    train(file, shard, options, &mut go_on).unwrap()
}

fn score(file: &[u8], hold_out: &Dataset, metric: Metric) -> u32 {
    let model = Model::from_onnx(file).unwrap();
    let Score(score) =
        report::evaluate(&model, hold_out, metric, &mut |_, _| {}).unwrap().scores.score;
    score
}

/// A committed table: a header, and the label in the last column.
fn table(text: &[u8], metric: Metric) -> Dataset {
    let (mut features, mut targets) = (Vec::new(), Vec::new());
    for line in std::str::from_utf8(text).unwrap().lines().skip(1) {
        let mut numbers: Vec<f32> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        targets.push(numbers.pop().unwrap());
        features.extend(numbers);
    }
    let row = Shape::new(&[features.len() / targets.len()]).unwrap();
    let class = |target: &f32| (0..=u8::MAX).find(|class| f32::from(*class) == *target).unwrap();
    let labels = match metric.is_regression() {
        true => Labels::Targets(targets),
        false => Labels::Classes(targets.iter().map(class).collect()),
    };
    Dataset::new(row, Features::Real(features), labels).unwrap()
}

fn shards(folder: &str, metric: Metric) -> [Dataset; 2] {
    let a = if folder == "digits" {
        Dataset::from_safetensors(&read("digits/client-a.safetensors")).unwrap()
    } else {
        table(&read(&format!("{folder}/client-a.csv")), metric)
    };
    let b = read(&format!("{folder}/client-b.safetensors"));
    [a, Dataset::from_safetensors(&b).unwrap()]
}

#[test]
fn clients_improve_the_base_models() {
    let sgd =
        Options { optimiser: Optimiser::Sgd { momentum: 0.9 }, learning_rate: 0.05, ..OPTIONS };
    let squared = Options { metric: Metric::MeanSquaredError, ..OPTIONS };
    for (model, options, gain) in [
        ("health/sklearn-base", OPTIONS, 50_000),
        ("health/torch-base", sgd, 50_000),
        ("digits/torch-base", OPTIONS, 100_000),
        ("digits/keras-base", OPTIONS, 100_000),
        ("digits/sklearn-base", sgd, 100_000),
        ("diabetes/sklearn-base", squared, 100_000),
    ] {
        let (folder, _) = model.split_once('/').unwrap();
        let file = read(&format!("{model}.onnx"));
        let hold_out = read(&format!("{folder}/holdout.safetensors"));
        let hold_out = Dataset::from_safetensors(&hold_out).unwrap();
        let before = score(&file, &hold_out, options.metric);
        for shard in &shards(folder, options.metric) {
            let trained = trained(&file, shard, &options);
            let after = score(&trained.onnx, &hold_out, options.metric);
            assert!(after >= before + gain, "{model}: {before} -> {after}");
            assert_eq!(trained.onnx.len().abs_diff(file.len()), 0, "{model}: another file");
        }
    }
}

#[test]
fn training_is_repeatable_and_can_be_stopped() {
    let file = read("digits/torch-base.onnx");
    let [shard, _] = shards("digits", Metric::Accuracy);
    let options = Options { epochs: 3, ..OPTIONS };
    let all = trained(&file, &shard, &options);
    assert_eq!(trained(&file, &shard, &options), all);
    assert_ne!(trained(&file, &shard, &Options { seed: 2, ..options }).onnx, all.onnx);

    let mut seen = Vec::new();
    let stopped = train(&file, &shard, &options, &mut |epoch: Epoch| {
        seen.push(epoch);
        ControlFlow::Break(())
    });
    let first = Options { epochs: 1, ..options };
    assert_eq!(stopped, Ok(trained(&file, &shard, &first)));
    assert_eq!(stopped.unwrap().best.as_ref().map(from_ref), Some(&seen[..]));

    let none = trained(&file, &shard, &Options { epochs: 0, ..options });
    assert_eq!(none, Trained { onnx: file, best: None });
}

#[test]
fn what_cannot_be_trained_is_refused() {
    let [shard, _] = shards("digits", Metric::Accuracy);
    let refusal = |file: &[u8], options: Options| train(file, &shard, &options, &mut go_on).err();
    let file = read("digits/torch-base.onnx");
    let fixed = model(&[
        node("Mul", &["x", "w"], "y", &[]),
        weights("w", &[64], &[0.5; 64]),
        ports(&[-1, 64]),
    ]);
    let exploding = Options {
        optimiser: Optimiser::Sgd { momentum: 0.0 },
        learning_rate: f32::MAX,
        held_back_percent: 0,
        ..OPTIONS
    };
    for (found, expected) in [
        (refusal(&fixed, OPTIONS), TrainRefused::NoWeights),
        (refusal(&file, Options { held_back_percent: 100, ..OPTIONS }), TrainRefused::NoRows),
        (
            refusal(&file, Options { metric: Metric::MeanSquaredError, ..OPTIONS }),
            TrainRefused::Evaluation(EvaluationRefused::Metric),
        ),
        (refusal(&file, exploding), TrainRefused::Diverged { epoch: 1 }),
    ] {
        assert_eq!(found, Some(expected));
    }
}
