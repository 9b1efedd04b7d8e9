//! How a convolution finds its pixels: an image's lines, and where the runs of taps begin in them.

use super::super::Geometry;

/// How an image's lines lie in memory: for each channel and row, the columns of the padded line by
/// their remainder to the stride.
#[derive(Clone, Copy)]
pub(super) struct Lines {
    /// Whether an image's lines are so without being arranged.
    whole: bool,
    /// Pixels of one remainder.
    part: usize,
    /// Pixels of all.
    pub(super) line: usize,
    /// Taps in a run.
    pub(super) run: usize,
}

/// Where a run of taps begins in a group's lines, and its row in the window.
pub(super) struct Start {
    pub(super) place: usize,
    pub(super) row: usize,
}

impl Lines {
    pub(super) fn new(geometry: &Geometry) -> Self {
        let Geometry { kernel, stride, dilation, places, .. } = geometry;
        // All that the windows see.
        let seen = (places[1] - 1) * stride[1] + (kernel[1] - 1) * dilation[1] + 1;
        let whole = geometry.padding[1] == 0 && stride[1] == 1 && seen <= geometry.image[1];
        let part = if whole { geometry.image[1] } else { seen.div_ceil(stride[1]) };
        let together = stride[1] == 1 && dilation[1] == 1 && matches!(kernel[1], 3 | 5);
        Self { whole, part, line: part * stride[1], run: if together { kernel[1] } else { 1 } }
    }

    /// The runs of a filter, in order.
    pub(super) fn starts(self, depth: usize, geometry: &Geometry) -> Vec<Start> {
        let Geometry { image, kernel, stride, dilation, .. } = geometry;
        let mut starts = Vec::new();
        for channel in 0..depth {
            for row in 0..kernel[0] {
                for column in (0..kernel[1]).step_by(self.run) {
                    let (row, column) = (row * dilation[0], column * dilation[1]);
                    let line = (channel * image[0] + row) * self.line;
                    let place = line + column % stride[1] * self.part + column / stride[1];
                    starts.push(Start { place, row });
                }
            }
        }
        starts
    }

    /// An image's pixels as these lines: as they are, or put in order in `scratch`.
    pub(super) fn arrange<'a>(
        self,
        image: &'a [f32],
        geometry: &Geometry,
        scratch: &'a mut Vec<f32>,
    ) -> &'a [f32] {
        let Geometry { image: [_, width], stride, padding, .. } = *geometry;
        if self.whole {
            return image;
        }
        scratch.clear();
        for line in image.chunks_exact(width) {
            for remainder in 0..stride[1] {
                let before =
                    padding[1].saturating_sub(remainder).div_ceil(stride[1]).min(self.part);
                let first = (before * stride[1] + remainder).saturating_sub(padding[1]);
                let end = scratch.len() + self.part;
                scratch.resize(scratch.len() + before, 0.0);
                let seen = line.iter().skip(first).step_by(stride[1]);
                scratch.extend(seen.take(self.part - before));
                scratch.resize(end, 0.0);
            }
        }
        scratch
    }
}
