//! Models as people export them give the answers of the frameworks that made them, row by row, and
//! show what the answers are.

use std::{collections::BTreeSet, fs};

use eval::{Model, trace::trace};
use serde_json::Value;

use crate::{fixtures, read};

/// How far an answer may be from the framework's, relative to it: frameworks compute in f32.
const TOLERANCE: f64 = 1e-5;

macro_rules! exported {
    ($($test:ident = $name:literal;)*) => {
        /// All that are tested.
        const NAMES: &[&str] = &[$($name),*];

        $(#[test]
        fn $test() {
            compare($name);
        })*
    };
}

exported! {
    catboost_cancer = "catboost-cancer";
    keras_convolutions = "keras-convolutions";
    keras_loop = "keras-loop";
    keras_lstm = "keras-lstm";
    lightgbm_iris = "lightgbm-iris";
    lightgbm_regression = "lightgbm-regression";
    sklearn_adaboost = "sklearn-adaboost";
    sklearn_bagging = "sklearn-bagging";
    sklearn_bayes = "sklearn-bayes";
    sklearn_boosting = "sklearn-boosting";
    sklearn_boosting_regression = "sklearn-boosting-regression";
    sklearn_calibrated = "sklearn-calibrated";
    sklearn_columns = "sklearn-columns";
    sklearn_components = "sklearn-components";
    sklearn_descent = "sklearn-descent";
    sklearn_extra_trees = "sklearn-extra-trees";
    sklearn_forest_cancer = "sklearn-forest-cancer";
    sklearn_forest_iris = "sklearn-forest-iris";
    sklearn_forest_regression = "sklearn-forest-regression";
    sklearn_lda = "sklearn-lda";
    sklearn_linear = "sklearn-linear";
    sklearn_logistic_cancer = "sklearn-logistic-cancer";
    sklearn_logistic_iris = "sklearn-logistic-iris";
    sklearn_missing = "sklearn-missing";
    sklearn_mlp = "sklearn-mlp";
    sklearn_neighbours = "sklearn-neighbours";
    sklearn_neighbours_regression = "sklearn-neighbours-regression";
    sklearn_one_against_rest = "sklearn-one-against-rest";
    sklearn_qda = "sklearn-qda";
    sklearn_stacking = "sklearn-stacking";
    sklearn_svc_labels = "sklearn-svc-labels";
    sklearn_svc_probability = "sklearn-svc-probability";
    sklearn_svr = "sklearn-svr";
    sklearn_tree = "sklearn-tree";
    sklearn_voting = "sklearn-voting";
    torch_gru = "torch-gru";
    torch_lstm = "torch-lstm";
    torch_resnet = "torch-resnet";
    torch_transformer = "torch-transformer";
    xgboost_cancer = "xgboost-cancer";
    xgboost_iris = "xgboost-iris";
    xgboost_regression = "xgboost-regression";
}

#[test]
fn every_file_is_tested() {
    let entries = fs::read_dir(fixtures().join("exported")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let found = names.filter_map(|name| name.strip_suffix(".onnx").map(str::to_owned));
    let tested = NAMES.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(found.collect::<BTreeSet<_>>(), tested);
}

fn compare(name: &str) {
    let case = serde_json::from_slice::<Value>(&read(&format!("exported/{name}.json"))).unwrap();
    let numbers = |key: &str| {
        let list = case[key].as_array().unwrap().iter();
        list.map(|number| number.as_f64().unwrap_or(f64::NAN)).collect::<Vec<_>>()
    };
    let model = Model::from_onnx(&read(&format!("exported/{name}.onnx")));
    let model = model.unwrap_or_else(|why| panic!("{name}: {why}"));
    let shown = model.output().map(|(output, _)| format!("{output}"));
    assert_eq!(shown.as_deref(), case["output"].as_str(), "{name}");
    #[expect(clippy::cast_possible_truncation, reason = "each number is an f32")]
    let rows = numbers("x").into_iter().map(|number| number as f32).collect::<Vec<_>>();
    let (ours, theirs) = (trace(&model, &rows, &mut |_| {}).unwrap(), numbers("answers"));
    assert_eq!(ours.len(), theirs.len(), "{name}");
    for (place, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        let difference = (f64::from(*ours) - theirs).abs();
        assert!(difference <= TOLERANCE * (1.0 + theirs.abs()), "{name} {place}: {ours} {theirs}");
    }
}
