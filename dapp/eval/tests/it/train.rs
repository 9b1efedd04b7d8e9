//! Training the committed base models on each client's own rows, as a client would.

use std::ops::ControlFlow;

use eval::{
    Dataset, EvaluationRefused, Features, Labels, Model, Shape, report,
    train::{
        Change, Checkpoint, ClassWeights, Ending, LayerChange, Optimiser, Options, Progress,
        Schedule, TrainRefused, Trained, WeightsRefused, bounded, change, resume, train,
        weights_of, with_weights,
    },
};
use market::{Metric, Score};

use crate::{
    onnx::{model, node, ports, weights},
    read,
};

fn usual() -> Options {
    Options { learning_rate: 0.01, epochs: 30, held_back_percent: 10, ..Options::default() }
}

fn go_on(_: Progress<'_>) -> ControlFlow<()> {
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
    let optimiser = Optimiser::Sgd { momentum: 0.9 };
    let sgd = || Options { optimiser, learning_rate: 0.05, ..usual() };
    let squared = Options { metric: Metric::MeanSquaredError, ..usual() };
    for (model, options, gain) in [
        ("health/sklearn-base", usual(), 50_000),
        ("health/torch-base", sgd(), 50_000),
        ("digits/torch-base", usual(), 100_000),
        ("digits/keras-base", usual(), 100_000),
        ("digits/sklearn-base", sgd(), 100_000),
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
    let options = Options { epochs: 3, ..usual() };
    let all = trained(&file, &shard, &options);
    assert_eq!(trained(&file, &shard, &options), all);
    let other = Options { seed: 2, ..options.clone() };
    assert_ne!(trained(&file, &shard, &other).onnx, all.onnx);

    let stopped = train(&file, &shard, &options, &mut |progress| match progress {
        Progress::Epoch(..) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    let first = trained(&file, &shard, &Options { epochs: 1, ..options.clone() });
    assert_eq!(stopped, Ok(Trained { ending: Ending::Stopped, ..first.clone() }));

    // In the middle of the second epoch: the first is kept.
    let stopped = train(&file, &shard, &options, &mut |progress| match progress {
        Progress::Rows { epoch: 2, done, .. } if done > 100 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    assert_eq!(stopped, Ok(Trained { ending: Ending::Stopped, ..first }));

    let none = trained(&file, &shard, &Options { epochs: 0, ..options });
    assert_eq!((none.onnx, none.best.number, none.curve.len()), (file, 0, 1));
}

#[test]
fn a_training_goes_on_from_any_epoch_to_the_same_bytes() {
    let file = read("digits/torch-base.onnx");
    let [shard, other] = shards("digits", Metric::Accuracy);
    let plain = Options { epochs: 4, ..usual() };
    let sgd = Optimiser::Sgd { momentum: 0.9 };
    let step = Schedule::Step { epochs: 1, factor: 0.5 };
    for options in [
        Options { schedule: Schedule::Cosine, warm_up: 1, ..plain.clone() },
        Options { optimiser: sgd, schedule: step, clip_norm: Some(0.5), ..plain.clone() },
        Options { optimiser: Optimiser::AdamW, weight_decay: 0.01, ..plain.clone() },
    ] {
        let mut kept = Vec::new();
        let all = train(&file, &shard, &options, &mut |progress| {
            if let Progress::Epoch(_, course) = progress {
                kept.push(course.checkpoint());
            }
            ControlFlow::Continue(())
        });
        for checkpoint in kept {
            let on = |shard, options: &Options, checkpoint: Checkpoint| {
                resume(&file, shard, options, checkpoint, &mut go_on)
            };
            assert_eq!(on(&shard, &options, checkpoint.clone()), all);
            let refused = Err(TrainRefused::Checkpoint);
            assert_eq!(on(&other, &options, checkpoint.clone()), refused);
            let hasty = Options { learning_rate: 0.5, ..options.clone() };
            assert_eq!(on(&shard, &hasty, checkpoint), refused);
        }
    }
}

#[test]
fn a_model_worse_than_its_base_is_never_the_result() {
    let file = read("digits/torch-base.onnx");
    let [shard, _] = shards("digits", Metric::Accuracy);
    for (optimiser, learning_rate, held_back_percent) in [
        (Optimiser::Adam, 1e9, 10),
        (Optimiser::Adam, 1e9, 0),
        (Optimiser::Sgd { momentum: 0.9 }, 1e9, 10),
        (Optimiser::Sgd { momentum: 0.0 }, f32::MAX, 0),
    ] {
        let options = Options { optimiser, learning_rate, held_back_percent, epochs: 2, ..usual() };
        let mut said = Vec::new();
        let found = train(&file, &shard, &options, &mut |progress| {
            if let Progress::Rows { epoch, done, diverges: true, .. } = progress {
                said.push((epoch, done));
            }
            ControlFlow::Continue(())
        });
        let found = found.unwrap();
        assert_eq!((&found.onnx, found.best.number), (&file, 0), "{optimiser:?}");
        let is_said = said.first().is_some_and(|(epoch, done)| *epoch == 1 && *done < 300);
        let is_over = found.ending == Ending::Diverged { epoch: 1 };
        assert!(is_said || is_over, "{optimiser:?}: {said:?} {:?}", found.ending);
    }
    // A good one says nothing.
    let mut calm = |progress: Progress<'_>| {
        assert!(!matches!(progress, Progress::Rows { diverges: true, .. }));
        ControlFlow::Continue(())
    };
    train(&file, &shard, &Options { epochs: 2, ..usual() }, &mut calm).unwrap();
}

#[test]
fn patience_ends_a_training_that_gets_no_better() {
    let file = read("digits/torch-base.onnx");
    let [shard, _] = shards("digits", Metric::Accuracy);
    let options = Options { learning_rate: 1e-9, patience: Some(3), ..usual() };
    let found = trained(&file, &shard, &options);
    assert_eq!((found.ending, found.curve.len()), (Ending::NoBetter, 4));
    // What gets better is not ended.
    let options = Options { epochs: 5, patience: Some(5), ..usual() };
    assert_eq!(trained(&file, &shard, &options).ending, Ending::Completed);
}

#[test]
fn frozen_weights_keep_their_values() {
    let spread = |count: usize| {
        let number = |index: usize| f32::from(u8::try_from(index * 37 % 101).unwrap()) / 500.0;
        (0..count).map(|index| number(index) - 0.1).collect::<Vec<_>>()
    };
    let file = model(&[
        node("MatMul", &["x", "first.weight"], "h", &[]),
        node("MatMul", &["h", "second.weight"], "y", &[]),
        weights("first.weight", &[64, 64], &spread(64 * 64)),
        weights("second.weight", &[64, 10], &spread(64 * 10)),
        ports(&[-1, 64]),
    ]);
    let [shard, _] = shards("digits", Metric::Accuracy);
    let freezing = |patterns: &[&str]| {
        let frozen = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        let options = Options { epochs: 1, frozen, ..usual() };
        train(&file, &shard, &options, &mut go_on)
    };
    for (pattern, first, second) in
        [("first.*", false, true), ("*second*", true, false), ("third?weight", false, false)]
    {
        match freezing(&[pattern]) {
            Ok(trained) => {
                let layers = change(&file, &trained.onnx).unwrap().unwrap().layers;
                let moved = layers.iter().map(|layer| layer.norm > 0.0).collect::<Vec<_>>();
                assert_eq!(moved, [first, second], "{pattern}");
            }
            Err(refused) => assert_eq!(
                refused.to_string(),
                "no weight has a name like third?weight; there are first.weight, second.weight"
            ),
        }
    }
    assert_eq!(freezing(&["*"]), Err(TrainRefused::NoWeights));
}

#[test]
fn a_row_counts_as_much_as_its_class() {
    let file = read("health/torch-base.onnx");
    let [shard, _] = shards("health", Metric::Accuracy);
    // With steps too small to change anything.
    let loss = |class_weights: ClassWeights| {
        let optimiser = Optimiser::Sgd { momentum: 0.0 };
        let options =
            Options { class_weights, optimiser, learning_rate: 1e-12, epochs: 1, ..usual() };
        let trained = train(&file, &shard, &options, &mut go_on)?;
        Ok::<_, TrainRefused>(trained.curve[1].loss)
    };
    let given = |weights: &[f32]| loss(ClassWeights::Given(weights.to_vec()));
    let [both, first, second, double] =
        [[1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [2.0, 2.0]].map(|weights| given(&weights).unwrap());
    assert_eq!(loss(ClassWeights::Equal), Ok(both));
    assert!(first > 0.0 && second > 0.0 && (first + second - both).abs() < 1e-4 * both);
    assert!((double - 2.0 * both).abs() < 1e-4 * both);
    let refused = TrainRefused::ClassWeights { given: 3, classes: 2 };
    assert_eq!(given(&[1.0, 1.0, 1.0]), Err(refused));
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
    for (found, expected) in [
        (refusal(&fixed, usual()), TrainRefused::NoWeights),
        (refusal(&file, Options { held_back_percent: 100, ..usual() }), TrainRefused::NoRows),
        (
            refusal(&file, Options { metric: Metric::MeanSquaredError, ..usual() }),
            TrainRefused::Evaluation(EvaluationRefused::Metric),
        ),
    ] {
        assert_eq!(found, Some(expected));
    }
}

#[test]
fn a_change_is_measured_and_bounded() {
    let with = |first: [f32; 2], second: f32| {
        model(&[
            node("MatMul", &["x", "first"], "h", &[]),
            node("Mul", &["h", "second"], "y", &[]),
            weights("first", &[2, 1], &first),
            weights("second", &[1], &[second]),
            ports(&[-1, 2]),
        ])
    };
    let (base, file) = (with([1.0, 2.0], 2.0), with([4.0, 2.0], -2.0));
    let layer = |name: &str, norm, greatest| LayerChange { name: name.to_owned(), norm, greatest };
    let layers = vec![layer("first", 3.0, 3.0), layer("second", 4.0, 4.0)];
    let expected = Change { norm: 5.0, base_norm: 3.0, weights: 3, changed: 2, layers };
    assert_eq!(change(&base, &file), Ok(Some(expected)));
    for (norm, expected) in [(5.0, &file), (2.5, &with([2.5, 2.0], 0.0))] {
        let found = bounded(&base, &file, norm).unwrap().unwrap();
        assert_eq!(weights_of(&found), weights_of(expected), "{norm}");
    }
    let other = model(&[
        node("MatMul", &["x", "first"], "y", &[]),
        weights("first", &[2, 1], &[1.0, 2.0]),
        ports(&[-1, 2]),
    ]);
    assert_eq!(change(&base, &other), Ok(None));
    assert_eq!(bounded(&base, &other, 1.0), Ok(None));
}

#[test]
fn weights_leave_a_model_and_come_back_by_name() {
    for name in ["health/sklearn-base", "digits/torch-base", "digits/keras-base"] {
        let file = read(&format!("{name}.onnx"));
        let weights = weights_of(&file).unwrap();
        let trained = read(&format!("{}.onnx", name.replace("base", "trained")));
        let others = weights_of(&trained).unwrap();
        let back = with_weights(&file, &weights).unwrap();
        assert_eq!(weights_of(&back).unwrap(), weights);
        assert_eq!(change(&file, &back).unwrap().unwrap().changed, 0);
        if let Ok(moved) = with_weights(&file, &others) {
            assert_eq!(weights_of(&moved).unwrap(), others, "{name}");
        }
        assert_eq!(with_weights(&file, b"no"), Err(WeightsRefused::Malformed));
    }
    let (small, large) = (read("health/sklearn-base.onnx"), read("digits/torch-base.onnx"));
    let refused = with_weights(&small, &weights_of(&large).unwrap());
    assert!(matches!(refused, Err(WeightsRefused::Unknown(_) | WeightsRefused::Shape(_))));
}

/// The digest was found on a processor with AVX2; one without must find it too.
#[test]
fn a_training_gives_the_same_bytes_on_every_processor() {
    let [shard, _] = shards("digits", Metric::Accuracy);
    let found = ["digits/torch-base", "digits/sklearn-base"].map(|model| {
        let file = read(&format!("{model}.onnx"));
        let options = Options { epochs: 1, clip_norm: Some(1.0), ..usual() };
        let bytes = trained(&file, &shard, &options).onnx;
        // FNV-1a.
        let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix)
    });
    assert_eq!(found, [0xdf74_e2ad_332d_9f1e, 0xe166_0f43_64d7_f996], "{found:x?}");
}
