//! The bits of every answer, as a digest of each model's: the same on every computer and in every
//! build. A kernel chosen by the processor, or another implementation of a function, shows here.
//!
//! `UPDATE_EXPECT=1` writes `bits.txt` anew.

use std::{fmt::Write, fs, path::PathBuf};

use blobs::Digest;
use eval::{Dataset, Model, report};
use market::Metric;

use crate::{models, read};

#[test]
fn answers_are_the_same_bits_everywhere() {
    let mut found = String::new();
    for (model, data) in models() {
        let file = Model::from_onnx(&read(&model)).unwrap();
        let dataset = Dataset::from_safetensors(&read(&data)).unwrap();
        let metric =
            if dataset.classes() == 0 { Metric::MeanSquaredError } else { Metric::Accuracy };
        let report = report::evaluate(&file, &dataset, metric, &mut |_, _| {}).unwrap();
        let bytes = report.answers.iter().flat_map(|answer| answer.to_bits().to_le_bytes());
        let Digest(digest) = Digest::of(&bytes.collect::<Vec<_>>());
        let digest = digest.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        });
        writeln!(found, "{digest} {model}").unwrap();
    }
    let expected = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/bits.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&expected, &found).unwrap();
    }
    assert_eq!(found, fs::read_to_string(expected).unwrap_or_default());
}
