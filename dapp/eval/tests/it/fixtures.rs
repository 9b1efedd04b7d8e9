//! The committed models and data, made by other frameworks.

use std::{fs, path::PathBuf};

/// The folder of data and models.
pub(crate) fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures")
}

/// A committed file's bytes.
pub(crate) fn read(path: &str) -> Vec<u8> {
    let path = fixtures().join(path);
    fs::read(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()))
}

/// The committed models and their data, in order of their names.
pub(crate) fn models() -> Vec<(String, String)> {
    let mut models = Vec::new();
    for folder in ["diabetes", "digits", "health", "images"] {
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
