//! `Div`: the element-wise quotient of two broadcast tensors.

use burn::tensor::Tensor;

use super::{Fact, Inputs, Operands, Operator, broadcast};
use kernels::operation::Arithmetic;

use crate::{backend::Array, cost::Cost, refusal::NodeRefused, shape::Shape};

/// `left / right`; division by zero gives an infinity or a NaN, and makes the answer invalid.
#[derive(Debug)]
pub(super) struct Div;

impl Operator for Div {
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        broadcast::infer(inputs)
    }

    fn cost(&self, inputs: &Inputs<'_>, output: Shape) -> Option<Cost> {
        broadcast::cost(inputs, output)
    }

    fn run(&self, operands: Operands, output: Shape) -> Array {
        broadcast::run(operands, output, Arithmetic::Div, Tensor::div)
    }
}
