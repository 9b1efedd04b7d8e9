//! How a model's weights differ from its base's: what a client looks at before anything leaves.

use std::collections::BTreeMap;

use crate::{
    graph::{Graph, Weight},
    onnx,
    refusal::ModelRefused,
};

/// The change of all weights: every f32 constant of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Euclidean norm of the change.
    pub norm: f64,
    /// Euclidean norm of the base's weights.
    pub base_norm: f64,
    /// Number of weights.
    pub weights: usize,
    /// Number of those that changed.
    pub changed: usize,
    /// The change of each constant.
    pub layers: Vec<LayerChange>,
}

/// The change of a constant.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerChange {
    /// Its name in the file.
    pub name: String,
    /// Euclidean norm of its change.
    pub norm: f64,
    /// The greatest change of one of its numbers, without its sign.
    pub greatest: f32,
}

/// The change from `base` to `file`; `None` if their constants differ in name or shape.
///
/// - Errors: one of them is not a model
pub fn change(base: &[u8], file: &[u8]) -> Result<Option<Change>, ModelRefused> {
    let Some(pairs) = pairs(base, file)? else { return Ok(None) };
    let (mut all, mut changed, mut weights) = (0.0, 0, 0);
    let mut layers = Vec::new();
    for (name, before, after) in &pairs {
        let differences = before.elements.iter().zip(&after.elements).map(|(then, now)| now - then);
        let square = differences.clone().map(|number| f64::from(number).powi(2)).sum::<f64>();
        let greatest = differences.clone().map(f32::abs).fold(0.0, f32::max);
        changed += differences.filter(|number| *number != 0.0).count();
        weights += before.elements.len();
        all += square;
        layers.push(LayerChange { name: name.clone(), norm: square.sqrt(), greatest });
    }
    let base = pairs.iter().flat_map(|(_, before, _)| &before.elements);
    let base_norm = base.map(|number| f64::from(*number).powi(2)).sum::<f64>().sqrt();
    Ok(Some(Change { norm: all.sqrt(), base_norm, weights, changed, layers }))
}

/// The base with the change to `file`, scaled so that its norm is at most `norm`; `None` as above.
///
/// - Errors: one of them is not a model
pub fn bounded(base: &[u8], file: &[u8], norm: f64) -> Result<Option<Vec<u8>>, ModelRefused> {
    let (Some(pairs), Some(change)) = (pairs(base, file)?, change(base, file)?) else {
        return Ok(None);
    };
    let factor = if change.norm > norm { norm / change.norm } else { 1.0 };
    let scaled = pairs.into_iter().map(|(_, before, after)| {
        let numbers = before.elements.iter().zip(after.elements);
        let numbers = numbers.map(|(then, now)| then + scaled(now - then, factor)).collect();
        (before.place, (before.shape, numbers))
    });
    // What else a trainer may have put into its file stays behind.
    onnx::with_weights(base, &scaled.collect()).map(Some)
}

/// The model with a number of `noise` added to each weight, in their order in the base; `None` as
/// above. What else is in its file stays behind.
///
/// - Errors: one of them is not a model
pub fn noised(
    base: &[u8],
    file: &[u8],
    noise: &mut dyn FnMut() -> f64,
) -> Result<Option<Vec<u8>>, ModelRefused> {
    let Some(pairs) = pairs(base, file)? else { return Ok(None) };
    let mut weights = onnx::Weights::new();
    for (_, before, after) in pairs {
        let noised = after.elements.iter().map(|weight| {
            #[expect(clippy::cast_possible_truncation, reason = "weights are of single precision")]
            let noised = (f64::from(*weight) + noise()) as f32;
            noised
        });
        weights.insert(before.place, (before.shape, noised.collect()));
    }
    onnx::with_weights(base, &weights).map(Some)
}

fn scaled(difference: f32, factor: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "weights are of single precision")]
    let scaled = (f64::from(difference) * factor) as f32;
    scaled
}

/// A constant's name, and what it is before and after.
pub(super) type Pair = (String, Weight, Weight);

/// Each constant of both files, by name; `None` if they are not the same ones.
pub(super) fn pairs(base: &[u8], file: &[u8]) -> Result<Option<Vec<Pair>>, ModelRefused> {
    let (_, before) = Graph::read(base)?;
    let (_, after) = Graph::read(file)?;
    let (names, mut others) = (onnx::names(base)?, onnx::names(file)?);
    let name = |weight: Weight| (others.remove(&weight.place).unwrap_or_default(), weight);
    let mut after = after.into_iter().map(name).collect::<BTreeMap<_, _>>();
    let mut pairs = Vec::new();
    for weight in before {
        let name = names.get(&weight.place).cloned().unwrap_or_default();
        match after.remove(&name) {
            Some(other) if other.shape == weight.shape => pairs.push((name, weight, other)),
            _ => return Ok(None),
        }
    }
    Ok(after.is_empty().then_some(pairs))
}
