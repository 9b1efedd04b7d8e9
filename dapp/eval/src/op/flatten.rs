//! `Flatten`: a reshape to two dimensions.

use super::{Attributes, Channels, Fact, Inputs, Operands, Operator, Role};
use crate::{backend::Array, cost::Cost, refusal::NodeRefused, shape::Shape};

/// The dimensions before the axis become one, and those from it on another.
#[derive(Debug)]
pub(super) struct Flatten {
    axis: i64,
}

impl Flatten {
    pub(super) fn parse(from: &mut Attributes<'_>) -> Result<Self, NodeRefused> {
        Ok(Self { axis: from.integer("axis")?.unwrap_or(1) })
    }
}

impl Operator for Flatten {
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        inputs.expect(1, 1)?;
        let shape = inputs.real(0)?;
        // Unlike other axes, this one may also point past the last dimension.
        let axis = match usize::try_from(self.axis) {
            Ok(axis) if axis == shape.rank() => axis,
            _ => shape.axis(self.axis).ok_or(NodeRefused::shape(shape))?,
        };
        let [outer, along, inner] = shape.around(axis);
        Shape::new(&[outer, along * inner]).map(Fact::Real).ok_or(NodeRefused::OutputShape)
    }

    fn cost(&self, _inputs: &Inputs<'_>, _output: Shape) -> Option<Cost> {
        Some(Cost::default())
    }

    fn run(&self, mut operands: Operands, output: Shape) -> Array {
        operands.take(0).reshaped(output)
    }

    fn role(&self, _input: usize) -> Role {
        Role::Arranged
    }

    fn channels(&self) -> Channels {
        Channels::Kept
    }
}
