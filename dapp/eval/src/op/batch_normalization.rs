//! `BatchNormalization`, as it is in inference: each channel scaled and shifted.

use super::{Attributes, Channels, Fact, Inputs, Operands, Operator, Role, attributes::bad_value};
use crate::{
    backend::Array,
    cost::{Cost, Kind},
    kernel, math,
    refusal::NodeRefused,
    shape::Shape,
};

/// `x · f + (bias − mean · f)` with `f = scale / √(variance + epsilon)`, in exactly these steps.
///
/// The statistics stay as they are, also in training.
#[derive(Debug)]
pub(super) struct BatchNormalization {
    epsilon: f32,
}

impl BatchNormalization {
    pub(super) fn parse(from: &mut Attributes<'_>) -> Result<Self, NodeRefused> {
        if from.flag("training_mode")? {
            return Err(bad_value("training_mode"));
        }
        if from.integer("spatial")?.is_some_and(|spatial| spatial != 1) {
            return Err(bad_value("spatial"));
        }
        // How the statistics would move in training; of no effect here.
        from.float("momentum", 0.9)?;
        Ok(Self { epsilon: from.float("epsilon", 1e-5)? })
    }
}

impl Operator for BatchNormalization {
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        inputs.expect(5, 5)?;
        let images = inputs.real(0)?;
        let &[_, channels, ..] = images.sizes() else { return Err(NodeRefused::shape(images)) };
        for input in 1..5 {
            let parameter = inputs.real(input)?;
            if parameter.sizes() != [channels] {
                return Err(NodeRefused::shapes(images, parameter));
            }
        }
        Ok(Fact::Real(images))
    }

    fn cost(&self, _inputs: &Inputs<'_>, output: Shape) -> Option<Cost> {
        Cost::of(Kind::Normalised, &[output.elements()])?.with(Kind::Delegated, 1)
    }

    fn run(&self, mut operands: Operands, output: Shape) -> Array {
        let images = operands.take(0);
        if images.numbers().is_some() {
            return exact(images, [1, 2, 3, 4].map(|input| operands.take(input)), self.epsilon);
        }
        let [scale, bias, mean, variance] = [1, 2, 3, 4].map(|input| operands.take(input).flat());
        let factor = scale.div(math::sqrt(variance.add_scalar(self.epsilon)));
        let shift = bias.sub(mean.mul(factor.clone()));
        let [outer, channels, inner] = output.around(1);
        let [factor, shift] = [factor, shift].map(|list| list.reshape([1, channels, 1]));
        Array::of(images.view([outer, channels, inner]).mul(factor).add(shift), output)
    }

    fn role(&self, input: usize) -> Role {
        if matches!(input, 1 | 2) { Role::Weight } else { Role::Fixed }
    }

    fn channels(&self) -> Channels {
        Channels::Normalised
    }
}

/// The normalization where no gradients are recorded.
fn exact(images: Array, parameters: [Array; 4], epsilon: f32) -> Array {
    let shape = images.shape();
    let [_, channels, inner] = shape.around(1);
    let [scale, bias, mean, variance] = parameters.each_ref().map(kernel::exact);
    let channel = |channel: usize| {
        let factor = scale[channel] / libm::sqrtf(variance[channel] + epsilon);
        (factor, bias[channel] - mean[channel] * factor)
    };
    let channels = (0..channels).map(channel).collect::<Vec<_>>();
    let mut numbers = images.into_elements();
    for (plane, (factor, shift)) in numbers.chunks_exact_mut(inner).zip(channels.iter().cycle()) {
        for number in plane {
            // Two roundings, as the steps say.
            *number = *number * factor + shift;
        }
    }
    Array::new(numbers, shape)
}
