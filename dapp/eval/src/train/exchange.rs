//! Weights as a file of their own, by the names that they have in the model: what a trainer of
//! another make reads and writes.

use std::collections::BTreeMap;

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use thiserror::Error;

use crate::{
    graph::{Graph, Weight},
    onnx,
    refusal::ModelRefused,
};

/// Reason why weights cannot be put into a model.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WeightsRefused {
    /// The model is none.
    #[error(transparent)]
    Model(#[from] ModelRefused),
    /// Not a safetensors file.
    #[error("the weights are no safetensors file")]
    Malformed,
    /// A tensor has no counterpart.
    #[error("the model has no weight {0}")]
    Unknown(String),
    /// A tensor is of another type or shape.
    #[error("weight {0} is not of the model's shape in f32")]
    Shape(String),
    /// A tensor has a number that is none.
    #[error("weight {0} has a number that is not finite")]
    NotFinite(String),
}

/// The weights of a model, every f32 constant, as a safetensors file.
///
/// - Errors: it is not a model
pub fn weights_of(file: &[u8]) -> Result<Vec<u8>, ModelRefused> {
    let weights = named(file)?;
    let bytes = weights.iter().map(|(name, weight)| {
        let bytes = weight.elements.iter().flat_map(|number| number.to_le_bytes());
        (name, weight.shape, bytes.collect::<Vec<_>>())
    });
    let bytes = bytes.collect::<Vec<_>>();
    let views = bytes.iter().filter_map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.sizes().to_vec(), bytes);
        view.ok().map(|view| (*name, view))
    });
    Ok(safetensors::serialize(views, None).unwrap_or_default())
}

/// The model in `base` with these weights in place of its own; those that are left out stay.
///
/// - Errors: a tensor does not fit, with its name
pub fn with_weights(base: &[u8], weights: &[u8]) -> Result<Vec<u8>, WeightsRefused> {
    let mut known = named(base)?;
    let read = SafeTensors::deserialize(weights).map_err(|_| WeightsRefused::Malformed)?;
    let mut written = onnx::Weights::new();
    for (name, view) in read.tensors() {
        let Some(weight) = known.remove(&name) else { return Err(WeightsRefused::Unknown(name)) };
        if view.dtype() != Dtype::F32 || view.shape() != weight.shape.sizes() {
            return Err(WeightsRefused::Shape(name));
        }
        let (numbers, _) = view.data().as_chunks::<4>();
        let numbers = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect::<Vec<_>>();
        if !numbers.iter().all(|number| number.is_finite()) {
            return Err(WeightsRefused::NotFinite(name));
        }
        written.insert(weight.place, (weight.shape, numbers));
    }
    Ok(onnx::with_weights(base, &written)?)
}

fn named(file: &[u8]) -> Result<BTreeMap<String, Weight>, ModelRefused> {
    let (_, weights) = Graph::read(file)?;
    let mut names = onnx::names(file)?;
    let name = |weight: Weight| (names.remove(&weight.place).unwrap_or_default(), weight);
    Ok(weights.into_iter().map(name).collect())
}
