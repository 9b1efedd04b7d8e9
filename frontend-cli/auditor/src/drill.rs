//! The drill-down of a wrong score: the first sample, node and number at which another program's
//! evaluation diverges.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use application::launcher;
use eval::Dataset;
use market::{Measure, Metric, Score};
use rollup::{Made, Traced};
use tokio::process::Command;

use super::divergence::{DrillDown, FirstDifference};
use super::evaluation::ToldEvaluation;

/// Compares this program's evaluation with that of `program` if given, else only with the reported
/// score.
///
/// - Errors: the program cannot be run or shows no evaluation; the evaluation has no files
pub(super) async fn drill_down(
    told: &ToldEvaluation,
    found: Option<Score>,
    program: Option<&Path>,
) -> Result<DrillDown> {
    let (model, hold_out) = told.files.as_ref().context("nothing to evaluate")?;
    let (model, hold_out, measure) = (&model.bytes, &hold_out.bytes, told.measure);
    let ours = traced(model, hold_out, measure, None)?;
    let rows = Dataset::from_safetensors(hold_out)?.rows();
    let apart =
        apart(measure.metric, rows, ours.scores.score, found.unwrap_or(told.scores().score));
    let Some(program) = program else { return Ok(DrillDown { apart, first: None }) };

    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let files = ["model.onnx", "hold-out.safetensors"].map(|name| folder.path().join(name));
    std::fs::write(&files[0], model)?;
    std::fs::write(&files[1], hold_out)?;
    let theirs = shown(program, &files, measure, None).await?;
    let pair = ours.made.iter().zip(&theirs).find(|(our, their)| our != their);
    let Some((our, _)) = pair else { return Ok(DrillDown { apart, first: None }) };
    let row = Some(our.row);
    let ours = traced(model, hold_out, measure, row)?.made;
    let theirs = shown(program, &files, measure, row).await?;
    let mut pairs = ours.iter().zip(&theirs);
    let first = pairs.find_map(|(our, their)| difference(our, their));
    Ok(DrillDown { apart, first })
}

fn traced(model: &[u8], hold_out: &[u8], measure: Measure, row: Option<usize>) -> Result<Traced> {
    Traced::of(model, hold_out, measure, row).map_err(anyhow::Error::msg)
}

/// Another program's trace of its evaluation.
async fn shown(
    program: &Path,
    files: &[std::path::PathBuf; 2],
    measure: Measure,
    row: Option<usize>,
) -> Result<Vec<Made>> {
    let (path, args) = launcher(program)?;
    let mut command = Command::new(path);
    command.args(args).arg("--trace").args(files);
    let [metric, threshold] = measure.metrics().map(|metric| metric.to_string());
    command.args([metric, threshold, measure.output.to_string()]);
    command.args(row.map(|row| row.to_string())).kill_on_drop(true);
    let output = command.output().await;
    let output = output.with_context(|| format!("cannot run {}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} shows no evaluation: {}", program.display(), said.trim());
    let lines = std::str::from_utf8(&output.stdout).context("no text")?.lines();
    // The last line is the score.
    Ok(lines.map_while(|line| serde_json::from_str(line).ok()).collect())
}

fn difference(our: &Made, their: &Made) -> Option<FirstDifference> {
    let mut pairs = our.bits.iter().zip(&their.bits).enumerate();
    let (element, (expected, found)) = pairs.find(|(_, (our, their))| our != their)?;
    Some(FirstDifference {
        sample: our.row,
        node: our.node,
        operator: our.operator.clone(),
        element,
        expected_bits: format!("{expected:#010x}"),
        found_bits: format!("{found:#010x}"),
        expected_value: f32::from_bits(*expected),
        found_value: f32::from_bits(*found),
    })
}

fn apart(metric: Metric, rows: usize, earned: Score, told: Score) -> String {
    let ppm = u64::from(earned.0.abs_diff(told.0));
    if metric == Metric::Accuracy {
        let rows = rows as u64;
        let answers = (ppm * rows + 500_000) / 1_000_000;
        format!("{answers} of {rows} answers apart")
    } else {
        format!("{ppm} parts per million apart")
    }
}
