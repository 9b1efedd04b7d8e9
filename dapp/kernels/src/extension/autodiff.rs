//! The same operations with gradients recorded.

use std::sync::Arc;

use burn::backend::{
    Autodiff, NdArray,
    autodiff::{
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward as _, Ops, OpsKind},
    },
    tensor::FloatTensor,
};

use super::{Backward, Extension, List, Operation, Primitive, tensor};

impl<C: CheckpointStrategy> Extension for Autodiff<NdArray, C> {
    fn of_one(operation: Arc<dyn Operation>, first: FloatTensor<Self>) -> FloatTensor<Self> {
        recorded::<C, 1>(operation, [first])
    }

    fn of_two(
        operation: Arc<dyn Operation>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        recorded::<C, 2>(operation, [first, second])
    }

    fn of_three(
        operation: Arc<dyn Operation>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        third: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        recorded::<C, 3>(operation, [first, second, third])
    }
}

/// Computes an operation, and records it for the backward pass.
fn recorded<C: CheckpointStrategy, const N: usize>(
    operation: Arc<dyn Operation>,
    operands: [FloatTensor<Autodiff<NdArray, C>>; N],
) -> FloatTensor<Autodiff<NdArray, C>> {
    let nodes = operands.each_ref().map(|operand| operand.node());
    let operands = operands.map(|operand| operand.into_parts().0);
    let lists = operands.iter().cloned().map(List).collect();
    let output = tensor(operation.run(lists));
    match Step.prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(step) => {
            step.finish(Recorded { operation, operands, output: output.clone() }, output)
        }
        OpsKind::UnTracked(step) => step.finish(output),
    }
}

/// A step of the backward pass.
#[derive(Debug)]
struct Step;

/// The operands and the output of an operation.
#[derive(Clone, Debug)]
struct Recorded<const N: usize> {
    operation: Arc<dyn Operation>,
    operands: [Primitive; N],
    output: Primitive,
}

impl<const N: usize> burn::backend::autodiff::ops::Backward<NdArray, N> for Step {
    type State = Recorded<N>;

    fn backward(
        self,
        ops: Ops<Self::State, N>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let gradient = List(gradients.consume::<NdArray>(&ops.node));
        let Recorded { operation, operands, output } = ops.state;
        let (operands, output) = (operands.map(List), List(output));
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let found = operation.gradients(&Backward {
            operands: &operands.each_ref().map(List::numbers),
            output: output.numbers(),
            gradient: gradient.numbers(),
            wanted: &wanted,
        });
        for (parent, gradient) in ops.parents.into_iter().zip(found) {
            if let Some(node) = parent {
                gradients.register::<NdArray>(node.id, tensor(gradient));
            }
        }
    }
}
