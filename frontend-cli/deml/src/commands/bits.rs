//! Digests of each node's output bits, to compare evaluations on two computers.

use std::fmt;

use anyhow::Result;
use blobs::Digest;
use client::printer::Refused;
use eval::{Dataset, Model, trace};
use serde::Serialize;

/// Digests of a model's outputs on all rows: SHA-256 over the elements' bits in row-major order,
/// batch after batch, little-endian, every NaN as 0x7fc00000.
#[derive(Clone, Debug, Serialize)]
pub struct Bits {
    /// Each node's output, in execution order.
    pub layers: Vec<Layer>,
    /// The model's answers.
    pub answers: Digest,
    /// All of the above: SHA-256 over the layers' digests and the answers'.
    pub all: Digest,
}

/// Digest of a node's output.
#[derive(Clone, Debug, Serialize)]
pub struct Layer {
    /// Its index in the file.
    pub index: u32,
    /// Its operator.
    pub operator: String,
    /// Its name in the file, truncated if long.
    pub name: String,
    /// Its output shape, with the rows of a batch first.
    pub output: Vec<usize>,
    /// The digest.
    pub digest: Digest,
}

impl Bits {
    /// Digests of a model's outputs on a dataset it fits.
    ///
    /// - Errors: `UnfitModel`
    pub(crate) fn of(model: &Model, dataset: &Dataset) -> Result<Self> {
        let bits = trace::Bits::of(model, &dataset.features(0..dataset.rows()));
        let bits = bits.map_err(|why| Refused::new("UnfitModel", why))?;
        let layers = bits.layers.iter().map(|layer| Layer {
            index: layer.node.index,
            operator: layer.node.operator.as_str().to_owned(),
            name: layer.node.name.as_str().to_owned(),
            output: layer.output.sizes().to_vec(),
            digest: layer.digest,
        });
        Ok(Self { layers: layers.collect(), answers: bits.answers, all: bits.digest() })
    }
}

impl fmt::Display for Bits {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Layer { index, operator, name, output, digest } in &self.layers {
            let output = format!("{output:?}");
            write!(out, "\n  {digest}  {index:>4}  {operator:<20}  {output:<18}  {name}")?;
        }
        write!(out, "\n  {}  answers", self.answers)?;
        write!(out, "\n  {}  all of these", self.all)
    }
}
