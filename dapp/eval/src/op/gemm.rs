//! `Gemm`: a matrix product with a bias, the fully connected layer.

use std::borrow::Cow;

use burn::tensor::Tensor;

use super::{Attributes, Channels, Fact, Inputs, Operands, Operator, Role};
use crate::{
    backend::Array,
    cost::{self, Cost, Kind},
    kernel::{self, Sides},
    refusal::NodeRefused,
    shape::Shape,
};

/// `alpha · A · B + beta · C`, with A and B possibly transposed and C broadcast.
///
/// The product is computed first, then scaled, then C, scaled, is added.
#[derive(Debug)]
pub(super) struct Gemm {
    alpha: f32,
    beta: f32,
    transpose: [bool; 2],
}

impl Gemm {
    pub(super) fn parse(from: &mut Attributes<'_>) -> Result<Self, NodeRefused> {
        Ok(Self {
            alpha: from.float("alpha", 1.0)?,
            beta: from.float("beta", 1.0)?,
            transpose: [from.flag("transA")?, from.flag("transB")?],
        })
    }

    /// Rows and columns of a factor as it enters the product.
    fn sides(&self, inputs: &Inputs<'_>, input: usize) -> Result<(usize, usize), NodeRefused> {
        let shape = inputs.real(input)?;
        match (shape.sizes(), self.transpose[input]) {
            (&[rows, columns], false) | (&[columns, rows], true) => Ok((rows, columns)),
            _ => Err(NodeRefused::shape(shape)),
        }
    }
}

impl Operator for Gemm {
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        inputs.expect(2, 3)?;
        let ((rows, inner), (inner_right, columns)) =
            (self.sides(inputs, 0)?, self.sides(inputs, 1)?);
        if inner != inner_right {
            return Err(NodeRefused::shapes(inputs.real(0)?, inputs.real(1)?));
        }
        let output = Shape::new(&[rows, columns]).ok_or(NodeRefused::OutputShape)?;
        match inputs.optional_real(2)? {
            Some(bias) if output.broadcast(bias) != Some(output) => {
                Err(NodeRefused::shapes(output, bias))
            }
            _ => Ok(Fact::Real(output)),
        }
    }

    fn cost(&self, inputs: &Inputs<'_>, output: Shape) -> Option<Cost> {
        let ((rows, inner), (_, columns)) =
            (self.sides(inputs, 0).ok()?, self.sides(inputs, 1).ok()?);
        let scaled = [self.alpha, self.beta].iter().filter(|factor| **factor != 1.0).count();
        let turned = if self.transpose[0] { [rows, inner] } else { [0, 0] };
        cost::product(rows, inner, columns)?
            .and(Kind::Arithmetic, &[scaled, output.elements()])?
            .and(Kind::Transposed, &turned)?
            .with(Kind::Delegated, u64::from(scaled > 0))
    }

    fn arranging(&self, inputs: &Inputs<'_>) -> Option<Cost> {
        let (inner, columns) = self.sides(inputs, 1).ok()?;
        cost::panels(inner, columns)
    }

    fn scratch(&self, inputs: &Inputs<'_>) -> Option<usize> {
        let (_, inner) = self.sides(inputs, 0).ok()?;
        kernel::product_scratch(inner)
    }

    fn run(&self, mut operands: Operands, output: Shape) -> Array {
        let (left, right) = (operands.take(0), operands.take(1));
        let bias = operands.take_optional(2);
        let Some(elements) = left.numbers() else {
            return Array::of(self.tracked(left, right, bias), output);
        };
        let &[_, columns] = output.sizes() else { unreachable!("infer has made a matrix") };
        let inner = right.shape().elements() / columns;
        let sides = Sides { inner, columns, transposed: self.transpose[1] };
        let left = if self.transpose[0] { transposed(elements, inner) } else { elements.into() };
        let scaled = (self.alpha, self.beta) != (1.0, 1.0);
        let row = bias.as_ref().filter(|bias| !scaled && bias.shape().elements() == columns);
        let row = row.filter(|bias| bias.shape().sizes().last() == Some(&columns));
        let product = kernel::product_with(&left, &right, sides, row.map(kernel::exact));
        if row.is_some() || (bias.is_none() && !scaled) {
            return Array::new(product, output);
        }
        let product = Array::new(product, output).view([output.elements() / columns, columns]);
        Array::of(self.scaled(product, bias), output)
    }

    fn role(&self, input: usize) -> Role {
        if input == 0 { Role::Fixed } else { Role::Weight }
    }

    fn channels(&self) -> Channels {
        let is_plain = (self.alpha, self.beta, self.transpose[0]) == (1.0, 1.0, false);
        if is_plain {
            Channels::Mixed { by_row: self.transpose[1], by_channel: false }
        } else {
            Channels::Other
        }
    }
}

impl Gemm {
    /// The product where gradients are recorded.
    fn tracked(&self, left: Array, right: Array, bias: Option<Array>) -> Tensor<2> {
        let [left, right] =
            [(left, self.transpose[0]), (right, self.transpose[1])].map(|(factor, transpose)| {
                let sizes = factor.shape().aligned::<2>().expect("infer has seen a matrix");
                let factor = factor.view(sizes);
                if transpose { factor.transpose() } else { factor }
            });
        self.scaled(left.matmul(right), bias)
    }

    /// `alpha · product + beta · bias`.
    fn scaled(&self, product: Tensor<2>, bias: Option<Array>) -> Tensor<2> {
        let scale = |tensor: Tensor<2>, factor: f32| {
            if factor == 1.0 { tensor } else { tensor.mul_scalar(factor) }
        };
        let product = scale(product, self.alpha);
        let Some(bias) = bias else { return product };
        let sizes = bias.shape().aligned().expect("infer has seen that it broadcasts");
        product.add(scale(bias.view(sizes), self.beta))
    }
}

/// The rows of a matrix whose columns, of so many rows, are wanted as rows.
fn transposed(matrix: &[f32], rows: usize) -> Cow<'_, [f32]> {
    let columns = matrix.len() / rows;
    let column = |column| matrix.iter().skip(column).step_by(columns);
    (0..columns).flat_map(column).copied().collect()
}
