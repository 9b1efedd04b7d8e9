//! Models: what one is made of, and fetching one.

use std::{fmt, path::PathBuf};

use anyhow::{Context, Result};
use blobs::Cid;
use eval::{
    Dataset, Estimate, Features, Labels, Model,
    report::{Summary, summary},
};
use market::{Metric, Quote};
use serde::Serialize;

use crate::{
    effort::{Effort, Speed, default_input_work},
    files::{self, File},
    ipfs::Store,
    jobs::JobRef,
    native,
    session::Session,
};

/// The largest blob fetched by its CID alone, in bytes.
const FETCH_BYTES_MAX: u64 = 256 * 1_024 * 1_024;

/// A model that can be evaluated.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// Its CID.
    pub cid: Cid,
    /// Its bytes.
    pub bytes: u64,
    /// The shape of one row of its input.
    pub input: Vec<usize>,
    /// Numbers it answers for a row.
    pub answers: usize,
    /// Its weights, as numbers.
    pub parameters: usize,
    /// Rows answered in one step.
    pub batch_rows: usize,
    /// Rows of the dataset that the cost is of.
    pub rows: u32,
    /// What evaluating it on so many rows of bytes takes.
    pub effort: Effort,
    /// Its operators, in the order they run.
    pub nodes: Vec<Node>,
}

/// One operator.
#[derive(Clone, Debug, Serialize)]
pub struct Node {
    /// Its place in the file.
    pub index: u32,
    /// What it does.
    pub operator: String,
    /// What it makes, with the rows of a batch first.
    pub output: Vec<usize>,
    /// Instructions it takes in a step.
    pub work: u64,
}

impl fmt::Display for Checked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{} ({} bytes)", self.cid, self.bytes)?;
        writeln!(
            out,
            "  a row of {:?} becomes {} numbers; {} parameters",
            self.input, self.answers, self.parameters
        )?;
        writeln!(out, "  {} rows cost {}", self.rows, self.effort)?;
        write!(
            out,
            "  {:>4}  {:<20}  {:<22}  {:>16}",
            "node",
            "operator",
            format!("output of {} rows", self.batch_rows),
            "its instructions"
        )?;
        for Node { index, operator, output, work } in &self.nodes {
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
    let model = native::model(&file.bytes)?;
    let Summary { row, answers, nodes, parameters, batch_rows, .. } = summary(&model);
    let effort = Effort::new(&quote(file, &model, rows)?, &file.bytes, default_input_work(), speed);
    let nodes = nodes.into_iter().map(|node| Node {
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
        parameters,
        batch_rows,
        rows,
        effort,
        nodes: nodes.collect(),
    })
}

/// What evaluating a model takes on so many rows of bytes.
fn quote(file: &File, model: &Model, rows: u32) -> Result<Quote> {
    let rows = usize::try_from(rows)?;
    let elements = rows.checked_mul(model.row().elements()).context("too many rows")?;
    let features = Features::Bytes { bytes: vec![0; elements], scale: 1.0, offset: 0.0 };
    let dataset = Dataset::new(model.row(), features, Labels::Classes(vec![0; rows]))?;
    let files = [file.bytes.len(), elements];
    Ok(Estimate::new(files, model, &dataset, Metric::Accuracy)?.quote(&dataset))
}

/// A blob that was fetched.
#[derive(Clone, Debug, Serialize)]
pub struct Fetched {
    /// Its CID.
    pub cid: Cid,
    /// Its bytes.
    pub bytes: usize,
    /// Where it is.
    pub file: PathBuf,
}

impl fmt::Display for Fetched {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {} bytes, {}", self.file.display(), self.bytes, self.cid)
    }
}

/// Fetches a blob by its CID and writes it to a file.
pub async fn get(store: &Store, cid: Cid, out: PathBuf) -> Result<Fetched> {
    let bytes = store.get(cid, FETCH_BYTES_MAX).await?;
    files::write(&out, &bytes)?;
    Ok(Fetched { cid, bytes: bytes.len(), file: out })
}

/// The CID of a job's base model.
pub async fn base_of(session: &Session, job: &JobRef) -> Result<Cid> {
    Ok(session.job(job).await?.terms.offer.base_model.cid())
}
