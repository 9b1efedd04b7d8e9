//! Packed filters: the weights of a convolution in the order in which a micro-kernel reads them.

use super::super::{Geometry, all_finite};

/// Filters packed in blocks, each [taps, filters of the block] row-major: the weights of one tap
/// are contiguous for all filters of a register tile.
#[derive(Debug)]
pub struct PackedFilters {
    pub(super) filters: usize,
    pub(super) groups: usize,
    /// Channels that each filter reads.
    pub(super) depth: usize,
    /// The most filters in a block.
    most: usize,
    /// Whether no weight is infinite or a NaN.
    pub(super) finite: bool,
    weights: Vec<f32>,
}

/// The filters of a register tile.
pub(super) struct FilterBlock<'a> {
    pub(super) first: usize,
    pub(super) weights: &'a [f32],
    pub(super) bias: &'a [f32],
}

impl PackedFilters {
    /// Packs row-major weights [filters, taps], each group separately, into blocks of at most this
    /// many filters.
    pub fn new(weights: &[f32], [filters, groups, depth]: [usize; 3], most: usize) -> Self {
        let taps = weights.len() / filters;
        let mut packed = Vec::with_capacity(weights.len());
        for (first, count) in (0..groups).flat_map(|group| blocks(group, filters / groups, most)) {
            let weights = &weights[first * taps..][..count * taps];
            for tap in 0..taps {
                packed.extend(weights.iter().skip(tap).step_by(taps));
            }
        }
        Self { filters, groups, depth, most, finite: all_finite(weights), weights: packed }
    }

    /// Whether filters of these sizes would be packed the same way.
    pub fn suit(&self, sizes: [usize; 3], most: usize) -> bool {
        ([self.filters, self.groups, self.depth], self.most) == (sizes, most)
    }

    /// Number of images in this many pixels.
    pub(super) const fn images(&self, pixels: usize, geometry: &Geometry) -> usize {
        pixels / (self.groups * self.depth * geometry.image[0] * geometry.image[1])
    }

    /// The blocks of each group with their biases.
    pub(super) fn groups<'a>(&'a self, bias: &'a [f32]) -> Vec<Vec<FilterBlock<'a>>> {
        let taps = self.weights.len() / self.filters;
        let block = |(first, count): (usize, usize)| FilterBlock {
            first,
            weights: &self.weights[first * taps..][..count * taps],
            bias: &bias[first..][..count],
        };
        let blocks = |group| blocks(group, self.filters / self.groups, self.most);
        (0..self.groups).map(|group| blocks(group).map(block).collect()).collect()
    }
}

/// The first filter and the number of filters of each block of a group; a micro-kernel is compiled
/// for each of these block sizes.
fn blocks(group: usize, filters: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut first = group * filters;
    let end = first + filters;
    std::iter::from_fn(move || {
        let count = [8, 6, 4, 2, 1].into_iter().find(|count| *count <= most.min(end - first))?;
        first += count;
        Some((first - count, count))
    })
}
