//! `Conv`: convolution of images or series.

use burn::tensor::ops::ConvOptions;

use super::{
    Attributes, Fact, Inputs, Operands, Operator, Role,
    attributes::bad_value,
    window::{Placed, Window},
};
use crate::{backend::Array, cost::Cost, kernel, refusal::NodeRefused, shape::Shape};

/// Weights [m, c / groups, kernel …] moved over images [n, c, size …].
#[derive(Debug)]
pub(super) struct Conv {
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
        // Groups divide the channels and the filters; so both are no fewer than the groups.
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

    fn cost(&self, inputs: &Inputs<'_>, output: Shape) -> Option<Cost> {
        let weights = inputs.real(1).ok()?;
        let filters = weights.sizes().first()?;
        let products = Cost::multiply_adds(&[output.elements(), weights.elements() / filters])?;
        products.plus(Cost::elements(&[output.elements()])?)
    }

    fn run(&self, mut operands: Operands, output: Shape) -> Array {
        let (images, weights) = (operands.take(0), operands.take(1));
        let bias = operands.take_optional(2).map(Array::flat);
        let placed = self.place(images.shape(), weights.shape()).expect("infer has placed it");
        let Placed { kernel: [height, width], stride, padding, dilation, .. } = placed;
        let filters = weights.shape().around(0)[1];
        let depth = weights.shape().elements() / (filters * height * width);
        let options = ConvOptions::new_with_padding(stride, padding, dilation, self.groups);
        let (images, weights) =
            (images.view(placed.image), weights.view([filters, depth, height, width]));
        Array::of(kernel::convolution(images, weights, bias, options), output)
    }

    fn role(&self, input: usize) -> Role {
        if input == 0 { Role::Fixed } else { Role::Weight }
    }
}
