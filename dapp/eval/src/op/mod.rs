//! Operators, one per file: their attributes and inputs, output shape, cost and computation.
//!
//! To add one: a file with a struct of its attributes, `parse` and [`Operator`]; a line in
//! [`parse`]; the names of those whose cases are tested in `tests/onnx_cases.py`.

mod add;
mod attributes;
mod average_pool;
mod batch_normalization;
mod broadcast;
mod cast;
mod concat;
mod constant;
mod conv;
mod div;
mod dropout;
mod flatten;
mod gemm;
mod global_average_pool;
mod identity;
mod log_softmax;
mod matmul;
mod max_pool;
mod mul;
mod plain;
mod relu;
mod reshape;
mod sigmoid;
mod softmax;
mod sub;
mod tanh;
mod transpose;
mod window;

use std::fmt::Debug;

pub(crate) use attributes::Attributes;
pub(crate) use constant::constant;
pub(crate) use conv::Conv;
pub(crate) use plain::{Body, BodyNode, Meaning, Plain, Prepared, Settings};

use crate::{
    backend::Array, cost::Cost, element::Element, refusal::NodeRefused, shape::Shape,
    tensor::Shared,
};

/// The operator of a node.
pub(crate) trait Operator: Debug + Send + Sync {
    /// The output for these inputs, checking their number, types and shapes.
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused>;

    /// Cost of computing the output; `None` if it overflows.
    fn cost(&self, inputs: &Inputs<'_>, output: Shape) -> Option<Cost>;

    /// Cost of packing the right factor of a product or convolution, paid once for a constant,
    /// otherwise at each use.
    fn packing(&self, _inputs: &Inputs<'_>) -> Option<Cost> {
        Some(Cost::default())
    }

    /// The convolution, if this is one.
    fn as_convolution(&self) -> Option<&Conv> {
        None
    }

    /// Whether there is no kernel, only the plain form.
    fn is_plain_only(&self) -> bool {
        false
    }

    /// Whether this is a ReLU.
    fn is_relu(&self) -> bool {
        false
    }

    /// Whether this is a non-overlapping two-by-two max-pool.
    fn is_two_by_two(&self, _images: Shape) -> bool {
        false
    }

    /// Bytes that computing the output needs beside operands and output.
    fn scratch(&self, _inputs: &Inputs<'_>) -> Option<usize> {
        Some(0)
    }

    /// Computes the output; `infer` has accepted the operands' shapes and returned `output`.
    fn run(&self, operands: Operands, output: Shape) -> Array;

    /// Effect on the channels of its first input, for comparing models.
    fn channels(&self) -> Channels {
        Channels::Other
    }

    /// What its output shows about a model's answers, if it is the last to compute them.
    fn shows(&self, _output: Shape) -> Option<market::Output> {
        None
    }

    /// Treatment in training of a constant that reaches an input.
    fn role(&self, _input: usize) -> Role {
        Role::Fixed
    }
}

/// Effect of an operator on channels, the second dimension of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channels {
    /// Makes new ones, from weights in the second input and one number each in those after it.
    Mixed {
        /// Whether the weights have a row for each new channel, rather than a column.
        by_row: bool,
        /// Whether the weights' second dimension is the input channels.
        by_channel: bool,
    },
    /// Adds a number to each.
    Shifted,
    /// Scales and shifts each.
    Normalised,
    /// Sets negative numbers to zero.
    Rectified,
    /// Takes the greatest of some numbers of each.
    Greatest,
    /// Negating the input negates the output.
    Odd,
    /// Applies another nonlinear function to each number.
    Bent,
    /// Keeps them apart and in order; scaling the input scales the output equally.
    Kept,
    /// Makes them the last dimension.
    Last,
    /// Anything else.
    Other,
}

/// Treatment in training of the constants that reach an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// They stay fixed.
    Fixed,
    /// They are weights.
    Weight,
    /// They have the role of the output, since the operator only rearranges them.
    Arranged,
}

/// The facts known of a value before anything runs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fact {
    /// A tensor of f32.
    Real(Shape),
    /// A tensor of another type.
    Plain(Element, Shape),
    /// A tensor of any type that is known whole.
    Known(Shared),
}

impl Fact {
    /// A tensor of this type and shape.
    pub(crate) const fn of(element: Element, shape: Shape) -> Self {
        match element {
            Element::F32 => Self::Real(shape),
            _ => Self::Plain(element, shape),
        }
    }

    /// The type of its elements.
    pub(crate) fn element(&self) -> Element {
        match self {
            Self::Real(_) => Element::F32,
            Self::Plain(element, _) => *element,
            Self::Known(tensor) => tensor.element,
        }
    }

    /// Its sizes.
    pub(crate) fn sizes(&self) -> &[usize] {
        match self {
            Self::Real(shape) | Self::Plain(_, shape) => shape.sizes(),
            Self::Known(tensor) => &tensor.sizes,
        }
    }
}

/// The facts of a node's inputs; `None` for an optional input left out.
pub(crate) struct Inputs<'a>(pub(crate) &'a [Option<Fact>]);

impl Inputs<'_> {
    /// Number of inputs.
    pub(crate) const fn count(&self) -> usize {
        self.0.len()
    }

    /// Refuses unless there are at least `least` and at most `most`.
    pub(crate) fn expect(&self, least: usize, most: usize) -> Result<(), NodeRefused> {
        if (least..=most).contains(&self.count()) {
            Ok(())
        } else {
            Err(NodeRefused::InputCount(self.count()))
        }
    }

    /// The fact of an input; `None` if it is left out.
    pub(crate) fn get(&self, input: usize) -> Option<&Fact> {
        self.0.get(input).and_then(Option::as_ref)
    }

    /// The shape of an input that must be a tensor of f32.
    pub(crate) fn real(&self, input: usize) -> Result<Shape, NodeRefused> {
        match self.get(input) {
            Some(Fact::Real(shape)) => Ok(*shape),
            Some(Fact::Known(tensor)) if tensor.element == Element::F32 => {
                tensor.shape().ok_or(NodeRefused::Shape(tensor.sizes.as_slice().into()))
            }
            Some(_) => Err(NodeRefused::NotReal(input)),
            None => Err(NodeRefused::InputCount(self.count())),
        }
    }

    /// The shape of an optional input that, if present, must be a tensor of f32.
    pub(crate) fn optional_real(&self, input: usize) -> Result<Option<Shape>, NodeRefused> {
        self.get(input).map(|_| self.real(input)).transpose()
    }

    /// The numbers of an input that must be whole numbers fixed in the file.
    pub(crate) fn whole(&self, input: usize) -> Result<&[i64], NodeRefused> {
        match self.get(input) {
            Some(Fact::Known(tensor)) => tensor.as_whole().ok_or(NodeRefused::NotWhole(input)),
            Some(_) => Err(NodeRefused::NotWhole(input)),
            None => Err(NodeRefused::InputCount(self.count())),
        }
    }

    /// Elements of all f32 tensors together.
    pub(crate) fn elements(&self) -> usize {
        let reals = (0..self.count()).filter_map(|input| self.real(input).ok());
        reals.map(|shape| shape.elements()).sum()
    }
}

/// The tensors a node works on, in the order of its inputs.
pub(crate) struct Operands(pub(crate) Vec<Option<Array>>);

impl Operands {
    /// Takes the operand of an input that `infer` has found to be a tensor of f32.
    pub(crate) fn take(&mut self, input: usize) -> Array {
        self.take_optional(input).expect("infer has seen this input")
    }

    /// Takes the operand of an optional input.
    pub(crate) fn take_optional(&mut self, input: usize) -> Option<Array> {
        self.0.get_mut(input).and_then(Option::take)
    }
}

/// An operator that has no kernel, only its plain form.
#[derive(Debug)]
pub(crate) struct PlainOnly;

impl Operator for PlainOnly {
    fn infer(&self, _inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        Err(NodeRefused::UnknownOperator)
    }

    fn cost(&self, _inputs: &Inputs<'_>, _output: Shape) -> Option<Cost> {
        None
    }

    fn run(&self, _operands: Operands, _output: Shape) -> Array {
        unreachable!("infer refuses all inputs")
    }

    fn is_plain_only(&self) -> bool {
        true
    }
}

/// The operator of this name that has a kernel; attributes it does not have are refused.
pub(crate) fn parse(
    name: &[u8],
    mut attributes: Attributes<'_>,
) -> Result<Box<dyn Operator>, NodeRefused> {
    let from = &mut attributes;
    let operator: Box<dyn Operator> = match name {
        b"Add" => Box::new(add::Add),
        b"AveragePool" => Box::new(average_pool::AveragePool::parse(from)?),
        b"BatchNormalization" => Box::new(batch_normalization::BatchNormalization::parse(from)?),
        b"Cast" => Box::new(cast::Cast::parse(from)?),
        b"Concat" => Box::new(concat::Concat::parse(from)?),
        b"Conv" => Box::new(conv::Conv::parse(from)?),
        b"Div" => Box::new(div::Div),
        b"Dropout" => Box::new(dropout::Dropout::parse(from)?),
        b"Flatten" => Box::new(flatten::Flatten::parse(from)?),
        b"Gemm" => Box::new(gemm::Gemm::parse(from)?),
        b"GlobalAveragePool" => Box::new(global_average_pool::GlobalAveragePool),
        b"Identity" => Box::new(identity::Identity),
        b"LogSoftmax" => Box::new(log_softmax::LogSoftmax::parse(from)?),
        b"MatMul" => Box::new(matmul::MatMul),
        b"MaxPool" => Box::new(max_pool::MaxPool::parse(from)?),
        b"Mul" => Box::new(mul::Mul),
        b"Relu" => Box::new(relu::Relu),
        b"Reshape" => Box::new(reshape::Reshape::parse(from)?),
        b"Sigmoid" => Box::new(sigmoid::Sigmoid),
        b"Softmax" => Box::new(softmax::Softmax::parse(from)?),
        b"Sub" => Box::new(sub::Sub),
        b"Tanh" => Box::new(tanh::Tanh),
        b"Transpose" => Box::new(transpose::Transpose::parse(from)?),
        _ => return Err(NodeRefused::UnknownOperator),
    };
    attributes.finish()?;
    Ok(operator)
}

/// One tensor of f32 in, one of the same shape out.
fn same_shape(inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
    inputs.expect(1, 1)?;
    inputs.real(0).map(Fact::Real)
}

#[cfg(test)]
mod tests;
