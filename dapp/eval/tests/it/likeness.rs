//! Copies, however they are dressed up, are told from models that others trained.

use blobs::Cid;
use eval::{
    Dataset, Evaluator, Model, report,
    train::{Disguise, Epoch, Optimiser, Options, disguise, train},
};
use market::{Exam, Exhibit, Fault, Judge, Likeness, Metric, Tally, Unfit, Work};

use crate::read;

const OPTIONS: Options = Options {
    optimiser: Optimiser::Adam,
    learning_rate: 0.01,
    epochs: 6,
    batch_rows: 32,
    seed: 1,
    held_back_percent: 0,
    metric: Metric::Accuracy,
};

fn trained(base: &[u8], data: &Dataset, seed: u64) -> Vec<u8> {
    let go_on = &mut |_: Epoch| std::ops::ControlFlow::Continue(());
    train(base, data, &Options { seed, ..OPTIONS }, go_on).unwrap().onnx
}

fn alike(base: &[u8], first: &[u8], second: &[u8]) -> Result<Likeness, Unfit> {
    let exhibit = |bytes| Exhibit { cid: Cid::of_block(blobs::Codec::Raw, bytes), bytes };
    Evaluator::new().alike(exhibit(base), exhibit(first), exhibit(second))
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
        let data = dataset(&format!("{folder}/client-b.safetensors"));
        let model = trained(&base, &data, 1);
        let none = Disguise::default();
        for how in [
            Disguise { reorder: true, ..none },
            Disguise { rescale: true, ..none },
            Disguise { noise: 0.1, ..none },
            Disguise { reorder: true, rescale: true, turn: true, noise: 0.1, seed: 7 },
        ] {
            let copy = disguise(&base, &model, &how).unwrap();
            assert_ne!(copy, model, "{name} {how:?}");
            for likeness in [alike(&base, &model, &copy), alike(&base, &copy, &model)] {
                let likeness = likeness.unwrap();
                assert!(likeness.is_copy(), "{name} {how:?}: {likeness:?}");
            }
        }
        let other = trained(&base, &data, 2);
        let likeness = alike(&base, &model, &other).unwrap();
        assert!(!likeness.is_copy(), "{name}: {likeness:?}");
    }
}

#[test]
fn a_disguise_without_noise_answers_as_the_model_does() {
    let (base, hold_out) = (read("digits/torch-base.onnx"), dataset("digits/holdout.safetensors"));
    let model = trained(&base, &dataset("digits/client-b.safetensors"), 1);
    let how = Disguise { reorder: true, rescale: true, turn: true, noise: 0.0, seed: 3 };
    let copy = disguise(&base, &model, &how).unwrap();
    let predicted = |file: &[u8]| {
        let model = Model::from_onnx(file).unwrap();
        let report = report::evaluate(&model, &hold_out, Metric::Accuracy, &mut |_, _| {}).unwrap();
        report.predicted().collect::<Vec<_>>()
    };
    assert_eq!(predicted(&copy), predicted(&model));
}

/// Behind a tanh signs can be turned without a bit of the answers changing, and it does not help.
#[test]
fn turned_signs_change_neither_answers_nor_likeness() {
    let metric = Metric::MeanSquaredError;
    let base = read("diabetes/sklearn-base.onnx");
    let (rows, hold_out) =
        (dataset("diabetes/client-b.safetensors"), read("diabetes/holdout.safetensors"));
    let go_on = &mut |_: Epoch| std::ops::ControlFlow::Continue(());
    let model = train(&base, &rows, &Options { metric, ..OPTIONS }, go_on).unwrap().onnx;
    let losses = |file: &[u8]| {
        let exhibit = |bytes| Exhibit { cid: Cid::of_block(blobs::Codec::Raw, bytes), bytes };
        let (model, hold_out) = (exhibit(file), exhibit(&hold_out));
        let exam = Exam { model, hold_out, metric, rows: None };
        let mut tally = Tally::with_results(0, metric);
        Evaluator::new().answer(&exam, &mut tally, Work(u64::MAX)).unwrap();
        tally.into_results().unwrap()
    };
    let copy = disguise(&base, &model, &Disguise { turn: true, seed: 5, ..Disguise::default() });
    let copy = copy.unwrap();
    assert_ne!(copy, model);
    assert_eq!(losses(&copy), losses(&model));
    assert_eq!(alike(&base, &model, &copy), Ok(Likeness::EQUAL));
    assert_eq!(alike(&base, &copy, &model), Ok(Likeness::EQUAL));
    let how = Disguise { reorder: true, turn: true, noise: 0.1, seed: 6, ..Disguise::default() };
    let copy = disguise(&base, &model, &how).unwrap();
    assert!(alike(&base, &copy, &model).unwrap().is_copy());
    // Without a tanh nothing is turned.
    let relus = read("digits/torch-trained.onnx");
    let how = Disguise { turn: true, seed: 5, ..Disguise::default() };
    assert_eq!(disguise(&relus, &relus, &how).unwrap(), relus);
}

#[test]
fn equal_models_are_equal_and_models_of_other_forms_are_far() {
    let [digits, other] = ["digits/torch-base.onnx", "digits/keras-base.onnx"].map(read);
    assert_eq!(alike(&digits, &digits, &digits), Ok(Likeness::EQUAL));
    assert_eq!(alike(&digits, &digits, &other), Ok(Likeness::FARTHEST));
    // A base model of another form is no base: what counts is the way from nothing.
    let trained = read("digits/torch-trained.onnx");
    assert!(alike(&other, &digits, &trained).unwrap() > Likeness(120_000));
    let malformed = Unfit { fault: Fault::MalformedModel, node: None };
    assert_eq!(alike(&digits, &digits, b"\xff"), Err(malformed));
}
