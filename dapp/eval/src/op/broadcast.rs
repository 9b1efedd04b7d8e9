//! What the operators of two broadcast operands have in common.

use burn::tensor::Tensor;

use super::{Fact, Inputs, Operands};
use crate::{backend::Array, cost::Cost, limits, refusal::NodeRefused, shape::Shape};

/// Two tensors of f32 in, one of their common shape out.
pub(super) fn infer(inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
    inputs.expect(2, 2)?;
    let (left, right) = (inputs.real(0)?, inputs.real(1)?);
    left.broadcast(right).map(Fact::Real).ok_or(NodeRefused::shapes(left, right))
}

/// One operation for each element of the output.
pub(super) fn cost(output: Shape) -> Option<Cost> {
    Cost::elements(&[output.elements()])
}

/// Applies an elementwise function, each operand seen in as many dimensions as there can be.
pub(super) fn run(
    mut operands: Operands,
    output: Shape,
    function: fn(Tensor<{ limits::RANK }>, Tensor<{ limits::RANK }>) -> Tensor<{ limits::RANK }>,
) -> Array {
    let [left, right] = [0, 1].map(|input| {
        let operand = operands.take(input);
        let sizes = operand.shape().aligned().expect("no shape has more dimensions");
        operand.view(sizes)
    });
    Array::of(function(left, right), output)
}
