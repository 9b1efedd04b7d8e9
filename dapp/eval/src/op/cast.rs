//! `Cast`: supported if it changes nothing, as exporters put it before their first layer.

use super::{Attributes, Channels, Fact, Inputs, Operands, Operator, Role, attributes::bad_value};
use crate::{backend::Array, cost::Cost, refusal::NodeRefused, shape::Shape};

/// `TensorProto.DataType` of f32.
const FLOAT: i64 = 1;

/// f32 to f32; other types have the plain form.
#[derive(Debug)]
pub(super) struct Cast {
    to: i64,
}

impl Cast {
    pub(super) fn parse(from: &mut Attributes<'_>) -> Result<Self, NodeRefused> {
        // The treatment of overflow in eight-bit floats; no effect here.
        from.integer("saturate")?;
        let to = from.integer("to")?.ok_or(NodeRefused::AttributeMissing("to".into()))?;
        Ok(Self { to })
    }
}

impl Operator for Cast {
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        inputs.expect(1, 1)?;
        match self.to {
            FLOAT => inputs.real(0).map(Fact::Real),
            _ => Err(bad_value("to")),
        }
    }

    fn cost(&self, _inputs: &Inputs<'_>, _output: Shape) -> Option<Cost> {
        Some(Cost::default())
    }

    fn run(&self, mut operands: Operands, _output: Shape) -> Array {
        operands.take(0)
    }

    fn role(&self, _input: usize) -> Role {
        Role::Arranged
    }

    fn channels(&self) -> Channels {
        Channels::Kept
    }
}
