//! Convolutions.

use std::sync::{Arc, OnceLock};

use crate::{
    Geometry, Packed, RightOperand, convolution_with,
    extension::{List, Operation},
    fused_convolution_with,
};
#[cfg(feature = "gradients")]
use crate::{
    RightShape,
    extension::{Backward, Uses},
    gradient::{self, Windows, dot, sum},
    product_with,
};

/// Weights moved over images, plus a bias if there is a third operand.
#[derive(Debug)]
pub struct Convolution {
    /// The window and its positions.
    pub geometry: Geometry,
    /// Filters of all groups.
    pub filters: usize,
    /// Groups of channels, each with its own filters.
    pub groups: usize,
    /// Cache for the packed weights, if they are a constant.
    pub packed: Option<Arc<OnceLock<Packed>>>,
    /// Whether a ReLU and then a two-by-two max-pool are computed as well; where gradients are
    /// recorded, each is an operation of its own.
    pub fused: bool,
}

impl Operation for Convolution {
    fn run(&self, operands: Vec<List>) -> Vec<f32> {
        let weights =
            RightOperand { numbers: operands[1].numbers(), packed: self.packed.as_deref() };
        let (images, bias) = (operands[0].numbers(), operands.get(2).map(List::numbers));
        let convolve = if self.fused { fused_convolution_with } else { convolution_with };
        convolve(images, weights, [self.filters, self.groups], bias, &self.geometry)
    }

    #[cfg(feature = "gradients")]
    fn uses(&self) -> Uses {
        Uses::OPERANDS
    }

    /// Computed by matrix products with all windows of an image as columns (im2col).
    #[cfg(feature = "gradients")]
    fn gradients(&self, known: &Backward<'_>) -> Vec<Vec<f32>> {
        let Backward { operands, gradient, wanted, .. } = *known;
        let (images, weights) = (operands[0], operands[1]);
        let (filters, taps) = (self.filters / self.groups, weights.len() / self.filters);
        let back = ConvolutionBack::new(&self.geometry, filters);
        let [pixels, outputs] =
            [self.geometry.image, self.geometry.output_size].map(|[height, width]| height * width);
        let channels = taps / (self.geometry.kernel[0] * self.geometry.kernel[1]);
        let of_group = |part: &[f32]| gradient::transposed(part, taps);
        let groups = weights.chunks_exact(filters * taps).map(of_group).collect::<Vec<_>>();
        let mut of_images = vec![0.0; if wanted[0] { images.len() } else { 0 }];
        let mut of_weights = vec![0.0; if wanted[1] { weights.len() } else { 0 }];
        let mut of_bias = vec![0.0; if operands.len() > 2 { self.filters } else { 0 }];
        let mut columns = vec![0.0; taps * outputs];
        for (list, gradient) in gradient.chunks_exact(filters * outputs).enumerate() {
            let (group, own) = (list % self.groups, list * channels * pixels);
            if let Some(sums) = of_weights.chunks_exact_mut(filters * taps).nth(group) {
                let planes = &images[own..][..channels * pixels];
                back.add_weights(planes, gradient, &mut columns, sums);
            }
            if let Some(planes) = of_images.get_mut(own..own + channels * pixels) {
                back.add_images(&groups[group], gradient, planes);
            }
            if let Some(biases) = of_bias.get_mut(group * filters..(group + 1) * filters) {
                let gradients = gradient.chunks_exact(outputs);
                biases.iter_mut().zip(gradients).for_each(|(bias, list)| *bias += sum(list));
            }
        }
        let parts = of_weights.chunks_exact(filters * taps);
        let of_weights = parts.flat_map(|part| gradient::transposed(part, filters)).collect();
        let mut found = vec![of_images, of_weights, of_bias];
        found.truncate(operands.len());
        found
    }
}

/// The gradients of one group of filters and one image.
#[cfg(feature = "gradients")]
struct ConvolutionBack {
    windows: Windows,
    filters: usize,
    outputs: usize,
}

#[cfg(feature = "gradients")]
impl ConvolutionBack {
    fn new(geometry: &Geometry, filters: usize) -> Self {
        let [height, width] = geometry.output_size;
        Self { windows: Windows::new(geometry), filters, outputs: height * width }
    }

    /// Adds the gradient of the weights, [taps, filters]; `columns` has zeros in the padding.
    fn add_weights(&self, planes: &[f32], gradient: &[f32], columns: &mut [f32], sums: &mut [f32]) {
        let columns = if self.windows.is_image() {
            planes
        } else {
            self.windows.write(planes, columns);
            columns
        };
        if self.filters == 1 {
            let lists = columns.chunks_exact(self.outputs);
            sums.iter_mut().zip(lists).for_each(|(sum, list)| *sum += dot(list, gradient));
            return;
        }
        let shape = RightShape { inner: self.outputs, columns: self.filters, transposed: true };
        let right = RightOperand { numbers: gradient, packed: None };
        let found = product_with(columns, right, shape, None);
        sums.iter_mut().zip(found).for_each(|(sum, part)| *sum += part);
    }

    /// Adds the gradient of the image, given the weights as [taps, filters].
    fn add_images(&self, weights: &[f32], gradient: &[f32], planes: &mut [f32]) {
        let columns = if self.filters == 1 {
            gradient::scaled_each(weights, gradient)
        } else {
            let shape =
                RightShape { inner: self.filters, columns: self.outputs, transposed: false };
            let right = RightOperand { numbers: gradient, packed: None };
            product_with(weights, right, shape, None)
        };
        if self.windows.is_image() {
            planes.copy_from_slice(&columns);
        } else {
            self.windows.add(&columns, planes);
        }
    }
}
