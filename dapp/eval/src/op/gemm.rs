//! `Gemm`: a matrix product with a bias, the fully connected layer.

use burn::tensor::Tensor;

use super::{Attributes, Channels, Fact, Inputs, Operands, Operator, Role};
use kernels::{
    RightShape,
    operation::{Permute, Product},
};

use crate::{
    backend::Array,
    backend::compute,
    cost::{self, Cost, CostKind},
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
            .and(CostKind::Arithmetic, &[scaled, output.elements()])?
            .and(CostKind::Transposed, &turned)
    }

    fn packing(&self, inputs: &Inputs<'_>) -> Option<Cost> {
        let (inner, columns) = self.sides(inputs, 1).ok()?;
        cost::packed_matrix(inner, columns)
    }

    fn scratch(&self, inputs: &Inputs<'_>) -> Option<usize> {
        let (_, inner) = self.sides(inputs, 0).ok()?;
        kernels::product_scratch(inner)
    }

    fn run(&self, mut operands: Operands, output: Shape) -> Array {
        let (mut left, right) = (operands.take(0), operands.take(1));
        let bias = operands.take_optional(2);
        let &[rows, columns] = output.sizes() else { unreachable!("infer has made a matrix") };
        let inner = right.shape().elements() / columns;
        if self.transpose[0] {
            let shape = Shape::new(&[rows, inner]).expect("the factor has as many elements");
            let turned = Permute { sizes: vec![inner, rows], order: vec![1, 0] };
            left = compute(turned, [left], shape);
        }
        let shape = RightShape { inner, columns, transposed: self.transpose[1] };
        let product = Product { shape, packed: right.packed() };
        let scaled = (self.alpha, self.beta) != (1.0, 1.0);
        let is_row = |bias: &Array| {
            let shape = bias.shape();
            shape.elements() == columns && shape.sizes().last() == Some(&columns)
        };
        match bias {
            Some(bias) if !scaled && is_row(&bias) => compute(product, [left, right, bias], output),
            bias => {
                let product = compute(product, [left, right], output);
                if bias.is_none() && !scaled {
                    return product;
                }
                Array::of(self.scaled(product.view([rows, columns]), bias), output)
            }
        }
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
