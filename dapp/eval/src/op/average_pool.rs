//! `AveragePool`: the mean of each window.

use super::{
    Attributes, Channels, Fact, Inputs, Operands, Operator,
    attributes::bad_value,
    window::{Placed, Window},
};
use kernels::{Counting, operation};

use crate::{
    backend::Array,
    backend::compute,
    cost::{Cost, CostKind},
    refusal::NodeRefused,
    shape::Shape,
};

/// The mean of a window moved over images [n, c, size …], added up in index order.
#[derive(Debug)]
pub(super) struct AveragePool {
    window: Window,
    /// Whether padding counts as zeros; otherwise it is left out.
    count_padding: bool,
}

impl AveragePool {
    pub(super) fn parse(from: &mut Attributes<'_>) -> Result<Self, NodeRefused> {
        let count_padding = from.flag("count_include_pad")?;
        Ok(Self { window: Window::parse_pool(from)?, count_padding })
    }

    fn place(&self, images: Shape) -> Result<Placed, NodeRefused> {
        let placed = self.window.place(images, None)?;
        if placed.is_dense() { Ok(placed) } else { Err(bad_value("dilations")) }
    }
}

impl Operator for AveragePool {
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        inputs.expect(1, 1)?;
        let images = inputs.real(0)?;
        let placed = self.place(images)?;
        placed.output(images, placed.image[1]).map(Fact::Real).ok_or(NodeRefused::OutputShape)
    }

    fn cost(&self, inputs: &Inputs<'_>, output: Shape) -> Option<Cost> {
        let [height, width] = self.place(inputs.real(0).ok()?).ok()?.kernel;
        Cost::of(CostKind::Averaged, &[output.elements(), height * width + kernels::MEAN])
    }

    fn run(&self, mut operands: Operands, output: Shape) -> Array {
        let images = operands.take(0);
        let placed = self.place(images.shape()).expect("infer has placed it");
        let geometry = placed.geometry();
        let padded = [0, 1].map(|side| {
            let (begin, end) = placed.padding[side];
            begin + geometry.image[side] + end
        });
        let is_uneven = placed.padding.iter().any(|(begin, end)| begin != end);
        let counting = Counting { padding: self.count_padding, padded, is_uneven };
        compute(operation::AveragePool { geometry, counting }, [images], output)
    }

    fn channels(&self) -> Channels {
        Channels::Kept
    }
}
