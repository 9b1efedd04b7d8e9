//! `Concat`: tensors concatenated along an axis.

use super::{Attributes, Fact, Inputs, Operands, Operator};
use kernels::operation;

use crate::{
    backend::Array,
    backend::compute,
    cost::{Cost, CostKind},
    limits,
    refusal::NodeRefused,
    shape::Shape,
};

/// Tensors of equal sizes except along the axis.
#[derive(Debug)]
pub(super) struct Concat {
    axis: i64,
}

impl Concat {
    pub(super) fn parse(from: &mut Attributes<'_>) -> Result<Self, NodeRefused> {
        let axis = from.integer("axis")?.ok_or(NodeRefused::AttributeMissing("axis".into()))?;
        Ok(Self { axis })
    }
}

impl Operator for Concat {
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        inputs.expect(1, limits::NODE_INPUTS)?;
        let first = inputs.real(0)?;
        let axis = first.axis(self.axis).ok_or(NodeRefused::shape(first))?;
        let mut sizes = first.sizes().to_vec();
        for input in 1..inputs.count() {
            let next = inputs.real(input)?;
            let beside = |shape: Shape| {
                let mut sizes = shape.sizes().to_vec();
                (axis < sizes.len()).then(|| sizes.remove(axis)).map(|along| (along, sizes))
            };
            match (beside(first), beside(next)) {
                (Some((_, expected)), Some((along, found))) if expected == found => {
                    sizes[axis] += along;
                }
                _ => return Err(NodeRefused::shapes(first, next)),
            }
        }
        Shape::new(&sizes).map(Fact::Real).ok_or(NodeRefused::OutputShape)
    }

    fn cost(&self, inputs: &Inputs<'_>, output: Shape) -> Option<Cost> {
        let [outer, ..] = output.around(output.axis(self.axis)?);
        // Three are joined at a time.
        let times = usize::try_from((inputs.count() - 1).max(1).ilog(3)).ok()? + 1;
        Cost::of(CostKind::Joined, &[output.elements(), times])?
            .and(CostKind::JoinedLists, &[outer, inputs.count(), times])
    }

    fn run(&self, operands: Operands, output: Shape) -> Array {
        let axis = output.axis(self.axis).expect("infer has found the axis");
        let [pieces, ..] = output.around(axis);
        let mut parts = operands.0.into_iter().flatten().collect::<Vec<_>>();
        while parts.len() > 1 {
            let mut left = parts.into_iter();
            parts = Vec::new();
            while let Some(first) = left.next() {
                let (second, third) = (left.next(), left.next());
                parts.push(join(pieces, first, second, third));
            }
        }
        parts.pop().expect("infer has seen an input").reshaped(output)
    }
}

/// Up to three tensors cut into equally many pieces each, one piece of each taken in turn.
fn join(pieces: usize, first: Array, second: Option<Array>, third: Option<Array>) -> Array {
    let shape = |parts: &[&Array]| {
        let elements = parts.iter().map(|part| part.shape().elements()).sum();
        Shape::new(&[elements]).expect("a part of the output has elements")
    };
    match (second, third) {
        (Some(second), Some(third)) => {
            let shape = shape(&[&first, &second, &third]);
            compute(operation::Concat { pieces }, [first, second, third], shape)
        }
        (Some(second), None) => {
            let shape = shape(&[&first, &second]);
            compute(operation::Concat { pieces }, [first, second], shape)
        }
        (None, _) => first,
    }
}
