//! `Mul`: the element-wise product of two broadcast tensors.

use burn::tensor::Tensor;

use super::{Fact, Inputs, Operands, Operator, broadcast};
use kernels::operation::Arithmetic;

use crate::{backend::Array, cost::Cost, refusal::NodeRefused, shape::Shape};

/// `left × right`.
#[derive(Debug)]
pub(super) struct Mul;

impl Operator for Mul {
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        broadcast::infer(inputs)
    }

    fn cost(&self, inputs: &Inputs<'_>, output: Shape) -> Option<Cost> {
        broadcast::cost(inputs, output)
    }

    fn run(&self, operands: Operands, output: Shape) -> Array {
        broadcast::run(operands, output, Arithmetic::Mul, Tensor::mul)
    }
}
