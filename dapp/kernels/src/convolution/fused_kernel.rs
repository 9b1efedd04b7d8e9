//! The micro-kernel of a fused convolution: from the patches of two rows of eight sums, one above
//! the other, to the four outputs of their ReLU and max-pool.
//!
//! A kernel of `K` rows and columns reads `R = K + 1` input rows for the two, `S = K + 7` pixels of
//! each. Each patch is loaded once for both: the kernel row for the sums below is the one that the
//! sums above used for the previous input row.

use super::{
    super::{
        elementwise::rectified,
        processor::{self, SKIPS_ZEROS},
    },
    filters::FilterBlock,
    patch::{AddPatch, InputPatch},
};

/// Adjacent sums in a row.
pub(super) const WIDTH: usize = 8;

/// The register tile: the sums above and those below.
type Sums = [[f32; WIDTH]; 2];

/// Destination of the outputs of some tiles.
pub(super) struct Output<'a> {
    /// The outputs of some images.
    pub(super) pixels: &'a mut [f32],
    /// Pixels of one channel.
    pub(super) channel: usize,
    /// Offset of each tile's outputs, for the first filter.
    pub(super) tiles: &'a [usize],
}

/// Convolves tiles, given each tile's patches by channel, with one filter after the other.
#[inline(never)]
pub(super) fn convolve<const K: usize, const R: usize, const S: usize>(
    patches: &[[InputPatch<'_, S>; R]],
    filters: &[FilterBlock<'_>],
    Output { pixels, channel, tiles }: Output<'_>,
) {
    for filter in filters {
        let (weights, _) = filter.weights.as_chunks::<K>().0.as_chunks::<K>();
        let Some(bias) = filter.bias.first().copied() else { break };
        let Some(pixels) = pixels.get_mut(filter.first * channel..) else { break };
        if weights.is_empty() {
            break;
        }
        // Not zipped, so that the loop advances a pointer, without index arithmetic.
        let mut all_patches = patches;
        for tile in tiles {
            let Some((patches, rest)) = all_patches.split_at_checked(weights.len()) else { break };
            all_patches = rest;
            let sums = sums::<K, R, S>(patches, weights);
            let pixels = pixels.get_mut(*tile..);
            if let Some(pixels) = pixels.and_then(|pixels| pixels.first_chunk_mut()) {
                *pixels = max_pool_and_relu(&sums, bias);
            }
        }
    }
}

/// The maximum of each two adjacent sums and the two below, plus the bias, or zero if that is
/// negative.
#[inline(always)]
fn max_pool_and_relu([above, below]: &Sums, bias: f32) -> [f32; WIDTH / 2] {
    let [a, b, c, d] = std::array::from_fn(|output| {
        let (left, right) = (2 * output, 2 * output + 1);
        above[left].max(above[right]).max(below[left].max(below[right])) + bias
    });
    // No bias is −0, so no sum is, and `max` is right except for NaNs: one test for all four.
    if !(a + b + c + d).is_nan() {
        return [a, b, c, d].map(|number| number.max(0.0));
    }
    [a, b, c, d].map(rectified)
}

/// The sums of a tile with one filter.
#[inline(always)]
fn sums<const K: usize, const R: usize, const S: usize>(
    patches: &[[InputPatch<'_, S>; R]],
    weights: &[[[f32; K]; K]],
) -> Sums {
    let mut all = [[0.0; WIDTH]; 2];
    for (patches, kernel) in patches.iter().zip(weights) {
        let of_row = |row: usize| kernel.get(row).copied().unwrap_or([0.0; K]);
        // Unrolled, so that a kernel row, once loaded, stays in registers for the next input row.
        unrolled!(for row in 0..R {
            let weights = [&of_row(row), &of_row(usize::wrapping_sub(row, 1))];
            let (patch, sums) = (patches[row], &mut all);
            if row == 0 {
                patch.pattern.run(RunOfTaps::<_, _, true, false> { sums, patch, weights });
            } else if row < K {
                patch.pattern.run(RunOfTaps::<_, _, true, true> { sums, patch, weights });
            } else {
                patch.pattern.run(RunOfTaps::<_, _, false, true> { sums, patch, weights });
            }
        });
    }
    all
}

/// A kernel row applied to a patch, and the sums that its products are added to: those above, those
/// below or both. The type says which, since compilation takes twice as long if values do.
struct RunOfTaps<'a, const K: usize, const S: usize, const ABOVE: bool, const BELOW: bool> {
    sums: &'a mut Sums,
    patch: InputPatch<'a, S>,
    /// The kernel rows for the sums above and for those below.
    weights: [&'a [f32; K]; 2],
}

impl<const K: usize, const S: usize, const ABOVE: bool, const BELOW: bool>
    RunOfTaps<'_, K, S, ABOVE, BELOW>
{
    /// Adds the products of one pixel, with each tap that reads it for one of the outputs.
    #[inline(always)]
    fn scatter([above, below]: &mut Sums, weights: [&[f32; K]; 2], pixel: usize, value: f32) {
        for output in 0..WIDTH {
            if pixel < output || pixel - output >= K {
                continue;
            }
            let tap = pixel - output;
            if ABOVE {
                above[output] = processor::fused(value, weights[0][tap], above[output]);
            }
            if BELOW {
                below[output] = processor::fused(value, weights[1][tap], below[output]);
            }
        }
    }
}

impl<const K: usize, const S: usize, const ABOVE: bool, const BELOW: bool> AddPatch
    for RunOfTaps<'_, K, S, ABOVE, BELOW>
{
    #[inline(always)]
    fn scattered(self) {
        let InputPatch { pixels, zeros, .. } = self.patch;
        unrolled!(for pixel in 0..S {
            if zeros >> pixel & 1 == 0 {
                Self::scatter(self.sums, self.weights, pixel, pixels[pixel]);
            }
        });
    }

    #[inline(always)]
    fn span<const FIRST: usize, const LAST: usize>(self) {
        if !SKIPS_ZEROS || LAST >= S {
            return;
        }
        unrolled!(for pixel in 0..S {
            if FIRST <= pixel && pixel <= LAST {
                Self::scatter(self.sums, self.weights, pixel, self.patch.pixels[pixel]);
            }
        });
    }
}
