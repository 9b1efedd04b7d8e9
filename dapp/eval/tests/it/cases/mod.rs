//! Conformance cases: models with rows, whose every bit is the same on every computer and in every
//! build. A second implementation can be tested against them too.

mod awkward;
mod numbers;
mod published;

use std::{fmt::Write, fs, io, path::Path};

use eval::{Dataset, Model, trace::Bits};

use crate::{
    fixtures::{models, read},
    onnx::{node, port, whole},
};

/// A model and its input rows.
pub(crate) struct Case {
    /// Its name.
    pub(crate) name: String,
    /// ONNX file.
    pub(crate) model: Vec<u8>,
    /// Rows one after the other, including numbers that no dataset may contain.
    pub(crate) rows: Vec<f32>,
}

/// A line for each case: the digest of all its bits, and its name.
pub(crate) fn lines() -> String {
    let mut lines = String::new();
    for Case { name, model, rows } in all() {
        let model = Model::from_onnx(&model).unwrap_or_else(|why| panic!("{name}: {why}"));
        let bits = Bits::of(&model, &rows).unwrap_or_else(|why| panic!("{name}: {why}"));
        writeln!(lines, "{} {name}", bits.digest()).unwrap();
    }
    lines
}

/// Writes each case as `NUMBER.onnx` and `NUMBER.rows`, the latter f32 in little-endian order.
pub(crate) fn write(folder: &Path) -> io::Result<()> {
    for (number, Case { model, rows, .. }) in all().into_iter().enumerate() {
        let rows: Vec<u8> = rows.iter().flat_map(|number| number.to_le_bytes()).collect();
        fs::write(folder.join(format!("{number}.onnx")), model)?;
        fs::write(folder.join(format!("{number}.rows")), rows)?;
    }
    Ok(())
}

/// All cases.
fn all() -> Vec<Case> {
    let mut cases = models().into_iter().map(committed).collect::<Vec<_>>();
    cases.extend(published::cases());
    cases.extend(awkward::cases());
    cases
}

/// A committed model on its data.
fn committed((model, data): (String, String)) -> Case {
    let dataset = Dataset::from_safetensors(&read(&data)).unwrap();
    let rows = dataset.features(0..dataset.rows());
    Case { model: read(&model), name: model, rows }
}

/// Names of a boxed graph's input and output.
const INPUT: &str = "boxed input";
const OUTPUT: &str = "boxed output";

/// The parts of a graph around `parts`, which read `INPUT` of these sizes and compute `OUTPUT`: a
/// row holds the whole input and is answered with the whole output, whatever their dimensions.
fn boxed(sizes: &[i64], parts: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let before = [node("Reshape", &["row", "sizes"], INPUT, &[]), whole("sizes", sizes)];
    let after = [node("Reshape", &[OUTPUT, "flat"], "answer", &[]), whole("flat", &[1, -1])];
    let ports = [port(11, "row", 1, &[1, sizes.iter().product()]), port(12, "answer", 1, &[1, -1])];
    [&before, parts, &after, &ports].concat()
}
