//! `Cast`: supported if it changes nothing, as exporters put it before their first layer.

use super::{Attributes, Channels, Fact, Inputs, Operands, Operator, Role, attributes::bad_value};
use crate::{backend::Array, cost::Cost, refusal::NodeRefused, shape::Shape};

/// `TensorProto.DataType` of the supported targets.
const FLOAT: i64 = 1;
const INT32: i64 = 6;
const INT64: i64 = 7;

/// f32 to f32, or whole numbers to whole numbers.
#[derive(Debug)]
pub(super) struct Cast {
    to: i64,
}

impl Cast {
    pub(super) fn parse(from: &mut Attributes<'_>) -> Result<Self, NodeRefused> {
        // The treatment of overflow in eight-bit floats; no effect here.
        from.integer("saturate")?;
        let to = from.integer("to")?.ok_or(NodeRefused::AttributeMissing("to".into()))?;
        match to {
            FLOAT | INT32 | INT64 => Ok(Self { to }),
            _ => Err(bad_value("to")),
        }
    }
}

impl Operator for Cast {
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        inputs.expect(1, 1)?;
        match (inputs.get(0), self.to) {
            (Some(fact @ Fact::Real(_)), FLOAT) => Ok(fact.clone()),
            (Some(fact @ Fact::Whole { .. }), INT64) => Ok(fact.clone()),
            (Some(fact @ Fact::Whole { numbers, .. }), INT32)
                if numbers.iter().all(|number| i32::try_from(*number).is_ok()) =>
            {
                Ok(fact.clone())
            }
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
