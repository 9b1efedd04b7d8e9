//! `Add`: the sum of two broadcast tensors.

use burn::tensor::Tensor;

use super::{Channels, Fact, Inputs, Operands, Operator, Role, broadcast};
use kernels::operation::Arithmetic;

use crate::{backend::Array, cost::Cost, refusal::NodeRefused, shape::Shape};

/// `left + right`.
#[derive(Debug)]
pub(super) struct Add;

impl Operator for Add {
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        broadcast::infer(inputs)
    }

    fn cost(&self, inputs: &Inputs<'_>, output: Shape) -> Option<Cost> {
        broadcast::cost(inputs, output)
    }

    fn run(&self, operands: Operands, output: Shape) -> Array {
        broadcast::run(operands, output, Arithmetic::Add, Tensor::add)
    }

    /// A constant that is added is a bias.
    fn role(&self, _input: usize) -> Role {
        Role::Weight
    }

    fn channels(&self) -> Channels {
        Channels::Shifted
    }
}
