//! Optimisers: from gradients to steps.
//!
//! The tensor library's own need its `std` feature, which chooses kernels by processor.

use serde::{Deserialize, Serialize};

/// The rule that turns gradients into steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Optimiser {
    /// Stochastic gradient descent: `v ← momentum · v + g`, `w ← w − rate · v`, where a weight
    /// decay is added to the gradient.
    Sgd {
        /// Share of the previous steps that is kept.
        momentum: f32,
    },
    /// Adam with decay rates 0.9 and 0.999, where a weight decay is added to the gradient.
    ///
    /// - Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", algorithm 1
    Adam,
    /// Adam whose weight decay is a step of its own: `w ← w − rate · decay · w`.
    ///
    /// - Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", algorithm 2, with
    ///   the decay multiplied by the step size as PyTorch does
    AdamW,
}

const DECAY_1: f32 = 0.9;
const DECAY_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// An optimiser's state for one weight: means that it keeps, as long as the weight, or empty if it
/// does not or has made no step.
#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) steps: i32,
    pub(super) first: Vec<f32>,
    pub(super) second: Vec<f32>,
}

/// The size of a step.
#[derive(Clone, Copy, Debug)]
pub(super) struct StepSize {
    /// Step size.
    pub(super) rate: f32,
    /// Weight decay; none if zero.
    pub(super) decay: f32,
}

impl Optimiser {
    /// Takes one step.
    pub(super) fn step(
        self,
        weights: &mut [f32],
        gradient: &[f32],
        state: &mut State,
        StepSize { rate, decay }: StepSize,
    ) {
        let State { steps, first, second } = state;
        *steps = steps.saturating_add(1);
        first.resize(weights.len(), 0.0);
        let (shrunk, added) =
            if self == Self::AdamW { (1.0 - rate * decay, 0.0) } else { (1.0, decay) };
        if let Self::Sgd { momentum } = self {
            kernels::vectorized(
                #[inline(always)]
                || {
                    for ((weight, gradient), velocity) in
                        weights.iter_mut().zip(gradient).zip(first)
                    {
                        *velocity = momentum * *velocity + (gradient + added * *weight);
                        *weight -= rate * *velocity;
                    }
                },
            );
            return;
        }
        second.resize(weights.len(), 0.0);
        let [rate, scale] = {
            let [mean, square] = [DECAY_1, DECAY_2].map(|decay| 1.0 - decay.powi(*steps));
            [rate / mean, 1.0 / square]
        };
        kernels::vectorized(
            #[inline(always)]
            || {
                let states = first.iter_mut().zip(second);
                for ((weight, gradient), (first, second)) in
                    weights.iter_mut().zip(gradient).zip(states)
                {
                    let gradient = gradient + added * *weight;
                    *first = DECAY_1 * *first + (1.0 - DECAY_1) * gradient;
                    *second = DECAY_2 * *second + (1.0 - DECAY_2) * (gradient * gradient);
                    let spread = (*second * scale).sqrt() + EPSILON;
                    *weight = shrunk * *weight - rate * *first / spread;
                }
            },
        );
    }
}

/// Scales gradients so that the norm of all of them together is at most `norm`.
pub(super) fn clip(gradients: &mut [Option<Vec<f32>>], norm: f32) {
    let squares = gradients.iter().flatten().flatten().map(|element| f64::from(*element).powi(2));
    let length = squares.sum::<f64>().sqrt();
    if length <= f64::from(norm) {
        return;
    }
    #[expect(clippy::cast_possible_truncation, reason = "weights are of single precision")]
    let factor = (f64::from(norm) / length) as f32;
    gradients.iter_mut().flatten().flatten().for_each(|element| *element *= factor);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weights after two steps along the same gradient, computed by hand.
    #[test]
    fn steps_are_as_published() {
        let cases = [
            (Optimiser::Sgd { momentum: 0.0 }, 0.0, [0.8, 1.2]),
            (Optimiser::Sgd { momentum: 0.5 }, 0.0, [0.75, 1.25]),
            (Optimiser::Sgd { momentum: 0.0 }, 0.5, [0.7075, 1.0975]),
            (Optimiser::Adam, 0.0, [0.8, 1.2]),
            (Optimiser::Adam, 0.5, [0.800_103, 1.199_588]),
            (Optimiser::AdamW, 0.5, [0.707_5, 1.097_5]),
        ];
        for (optimiser, decay, expected) in cases {
            let mut weights = [1.0, 1.0];
            let mut state = State::default();
            for _ in 0..2 {
                let size = StepSize { rate: 0.1, decay };
                optimiser.step(&mut weights, &[1.0, -1.0], &mut state, size);
            }
            for (found, expected) in weights.into_iter().zip(expected) {
                assert!((found - expected).abs() < 1e-5, "{optimiser:?}: {found} {expected}");
            }
        }
    }

    #[test]
    fn gradients_are_clipped_together() {
        for (norm, expected) in [(10.0, [3.0, 0.0, 4.0]), (1.0, [0.6, 0.0, 0.8])] {
            let mut gradients = [Some(vec![3.0]), None, Some(vec![0.0, 4.0])];
            clip(&mut gradients, norm);
            for (found, expected) in gradients.into_iter().flatten().flatten().zip(expected) {
                assert!((found - expected).abs() < 1e-6_f32, "{found} {expected}");
            }
        }
    }
}
