//! Right factors as the kernels want them: those of constants are arranged once and kept with them,
//! so a model's weights are in memory twice at most; others are arranged whenever they are used.

use std::sync::OnceLock;

use super::{
    Filters, Geometry, Panels,
    convolution::{self, convolution, halved_convolution},
    max_pool, product, relu,
};

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

/// A right factor, and where a kernel keeps how it has arranged it.
#[derive(Clone, Copy)]
pub(crate) struct Right<'a> {
    /// Its elements.
    pub(crate) numbers: &'a [f32],
    /// Of a constant.
    pub(crate) kept: Option<&'a OnceLock<Arranged>>,
}

impl Right<'_> {
    /// What `arrange` makes of it, made once; nothing when it is not kept, or arranged otherwise.
    fn arranged(&self, arrange: impl FnOnce(&[f32]) -> Arranged) -> Option<&Arranged> {
        self.kept.map(|kept| kept.get_or_init(|| arrange(self.numbers)))
    }
}

/// `left · right + bias`.
///
/// - Shapes: left [rows, inner], bias [columns], result [rows, columns]
pub(crate) fn product_with(
    left: &[f32],
    right: Right<'_>,
    sides: Sides,
    bias: Option<&[f32]>,
) -> Vec<f32> {
    match right.arranged(|matrix| Arranged::Panels(Panels::new(matrix, sides))) {
        Some(Arranged::Panels(panels)) if panels.sides() == sides => product(left, panels, bias),
        _ => product(left, &Panels::new(right.numbers, sides), bias),
    }
}

/// Images convolved with weights, filters in groups, plus a bias.
///
/// - Shapes: weights [filters, depth, …], the others as [`convolution`]
pub(crate) fn convolution_with(
    images: &[f32],
    weights: Right<'_>,
    [filters, groups]: [usize; 2],
    bias: Option<&[f32]>,
    geometry: &Geometry,
) -> Vec<f32> {
    let block = convolution::block(geometry);
    with_filters(weights, [filters, groups], geometry, block, |filters| {
        convolution(images, filters, bias, geometry)
    })
}

/// The same, then a ReLU, then the greatest of windows of two by two, side by side.
///
/// - Shapes: as [`convolution_with`], the result [images, filters, places / 2 …]
pub(crate) fn halved_convolution_with(
    images: &[f32],
    weights: Right<'_>,
    [filters, groups]: [usize; 2],
    bias: Option<&[f32]>,
    geometry: &Geometry,
) -> Vec<f32> {
    if convolution::can_halve(bias, geometry) {
        let block = convolution::HALVED_BLOCK;
        return with_filters(weights, [filters, groups], geometry, block, |filters| {
            halved_convolution(images, filters, bias, geometry)
        });
    }
    let mut whole = convolution_with(images, weights, [filters, groups], bias, geometry);
    relu(&mut whole);
    max_pool(&whole, &Geometry::halving(geometry.places))
}

/// What `convolve` makes with weights as filters, cut into blocks of so many at most.
fn with_filters(
    weights: Right<'_>,
    [filters, groups]: [usize; 2],
    geometry: &Geometry,
    block: usize,
    convolve: impl FnOnce(&Filters) -> Vec<f32>,
) -> Vec<f32> {
    let taps = weights.numbers.len() / filters;
    let sizes = [filters, groups, taps / (geometry.kernel[0] * geometry.kernel[1])];
    let arrange = |weights: &[f32]| Filters::new(weights, sizes, block);
    match weights.arranged(|weights| Arranged::Filters(arrange(weights))) {
        Some(Arranged::Filters(filters)) if filters.suit(sizes, block) => convolve(filters),
        _ => convolve(&arrange(weights.numbers)),
    }
}
