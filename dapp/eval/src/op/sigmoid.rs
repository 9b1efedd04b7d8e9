//! `Sigmoid`: the logistic function.

use super::{Channels, Fact, Inputs, Operands, Operator, same_shape};
use kernels::operation::Activation;

use crate::{
    backend::Array,
    backend::compute,
    cost::{Cost, CostKind},
    refusal::NodeRefused,
    shape::Shape,
};

/// `1 / (1 + exp(−x))`.
#[derive(Debug)]
pub(super) struct Sigmoid;

impl Operator for Sigmoid {
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        same_shape(inputs)
    }

    fn cost(&self, _inputs: &Inputs<'_>, output: Shape) -> Option<Cost> {
        Cost::of(CostKind::Exponentials, &[output.elements()])
    }

    fn run(&self, mut operands: Operands, output: Shape) -> Array {
        compute(Activation::Sigmoid, [operands.take(0)], output)
    }

    fn shows(&self, _output: Shape) -> Option<market::Output> {
        Some(market::Output::Probabilities)
    }

    fn channels(&self) -> Channels {
        Channels::Bent
    }
}
