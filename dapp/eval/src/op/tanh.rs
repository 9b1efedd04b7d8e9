//! `Tanh`: the hyperbolic tangent.

use super::{Channels, Fact, Inputs, Operands, Operator, same_shape};
use kernels::operation::Activation;

use crate::{
    backend::Array,
    backend::compute,
    cost::{Cost, CostKind},
    refusal::NodeRefused,
    shape::Shape,
};

/// `tanh x`.
#[derive(Debug)]
pub(super) struct Tanh;

impl Operator for Tanh {
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        same_shape(inputs)
    }

    fn cost(&self, _inputs: &Inputs<'_>, output: Shape) -> Option<Cost> {
        Cost::of(CostKind::Tangents, &[output.elements()])
    }

    fn run(&self, mut operands: Operands, output: Shape) -> Array {
        compute(Activation::Tanh, [operands.take(0)], output)
    }

    fn channels(&self) -> Channels {
        Channels::Odd
    }
}
