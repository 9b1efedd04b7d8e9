//! The bits of what each node of a model makes, as two computers compare them.

use std::fmt;

use anyhow::Result;
use blobs::Digest;
use client::printer::Refused;
use eval::{Dataset, Model, trace};
use serde::Serialize;

/// The bits of a model's work on all rows, as digests: SHA-256 over the elements' bits in row-major
/// order, batch after batch, the least byte first, every NaN as 0x7fc00000.
#[derive(Clone, Debug, Serialize)]
pub struct Bits {
    /// What each node makes, in the order they run.
    pub layers: Vec<Layer>,
    /// The answers.
    pub answers: Digest,
    /// All of the above: SHA-256 over the layers' digests and the answers'.
    pub all: Digest,
}

/// The bits of what a node makes.
#[derive(Clone, Debug, Serialize)]
pub struct Layer {
    /// Its place in the file.
    pub index: u32,
    /// What it does.
    pub operator: String,
    /// Its name in the file, cut where it is long.
    pub name: String,
    /// What it makes, with the rows of a batch first.
    pub output: Vec<usize>,
    /// The digest.
    pub digest: Digest,
}

impl Bits {
    /// The bits of a model's work on a dataset it fits.
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
