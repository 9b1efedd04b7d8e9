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
    let step = Step.prepare::<C>(nodes).compute_bound().stateful();
    let is_tracked = matches!(step, OpsKind::Tracked(_));
    // What is not kept may be changed in place.
    let uses = operation.uses();
    let kept = (is_tracked && uses.operands).then(|| operands.clone());
    let output = tensor(operation.run(operands.map(List).into()));
    match step {
        OpsKind::Tracked(step) => {
            let kept_output = uses.output.then(|| output.clone());
            step.finish(Recorded { operation, operands: kept, output: kept_output }, output)
        }
        OpsKind::UnTracked(step) => step.finish(output),
    }
}

/// A step of the backward pass.
#[derive(Debug)]
struct Step;

/// What an operation's gradients are computed from.
#[derive(Clone, Debug)]
struct Recorded<const N: usize> {
    operation: Arc<dyn Operation>,
    operands: Option<[Primitive; N]>,
    output: Option<Primitive>,
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
        let (operands, output) = (operands.map(|lists| lists.map(List)), output.map(List));
        let operands = operands.as_ref().map(|lists| lists.each_ref().map(List::numbers));
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let found = operation.gradients(&Backward {
            operands: operands.as_ref().map_or(&[], |lists| &lists[..]),
            output: output.as_ref().map_or(&[], List::numbers),
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
