//! `Relu`: the larger of an element and zero.

use super::{Channels, Fact, Inputs, Operands, Operator, same_shape};
use kernels::operation;

use crate::{
    backend::Array,
    backend::compute,
    cost::{Cost, CostKind},
    refusal::NodeRefused,
    shape::Shape,
};

/// `max(x, 0)`, which is +0 also for −0, and a NaN for a NaN.
#[derive(Debug)]
pub(super) struct Relu;

impl Operator for Relu {
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        same_shape(inputs)
    }

    fn cost(&self, _inputs: &Inputs<'_>, output: Shape) -> Option<Cost> {
        Cost::of(CostKind::Rectified, &[output.elements()])
    }

    fn is_relu(&self) -> bool {
        true
    }

    fn run(&self, mut operands: Operands, output: Shape) -> Array {
        compute(operation::Relu, [operands.take(0)], output)
    }

    fn channels(&self) -> Channels {
        Channels::Rectified
    }
}
