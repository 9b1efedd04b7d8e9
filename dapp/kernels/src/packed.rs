//! Packed right operands: constants are packed once and the packed form is kept with them, so a
//! model's weights are in memory at most twice; others are packed at each use.

use std::sync::OnceLock;

use super::{
    Geometry, PackedFilters, PackedMatrix,
    convolution::{self, convolution, fused_convolution},
    max_pool,
    processor::TILES,
    product, relu,
};

/// A right operand in the order in which a micro-kernel reads it.
#[derive(Debug)]
pub enum Packed {
    /// For matrix products.
    Matrix(PackedMatrix),
    /// For convolutions.
    Filters(PackedFilters),
}

/// The shape of a right factor: [inner, columns], or [columns, inner] if it is transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RightShape {
    /// Factors of each sum.
    pub inner: usize,
    /// Sums of each row.
    pub columns: usize,
    /// Whether columns are stored as rows.
    pub transposed: bool,
}

/// A right operand and the cache for its packed form.
#[derive(Clone, Copy)]
pub(crate) struct RightOperand<'a> {
    /// Its elements.
    pub(crate) numbers: &'a [f32],
    /// `None` unless it is a constant.
    pub(crate) packed: Option<&'a OnceLock<Packed>>,
}

impl RightOperand<'_> {
    /// The cached result of the first `pack`; `None` if it is not cached.
    fn packed(&self, pack: impl FnOnce(&[f32]) -> Packed) -> Option<&Packed> {
        self.packed.map(|packed| packed.get_or_init(|| pack(self.numbers)))
    }
}

/// `left · right + bias`.
///
/// - Shapes: left [rows, inner], bias [columns], result [rows, columns]
pub(crate) fn product_with(
    left: &[f32],
    right: RightOperand<'_>,
    shape: RightShape,
    bias: Option<&[f32]>,
) -> Vec<f32> {
    match right.packed(|matrix| Packed::Matrix(PackedMatrix::new(matrix, shape))) {
        Some(Packed::Matrix(matrix)) if matrix.shape() == shape => product(left, matrix, bias),
        _ => product(left, &PackedMatrix::new(right.numbers, shape), bias),
    }
}

/// Images convolved with weights, filters in groups, plus a bias.
///
/// - Shapes: weights [filters, depth, …], the others as [`convolution`]
pub(crate) fn convolution_with(
    images: &[f32],
    weights: RightOperand<'_>,
    [filters, groups]: [usize; 2],
    bias: Option<&[f32]>,
    geometry: &Geometry,
) -> Vec<f32> {
    let [_, most] = TILES.convolution(geometry.output_size[1]);
    with_filters(weights, [filters, groups], geometry, most, |filters| {
        convolution(images, filters, bias, geometry)
    })
}

/// The same, then a ReLU, then a two-by-two max-pool.
///
/// - Shapes: as [`convolution_with`], the result [images, filters, height / 2, width / 2]
pub(crate) fn fused_convolution_with(
    images: &[f32],
    weights: RightOperand<'_>,
    [filters, groups]: [usize; 2],
    bias: Option<&[f32]>,
    geometry: &Geometry,
) -> Vec<f32> {
    if convolution::can_fuse(bias, geometry) {
        let most = convolution::FUSED_FILTERS;
        return with_filters(weights, [filters, groups], geometry, most, |filters| {
            fused_convolution(images, filters, bias, geometry)
        });
    }
    let mut whole = convolution_with(images, weights, [filters, groups], bias, geometry);
    relu(&mut whole);
    max_pool(&whole, &Geometry::two_by_two(geometry.output_size))
}

/// The result of `convolve` on weights packed by at most this many filters.
fn with_filters(
    weights: RightOperand<'_>,
    [filters, groups]: [usize; 2],
    geometry: &Geometry,
    most: usize,
    convolve: impl FnOnce(&PackedFilters) -> Vec<f32>,
) -> Vec<f32> {
    let taps = weights.numbers.len() / filters;
    let sizes = [filters, groups, taps / (geometry.kernel[0] * geometry.kernel[1])];
    let pack = |weights: &[f32]| PackedFilters::new(weights, sizes, most);
    match weights.packed(|weights| Packed::Filters(pack(weights))) {
        Some(Packed::Filters(filters)) if filters.suit(sizes, most) => convolve(filters),
        _ => convolve(&pack(weights.numbers)),
    }
}
