//! Code shared by the operators of two broadcast operands.

use burn::tensor::Tensor;

use super::{Fact, Inputs, Operands};
use kernels::operation::{Arithmetic, Broadcast};

use crate::{
    backend::Array,
    backend::compute,
    cost::{Cost, CostKind},
    limits::RANK,
    refusal::NodeRefused,
    shape::Shape,
};

/// Two tensors of f32 in, one of their common shape out.
pub(super) fn infer(inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
    inputs.expect(2, 2)?;
    let (left, right) = (inputs.real(0)?, inputs.real(1)?);
    left.broadcast(right).map(Fact::Real).ok_or(NodeRefused::shapes(left, right))
}

/// One operation for each element of the output.
pub(super) fn cost(inputs: &Inputs<'_>, output: Shape) -> Option<Cost> {
    let (left, right) = (inputs.real(0).ok()?, inputs.real(1).ok()?);
    if left == output && is_repeated(right, output) {
        let lists = output.elements() / right.elements();
        return Cost::of(CostKind::Arithmetic, &[output.elements()])?
            .and(CostKind::Repeated, &[lists]);
    }
    Cost::of(CostKind::Spread, &[output.elements()])
}

/// Computes each pair of elements; `tensors` does the same on whole tensors, each viewed with the
/// maximum number of dimensions.
pub(super) fn run(
    mut operands: Operands,
    output: Shape,
    arithmetic: Arithmetic,
    tensors: fn(Tensor<RANK>, Tensor<RANK>) -> Tensor<RANK>,
) -> Array {
    let (left, right) = (operands.take(0), operands.take(1));
    if left.shape() == output && is_repeated(right.shape(), output) {
        return compute(Broadcast(arithmetic), [left, right], output);
    }
    let [left, right] = [left, right].map(|operand| {
        let sizes = operand.shape().aligned().expect("no shape has more dimensions");
        operand.view(sizes)
    });
    Array::of(tensors(left, right), output)
}

/// Whether broadcasting repeats an operand's whole list, as it does with a layer's bias.
fn is_repeated(operand: Shape, output: Shape) -> bool {
    let sizes = operand.sizes();
    let sizes = &sizes[sizes.iter().take_while(|size| **size == 1).count()..];
    output.sizes().ends_with(sizes)
}
