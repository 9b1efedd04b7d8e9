//! Matrix products.

use std::sync::{Arc, OnceLock};

use crate::{
    Packed, RightOperand, RightShape,
    extension::{List, Operation},
    product_with,
};
#[cfg(feature = "gradients")]
use crate::{
    extension::{Backward, Uses},
    gradient,
};

/// `left · right`, plus a bias if there is a third operand.
#[derive(Debug)]
pub struct Product {
    /// Shape of the right factor.
    pub shape: RightShape,
    /// Cache for the packed right factor, if it is a constant.
    pub packed: Option<Arc<OnceLock<Packed>>>,
}

impl Operation for Product {
    fn run(&self, operands: Vec<List>) -> Vec<f32> {
        let right = RightOperand { numbers: operands[1].numbers(), packed: self.packed.as_deref() };
        product_with(operands[0].numbers(), right, self.shape, operands.get(2).map(List::numbers))
    }

    #[cfg(feature = "gradients")]
    fn uses(&self) -> Uses {
        Uses::OPERANDS
    }

    #[cfg(feature = "gradients")]
    fn gradients(&self, known: &Backward<'_>) -> Vec<Vec<f32>> {
        let Backward { operands, gradient, wanted, .. } = *known;
        let mut found = back([operands[0], operands[1]], gradient, self.shape, wanted).to_vec();
        if wanted.len() > 2 {
            found.push(sums(gradient, self.shape.columns));
        }
        found
    }
}

/// Many products, each of one matrix of the left factor and one of the right.
#[derive(Debug)]
pub struct Products {
    /// Shape of each right matrix.
    pub shape: RightShape,
    /// Rows of each left matrix.
    pub rows: usize,
    /// For each product, the index of its matrix in the left and in the right factor.
    pub pairs: Vec<[usize; 2]>,
}

impl Products {
    /// The matrices of a pair.
    fn matrices<'a>(&self, factors: [&'a [f32]; 2], pair: [usize; 2]) -> [&'a [f32]; 2] {
        let RightShape { inner, columns, .. } = self.shape;
        let sizes = [self.rows * inner, inner * columns];
        [0, 1].map(|factor| &factors[factor][pair[factor] * sizes[factor]..][..sizes[factor]])
    }
}

impl Operation for Products {
    fn run(&self, operands: Vec<List>) -> Vec<f32> {
        let factors = [operands[0].numbers(), operands[1].numbers()];
        let products = self.pairs.iter().flat_map(|pair| {
            let [left, numbers] = self.matrices(factors, *pair);
            product_with(left, RightOperand { numbers, packed: None }, self.shape, None)
        });
        products.collect()
    }

    #[cfg(feature = "gradients")]
    fn uses(&self) -> Uses {
        Uses::OPERANDS
    }

    #[cfg(feature = "gradients")]
    fn gradients(&self, known: &Backward<'_>) -> Vec<Vec<f32>> {
        let Backward { operands, gradient, wanted, .. } = *known;
        let factors = [operands[0], operands[1]];
        let mut found = factors.map(|factor| vec![0.0; factor.len()]);
        let gradients = gradient.chunks_exact(self.rows * self.shape.columns);
        for (pair, gradient) in self.pairs.iter().zip(gradients) {
            let parts = back(self.matrices(factors, *pair), gradient, self.shape, wanted);
            for ((found, part), index) in found.iter_mut().zip(parts).zip(pair) {
                let slots = found[index * part.len()..].iter_mut();
                slots.zip(part).for_each(|(slot, part)| *slot += part);
            }
        }
        found.into()
    }
}

/// The gradients of both factors of a product.
#[cfg(feature = "gradients")]
fn back(
    [left, right]: [&[f32]; 2],
    gradient: &[f32],
    shape: RightShape,
    wanted: &[bool],
) -> [Vec<f32>; 2] {
    let RightShape { inner, columns, transposed } = shape;
    let rows = left.len() / inner;
    let product = |left: &[f32], numbers, shape| {
        product_with(left, RightOperand { numbers, packed: None }, shape, None)
    };
    let of_left = || {
        let shape = RightShape { inner: columns, columns: inner, transposed: !transposed };
        product(gradient, right, shape)
    };
    let of_right = || match transposed {
        true => {
            let shape = RightShape { inner: rows, columns: inner, transposed: false };
            product(&gradient::transposed(gradient, columns), left, shape)
        }
        false => {
            let shape = RightShape { inner: rows, columns, transposed: false };
            product(&gradient::transposed(left, inner), gradient, shape)
        }
    };
    [
        if wanted[0] { of_left() } else { Vec::new() },
        if wanted[1] { of_right() } else { Vec::new() },
    ]
}

/// The sums of a matrix's columns.
#[cfg(feature = "gradients")]
fn sums(matrix: &[f32], columns: usize) -> Vec<f32> {
    let mut sums = vec![0.0; columns];
    for row in matrix.chunks_exact(columns) {
        sums.iter_mut().zip(row).for_each(|(sum, number)| *sum += number);
    }
    sums
}
