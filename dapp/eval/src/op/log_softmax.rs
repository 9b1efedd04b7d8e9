//! `LogSoftmax`: the logarithm of a softmax.

use super::{Attributes, Fact, Inputs, Operands, Operator, softmax::Axis};
use kernels::operation;

use crate::{backend::Array, backend::compute, cost::Cost, refusal::NodeRefused, shape::Shape};

/// `x − ln Σ exp x` along an axis.
#[derive(Debug)]
pub(super) struct LogSoftmax(Axis);

impl LogSoftmax {
    pub(super) fn parse(from: &mut Attributes<'_>) -> Result<Self, NodeRefused> {
        Axis::parse(from).map(Self)
    }
}

impl Operator for LogSoftmax {
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        self.0.infer(inputs)
    }

    fn cost(&self, _inputs: &Inputs<'_>, output: Shape) -> Option<Cost> {
        self.0.cost(output)
    }

    fn run(&self, mut operands: Operands, output: Shape) -> Array {
        let sizes = self.0.around(output).expect("infer has found the axis");
        compute(operation::Softmax { sizes, logarithm: true }, [operands.take(0)], output)
    }

    fn shows(&self, output: Shape) -> Option<market::Output> {
        self.0.is_answer(output).then_some(market::Output::LogProbabilities)
    }
}
