//! Evaluation traces: the output of each node of a model for each row, from which an auditor finds
//! the first difference to another program's evaluation.

use std::{fs, io::Write, path::Path};

use blobs::Digest;
use eval::{Dataset, Model, report::evaluate_on, trace as nodes};
use market::{Measure, Scores};
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;

use crate::args::TraceArgs;

/// The output of a node for a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Index of the row, from zero.
    pub row: usize,
    /// Index of the node in the file.
    pub node: u32,
    /// Operator of the node.
    pub operator: String,
    /// Digest of the elements' bits, four bytes each, little-endian; every NaN as 0x7fc00000.
    pub digest: String,
    /// The bits themselves, if requested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bits: Vec<u32>,
}

/// The trace of an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// Ordered by row, then in the order of execution.
    pub made: Vec<Made>,
    /// Scores of the model.
    pub scores: Scores,
}

/// The last line of the printed trace.
#[derive(Serialize)]
struct Earned {
    score: u32,
    threshold_score: u32,
}

impl Traced {
    /// Traces the evaluation of a model: the bits for `row` if it is given, else digests for all.
    ///
    /// - Errors: model, dataset and metric are incompatible, or an answer is not finite
    pub fn of(
        model: &[u8],
        hold_out: &[u8],
        measure: Measure,
        row: Option<usize>,
    ) -> Result<Self, String> {
        let model = Model::from_onnx(model).map_err(|refused| refused.to_string())?;
        let dataset = Dataset::from_safetensors(hold_out).map_err(|refused| refused.to_string())?;
        let report = evaluate_on(NonZeroUsize::MIN, &model, &dataset, measure, &mut |_, _| {});
        let scores = report.map_err(|refused| refused.to_string())?.scores;
        let names = eval::report::summary(&model).nodes;
        let mut made = Vec::new();
        let mut show = |shown: nodes::Made<'_>| {
            let rows = shown.shape.sizes().first().copied().unwrap_or(1).max(1);
            let elements = shown.elements.chunks_exact(shown.elements.len().div_ceil(rows).max(1));
            for (row_number, elements) in (shown.first_row..).zip(elements) {
                if row.is_some_and(|row| row != row_number) {
                    continue;
                }
                let bits: Vec<u32> = elements.iter().copied().map(nodes::bits_of).collect();
                let bytes: Vec<u8> = bits.iter().flat_map(|bits| bits.to_le_bytes()).collect();
                let node = names[shown.place].node;
                let line = Made {
                    row: row_number,
                    node: node.index,
                    operator: node.operator.as_str().to_owned(),
                    digest: Digest::of(&bytes).to_string(),
                    bits: if row.is_some() { bits } else { Vec::new() },
                };
                made.push(line);
            }
        };
        nodes::trace(&model, &dataset.features(0..dataset.rows()), &mut show)
            .map_err(|refused| refused.to_string())?;
        // Batches are traced node by node; the sort is stable.
        made.sort_by_key(|made| made.row);
        Ok(Self { made, scores })
    }
}

/// Prints the trace of the model that `change` derives from the given one: the same model, unless
/// to test an auditor.
///
/// - Errors: a file cannot be read, the model cannot be evaluated, or the output cannot be written
pub fn trace(
    files: &TraceArgs,
    change: impl FnOnce(&[u8], &[u8], Measure) -> Vec<u8>,
    out: &mut dyn Write,
) -> Result<(), String> {
    let read = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let (model, hold_out) = (read(&files.model)?, read(&files.hold_out)?);
    let model = change(&model, &hold_out, files.measure);
    let Traced { made, scores } = Traced::of(&model, &hold_out, files.measure, files.row)?;
    let Scores { score, threshold_score } = scores;
    let earned = Earned { score: score.0, threshold_score: threshold_score.0 };
    let lines = made.iter().map(serde_json::to_string).chain([serde_json::to_string(&earned)]);
    for line in lines {
        let line = line.map_err(|error| error.to_string())?;
        writeln!(out, "{line}").map_err(|error| error.to_string())?;
    }
    Ok(())
}
