//! The micro-kernel of a convolution: register tiles of output pixels by filters.

use super::{
    super::processor::{self, SKIPS_ZEROS, TILES},
    filters::FilterBlock,
    patch::{AddPatch, InputPatch},
};

/// Convolves tiles, given all their patches, with blocks of the same number of filters.
pub(super) type Convolve<const S: usize> = fn(&[InputPatch<'_, S>], &[FilterBlock<'_>], Output<'_>);

/// Destination of the sums of some tiles.
pub(super) struct Output<'a> {
    /// The output of a whole image.
    pub(super) pixels: &'a mut [f32],
    /// Pixels of one of its channels.
    pub(super) channel: usize,
    pub(super) tiles: &'a [Tile],
}

/// Some adjacent pixels of a convolution's output.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    /// Index of its first patch, in the first channel of its group.
    pub(super) first_patch: usize,
    /// Offset of its patches of all channels in the list that is convolved.
    pub(super) gathered: usize,
    /// Offset of its pixels in a channel of the output.
    pub(super) pixel: usize,
}

/// Bytes of a tile in the machine, which costs are counted by on every processor.
pub(super) const TILE_BYTES: usize = 24;
const _: () = assert!(size_of::<usize>() != 8 || size_of::<Tile>() == TILE_BYTES);

/// Declares functions that convolve tiles of this many pixels by the micro-kernel for the blocks'
/// number of filters, among the numbers that a register tile has room for.
macro_rules! by_filters {
    ($($name:ident: $pixels:literal pixels by $($filters:literal)* filters;)*) => {$(
        pub(super) fn $name<const T: usize, const S: usize>(
            patches: &[InputPatch<'_, S>],
            blocks: &[FilterBlock<'_>],
            output: Output<'_>,
        ) {
            match blocks.first().map(|block| block.bias.len()) {
                $(Some($filters) if const { $filters <= TILES.convolution($pixels)[1] } => {
                    convolve::<$pixels, $filters, T, S>(patches, blocks, output);
                })*
                _ => convolve::<$pixels, 1, T, S>(patches, blocks, output),
            }
        }
    )*};
}

by_filters! {
    by_eight: 8 pixels by 6 4 2 filters;
    by_four: 4 pixels by 4 2 filters;
    by_one: 1 pixels by 8 6 4 2 filters;
}

/// Convolves tiles of `P` pixels with blocks of `F` filters, in runs of `T` taps.
fn convolve<const P: usize, const F: usize, const T: usize, const S: usize>(
    patches: &[InputPatch<'_, S>],
    blocks: &[FilterBlock<'_>],
    output: Output<'_>,
) {
    processor::vectorized(
        #[inline(always)]
        || {
            for block in blocks {
                let (weights, _) = block.weights.as_chunks::<F>().0.as_chunks::<T>();
                let Some(bias) = block.bias.first_chunk::<F>() else { break };
                let first = block.first * output.channel;
                if weights.is_empty() {
                    break;
                }
                for tile in output.tiles {
                    let patches = patches.get(tile.gathered..);
                    let Some(patches) = patches.and_then(|patches| patches.get(..weights.len()))
                    else {
                        break;
                    };
                    let sums = sums::<P, F, T, S>(patches, weights);
                    let mut first = first.wrapping_add(tile.pixel);
                    for (sums, bias) in sums.into_iter().zip(bias) {
                        let pixels = output.pixels.get_mut(first..);
                        if let Some(pixels) = pixels.and_then(|pixels| pixels.first_chunk_mut()) {
                            *pixels = sums.map(|sum| sum + bias);
                        }
                        first = first.wrapping_add(output.channel);
                    }
                }
            }
        },
    );
}

/// The sums of a tile.
#[inline(always)]
fn sums<const P: usize, const F: usize, const T: usize, const S: usize>(
    patches: &[InputPatch<'_, S>],
    weights: &[[[f32; F]; T]],
) -> [[f32; P]; F] {
    let mut sums = [[0.0; P]; F];
    // Not zipped, so that the loop advances pointers, without index arithmetic.
    let (mut patches, mut weights) = (patches, weights);
    while let ([patch, other_patches @ ..], [run, other_runs @ ..]) = (patches, weights) {
        (patches, weights) = (other_patches, other_runs);
        if SKIPS_ZEROS {
            patch.pattern.run(RunOfTaps { sums: &mut sums, patch, weights: run });
        } else {
            unrolled!(for tap in 0..T {
                gather(&mut sums, &patch.pixels[tap..], &run[tap]);
            });
        }
    }
    sums
}

/// A run of taps applied to a patch, and the sums that its products are added to.
struct RunOfTaps<'a, const P: usize, const F: usize, const T: usize, const S: usize> {
    sums: &'a mut [[f32; P]; F],
    patch: &'a InputPatch<'a, S>,
    weights: &'a [[f32; F]; T],
}

impl<const P: usize, const F: usize, const T: usize, const S: usize> AddPatch
    for RunOfTaps<'_, P, F, T, S>
{
    #[inline(always)]
    fn scattered(self) {
        let (InputPatch { pixels, zeros, .. }, weights) = (*self.patch, *self.weights);
        unrolled!(for pixel in 0..S {
            if zeros >> pixel & 1 == 0 {
                scatter(self.sums, pixel, pixels[pixel], &weights);
            }
        });
    }

    #[inline(always)]
    fn span<const FIRST: usize, const LAST: usize>(self) {
        if !SKIPS_ZEROS || LAST >= S {
            return;
        }
        let pixels = self.patch.pixels;
        unrolled!(for tap in 0..T {
            for output in 0..P {
                let pixel = output + tap;
                if FIRST <= pixel && pixel <= LAST {
                    for (sums, weight) in self.sums.iter_mut().zip(&self.weights[tap]) {
                        sums[output] = processor::fused(pixels[pixel], *weight, sums[output]);
                    }
                }
            }
        });
    }
}

/// Adds the products of one tap and `P` adjacent pixels.
#[inline(always)]
fn gather<const P: usize, const F: usize>(
    sums: &mut [[f32; P]; F],
    pixels: &[f32],
    weights: &[f32; F],
) {
    let Some(pixels) = pixels.first_chunk::<P>() else { return };
    for (sums, weight) in sums.iter_mut().zip(weights) {
        for (sum, pixel) in sums.iter_mut().zip(pixels) {
            *sum = processor::fused(*pixel, *weight, *sum);
        }
    }
}

/// Adds the products of one pixel with each tap that reads it for one of the outputs.
#[inline(always)]
fn scatter<const P: usize, const F: usize, const T: usize>(
    sums: &mut [[f32; P]; F],
    pixel: usize,
    value: f32,
    weights: &[[f32; F]; T],
) {
    for output in 0..P {
        let Some(weights) = pixel.checked_sub(output).and_then(|tap| weights.get(tap)) else {
            continue;
        };
        for (sums, weight) in sums.iter_mut().zip(weights) {
            sums[output] = processor::fused(value, *weight, sums[output]);
        }
    }
}
