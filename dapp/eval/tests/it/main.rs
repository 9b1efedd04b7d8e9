//! The evaluator from outside: real models and data made by other frameworks, hostile files, steps.

#![expect(clippy::unwrap_used, reason = "a test may fail at any line")]

mod bits;
mod hostile;
mod judge;
mod onnx;
mod reference;
#[cfg(all(feature = "client", feature = "train"))]
mod train;

use std::{fs, path::PathBuf};

/// The folder of data and models made by other frameworks.
fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures")
}

/// A committed file's bytes.
fn read(path: &str) -> Vec<u8> {
    let path = fixtures().join(path);
    fs::read(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()))
}

/// The committed models and the data they are for, in order of their names.
fn models() -> Vec<(String, String)> {
    let mut models = Vec::new();
    for folder in ["diabetes", "digits", "health"] {
        for entry in fs::read_dir(fixtures().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".onnx") {
                models.push((format!("{folder}/{name}"), format!("{folder}/holdout.safetensors")));
            }
        }
    }
    models.sort();
    models
}
