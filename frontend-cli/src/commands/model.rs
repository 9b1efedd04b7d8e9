//! Models: what one is made of, and fetching one.

use std::{fmt, path::PathBuf};

use anyhow::Result;
use blobs::Cid;
use eval::report::{Summary, summary};
use market::JobId;
use serde::Serialize;

use crate::{
    convert::as_text,
    files::{self, File},
    ipfs::Store,
    native,
    session::Session,
};

/// The largest blob fetched by its CID alone, in bytes.
const FETCH_BYTES_MAX: u64 = 256 * 1_024 * 1_024;

/// A model that can be evaluated.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// Its CID.
    #[serde(serialize_with = "as_text")]
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
    /// What a row costs, in the market's unit: a batch's cost divided by its rows, rounded up.
    pub work_per_row: u64,
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
    /// Multiply-adds of a batch.
    pub multiply_adds: u64,
}

impl fmt::Display for Checked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{} ({} bytes)", self.cid, self.bytes)?;
        writeln!(
            out,
            "  a row of {:?} becomes {} numbers; {} parameters",
            self.input, self.answers, self.parameters
        )?;
        writeln!(
            out,
            "  a row costs {} multiply-adds; {} rows a step",
            self.work_per_row, self.batch_rows
        )?;
        write!(
            out,
            "  {:>4}  {:<20}  {:<22}  {:>14}",
            "node", "operator", "output", "multiply-adds"
        )?;
        for Node { index, operator, output, multiply_adds } in &self.nodes {
            let output = format!("{output:?}");
            write!(out, "\n  {index:>4}  {operator:<20}  {output:<22}  {multiply_adds:>14}")?;
        }
        Ok(())
    }
}

/// Describes a model.
///
/// - Errors: `UnfitModel`, naming the node
pub fn check(file: &File) -> Result<Checked> {
    let Summary { row, answers, nodes, parameters, batch_cost, batch_rows, .. } =
        summary(&native::model(&file.bytes)?);
    let nodes = nodes.into_iter().map(|node| Node {
        index: node.node.index,
        operator: node.node.operator.as_str().to_owned(),
        output: node.output.map(|shape| shape.sizes().to_vec()).unwrap_or_default(),
        multiply_adds: node.cost.multiply_adds,
    });
    Ok(Checked {
        cid: file.blob.cid(),
        bytes: file.blob.size,
        input: row.sizes().to_vec(),
        answers,
        parameters,
        batch_rows,
        work_per_row: batch_cost.work().0.div_ceil(batch_rows.max(1) as u64),
        nodes: nodes.collect(),
    })
}

/// A blob that was fetched.
#[derive(Clone, Debug, Serialize)]
pub struct Fetched {
    /// Its CID.
    #[serde(serialize_with = "as_text")]
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
pub async fn base_of(session: &Session, job: JobId) -> Result<Cid> {
    Ok(session.job(job).await?.terms.base_model.cid())
}
