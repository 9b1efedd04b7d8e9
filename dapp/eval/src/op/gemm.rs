//! `Gemm`: a matrix product with a bias, the fully connected layer.

use burn::tensor::Tensor;

use super::{Attributes, Fact, Inputs, Operands, Operator, Role};
use crate::{backend::Array, cost::Cost, kernel, refusal::NodeRefused, shape::Shape};

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
        let (_, inner) = self.sides(inputs, 0).ok()?;
        let product = Cost::multiply_adds(&[output.elements(), inner])?;
        product.plus(Cost::elements(&[output.elements()])?)
    }

    fn run(&self, mut operands: Operands, output: Shape) -> Array {
        let [left, right] = [0, 1].map(|input| {
            let factor = operands.take(input);
            let sizes = factor.shape().aligned::<2>().expect("infer has seen a matrix");
            let factor = factor.view(sizes);
            if self.transpose[input] { factor.transpose() } else { factor }
        });
        let scale = |tensor: Tensor<2>, factor: f32| {
            if factor == 1.0 { tensor } else { tensor.mul_scalar(factor) }
        };
        let mut product = scale(kernel::matmul(left, right), self.alpha);
        if let Some(bias) = operands.take_optional(2) {
            let sizes = bias.shape().aligned().expect("infer has seen that it broadcasts");
            product = product.add(scale(bias.view(sizes), self.beta));
        }
        Array::of(product, output)
    }

    fn role(&self, input: usize) -> Role {
        if input == 0 { Role::Fixed } else { Role::Weight }
    }
}
