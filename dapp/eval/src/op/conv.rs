//! `Conv`: convolution of images or series.

use super::{
    Attributes, Channels, Fact, Inputs, Operands, Operator, Role,
    attributes::bad_value,
    window::{Placed, Window},
};
use kernels::operation::Convolution;

use crate::{
    backend::Array,
    backend::compute,
    cost::{self, Cost},
    refusal::NodeRefused,
    shape::Shape,
};

/// Weights [m, c / groups, kernel …] moved over images [n, c, size …].
#[derive(Debug)]
pub(crate) struct Conv {
    window: Window,
    groups: usize,
}

impl Conv {
    pub(super) fn parse(from: &mut Attributes<'_>) -> Result<Self, NodeRefused> {
        let groups = usize::try_from(from.integer("group")?.unwrap_or(1));
        Ok(Self {
            groups: groups.ok().filter(|groups| *groups > 0).ok_or(bad_value("group"))?,
            window: Window::parse(from)?,
        })
    }

    /// The convolution and, if `fused`, a ReLU and a two-by-two max-pool: exactly the bits of the
    /// three operators.
    pub(crate) fn convolve(&self, mut operands: Operands, fused: bool, output: Shape) -> Array {
        let (images, weights) = (operands.take(0), operands.take(1));
        let placed = self.place(images.shape(), weights.shape()).expect("infer has placed it");
        let [_, filters, _] = weights.shape().around(0);
        let convolution = Convolution {
            geometry: placed.geometry(),
            filters,
            groups: self.groups,
            packed: weights.packed(),
            fused,
        };
        match operands.take_optional(2) {
            Some(bias) => compute(convolution, [images, weights, bias], output),
            None => compute(convolution, [images, weights], output),
        }
    }

    fn place(&self, images: Shape, weights: Shape) -> Result<Placed, NodeRefused> {
        self.window.place(images, weights.sizes().get(2..))
    }
}

impl Operator for Conv {
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        inputs.expect(2, 3)?;
        let (images, weights) = (inputs.real(0)?, inputs.real(1)?);
        let refused = NodeRefused::shapes(images, weights);
        let placed = self.place(images, weights)?;
        let [_, channels, ..] = placed.image;
        let &[filters, group_channels, ..] = weights.sizes() else { return Err(refused) };
        // Groups divide the channels and the filters, so there are at least as many of either.
        let divided =
            group_channels.checked_mul(self.groups) == Some(channels) && filters % self.groups == 0;
        if images.rank() != weights.rank() || !divided {
            return Err(refused);
        }
        match inputs.optional_real(2)? {
            Some(bias) if bias.sizes() != [filters] => Err(NodeRefused::shapes(weights, bias)),
            _ => placed.output(images, filters).map(Fact::Real).ok_or(NodeRefused::OutputShape),
        }
    }

    fn cost(&self, inputs: &Inputs<'_>, _output: Shape) -> Option<Cost> {
        let (images, weights) = (inputs.real(0).ok()?, inputs.real(1).ok()?);
        let placed = self.place(images, weights).ok()?;
        let ([images, channels, ..], filters) = (placed.image, *weights.sizes().first()?);
        cost::convolution([images, channels], [filters, self.groups], &placed.geometry())
    }

    fn packing(&self, inputs: &Inputs<'_>) -> Option<Cost> {
        let (images, weights) = (inputs.real(0).ok()?, inputs.real(1).ok()?);
        let geometry = self.place(images, weights).ok()?.geometry();
        let [_, filters, taps] = weights.around(0);
        cost::packed_filters([filters, self.groups], taps, &geometry)
    }

    fn scratch(&self, inputs: &Inputs<'_>) -> Option<usize> {
        let (images, weights) = (inputs.real(0).ok()?, inputs.real(1).ok()?);
        let placed = self.place(images, weights).ok()?;
        let depth = *weights.sizes().get(1)?;
        kernels::convolution_scratch(placed.image[1], depth, &placed.geometry())
    }

    fn run(&self, operands: Operands, output: Shape) -> Array {
        self.convolve(operands, false, output)
    }

    fn as_convolution(&self) -> Option<&Self> {
        Some(self)
    }

    fn role(&self, input: usize) -> Role {
        if input == 0 { Role::Fixed } else { Role::Weight }
    }

    fn channels(&self) -> Channels {
        match self.groups {
            1 => Channels::Mixed { by_row: true, by_channel: true },
            _ => Channels::Other,
        }
    }
}
