//! `MatMul`: the matrix product over the last two dimensions.

use super::{Fact, Inputs, Operands, Operator, Role};
use crate::{backend::Array, cost::Cost, kernel, limits, refusal::NodeRefused, shape::Shape};

/// `A · B`; dimensions before the last two are broadcast.
#[derive(Debug)]
pub(super) struct MatMul;

impl Operator for MatMul {
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        inputs.expect(2, 2)?;
        let (left, right) = (inputs.real(0)?, inputs.real(1)?);
        let refused = NodeRefused::shapes(left, right);
        let (Some((left_outer, [rows, inner])), Some((right_outer, [inner_right, columns]))) =
            (left.sizes().split_last_chunk::<2>(), right.sizes().split_last_chunk::<2>())
        else {
            return Err(refused);
        };
        if inner != inner_right {
            return Err(refused);
        }
        let outer = |sizes: &[usize]| Shape::new(sizes).ok_or(NodeRefused::OutputShape);
        let together = outer(left_outer)?.broadcast(outer(right_outer)?).ok_or(refused)?;
        let sizes = [together.sizes(), &[*rows, *columns]].concat();
        Shape::new(&sizes).map(Fact::Real).ok_or(NodeRefused::OutputShape)
    }

    fn cost(&self, inputs: &Inputs<'_>, output: Shape) -> Option<Cost> {
        let left = inputs.real(0).ok()?;
        Cost::multiply_adds(&[output.elements(), *left.sizes().last()?])
    }

    fn run(&self, mut operands: Operands, output: Shape) -> Array {
        let (left, right) = (operands.take(0), operands.take(1));
        if let &[inner, columns] = right.shape().sizes() {
            // One matrix for all: the rows of all dimensions before are rows of one product.
            let rows = left.shape().elements() / inner;
            let product = kernel::matmul(left.view([rows, inner]), right.view([inner, columns]));
            return Array::of(product, output);
        }
        let [left, right] = [left, right].map(|factor| {
            let sizes = factor.shape().aligned::<{ limits::RANK }>();
            factor.view(sizes.expect("no shape has more dimensions"))
        });
        Array::of(kernel::matmul(left, right), output)
    }

    fn role(&self, _input: usize) -> Role {
        Role::Weight
    }
}
