//! The bits of what each node of a model makes: how two computers, or two builds, are told apart.

use std::collections::BTreeMap;

use blobs::Digest;
use sha2::{Digest as _, Sha256};

use crate::{
    backend::Array,
    model::Model,
    refusal::{ModelRefused, NodeId},
    shape::Shape,
};

/// What every NaN counts as: which of them an operation makes differs between processors, and no
/// answer may have one.
const NAN_BITS: u32 = 0x7fc0_0000;

/// What a node made of a batch of rows.
#[derive(Clone, Copy, Debug)]
pub struct Made<'a> {
    /// The node's place among [`Summary::nodes`](crate::report::Summary::nodes).
    pub place: usize,
    /// The first row of the batch, counted from zero.
    pub first_row: usize,
    /// Its shape, the rows of the batch first.
    pub shape: Shape,
    /// Its elements in row-major order.
    pub elements: &'a [f32],
}

/// Answers rows batch by batch as the judge does, and shows what each node makes of each batch.
///
/// - Shapes: rows [n, row elements], the answers returned [n, answers], both row-major; what is
///   less than a row is left out
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

/// The bits of a model's answers to some rows, and of all that led to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bits {
    /// The nodes that make numbers, in the order they run.
    pub layers: Vec<Layer>,
    /// Digest of the answers to all rows.
    pub answers: Digest,
}

/// The bits of what a node made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Which one.
    pub node: NodeId,
    /// The shape of a whole batch of it, the rows first.
    pub output: Shape,
    /// Digest of what it made, batch after batch.
    pub digest: Digest,
}

impl Bits {
    /// The bits of a model's work on rows, one given after the other.
    ///
    /// A digest is SHA-256 over the elements' bits in row-major order, each in four bytes, the
    /// least first.
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

    /// One digest of them all: of the layers' digests and then the answers'.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let layers = self.layers.iter().map(|layer| layer.digest);
        let digests = layers.chain([self.answers]).map(|Digest(digest)| digest);
        Digest::of(&digests.collect::<Vec<_>>().concat())
    }
}

/// The bits of a number, every NaN's as one.
#[must_use]
pub const fn bits_of(element: f32) -> u32 {
    if element.is_nan() { NAN_BITS } else { element.to_bits() }
}

fn feed(hasher: &mut Sha256, elements: &[f32]) {
    for element in elements {
        hasher.update(bits_of(*element).to_le_bytes());
    }
}
