//! Filters, cut into blocks of as many as are convolved together.

use super::{
    super::{Geometry, all_finite, processor::SKIPS_ZEROS},
    tile::Block,
};

/// Filters cut into blocks that are convolved together, each [taps, filters of the block]
/// row-major.
#[derive(Debug)]
pub(crate) struct Filters {
    pub(super) filters: usize,
    pub(super) groups: usize,
    /// Channels that each filter sees.
    pub(super) depth: usize,
    /// The most filters in a block.
    block: usize,
    /// Whether no element is infinite or a NaN.
    pub(super) finite: bool,
    elements: Vec<f32>,
}

impl Filters {
    /// Cuts row-major weights [filters, taps], those of each group by themselves, into blocks of so
    /// many filters at most.
    pub(in crate::kernel) fn new(
        weights: &[f32],
        [filters, groups, depth]: [usize; 3],
        block: usize,
    ) -> Self {
        let taps = weights.len() / filters;
        let mut elements = Vec::with_capacity(weights.len());
        for (first, count) in (0..groups).flat_map(|group| blocks(group, filters / groups, block)) {
            let weights = &weights[first * taps..][..count * taps];
            for tap in 0..taps {
                elements.extend(weights.iter().skip(tap).step_by(taps));
            }
        }
        Self { filters, groups, depth, block, finite: all_finite(weights), elements }
    }

    /// Whether these are the filters and the blocks they were cut into.
    pub(in crate::kernel) fn suit(&self, sizes: [usize; 3], block: usize) -> bool {
        ([self.filters, self.groups, self.depth], self.block) == (sizes, block)
    }

    /// How many images so many pixels are.
    pub(super) const fn images(&self, pixels: usize, geometry: &Geometry) -> usize {
        pixels / (self.groups * self.depth * geometry.image[0] * geometry.image[1])
    }

    /// The blocks of each group with their biases.
    pub(super) fn groups<'a>(&'a self, bias: &'a [f32]) -> Vec<Vec<Block<'a>>> {
        let taps = self.elements.len() / self.filters;
        let block = |(first, count): (usize, usize)| Block {
            first,
            weights: &self.elements[first * taps..][..count * taps],
            bias: &bias[first..][..count],
        };
        let blocks = |group| blocks(group, self.filters / self.groups, self.block);
        (0..self.groups).map(|group| blocks(group).map(block).collect()).collect()
    }
}

/// The most filters in a block, for rows of so many places: as many as leave registers for all the
/// sums and what they are made of.
pub(super) const fn block(wide: usize) -> usize {
    match pixels(wide) {
        8 if SKIPS_ZEROS => 2,
        8 => 6,
        4 => 4,
        _ => 8,
    }
}

/// Pixels side by side that are convolved together.
pub(super) const fn pixels(wide: usize) -> usize {
    match wide {
        8.. => 8,
        4.. => 4,
        _ => 1,
    }
}

/// The first filter and the number of filters of each block of a group.
fn blocks(group: usize, filters: usize, block: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut first = group * filters;
    let end = first + filters;
    std::iter::from_fn(move || {
        let count = [8, 6, 4, 2, 1].into_iter().find(|count| *count <= block.min(end - first))?;
        first += count;
        Some((first - count, count))
    })
}
