//! Optimisers: from gradients to steps.
//!
//! The tensor library's own need its `std` feature, which chooses kernels by processor.

use burn::tensor::Tensor;

/// The rule that turns gradients into steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimiser {
    /// Stochastic gradient descent: `v ← momentum · v + g`, `w ← w − rate · v`.
    Sgd {
        /// Share of the previous steps that is kept.
        momentum: f32,
    },
    /// Adam with decay rates 0.9 and 0.999.
    ///
    /// - Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", algorithm 1
    Adam,
}

const DECAY_1: f32 = 0.9;
const DECAY_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// An optimiser's state for one weight.
#[derive(Clone, Default)]
pub(super) struct State {
    steps: i32,
    first: Option<Tensor<1>>,
    second: Option<Tensor<1>>,
}

impl Optimiser {
    /// The weight after one step.
    pub(super) fn step(
        self,
        weight: Tensor<1>,
        gradient: Tensor<1>,
        state: &mut State,
        rate: f32,
    ) -> Tensor<1> {
        state.steps = state.steps.saturating_add(1);
        match self {
            Self::Sgd { momentum } => {
                let velocity = match state.first.take() {
                    Some(velocity) => velocity.mul_scalar(momentum).add(gradient),
                    None => gradient,
                };
                state.first = Some(velocity.clone());
                weight.sub(velocity.mul_scalar(rate))
            }
            Self::Adam => {
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

#[cfg(test)]
mod tests {
    use super::*;
    use kernels::extension::List;

    use crate::backend::elements_of;

    /// Weights after two steps along the same gradient, computed by hand.
    #[test]
    fn steps_are_as_published() {
        let cases = [
            (Optimiser::Sgd { momentum: 0.0 }, [0.8, 1.2]),
            (Optimiser::Sgd { momentum: 0.5 }, [0.75, 1.25]),
            (Optimiser::Adam, [0.8, 1.2]),
        ];
        for (optimiser, expected) in cases {
            let mut weight = List::new(vec![1.0, 1.0]).into_tensor();
            let mut state = State::default();
            for _ in 0..2 {
                let gradient = List::new(vec![1.0, -1.0]).into_tensor();
                weight = optimiser.step(weight, gradient, &mut state, 0.1);
            }
            for (found, expected) in elements_of(weight).into_iter().zip(expected) {
                assert!((found - expected).abs() < 1e-5, "{optimiser:?}: {found} {expected}");
            }
        }
    }
}
