//! `GlobalAveragePool`: the mean of each channel.

use super::{Channels, Fact, Inputs, Operands, Operator};
use kernels::{Counting, Geometry, operation::AveragePool};

use crate::{
    backend::Array,
    backend::compute,
    cost::{Cost, CostKind},
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

    fn cost(&self, inputs: &Inputs<'_>, output: Shape) -> Option<Cost> {
        let means = output.elements().checked_mul(kernels::MEAN)?;
        Cost::of(CostKind::Averaged, &[inputs.elements().checked_add(means)?])
    }

    fn run(&self, mut operands: Operands, output: Shape) -> Array {
        let images = operands.take(0);
        let channels = output.elements();
        let size = images.shape().elements() / channels;
        let geometry = Geometry {
            image: [1, size],
            kernel: [1, size],
            stride: [1; 2],
            dilation: [1; 2],
            padding: [0; 2],
            output_size: [1; 2],
        };
        let counting = Counting { padding: false, padded: [1, size], is_uneven: false };
        compute(AveragePool { geometry, counting }, [images], output)
    }

    fn channels(&self) -> Channels {
        Channels::Kept
    }
}
