//! `BatchNormalization` in inference: each channel scaled and shifted.

use super::{Attributes, Channels, Fact, Inputs, Operands, Operator, Role, attributes::bad_value};
use kernels::operation::{Affine, Arithmetic, Broadcast, Sqrt};

use crate::{
    backend::Array,
    backend::compute,
    cost::{Cost, CostKind},
    refusal::NodeRefused,
    shape::Shape,
};

/// `x · f + (bias − mean · f)` with `f = scale / √(variance + epsilon)`, in exactly these steps.
///
/// The statistics stay fixed, also in training.
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
        // The decay of the statistics in training; no effect here.
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
        Cost::of(CostKind::Normalised, &[output.elements()])
    }

    fn run(&self, mut operands: Operands, output: Shape) -> Array {
        let images = operands.take(0);
        let [scale, bias, mean, variance] = [1, 2, 3, 4].map(|input| operands.take(input));
        let channels = scale.shape();
        let root = compute(Sqrt { epsilon: self.epsilon }, [variance], channels);
        let factor = compute(Broadcast(Arithmetic::Div), [scale, root], channels);
        let moved = compute(Broadcast(Arithmetic::Mul), [mean, factor.clone()], channels);
        let shift = compute(Broadcast(Arithmetic::Sub), [bias, moved], channels);
        let [_, _, inner] = output.around(1);
        compute(Affine { inner }, [images, factor, shift], output)
    }

    fn role(&self, input: usize) -> Role {
        if matches!(input, 1 | 2) { Role::Weight } else { Role::Fixed }
    }

    fn channels(&self) -> Channels {
        Channels::Normalised
    }
}
