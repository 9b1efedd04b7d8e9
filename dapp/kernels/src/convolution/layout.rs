//! The layout of a convolution's input: an image's padded rows, and the offsets of runs of taps in
//! them.

use super::super::{Geometry, processor::SKIPS_ZEROS};

/// Memory layout of an image's rows: for each channel and row, the columns of the padded row by
/// their remainder modulo the stride. So what a run reads for adjacent outputs is contiguous.
#[derive(Clone, Copy)]
pub(super) struct InputLayout {
    /// Whether an image has this layout already.
    is_unchanged: bool,
    /// Pixels of a row with one remainder.
    phase: usize,
    /// Pixels of a row.
    pub(super) row: usize,
    /// Rows of a channel.
    pub(super) rows: usize,
    /// Runs in a kernel row.
    runs: usize,
    /// Patches of a channel for each column of tiles.
    pub(super) patches: usize,
}

impl InputLayout {
    pub(super) fn new(geometry: &Geometry) -> Self {
        let Geometry { image, kernel, stride, dilation, padding, output_size } = *geometry;
        // Rows and columns that the windows read.
        let read = |side: usize| {
            (output_size[side] - 1) * stride[side] + (kernel[side] - 1) * dilation[side] + 1
        };
        let within = (0..2).all(|side| padding[side] == 0 && read(side) <= image[side]);
        let is_unchanged = within && stride[1] == 1;
        let [rows, phase] =
            if is_unchanged { image } else { [read(0), read(1).div_ceil(stride[1])] };
        let runs = kernel[1] / geometry.taps_per_run();
        let patches = rows.next_multiple_of(dilation[0]) * runs;
        Self { is_unchanged, phase, row: phase * stride[1], rows, runs, patches }
    }

    /// Index of a row's first patch among those of a channel. Rows are ordered by their remainder
    /// modulo the dilation, so that the patches of the rows that a window reads are contiguous.
    pub(super) const fn first_patch(self, row: usize, geometry: &Geometry) -> usize {
        let [dilation, _] = geometry.dilation;
        (row % dilation * self.rows.div_ceil(dilation) + row / dilation) * self.runs
    }

    /// Runs of a whole kernel in one channel.
    pub(super) const fn runs_per_channel(self, geometry: &Geometry) -> usize {
        geometry.kernel[0] * self.runs
    }

    /// Offset of each run of a kernel row in a row of pixels.
    pub(super) fn run_starts(self, geometry: &Geometry) -> impl Iterator<Item = usize> {
        let Geometry { kernel, stride: [_, stride], dilation: [_, dilation], .. } = *geometry;
        (0..kernel[1]).step_by(geometry.taps_per_run()).map(move |tap| {
            let column = tap * dilation;
            column % stride * self.phase + column / stride
        })
    }

    /// Images in this layout: unchanged, or padded and sorted into `scratch`.
    pub(super) fn arrange<'a>(
        self,
        images: &'a [f32],
        geometry: &Geometry,
        scratch: &'a mut Vec<f32>,
    ) -> &'a [f32] {
        let Geometry { image: [height, width], padding: [top, _], .. } = *geometry;
        if self.is_unchanged {
            return images;
        }
        scratch.clear();
        for channel in images.chunks_exact(height * width) {
            let end = scratch.len() + self.rows * self.row;
            scratch.resize(scratch.len() + top.min(self.rows) * self.row, 0.0);
            for row in channel.chunks_exact(width).take(self.rows.saturating_sub(top)) {
                self.arrange_row(row, geometry, scratch);
            }
            scratch.resize(end, 0.0);
        }
        scratch
    }

    /// Appends a padded row, its columns sorted by their remainder modulo the stride.
    fn arrange_row(self, row: &[f32], geometry: &Geometry, scratch: &mut Vec<f32>) {
        let Geometry { stride: [_, stride], padding: [_, padding], .. } = *geometry;
        for remainder in 0..stride {
            let padded = padding.saturating_sub(remainder).div_ceil(stride).min(self.phase);
            let first = (padded * stride + remainder).saturating_sub(padding);
            let end = scratch.len() + self.phase;
            scratch.resize(scratch.len() + padded, 0.0);
            let read = self.phase - padded;
            if stride == 1 && !SKIPS_ZEROS {
                scratch.extend_from_slice(&row[first..][..read.min(row.len() - first)]);
            } else {
                scratch.extend(row.iter().skip(first).step_by(stride).take(read));
            }
            scratch.resize(end, 0.0);
        }
    }
}
