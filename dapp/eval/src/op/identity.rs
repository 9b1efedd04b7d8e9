//! `Identity`: its input.

use super::{Channels, Fact, Inputs, Operands, Operator, Role, same_shape};
use crate::{backend::Array, cost::Cost, refusal::NodeRefused, shape::Shape};

/// `x`.
#[derive(Debug)]
pub(super) struct Identity;

impl Operator for Identity {
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        same_shape(inputs)
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
