//! Convolutions.

use std::sync::{Arc, OnceLock};

#[cfg(feature = "gradients")]
use crate::extension::Backward;
use crate::{
    Geometry, Packed, RightOperand, convolution_with,
    extension::{List, Operation},
    fused_convolution_with,
};
#[cfg(feature = "gradients")]
use crate::{RightShape, operation::product::turned, product_with};

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

    /// Computed by matrix products with all windows of an image as columns (im2col).
    #[cfg(feature = "gradients")]
    fn gradients(&self, known: &Backward<'_>) -> Vec<Vec<f32>> {
        let Backward { operands, gradient, wanted, .. } = *known;
        let (images, weights) = (operands[0], operands[1]);
        let Geometry { image, output_size, .. } = self.geometry;
        let (pixels, outputs) = (image[0] * image[1], output_size[0] * output_size[1]);
        let (filters, taps) = (self.filters / self.groups, weights.len() / self.filters);
        let windows = Windows::new(&self.geometry);
        let channels = taps / windows.offsets.len();
        let mut of_images = vec![0.0; if wanted[0] { images.len() } else { 0 }];
        let mut of_weights = vec![0.0; weights.len()];
        let mut of_bias = vec![0.0; self.filters];
        let group = |list: usize| list % self.groups;
        for (list, gradient) in gradient.chunks_exact(filters * outputs).enumerate() {
            let own = list * channels * pixels..(list + 1) * channels * pixels;
            let part = group(list) * filters * taps..(group(list) + 1) * filters * taps;
            if wanted[1] {
                let columns = windows.columns(&images[own.clone()], outputs);
                let shape = RightShape { inner: outputs, columns: taps, transposed: true };
                let right = RightOperand { numbers: &columns, packed: None };
                let found = product_with(gradient, right, shape, None);
                of_weights[part.clone()].iter_mut().zip(found).for_each(|(sum, part)| *sum += part);
            }
            if wanted[0] {
                let shape = RightShape { inner: filters, columns: outputs, transposed: false };
                let right = RightOperand { numbers: gradient, packed: None };
                let columns = product_with(&turned(&weights[part], taps), right, shape, None);
                windows.add_columns(&columns, &mut of_images[own]);
            }
            let biases = &mut of_bias[group(list) * filters..][..filters];
            for (bias, gradient) in biases.iter_mut().zip(gradient.chunks_exact(outputs)) {
                *bias += gradient.iter().sum::<f32>();
            }
        }
        let mut found = vec![of_images, of_weights, of_bias];
        found.truncate(operands.len());
        found
    }
}

/// The pixels of a plane that each element of a window reads.
#[cfg(feature = "gradients")]
struct Windows {
    pixels: usize,
    /// For each element of the window, its pixel for each output; `None` in the padding.
    offsets: Vec<Vec<Option<usize>>>,
}

#[cfg(feature = "gradients")]
impl Windows {
    fn new(geometry: &Geometry) -> Self {
        let Geometry { image, kernel, output_size: [height, width], .. } = *geometry;
        let pixel = |side, position, element| geometry.pixel(side, position, element);
        let pixels = |row: usize, column: usize| {
            let outputs = (0..height).flat_map(|high| (0..width).map(move |wide| (high, wide)));
            let at = |(high, wide)| Some(pixel(0, high, row)? * image[1] + pixel(1, wide, column)?);
            outputs.map(at).collect::<Vec<_>>()
        };
        let elements =
            (0..kernel[0]).flat_map(|row| (0..kernel[1]).map(move |column| (row, column)));
        let offsets = elements.map(|(row, column)| pixels(row, column)).collect();
        Self { pixels: image[0] * image[1], offsets }
    }

    /// All windows as columns: [channels · elements, outputs].
    fn columns(&self, planes: &[f32], outputs: usize) -> Vec<f32> {
        let mut columns =
            Vec::with_capacity(planes.len() / self.pixels * self.offsets.len() * outputs);
        for plane in planes.chunks_exact(self.pixels) {
            for offsets in &self.offsets {
                columns.extend(offsets.iter().map(|at| at.map_or(0.0, |at| plane[at])));
            }
        }
        columns
    }

    /// Adds numbers in this layout to the pixels that they were read from (col2im).
    fn add_columns(&self, columns: &[f32], planes: &mut [f32]) {
        let outputs = self.offsets.first().map_or(1, Vec::len);
        let mut lists = columns.chunks_exact(outputs);
        for plane in planes.chunks_exact_mut(self.pixels) {
            for (offsets, list) in self.offsets.iter().zip(&mut lists) {
                for (at, number) in offsets.iter().zip(list) {
                    if let Some(at) = at {
                        plane[*at] += number;
                    }
                }
            }
        }
    }
}
