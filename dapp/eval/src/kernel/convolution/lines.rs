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
    /// Lines of a channel.
    pub(super) rows: usize,
    /// Taps in a run.
    pub(super) run: usize,
    /// What the runs of a kernel's row see of each line of a channel, counted.
    pub(super) windows: usize,
}

impl Lines {
    pub(super) fn new(geometry: &Geometry) -> Self {
        let Geometry { image, kernel, stride, dilation, padding, places } = *geometry;
        // All that the windows see.
        let seen = |side: usize| {
            (places[side] - 1) * stride[side] + (kernel[side] - 1) * dilation[side] + 1
        };
        let within = (0..2).all(|side| padding[side] == 0 && seen(side) <= image[side]);
        let whole = within && stride[1] == 1;
        let [rows, part] = if whole { image } else { [seen(0), seen(1).div_ceil(stride[1])] };
        let together = stride[1] == 1 && dilation[1] == 1 && matches!(kernel[1], 3 | 5);
        let run = if together { kernel[1] } else { 1 };
        let windows = rows.next_multiple_of(dilation[0]) * (kernel[1] / run);
        Self { whole, part, line: part * stride[1], rows, run, windows }
    }

    /// The first window of a line among those of a channel: such that those of the lines that a
    /// kernel sees lie side by side.
    pub(super) const fn window(self, row: usize, geometry: &Geometry) -> usize {
        let Geometry { kernel, dilation: [dilation, _], .. } = *geometry;
        let place = row % dilation * self.rows.div_ceil(dilation) + row / dilation;
        place * (kernel[1] / self.run)
    }

    /// Runs of a kernel in one channel.
    pub(super) const fn runs(self, geometry: &Geometry) -> usize {
        geometry.kernel[0] * (geometry.kernel[1] / self.run)
    }

    /// Where each run of a kernel's row begins in a line.
    pub(super) fn begins(self, geometry: &Geometry) -> impl Iterator<Item = usize> {
        let Geometry { kernel, stride: [_, stride], dilation: [_, dilation], .. } = *geometry;
        (0..kernel[1]).step_by(self.run).map(move |column| {
            let column = column * dilation;
            column % stride * self.part + column / stride
        })
    }

    /// An image's pixels as these lines: as they are, or put in order in `scratch`.
    pub(super) fn arrange<'a>(
        self,
        image: &'a [f32],
        geometry: &Geometry,
        scratch: &'a mut Vec<f32>,
    ) -> &'a [f32] {
        let Geometry { image: [height, width], stride, padding, .. } = *geometry;
        if self.whole {
            return image;
        }
        scratch.clear();
        for channel in image.chunks_exact(height * width) {
            let end = scratch.len() + self.rows * self.line;
            scratch.resize(scratch.len() + padding[0].min(self.rows) * self.line, 0.0);
            let seen = self.rows.saturating_sub(padding[0]);
            for line in channel.chunks_exact(width).take(seen) {
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
            scratch.resize(end, 0.0);
        }
        scratch
    }
}
