//! `Dropout` in inference: its input.

use super::{Attributes, Channels, Fact, Inputs, Operands, Operator, Role};
use crate::{backend::Array, cost::Cost, refusal::NodeRefused, shape::Shape};

/// `x`; the ratio and the seed have no effect.
#[derive(Debug)]
pub(super) struct Dropout;

impl Dropout {
    pub(super) fn parse(from: &mut Attributes<'_>) -> Result<Self, NodeRefused> {
        from.float("ratio", 0.5)?;
        from.integer("seed")?;
        Ok(Self)
    }
}

impl Operator for Dropout {
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        inputs.expect(1, 3)?;
        let training = inputs.get(2).map(|_| inputs.whole(2)).transpose()?;
        if training.is_some_and(|flags| flags != [0]) {
            return Err(NodeRefused::AttributeValue("training_mode".into()));
        }
        inputs.real(0).map(Fact::Real)
    }

    fn cost(&self, _inputs: &Inputs<'_>, _output: Shape) -> Option<Cost> {
        Some(Cost::default())
    }

    fn run(&self, mut operands: Operands, _output: Shape) -> Array {
        operands.take(0)
    }

    fn role(&self, input: usize) -> Role {
        if input == 0 { Role::Arranged } else { Role::Fixed }
    }

    fn channels(&self) -> Channels {
        Channels::Kept
    }
}
