//! `Transpose`: the dimensions permuted.

use super::{Attributes, Channels, Fact, Inputs, Operands, Operator, Role};
use kernels::operation::Permute;

use crate::{
    backend::Array,
    backend::compute,
    cost::{Cost, CostKind},
    refusal::NodeRefused,
    shape::Shape,
};

/// Dimension `i` of the output is dimension `order[i]` of the input; reversed if there is no order.
#[derive(Debug)]
pub(super) struct Transpose {
    order: Option<Vec<i64>>,
}

impl Transpose {
    pub(super) fn parse(from: &mut Attributes<'_>) -> Result<Self, NodeRefused> {
        Ok(Self { order: from.integers("perm")? })
    }

    /// The order as dimensions of the input; `None` if it is not a permutation of them.
    fn order(&self, rank: usize) -> Option<Vec<usize>> {
        let Some(order) = &self.order else { return Some((0..rank).rev().collect()) };
        let order = order.iter().map(|axis| usize::try_from(*axis).ok());
        let order = order.collect::<Option<Vec<_>>>()?;
        let mut sorted = order.clone();
        sorted.sort_unstable();
        sorted.into_iter().eq(0..rank).then_some(order)
    }
}

impl Operator for Transpose {
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        inputs.expect(1, 1)?;
        let shape = inputs.real(0)?;
        let order = self.order(shape.rank()).ok_or(NodeRefused::shape(shape))?;
        let sizes = order.iter().filter_map(|axis| shape.sizes().get(*axis).copied());
        let sizes = sizes.collect::<Vec<_>>();
        Shape::new(&sizes).map(Fact::Real).ok_or(NodeRefused::OutputShape)
    }

    fn cost(&self, _inputs: &Inputs<'_>, output: Shape) -> Option<Cost> {
        let lists = output.elements() / output.sizes().last().copied().unwrap_or(1);
        Cost::of(CostKind::Transposed, &[output.elements()])?
            .and(CostKind::TransposedLists, &[lists])
    }

    fn run(&self, mut operands: Operands, output: Shape) -> Array {
        let operand = operands.take(0);
        let order = self.order(output.rank()).expect("infer has found the order");
        let sizes = operand.shape().sizes().to_vec();
        compute(Permute { sizes, order }, [operand], output)
    }

    fn role(&self, _input: usize) -> Role {
        Role::Arranged
    }

    fn channels(&self) -> Channels {
        let is_last = self.order.as_ref().is_some_and(|order| order.last() == Some(&1));
        if is_last { Channels::Last } else { Channels::Other }
    }
}
