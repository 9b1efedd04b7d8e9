//! Convolutions.

use std::sync::{Arc, OnceLock};

#[cfg(feature = "train")]
use crate::extension::Backward;
use crate::{
    extension::{List, Operation},
    kernel::{Arranged, Geometry, Right, convolution_with, halved_convolution_with},
};
#[cfg(feature = "train")]
use crate::{
    kernel::{Sides, product_with},
    operation::product::turned,
};

/// Weights moved over images, plus a bias if there is a third operand.
#[derive(Debug)]
pub(crate) struct Convolution {
    pub(crate) geometry: Geometry,
    pub(crate) filters: usize,
    pub(crate) groups: usize,
    /// Where the weights, if they are a constant, are kept arranged.
    pub(crate) kept: Option<Arc<OnceLock<Arranged>>>,
    /// Whether a ReLU follows, and then the greatest of windows of two by two, side by side; where
    /// gradients are recorded, each is an operation of its own.
    pub(crate) halved: bool,
}

impl Operation for Convolution {
    fn run(&self, operands: Vec<List>) -> Vec<f32> {
        let weights = Right { numbers: operands[1].numbers(), kept: self.kept.as_deref() };
        let (images, bias) = (operands[0].numbers(), operands.get(2).map(List::numbers));
        let convolve = if self.halved { halved_convolution_with } else { convolution_with };
        convolve(images, weights, [self.filters, self.groups], bias, &self.geometry)
    }

    /// By products of the weights with all windows of an image laid side by side (im2col).
    #[cfg(feature = "train")]
    fn gradients(&self, known: &Backward<'_>) -> Vec<Vec<f32>> {
        let Backward { operands, gradient, wanted, .. } = *known;
        let (images, weights) = (operands[0], operands[1]);
        let Geometry { image, places, .. } = self.geometry;
        let (pixels, places) = (image[0] * image[1], places[0] * places[1]);
        let (filters, taps) = (self.filters / self.groups, weights.len() / self.filters);
        let windows = Windows::new(&self.geometry);
        let channels = taps / windows.offsets.len();
        let mut of_images = vec![0.0; if wanted[0] { images.len() } else { 0 }];
        let mut of_weights = vec![0.0; weights.len()];
        let mut of_bias = vec![0.0; self.filters];
        let group = |list: usize| list % self.groups;
        for (list, gradient) in gradient.chunks_exact(filters * places).enumerate() {
            let own = list * channels * pixels..(list + 1) * channels * pixels;
            let part = group(list) * filters * taps..(group(list) + 1) * filters * taps;
            if wanted[1] {
                let columns = windows.columns(&images[own.clone()], places);
                let sides = Sides { inner: places, columns: taps, transposed: true };
                let right = Right { numbers: &columns, kept: None };
                let found = product_with(gradient, right, sides, None);
                of_weights[part.clone()].iter_mut().zip(found).for_each(|(sum, part)| *sum += part);
            }
            if wanted[0] {
                let sides = Sides { inner: filters, columns: places, transposed: false };
                let right = Right { numbers: gradient, kept: None };
                let columns = product_with(&turned(&weights[part], taps), right, sides, None);
                windows.add_columns(&columns, &mut of_images[own]);
            }
            let biases = &mut of_bias[group(list) * filters..][..filters];
            for (bias, gradient) in biases.iter_mut().zip(gradient.chunks_exact(places)) {
                *bias += gradient.iter().sum::<f32>();
            }
        }
        let mut found = vec![of_images, of_weights, of_bias];
        found.truncate(operands.len());
        found
    }
}

/// Where in a plane each element of a window lies, from place to place.
#[cfg(feature = "train")]
struct Windows {
    pixels: usize,
    /// For each element of the window, the pixel that each place sees; none in the padding.
    offsets: Vec<Vec<Option<usize>>>,
}

#[cfg(feature = "train")]
impl Windows {
    fn new(geometry: &Geometry) -> Self {
        let Geometry { image, kernel, places, .. } = *geometry;
        let pixel = |side, place, element| geometry.pixel(side, place, element);
        let seen = |row: usize, column: usize| {
            let places =
                (0..places[0]).flat_map(|high| (0..places[1]).map(move |wide| (high, wide)));
            let at = |(high, wide)| Some(pixel(0, high, row)? * image[1] + pixel(1, wide, column)?);
            places.map(at).collect::<Vec<_>>()
        };
        let elements =
            (0..kernel[0]).flat_map(|row| (0..kernel[1]).map(move |column| (row, column)));
        let offsets = elements.map(|(row, column)| seen(row, column)).collect();
        Self { pixels: image[0] * image[1], offsets }
    }

    /// All windows side by side: [channels · elements, places].
    fn columns(&self, planes: &[f32], places: usize) -> Vec<f32> {
        let mut columns =
            Vec::with_capacity(planes.len() / self.pixels * self.offsets.len() * places);
        for plane in planes.chunks_exact(self.pixels) {
            for offsets in &self.offsets {
                columns.extend(offsets.iter().map(|at| at.map_or(0.0, |at| plane[at])));
            }
        }
        columns
    }

    /// Adds what is laid out like that back to where it was seen.
    fn add_columns(&self, columns: &[f32], planes: &mut [f32]) {
        let places = self.offsets.first().map_or(1, Vec::len);
        let mut lists = columns.chunks_exact(places);
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
