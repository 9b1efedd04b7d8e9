//! `MaxPool`: the greatest element of each window.

use burn::tensor::{module::max_pool2d, ops::MaxPoolOptions};

use super::{
    Attributes, Channels, Fact, Inputs, Operands, Operator,
    attributes::bad_value,
    window::{Placed, Window},
};
use crate::{
    backend::Array,
    cost::{Cost, Kind},
    kernel,
    refusal::NodeRefused,
    shape::Shape,
};

/// The greatest element of a window moved over images [n, c, size …]; padding counts as nothing,
/// and so does a NaN among others.
#[derive(Debug)]
pub(super) struct MaxPool(Window);

impl MaxPool {
    pub(super) fn parse(from: &mut Attributes<'_>) -> Result<Self, NodeRefused> {
        if from.flag("storage_order")? {
            return Err(bad_value("storage_order"));
        }
        Window::parse_pool(from).map(Self)
    }
}

impl Operator for MaxPool {
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        inputs.expect(1, 1)?;
        let images = inputs.real(0)?;
        let placed = self.0.place(images, None)?;
        placed.output(images, placed.image[1]).map(Fact::Real).ok_or(NodeRefused::OutputShape)
    }

    fn cost(&self, inputs: &Inputs<'_>, output: Shape) -> Option<Cost> {
        let placed = self.0.place(inputs.real(0).ok()?, None).ok()?;
        let [height, width] = placed.kernel;
        if placed.geometry().is_halving() {
            return Cost::of(Kind::Halved, &[output.elements()]);
        }
        Cost::of(Kind::Compared, &[output.elements(), height, width])
    }

    fn is_halving(&self, images: Shape) -> bool {
        self.0.place(images, None).is_ok_and(|placed| placed.geometry().is_halving())
    }

    fn run(&self, mut operands: Operands, output: Shape) -> Array {
        let images = operands.take(0);
        let placed = self.0.place(images.shape(), None).expect("infer has placed it");
        if let Some(images) = images.numbers() {
            return Array::new(kernel::max_pool(images, &placed.geometry()), output);
        }
        let Placed { kernel, stride, padding, dilation, ceil, .. } = placed;
        let options = MaxPoolOptions::new(kernel)
            .with_stride(stride)
            .with_padding_pairs(padding)
            .with_dilation(dilation)
            .with_ceil_mode(ceil);
        Array::of(max_pool2d(images.view(placed.image), options), output)
    }

    fn channels(&self) -> Channels {
        Channels::Greatest
    }
}
