//! The bits of each node's output, which tell two computers, or two builds, apart.

use std::collections::BTreeMap;

use blobs::Digest;
use sha2::{Digest as _, Sha256};

use crate::{
    backend::Array,
    model::Model,
    refusal::{ModelRefused, NodeId},
    shape::Shape,
};

/// The bits that every NaN counts as: which NaN an operation gives differs between processors, and
/// no answer may be one.
const NAN_BITS: u32 = 0x7fc0_0000;

/// A node's output for a batch of rows.
#[derive(Clone, Copy, Debug)]
pub struct Made<'a> {
    /// The node's index in [`Summary::nodes`](crate::report::Summary::nodes).
    pub place: usize,
    /// The first row of the batch, counted from zero.
    pub first_row: usize,
    /// Its shape, the rows of the batch first.
    pub shape: Shape,
    /// Its elements in row-major order.
    pub elements: &'a [f32],
}

/// Answers rows batch by batch as the judge does, and shows each node's output for each batch.
///
/// - Shapes: rows [n, row elements], the answers returned [n, answers], both row-major; an
///   incomplete row is left out
/// - Errors: the model cannot answer the last, smaller batch
pub fn trace(
    model: &Model,
    rows: &[f32],
    show: &mut dyn FnMut(Made<'_>),
) -> Result<Vec<f32>, ModelRefused> {
    let row = model.row().elements();
    let whole = &rows[..rows.len() - rows.len() % row];
    let mut answers = Vec::with_capacity(whole.len() / row * model.answers());
    for (batch, rows) in whole.chunks(model.batch_rows() * row).enumerate() {
        let first_row = batch * model.batch_rows();
        let mut made = |place, array: &Array| {
            let (shape, elements) = (array.shape(), array.clone().into_elements());
            show(Made { place, first_row, shape, elements: &elements });
        };
        answers.extend(model.answer_shown(rows.to_vec(), Some(&mut made))?);
    }
    Ok(answers)
}

/// The bits of a model's answers to some rows, and of everything computed on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bits {
    /// The nodes that compute f32 tensors, in the order they run.
    pub layers: Vec<Layer>,
    /// Digest of the answers to all rows.
    pub answers: Digest,
}

/// The bits of a node's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// The node.
    pub node: NodeId,
    /// Shape of its output for a whole batch, the rows first.
    pub output: Shape,
    /// Digest of its output, batch after batch.
    pub digest: Digest,
}

impl Bits {
    /// The bits that a model computes from rows, one given after the other.
    ///
    /// A digest is SHA-256 over the elements' bits in row-major order, each in four bytes,
    /// little-endian.
    ///
    /// - Errors: the model cannot answer the last, smaller batch
    pub fn of(model: &Model, rows: &[f32]) -> Result<Self, ModelRefused> {
        let mut hashers = BTreeMap::<usize, Sha256>::new();
        let answers = trace(model, rows, &mut |made| {
            feed(hashers.entry(made.place).or_default(), made.elements);
        })?;
        let layers = hashers.into_iter().filter_map(|(place, hasher)| {
            let (node, output) = (model.graph.nodes[place].id, model.batch.shapes[place]?);
            Some(Layer { node, output, digest: Digest(hasher.finalize().into()) })
        });
        let layers = layers.collect();
        let mut hasher = Sha256::new();
        feed(&mut hasher, &answers);
        Ok(Self { layers, answers: Digest(hasher.finalize().into()) })
    }

    /// One digest of everything: of the layers' digests and then the answers'.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let layers = self.layers.iter().map(|layer| layer.digest);
        let digests = layers.chain([self.answers]).map(|Digest(digest)| digest);
        Digest::of(&digests.collect::<Vec<_>>().concat())
    }
}

/// The bits of a number, the same for every NaN.
#[must_use]
pub const fn bits_of(element: f32) -> u32 {
    if element.is_nan() { NAN_BITS } else { element.to_bits() }
}

fn feed(hasher: &mut Sha256, elements: &[f32]) {
    for element in elements {
        hasher.update(bits_of(*element).to_le_bytes());
    }
}
