//! `deml model check`: whether a model can be evaluated, and at what cost.

use std::{fmt, path::PathBuf};

use anyhow::{Context, Result};
use blobs::Cid;
use clap::Args;
use client::{
    files::{self, File},
    printer::{ExitStatus, Refused},
};
use eval::{
    Dataset, Estimate, Features, Labels, Model, obstacles,
    report::{Summary, summary},
};
use market::{Metric, Output, Quote};
use serde::Serialize;
use trainer::local;

use crate::{
    config::Config,
    effort::{Effort, Speed, default_input_work},
    terms::hyphenated,
};

/// Arguments of `deml model check`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  deml model check base.onnx")]
pub struct Check {
    /// ONNX file
    pub file: PathBuf,
    /// Rows of the dataset for which the cost is shown
    #[arg(long, default_value_t = 1_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rows: u32,
    /// Million instructions of floating point per second of the machine [default: 85]
    #[arg(long, value_name = "MILLION")]
    pub speed: Option<u32>,
}

/// A model that can be evaluated.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// Its CID.
    pub cid: Cid,
    /// Its size in bytes.
    pub bytes: u64,
    /// Shape of one input row.
    pub input: Vec<usize>,
    /// Numbers it answers per row.
    pub answers: usize,
    /// What they are, if its graph shows it.
    pub output: Option<Output>,
    /// The operator that shows it.
    pub shown_by: Option<String>,
    /// Number of weights.
    pub parameters: usize,
    /// Rows per batch.
    pub batch_rows: usize,
    /// Rows of the dataset for which the cost is computed.
    pub rows: u32,
    /// Cost of evaluating it on so many rows of bytes.
    pub effort: Effort,
    /// Its operators, in execution order.
    pub nodes: Vec<NodeCost>,
}

/// One operator.
#[derive(Clone, Debug, Serialize)]
pub struct NodeCost {
    /// Its index in the file.
    pub index: u32,
    /// Its operator.
    pub operator: String,
    /// Its output shape, with the rows of a batch first.
    pub output: Vec<usize>,
    /// Instructions per step.
    pub work: u64,
}

/// Checks a model and prints its description.
///
/// - Errors: `UnfitModel`, naming the node
pub fn run(config: &Config, check: &Check) -> Result<ExitStatus> {
    let (file, speed) = (files::read(&check.file)?, Speed::new(check.speed));
    config.printer.answer(&self::check(&file, check.rows, speed)?)?;
    Ok(ExitStatus::Done)
}

impl fmt::Display for Checked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{} ({} bytes)", self.cid, self.bytes)?;
        writeln!(
            out,
            "  a row of {:?} becomes {} numbers; {} parameters",
            self.input, self.answers, self.parameters
        )?;
        match (self.output, &self.shown_by) {
            (Some(output), Some(operator)) => {
                let output = hyphenated(&output.to_string());
                writeln!(out, "  its output is {output}, by its {operator}")?;
            }
            _ => {
                writeln!(
                    out,
                    "  its graph does not show what its output is: a job or a score that"
                )?;
                writeln!(out, "  depends on it has to say so, with --output logits or another")?;
            }
        }
        writeln!(out, "  {} rows cost {}", self.rows, self.effort)?;
        write!(
            out,
            "  {:>4}  {:<20}  {:<22}  {:>16}",
            "node",
            "operator",
            format!("output of {} rows", self.batch_rows),
            "its instructions"
        )?;
        for NodeCost { index, operator, output, work } in &self.nodes {
            let output = format!("{output:?}");
            write!(out, "\n  {index:>4}  {operator:<20}  {output:<22}  {work:>16}")?;
        }
        Ok(())
    }
}

/// Describes a model.
///
/// - Errors: `UnfitModel`, naming the node
pub fn check(file: &File, rows: u32, speed: Speed) -> Result<Checked> {
    let model = model(&file.bytes)?;
    let Summary { row, answers, output, nodes, parameters, batch_rows, .. } = summary(&model);
    let effort = Effort::new(&quote(file, &model, rows)?, &file.bytes, default_input_work(), speed);
    let nodes = nodes.into_iter().map(|node| NodeCost {
        index: node.node.index,
        operator: node.node.operator.as_str().to_owned(),
        output: node.output.map(|shape| shape.sizes().to_vec()).unwrap_or_default(),
        work: node.cost.work().0,
    });
    Ok(Checked {
        cid: file.blob.cid(),
        bytes: file.blob.size,
        input: row.sizes().to_vec(),
        answers,
        output: output.map(|(output, _)| output),
        shown_by: output.map(|(_, node)| node.operator.as_str().to_owned()),
        parameters,
        batch_rows,
        rows,
        effort,
        nodes: nodes.collect(),
    })
}

/// Reads a model.
///
/// - Errors: `UnfitModel`, naming all that is in the way
fn model(bytes: &[u8]) -> Result<Model> {
    let mut found = obstacles(bytes).iter().map(ToString::to_string).collect::<Vec<_>>();
    found.dedup();
    if found.len() < 2 {
        return local::model(bytes);
    }
    let all = found.join("; ") + "; dapp/eval/OPERATORS.md has the operators there are";
    Err(Refused::new("UnfitModel", all).into())
}

/// Quote for evaluating a model on so many rows of bytes.
pub(super) fn quote(file: &File, model: &Model, rows: u32) -> Result<Quote> {
    let rows = usize::try_from(rows)?;
    let elements = rows.checked_mul(model.row().elements()).context("too many rows")?;
    let features = Features::Bytes { bytes: vec![0; elements], scale: 1.0, offset: 0.0 };
    let dataset = Dataset::new(model.row(), features, Labels::Classes(vec![0; rows]))?;
    let files = [file.bytes.len(), elements];
    Ok(Estimate::new(files, model, &dataset, Metric::Accuracy.into())?.quote(&dataset))
}
