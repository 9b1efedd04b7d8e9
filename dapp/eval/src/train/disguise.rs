//! Disguises for a copy of a model, to show what is taken for a copy.

use crate::{
    graph::{Graph, Weight},
    layers::Layers,
    onnx,
    random::Random,
    refusal::ModelRefused,
};

/// Changes to a copy.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disguise {
    /// Reorders hidden neurons.
    pub reorder: bool,
    /// Rescales hidden neurons where that changes no answer.
    pub rescale: bool,
    /// Negates hidden neurons where that changes no answer.
    pub turn: bool,
    /// Adds noise to the weights; its norm is this multiple of the model's distance from the base
    /// model.
    pub noise: f64,
    /// Seed of the order, the sizes, the signs and the noise.
    pub seed: u64,
}

/// A disguised copy of the model in `file`; `base` is the model it was trained from.
///
/// - Errors: one of them is not a model
pub fn disguise(base: &[u8], file: &[u8], how: &Disguise) -> Result<Vec<u8>, ModelRefused> {
    let mut random = Random::new(how.seed);
    let (graph, weights) = Graph::read(file)?;
    let (_, before) = Graph::read(base)?;
    let places = weights.iter().map(|weight| (weight.value, (weight.place, weight.shape)));
    let places = places.collect::<std::collections::BTreeMap<_, _>>();
    let trained = graph.trainable();
    let mut noisy = weights;
    noisy.retain(|weight| trained[weight.value]);
    add_noise(&mut noisy, &before, how.noise, &mut random);
    let written =
        noisy.iter().map(|weight| (weight.place, (weight.shape, weight.elements.clone())));
    let mut written = written.collect::<onnx::Weights>();
    let (graph, others) = Graph::read(file)?;
    noisy.extend(others.into_iter().filter(|weight| !trained[weight.value]));
    let mut layers = Layers::of(&graph, noisy, true);
    let mut is_changed = false;
    for index in layers.hidden() {
        let count = layers.layers[index].neurons.len();
        let rescales = how.rescale && layers.is_scalable(index);
        let turns = how.turn && layers.is_turnable(index);
        is_changed |= rescales || turns || how.reorder;
        if rescales {
            for neuron in 0..count {
                layers.stretch(index, neuron, 0.25 + 4.0 * random.fraction());
            }
        }
        if turns {
            for neuron in (0..count).filter(|_| random.fraction() < 0.5).collect::<Vec<_>>() {
                layers.stretch(index, neuron, -1.0);
            }
        }
        if how.reorder {
            let mut order = (0..count).collect::<Vec<_>>();
            random.shuffle(&mut order);
            layers.reorder(index, &order);
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "weights are of single precision")]
    if is_changed {
        for (value, elements) in layers.constants() {
            let (place, shape) = places[&value];
            written.insert(place, (shape, elements.into_iter().map(|n| n as f32).collect()));
        }
    }
    onnx::with_weights(file, &written)
}

/// Adds noise whose norm is this multiple of the distance from the weights before to these.
fn add_noise(weights: &mut [Weight], before: &[Weight], noise: f64, random: &mut Random) {
    let of_base = |weight: &Weight| {
        let same = before.iter().find(|other| other.place == weight.place);
        same.map_or_else(|| vec![0.0; weight.elements.len()], |same| same.elements.clone())
    };
    let moved = weights.iter().flat_map(|weight| {
        weight.elements.iter().zip(of_base(weight)).map(|(now, then)| f64::from(now - then))
    });
    let moved = moved.collect::<Vec<_>>();
    let added = moved.iter().map(|_| 2.0 * random.fraction() - 1.0).collect::<Vec<_>>();
    let length = |list: &[f64]| list.iter().map(|number| number * number).sum::<f64>().sqrt();
    let factor = noise * length(&moved) / length(&added).max(f64::MIN_POSITIVE);
    let numbers = weights.iter_mut().flat_map(|weight| &mut weight.elements);
    #[expect(clippy::cast_possible_truncation, reason = "weights are of single precision")]
    for (number, added) in numbers.zip(added) {
        *number += (added * factor) as f32;
    }
}
