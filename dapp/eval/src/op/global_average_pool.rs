//! `GlobalAveragePool`: the mean of each channel.

use burn::tensor::{module::avg_pool2d, ops::AvgPoolOptions};

use super::{Channels, Fact, Inputs, Operands, Operator};
use crate::{
    backend::Array,
    cost::{Cost, Kind},
    refusal::NodeRefused,
    shape::Shape,
};

/// The mean over all but the first two dimensions, added up in index order.
#[derive(Debug)]
pub(super) struct GlobalAveragePool;

impl Operator for GlobalAveragePool {
    fn infer(&self, inputs: &Inputs<'_>) -> Result<Fact, NodeRefused> {
        inputs.expect(1, 1)?;
        let images = inputs.real(0)?;
        let mut sizes = images.sizes().to_vec();
        if sizes.len() < 3 {
            return Err(NodeRefused::shape(images));
        }
        sizes.iter_mut().skip(2).for_each(|size| *size = 1);
        Shape::new(&sizes).map(Fact::Real).ok_or(NodeRefused::OutputShape)
    }

    fn cost(&self, inputs: &Inputs<'_>, _output: Shape) -> Option<Cost> {
        Cost::of(Kind::Averaged, &[inputs.elements()])?.with(Kind::Delegated, 1)
    }

    fn run(&self, mut operands: Operands, output: Shape) -> Array {
        let images = operands.take(0);
        let channels = output.elements();
        let size = images.shape().elements() / channels;
        let images = images.view([1, channels, 1, size]);
        Array::of(avg_pool2d(images, AvgPoolOptions::new([1, size])), output)
    }

    fn channels(&self) -> Channels {
        Channels::Kept
    }
}
