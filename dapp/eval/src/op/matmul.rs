//! `MatMul`: the matrix product over the last two dimensions.

use super::{Channels, Fact, Inputs, Operands, Operator, Role};
use kernels::{
    RightShape,
    operation::{Product, Products},
};

use crate::{
    backend::Array,
    backend::compute,
    cost::{self, Cost},
    limits::RANK,
    refusal::NodeRefused,
    shape::Shape,
};

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
        let (left, right) = (inputs.real(0).ok()?, inputs.real(1).ok()?);
        let (rows, inner, columns) =
            (output.sizes().iter().nth_back(1)?, left.sizes().last()?, output.sizes().last()?);
        if right.rank() == 2 {
            return cost::product(output.elements() / columns, *inner, *columns);
        }
        let products = output.elements() / (rows * columns);
        // Each right factor is packed separately.
        let each =
            cost::product(*rows, *inner, *columns)?.plus(cost::packed_matrix(*inner, *columns)?)?;
        each.times(u64::try_from(products).ok()?)
    }

    fn packing(&self, inputs: &Inputs<'_>) -> Option<Cost> {
        match *inputs.real(1).ok()?.sizes() {
            [inner, columns] => cost::packed_matrix(inner, columns),
            _ => Some(Cost::default()),
        }
    }

    fn scratch(&self, inputs: &Inputs<'_>) -> Option<usize> {
        kernels::product_scratch(*inputs.real(0).ok()?.sizes().last()?)
    }

    fn run(&self, mut operands: Operands, output: Shape) -> Array {
        let (left, right) = (operands.take(0), operands.take(1));
        let [left_sizes, right_sizes] = [&left, &right]
            .map(|factor| factor.shape().aligned::<RANK>().expect("no shape has more dimensions"));
        let [.., rows, inner] = left_sizes;
        let [.., columns] = right_sizes;
        let shape = RightShape { inner, columns, transposed: false };
        if right.shape().rank() == 2 {
            // One right matrix for all: the rows of all leading dimensions form one product.
            return compute(Product { shape, packed: right.packed() }, [left, right], output);
        }
        let together = output.aligned::<RANK>().expect("no shape has more dimensions");
        let pair = |index| [left_sizes, right_sizes].map(|sizes| matrix(sizes, together, index));
        let pairs = (0..output.elements() / (rows * columns)).map(pair).collect();
        compute(Products { shape, rows, pairs }, [left, right], output)
    }

    fn role(&self, _input: usize) -> Role {
        Role::Weight
    }

    fn channels(&self) -> Channels {
        Channels::Mixed { by_row: false, by_channel: false }
    }
}

/// Index of a factor's matrix for a matrix of the product, broadcasting all dimensions but the last
/// two.
fn matrix(factor: [usize; RANK], product: [usize; RANK], mut index: usize) -> usize {
    let (mut matrix, mut stride) = (0, 1);
    for (size, all) in factor.into_iter().zip(product).rev().skip(2) {
        if size > 1 {
            matrix += index % all * stride;
        }
        stride *= size;
        index /= all;
    }
    matrix
}
