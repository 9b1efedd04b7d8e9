//! `Softmax`: positive numbers that sum to one along an axis.

use super::{Attributes, Fact, Inputs, Operands, Operator, same_shape};
use kernels::operation;

use crate::{
    backend::Array,
    backend::compute,
    cost::{Cost, CostKind},
    refusal::NodeRefused,
    shape::Shape,
};

/// `exp x / Σ exp x` along an axis.
#[derive(Debug)]
pub(super) struct Softmax(pub(super) Axis);

/// The axis of a softmax, whose meaning changed with opset 13.
#[derive(Debug)]
pub(super) enum Axis {
    /// Along this axis alone.
    Along(i64),
    /// Over all dimensions from this axis on, as one.
    From(i64),
}

impl Axis {
    pub(super) fn parse(from: &mut Attributes<'_>) -> Result<Self, NodeRefused> {
        let axis = from.integer("axis")?;
        Ok(if from.opset() < 13 {
            Self::From(axis.unwrap_or(1))
        } else {
            Self::Along(axis.unwrap_or(-1))
        })
    }

    /// Elements before, along and after the axis.
    pub(super) fn around(&self, shape: Shape) -> Option<[usize; 3]> {
        match *self {
            Self::Along(axis) => shape.axis(axis).map(|axis| shape.around(axis)),
            Self::From(axis) => shape.axis(axis).map(|axis| {
                let [outer, along, inner] = shape.around(axis);
                [outer, along * inner, 1]
            }),
        }
    }

    /// Cost of a softmax or its logarithm.
    pub(super) fn cost(&self, output: Shape) -> Option<Cost> {
        let [outer, along, inner] = self.around(output)?;
        Cost::of(CostKind::Exponentials, &[outer, along, inner])?
            .and(CostKind::Lists, &[outer, inner])
    }

    /// Whether the axis is all that is answered to a row.
    pub(super) fn is_answer(&self, output: Shape) -> bool {
        let rows = output.sizes().first().copied().unwrap_or(1);
        self.around(output).is_some_and(|[outer, _, inner]| (outer, inner) == (rows, 1))
    }

    pub(super) fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        let shape = inputs.real(0)?;
        self.around(shape).ok_or(NodeRefused::shape(shape))?;
        same_shape(inputs)
    }
}

impl Softmax {
    pub(super) fn parse(from: &mut Attributes<'_>) -> Result<Self, NodeRefused> {
        Axis::parse(from).map(Self)
    }
}

impl Operator for Softmax {
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        self.0.infer(inputs)
    }

    fn cost(&self, _inputs: &Inputs<'_>, output: Shape) -> Option<Cost> {
        self.0.cost(output)
    }

    fn run(&self, mut operands: Operands, output: Shape) -> Array {
        let sizes = self.0.around(output).expect("infer has found the axis");
        compute(operation::Softmax { sizes, logarithm: false }, [operands.take(0)], output)
    }

    fn shows(&self, output: Shape) -> Option<market::Output> {
        self.0.is_answer(output).then_some(market::Output::Probabilities)
    }
}
