//! The inner loops of a convolution: tiles of pixels by blocks of filters.

use super::{
    super::processor::{self, SKIPS_ZEROS},
    view::{Seen, Visit},
};

/// Filters that are convolved together.
pub(super) struct Block<'a> {
    pub(super) first: usize,
    pub(super) weights: &'a [f32],
    pub(super) bias: &'a [f32],
}

/// Convolves tiles, of which each run sees something, with blocks of filters.
pub(super) type Convolve<const S: usize> = fn(&[Seen<'_, S>], &[Block<'_>], Place<'_>);

/// Where the sums of some tiles go.
pub(super) struct Place<'a> {
    /// A whole image's answer.
    pub(super) output: &'a mut [f32],
    /// Numbers of one filter in it.
    pub(super) plane: usize,
    pub(super) tiles: &'a [Tile],
}

/// Some pixels side by side of a convolution's answer.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    /// The first window it sees of the first channel.
    pub(super) first: usize,
    /// Where what it sees of all channels begins in the list that is convolved.
    pub(super) seen: usize,
    /// Where its numbers begin among those of one filter.
    pub(super) place: usize,
}

/// Blocks of filters by tiles of eight pixels; on a scalar core of two filters at most.
pub(super) fn by_eight<const R: usize, const S: usize>(
    seen: &[Seen<'_, S>],
    blocks: &[Block<'_>],
    place: Place<'_>,
) {
    match blocks.first().map(|block| block.bias.len()) {
        Some(6) if !SKIPS_ZEROS => convolve::<8, 6, R, S>(seen, blocks, place),
        Some(4) if !SKIPS_ZEROS => convolve::<8, 4, R, S>(seen, blocks, place),
        Some(2) => convolve::<8, 2, R, S>(seen, blocks, place),
        _ => convolve::<8, 1, R, S>(seen, blocks, place),
    }
}

/// Blocks of filters by tiles of four pixels.
pub(super) fn by_four<const R: usize, const S: usize>(
    seen: &[Seen<'_, S>],
    blocks: &[Block<'_>],
    place: Place<'_>,
) {
    match blocks.first().map(|block| block.bias.len()) {
        Some(4) => convolve::<4, 4, R, S>(seen, blocks, place),
        Some(2) => convolve::<4, 2, R, S>(seen, blocks, place),
        _ => convolve::<4, 1, R, S>(seen, blocks, place),
    }
}

/// Blocks of filters by single pixels.
pub(super) fn by_one<const R: usize, const S: usize>(
    seen: &[Seen<'_, S>],
    blocks: &[Block<'_>],
    place: Place<'_>,
) {
    match blocks.first().map(|block| block.bias.len()) {
        Some(8) => convolve::<1, 8, R, S>(seen, blocks, place),
        Some(6) => convolve::<1, 6, R, S>(seen, blocks, place),
        Some(4) => convolve::<1, 4, R, S>(seen, blocks, place),
        Some(2) => convolve::<1, 2, R, S>(seen, blocks, place),
        _ => convolve::<1, 1, R, S>(seen, blocks, place),
    }
}

/// Convolves tiles with blocks of `F` filters.
fn convolve<const P: usize, const F: usize, const R: usize, const S: usize>(
    seen: &[Seen<'_, S>],
    blocks: &[Block<'_>],
    place: Place<'_>,
) {
    processor::vectorized(
        #[inline(always)]
        || {
            for block in blocks {
                let (weights, _) = block.weights.as_chunks::<F>().0.as_chunks::<R>();
                let Some(bias) = block.bias.first_chunk::<F>() else { break };
                let first = block.first * place.plane;
                if weights.is_empty() {
                    break;
                }
                for tile in place.tiles {
                    let seen = seen.get(tile.seen..).and_then(|seen| seen.get(..weights.len()));
                    let Some(seen) = seen else { break };
                    let sums = sums::<P, F, R, S>(seen, weights);
                    let mut first = first.wrapping_add(tile.place);
                    for (sums, bias) in sums.into_iter().zip(bias) {
                        let output = place.output.get_mut(first..);
                        if let Some(output) = output.and_then(|output| output.first_chunk_mut()) {
                            *output = sums.map(|sum| sum + bias);
                        }
                        first = first.wrapping_add(place.plane);
                    }
                }
            }
        },
    );
}

/// A tile's sums with a block of filters.
#[inline(always)]
fn sums<const P: usize, const F: usize, const R: usize, const S: usize>(
    seen: &[Seen<'_, S>],
    weights: &[[[f32; F]; R]],
) -> [[f32; P]; F] {
    let mut sums = [[0.0; P]; F];
    // Not zipped: so each list is gone through by a pointer, without index arithmetic.
    let (mut all_seen, mut all_weights) = (seen, weights);
    while let ([seen, seen_rest @ ..], [weights, weights_rest @ ..]) = (all_seen, all_weights) {
        (all_seen, all_weights) = (seen_rest, weights_rest);
        if SKIPS_ZEROS {
            seen.view.visit(Run { sums: &mut sums, seen, weights });
        } else {
            unrolled!(for tap in [0 1 2 3 4] {
                if tap < R {
                    gather(&mut sums, &seen.pixels[tap..], &weights[tap]);
                }
            });
        }
    }
    sums
}

/// A run of taps, and the sums it is added to.
struct Run<'a, const P: usize, const F: usize, const R: usize, const S: usize> {
    sums: &'a mut [[f32; P]; F],
    seen: &'a Seen<'a, S>,
    weights: &'a [[f32; F]; R],
}

impl<const P: usize, const F: usize, const R: usize, const S: usize> Visit for Run<'_, P, F, R, S> {
    #[inline(always)]
    fn nothing(self) {}

    #[inline(always)]
    fn some(self) {
        let (Seen { pixels, zeros, .. }, weights) = (*self.seen, *self.weights);
        unrolled!(for pixel in [0 1 2 3 4 5 6 7 8 9 10 11] {
            if pixel < S && zeros >> pixel & 1 == 0 {
                scatter(self.sums, pixel, pixels[pixel], &weights);
            }
        });
    }

    #[inline(always)]
    fn span<const FIRST: usize, const LAST: usize>(self) {
        if SKIPS_ZEROS && LAST < S {
            let pixels = self.seen.pixels;
            unrolled!(for tap in [0 1 2 3 4] {
                if tap < R {
                    for place in 0..P {
                        let pixel = place + tap;
                        if FIRST <= pixel && pixel <= LAST {
                            for (sums, weight) in self.sums.iter_mut().zip(&self.weights[tap]) {
                                sums[place] = pixels[pixel].mul_add(*weight, sums[place]);
                            }
                        }
                    }
                }
            });
        }
    }
}

/// Adds what the first `P` pixels give to the sums by one tap.
#[inline(always)]
fn gather<const P: usize, const F: usize>(
    sums: &mut [[f32; P]; F],
    pixels: &[f32],
    weights: &[f32; F],
) {
    let Some(pixels) = pixels.first_chunk::<P>() else { return };
    for (sums, weight) in sums.iter_mut().zip(weights) {
        for (sum, pixel) in sums.iter_mut().zip(pixels) {
            *sum = pixel.mul_add(*weight, *sum);
        }
    }
}

/// Adds what one pixel gives to the sums, by each tap that sees it from one of their places.
#[inline(always)]
fn scatter<const P: usize, const F: usize, const R: usize>(
    sums: &mut [[f32; P]; F],
    pixel: usize,
    value: f32,
    weights: &[[f32; F]; R],
) {
    for place in 0..P {
        let Some(weights) = pixel.checked_sub(place).and_then(|tap| weights.get(tap)) else {
            continue;
        };
        for (sums, weight) in sums.iter_mut().zip(weights) {
            sums[place] = value.mul_add(*weight, sums[place]);
        }
    }
}
