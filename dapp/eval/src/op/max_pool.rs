//! `MaxPool`: the maximum of each window.

use super::{
    Attributes, Channels, Fact, Inputs, Operands, Operator, attributes::bad_value, window::Window,
};
use kernels::operation;

use crate::{
    backend::Array,
    backend::compute,
    cost::{Cost, CostKind},
    refusal::NodeRefused,
    shape::Shape,
};

/// The maximum of a window moved over images [n, c, size …]; padding is ignored, and so is
/// a NaN unless there is nothing else.
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
        if placed.geometry().is_two_by_two() {
            return Cost::of(CostKind::Halved, &[output.elements()]);
        }
        Cost::of(CostKind::Compared, &[output.elements(), height, width])
    }

    fn is_two_by_two(&self, images: Shape) -> bool {
        self.0.place(images, None).is_ok_and(|placed| placed.geometry().is_two_by_two())
    }

    fn run(&self, mut operands: Operands, output: Shape) -> Array {
        let images = operands.take(0);
        let placed = self.0.place(images.shape(), None).expect("infer has placed it");
        compute(operation::MaxPool(placed.geometry()), [images], output)
    }

    fn channels(&self) -> Channels {
        Channels::Greatest
    }
}
