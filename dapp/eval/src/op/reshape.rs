//! `Reshape`: the same elements in another shape, fixed in the file.

use super::{Attributes, Channels, Fact, Inputs, Operands, Operator, Role};
use crate::{backend::Array, cost::Cost, limits, refusal::NodeRefused, shape::Shape};

/// A shape in which 0 means the input's size in that dimension, and one −1 the size that is left.
#[derive(Debug)]
pub(super) struct Reshape {
    allow_zero: bool,
}

impl Reshape {
    pub(super) fn parse(from: &mut Attributes<'_>) -> Result<Self, NodeRefused> {
        Ok(Self { allow_zero: from.flag("allowzero")? })
    }

    /// The sizes requested by the second input; `None` if they do not hold the input's elements.
    fn target(&self, shape: Shape, wanted: &[i64]) -> Option<Shape> {
        let mut sizes = [1; limits::RANK];
        let sizes = sizes.get_mut(..wanted.len())?;
        let mut open = None;
        for (index, (size, wanted)) in sizes.iter_mut().zip(wanted).enumerate() {
            *size = match wanted {
                0 if !self.allow_zero => *shape.sizes().get(index)?,
                -1 if open.is_none() => {
                    open = Some(index);
                    1
                }
                size => usize::try_from(*size).ok()?,
            };
        }
        if let Some(index) = open {
            let known = Shape::new(sizes)?.elements();
            *sizes.get_mut(index)? = shape.elements().checked_div(known)?;
        }
        Shape::new(sizes).filter(|target| target.elements() == shape.elements())
    }
}

impl Operator for Reshape {
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        inputs.expect(2, 2)?;
        let (shape, wanted) = (inputs.real(0)?, inputs.whole(1)?);
        self.target(shape, wanted).map(Fact::Real).ok_or(NodeRefused::shape(shape))
    }

    fn cost(&self, _inputs: &Inputs<'_>, _output: Shape) -> Option<Cost> {
        Some(Cost::default())
    }

    fn run(&self, mut operands: Operands, output: Shape) -> Array {
        operands.take(0).reshaped(output)
    }

    fn role(&self, input: usize) -> Role {
        if input == 0 { Role::Arranged } else { Role::Fixed }
    }

    fn channels(&self) -> Channels {
        Channels::Kept
    }
}
