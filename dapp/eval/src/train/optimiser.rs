//! Optimisers: from gradients to steps.
//!
//! The tensor library's own need its `std` feature, which chooses kernels by processor.

use burn::tensor::Tensor;

use kernels::extension::List;
use serde::{Deserialize, Serialize};

use crate::backend::elements_of;

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

/// An optimiser's state for one weight.
#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) steps: i32,
    pub(super) first: Option<Tensor<1>>,
    pub(super) second: Option<Tensor<1>>,
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
    /// The weight after one step.
    pub(super) fn step(
        self,
        weight: Tensor<1>,
        gradient: Tensor<1>,
        state: &mut State,
        StepSize { rate, decay }: StepSize,
    ) -> Tensor<1> {
        state.steps = state.steps.saturating_add(1);
        let (weight, gradient) = match self {
            _ if decay == 0.0 => (weight, gradient),
            Self::AdamW => (weight.mul_scalar(1.0 - rate * decay), gradient),
            Self::Sgd { .. } | Self::Adam => {
                let gradient = gradient.add(weight.clone().mul_scalar(decay));
                (weight, gradient)
            }
        };
        match self {
            Self::Sgd { momentum } => {
                let velocity = match state.first.take() {
                    Some(velocity) => velocity.mul_scalar(momentum).add(gradient),
                    None => gradient,
                };
                state.first = Some(velocity.clone());
                weight.sub(velocity.mul_scalar(rate))
            }
            Self::Adam | Self::AdamW => {
                let first = decayed(state.first.take(), gradient.clone(), DECAY_1);
                let second = decayed(state.second.take(), gradient.square(), DECAY_2);
                let [correction_1, correction_2] =
                    [DECAY_1, DECAY_2].map(|decay| 1.0 - decay.powi(state.steps));
                let spread = second.clone().div_scalar(correction_2).sqrt().add_scalar(EPSILON);
                let step = first.clone().div_scalar(correction_1).div(spread);
                (state.first, state.second) = (Some(first), Some(second));
                weight.sub(step.mul_scalar(rate))
            }
        }
    }
}

/// `decay · mean + (1 − decay) · next`, from a mean of zero.
fn decayed(mean: Option<Tensor<1>>, next: Tensor<1>, decay: f32) -> Tensor<1> {
    let next = next.mul_scalar(1.0 - decay);
    match mean {
        Some(mean) => mean.mul_scalar(decay).add(next),
        None => next,
    }
}

/// The gradients, scaled so that the norm of all of them together is at most `norm`.
pub(super) fn clipped(gradients: Vec<Option<Tensor<1>>>, norm: f32) -> Vec<Option<Tensor<1>>> {
    let squares = gradients.iter().flatten().flat_map(|gradient| elements_of(gradient.clone()));
    let length = squares.map(|element| f64::from(element).powi(2)).sum::<f64>().sqrt();
    if length <= f64::from(norm) {
        return gradients;
    }
    #[expect(clippy::cast_possible_truncation, reason = "weights are of single precision")]
    let factor = (f64::from(norm) / length) as f32;
    let scale = |gradient: Tensor<1>| gradient.mul_scalar(factor);
    gradients.into_iter().map(|gradient| gradient.map(scale)).collect()
}

/// A tensor of these elements.
pub(super) fn tensor(elements: &[f32]) -> Tensor<1> {
    List::new(elements.to_vec()).into_tensor()
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
            let mut weight = tensor(&[1.0, 1.0]);
            let mut state = State::default();
            for _ in 0..2 {
                let gradient = tensor(&[1.0, -1.0]);
                let size = StepSize { rate: 0.1, decay };
                weight = optimiser.step(weight, gradient, &mut state, size);
            }
            for (found, expected) in elements_of(weight).into_iter().zip(expected) {
                assert!((found - expected).abs() < 1e-5, "{optimiser:?}: {found} {expected}");
            }
        }
    }

    #[test]
    fn gradients_are_clipped_together() {
        let gradients = || vec![Some(tensor(&[3.0])), None, Some(tensor(&[0.0, 4.0]))];
        for (norm, expected) in [(10.0, [3.0, 0.0, 4.0]), (1.0, [0.6, 0.0, 0.8])] {
            let found = clipped(gradients(), norm).into_iter().flatten().flat_map(elements_of);
            for (found, expected) in found.zip(expected) {
                assert!((found - expected).abs() < 1e-6_f32, "{found} {expected}");
            }
        }
    }
}
