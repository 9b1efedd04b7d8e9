//! What follows for a node's output from the facts of its inputs.

use std::sync::Arc;

use crate::{
    op::{Fact, Inputs, Operator, Plain, Prepared},
    refusal::NodeRefused,
    shape::Shape,
    tensor::{Data, Tensor},
};

/// What follows for a node from the facts of its inputs.
pub(crate) enum Inferred {
    /// Its operator's kernel computes f32 of this shape.
    Kernel(Shape),
    /// Its plain form computes this.
    Plain(Prepared),
}

/// Infers a node's output; its kernel is preferred.
pub(crate) fn infer(
    operator: &dyn Operator,
    plain: Option<&Plain>,
    inputs: &[Option<Fact>],
) -> Result<Inferred, NodeRefused> {
    let native = match operator.infer(&Inputs(inputs)) {
        Ok(Fact::Real(shape)) => return Ok(Inferred::Kernel(shape)),
        Ok(_) => NodeRefused::UnknownOperator,
        Err(reason) => reason,
    };
    let Some(plain) = plain else { return Err(native) };
    match plain.prepare(inputs) {
        // Only what is empty, and so known, may have a shape that tensors cannot have.
        Ok(prepared) if !prepared.sizes.contains(&0) && Shape::new(&prepared.sizes).is_none() => {
            Err(NodeRefused::OutputShape)
        }
        Ok(prepared) => Ok(Inferred::Plain(prepared)),
        Err(reason) if operator.is_plain_only() => Err(reason),
        Err(_) => Err(native),
    }
}

impl Inferred {
    /// The fact of the output, computed at once if the inputs are known and it is small; `left` is
    /// how many elements may still be. Then also what computes it as the node runs.
    pub(crate) fn fact(self, inputs: &[Option<Fact>], left: &mut usize) -> (Fact, Option<Self>) {
        let prepared = match self {
            Self::Kernel(shape) => return (Fact::Real(shape), Some(Self::Kernel(shape))),
            Self::Plain(prepared) => prepared,
        };
        let known = inputs.iter().map(|fact| match fact {
            None => Some(None),
            Some(Fact::Known(tensor)) => Some(Some(Arc::clone(tensor))),
            Some(_) => None,
        });
        let operands = known.collect::<Option<Vec<_>>>();
        let shape = Shape::new(&prepared.sizes);
        // The sizes of a tensor are known even if its elements are not.
        let operands = operands.or_else(|| prepared.ignores_operands.then(Vec::new));
        let steps = usize::try_from(prepared.steps()).unwrap_or(usize::MAX);
        match (operands, shape) {
            (Some(operands), Some(_)) if steps <= *left => {
                *left = left.saturating_sub(steps);
                (Fact::Known(Arc::new(prepared.run(&operands))), None)
            }
            (_, Some(shape)) => (Fact::of(prepared.element, shape), Some(Self::Plain(prepared))),
            // Empty, so known.
            (_, None) => {
                let (element, sizes) = (prepared.element, prepared.sizes);
                let data = Data::Whole(Vec::new());
                (Fact::Known(Arc::new(Tensor::new(element, sizes, data))), None)
            }
        }
    }
}
