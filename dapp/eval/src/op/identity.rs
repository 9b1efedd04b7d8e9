//! `Identity`: its input.

use super::{Channels, Fact, Inputs, Operands, Operator, Role};
use crate::{backend::Array, cost::Cost, refusal::NodeRefused, shape::Shape};

/// `x`.
#[derive(Debug)]
pub(super) struct Identity;

impl Operator for Identity {
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        inputs.expect(1, 1)?;
        inputs.get(0).cloned().ok_or(NodeRefused::InputCount(0))
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
