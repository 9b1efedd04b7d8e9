//! Right factors as the kernels want them: those of constants are arranged once and kept with them,
//! so a model's weights are in memory twice at most; others are arranged whenever they are used.

use super::{Filters, Geometry, Panels, convolution, product};
use crate::backend::Array;

/// A right factor as a kernel wants it.
#[derive(Debug)]
pub(crate) enum Arranged {
    /// For matrix products.
    Panels(Panels),
    /// For convolutions.
    Filters(Filters),
}

/// A matrix [inner, columns], or [columns, inner] when it is transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sides {
    /// How many factors each sum has.
    pub(crate) inner: usize,
    /// How many sums each row has.
    pub(crate) columns: usize,
    /// Whether columns are given as rows.
    pub(crate) transposed: bool,
}

/// `left · right + bias`, all without gradients.
///
/// - Shapes: left [rows, inner], bias [columns], result [rows, columns]
pub(crate) fn product_with(
    left: &[f32],
    right: &Array,
    sides: Sides,
    bias: Option<&[f32]>,
) -> Vec<f32> {
    match right.arranged(|matrix| Arranged::Panels(Panels::new(matrix, sides))) {
        Some(Arranged::Panels(panels)) if panels.sides() == sides => product(left, panels, bias),
        _ => product(left, &Panels::new(exact(right), sides), bias),
    }
}

/// Images convolved with weights that are in `groups` groups, plus a bias, all without gradients.
///
/// - Shapes: weights [filters, depth, …], the others as [`convolution`]
pub(crate) fn convolution_with(
    images: &[f32],
    weights: &Array,
    groups: usize,
    bias: Option<&[f32]>,
    geometry: &Geometry,
) -> Vec<f32> {
    let [_, filters, taps] = weights.shape().around(0);
    let sizes = [filters, groups, taps / (geometry.kernel[0] * geometry.kernel[1])];
    let arrange = |weights: &[f32]| Filters::new(weights, sizes, geometry);
    match weights.arranged(|weights| Arranged::Filters(arrange(weights))) {
        Some(Arranged::Filters(filters)) if filters.suit(sizes, geometry) => {
            convolution(images, filters, bias, geometry)
        }
        _ => convolution(images, &arrange(exact(weights)), bias, geometry),
    }
}

/// An array's elements, which are without gradients whenever the other operands' are.
pub(crate) fn exact(array: &Array) -> &[f32] {
    array.numbers().expect("gradients are recorded of all tensors or of none")
}
