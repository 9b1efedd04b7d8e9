//! The convolution, without arranging windows first: some pixels side by side by a few filters of
//! sums held in registers, each pixel loaded once for all the taps of a kernel's row.
//!
//! A tap is a place of the kernel: a channel, a row and a column. Taps of one row are taken
//! together as a run where the pixels they see overlap; otherwise each is a run of its own. So a
//! stride only sorts an image's columns by their remainders first, and a dilation only moves runs
//! apart.

use super::{
    Geometry,
    processor::{self, SKIPS_ZEROS},
};

/// Filters cut into blocks that are convolved together, each [taps, filters of the block]
/// row-major.
#[derive(Debug)]
pub(crate) struct Filters {
    filters: usize,
    groups: usize,
    /// Channels that each filter sees.
    depth: usize,
    /// The most filters in a block.
    block: usize,
    /// Whether no element is infinite or a NaN.
    finite: bool,
    elements: Vec<f32>,
}

impl Filters {
    /// Cuts row-major weights [filters, taps], those of each group by themselves.
    pub(super) fn new(
        weights: &[f32],
        [filters, groups, depth]: [usize; 3],
        geometry: &Geometry,
    ) -> Self {
        let taps = weights.len() / filters;
        let block = block(geometry.places[1]);
        let mut elements = Vec::with_capacity(weights.len());
        for (first, count) in (0..groups).flat_map(|group| blocks(group, filters / groups, block)) {
            let weights = &weights[first * taps..][..count * taps];
            for tap in 0..taps {
                elements.extend(weights.iter().skip(tap).step_by(taps));
            }
        }
        Self { filters, groups, depth, block, finite: super::all_finite(weights), elements }
    }

    /// Whether these are the filters and the places they were cut for.
    pub(super) fn suit(&self, sizes: [usize; 3], geometry: &Geometry) -> bool {
        let block = block(geometry.places[1]);
        ([self.filters, self.groups, self.depth], self.block) == (sizes, block)
    }

    /// The blocks of each group with their biases.
    fn groups<'a>(&'a self, bias: &'a [f32]) -> Vec<Vec<Block<'a>>> {
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
const fn block(wide: usize) -> usize {
    match pixels(wide) {
        8 if SKIPS_ZEROS => 2,
        8 => 6,
        4 => 4,
        _ => 8,
    }
}

/// Pixels side by side that are convolved together.
const fn pixels(wide: usize) -> usize {
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

/// Filters that are convolved together.
struct Block<'a> {
    first: usize,
    weights: &'a [f32],
    bias: &'a [f32],
}

/// Bytes the kernel keeps beside images and weights: an image's lines, what is zero in them, and
/// what each run of a filter's taps sees.
pub(crate) fn scratch(channels: usize, depth: usize, geometry: &Geometry) -> Option<usize> {
    let lines = Lines::new(geometry);
    let pixels = channels.checked_mul(geometry.image[0])?.checked_mul(lines.line)?;
    let runs =
        depth.checked_mul(geometry.kernel[0])?.checked_mul(geometry.kernel[1] / lines.run)?;
    let run = size_of::<Start>() + size_of::<usize>() + tiles(runs) * size_of::<Seen<'_, 1>>();
    let pixel = size_of::<f32>() + size_of::<u16>();
    pixels.checked_mul(pixel)?.checked_add(runs.checked_mul(run)?)
}

/// Tiles looked at together, so that what many runs see stays small.
const fn tiles(runs: usize) -> usize {
    let tiles = (1 << 14) / runs;
    if tiles == 0 { 1 } else { tiles }
}

/// Images moved over by filters, plus a bias, by the rule of arithmetic.
///
/// - Shapes: images [images, channels, height, width], bias [filters], result
///   [images, filters, places …]
pub(super) fn convolution(
    images: &[f32],
    filters: &Filters,
    bias: Option<&[f32]>,
    geometry: &Geometry,
) -> Vec<f32> {
    let bias = super::addends(bias, filters.filters);
    let image = filters.depth * filters.groups * geometry.image[0] * geometry.image[1];
    let answer = filters.filters * geometry.places[0] * geometry.places[1];
    let mut output = vec![0.0; images.len() / image * answer];
    let lines = Lines::new(geometry);
    let work = Work {
        geometry,
        starts: lines.starts(filters.depth, geometry),
        line: lines.line,
        groups: filters.groups(&bias),
        depth: filters.depth,
        finite: filters.finite,
    };
    let mut scratch = Vec::new();
    for (image, output) in images.chunks_exact(image).zip(output.chunks_exact_mut(answer)) {
        work.image(lines.arrange(image, geometry, &mut scratch), lines.run, output);
    }
    output
}

/// How an image's lines lie in memory: for each channel and row, the columns of the padded line by
/// their remainder to the stride.
#[derive(Clone, Copy)]
struct Lines {
    /// Whether an image's lines are so without being arranged.
    whole: bool,
    /// Pixels of one remainder.
    part: usize,
    /// Pixels of all.
    line: usize,
    /// Taps in a run.
    run: usize,
}

/// Where a run of taps begins in a group's lines, and its row in the window.
struct Start {
    place: usize,
    row: usize,
}

impl Lines {
    fn new(geometry: &Geometry) -> Self {
        let Geometry { kernel, stride, dilation, places, .. } = geometry;
        // All that the windows see.
        let seen = (places[1] - 1) * stride[1] + (kernel[1] - 1) * dilation[1] + 1;
        let whole = geometry.padding[1] == 0 && stride[1] == 1 && seen <= geometry.image[1];
        let part = if whole { geometry.image[1] } else { seen.div_ceil(stride[1]) };
        let together = stride[1] == 1 && dilation[1] == 1 && matches!(kernel[1], 3 | 5);
        Self { whole, part, line: part * stride[1], run: if together { kernel[1] } else { 1 } }
    }

    /// The runs of a filter, in order.
    fn starts(self, depth: usize, geometry: &Geometry) -> Vec<Start> {
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
    fn arrange<'a>(
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

/// What is the same for all images.
struct Work<'a> {
    geometry: &'a Geometry,
    starts: Vec<Start>,
    /// Pixels of a line.
    line: usize,
    /// The blocks of each group.
    groups: Vec<Vec<Block<'a>>>,
    /// Channels of a group.
    depth: usize,
    /// Whether all weights are finite.
    finite: bool,
}

/// What a run of taps sees from a tile.
#[derive(Clone, Copy)]
struct Seen<'a, const S: usize> {
    pixels: &'a [f32; S],
    /// The pixels that are not zero, one bit each, the first the lowest; and [`TOGETHER`].
    bits: u16,
}

/// Among the bits of a run: so many pixels are not zero that all are taken together.
const TOGETHER: u16 = 1 << 15;

/// Convolves a row of tiles with blocks of filters.
type Convolve<const S: usize> = fn(&[Seen<'_, S>], &[Block<'_>], Place<'_>);

impl Work<'_> {
    /// Convolves an image, in runs of `run` taps.
    fn image(&self, pixels: &[f32], run: usize, output: &mut [f32]) {
        let wide = self::pixels(self.geometry.places[1]);
        if SKIPS_ZEROS || !self.finite {
            match (wide, run) {
                (8, 5) => self.rows::<8, 12, true>(pixels, by_eight::<5, 12, true>, output),
                (8, 3) => self.rows::<8, 10, true>(pixels, by_eight::<3, 10, true>, output),
                (8, _) => self.rows::<8, 8, true>(pixels, by_eight::<1, 8, true>, output),
                (4, 5) => self.rows::<4, 8, true>(pixels, by_four::<5, 8, true>, output),
                (4, 3) => self.rows::<4, 6, true>(pixels, by_four::<3, 6, true>, output),
                (4, _) => self.rows::<4, 4, true>(pixels, by_four::<1, 4, true>, output),
                (_, 5) => self.rows::<1, 5, true>(pixels, by_one::<5, 5, true>, output),
                (_, 3) => self.rows::<1, 3, true>(pixels, by_one::<3, 3, true>, output),
                (_, _) => self.rows::<1, 1, true>(pixels, by_one::<1, 1, true>, output),
            }
        } else {
            match (wide, run) {
                (8, 5) => self.rows::<8, 12, false>(pixels, by_eight::<5, 12, false>, output),
                (8, 3) => self.rows::<8, 10, false>(pixels, by_eight::<3, 10, false>, output),
                (8, _) => self.rows::<8, 8, false>(pixels, by_eight::<1, 8, false>, output),
                (4, 5) => self.rows::<4, 8, false>(pixels, by_four::<5, 8, false>, output),
                (4, 3) => self.rows::<4, 6, false>(pixels, by_four::<3, 6, false>, output),
                (4, _) => self.rows::<4, 4, false>(pixels, by_four::<1, 4, false>, output),
                (_, 5) => self.rows::<1, 5, false>(pixels, by_one::<5, 5, false>, output),
                (_, 3) => self.rows::<1, 3, false>(pixels, by_one::<3, 3, false>, output),
                (_, _) => self.rows::<1, 1, false>(pixels, by_one::<1, 1, false>, output),
            }
        }
    }

    /// Convolves an image by tiles of `P` pixels, in runs of taps that see `S` pixels.
    fn rows<const P: usize, const S: usize, const SKIP: bool>(
        &self,
        pixels: &[f32],
        convolve: Convolve<S>,
        output: &mut [f32],
    ) {
        let Geometry { image: [height, _], stride, padding, places: [high, wide], .. } =
            *self.geometry;
        let image = Image { pixels, ahead: if SKIP { ahead::<S>(pixels) } else { Vec::new() } };
        // The last tile may do some pixels again.
        let columns = (0..wide).step_by(P).map(|column| column.min(wide - P)).collect::<Vec<_>>();
        let mut starts = Vec::with_capacity(self.starts.len());
        let mut seen = Vec::new();
        let tiles = tiles(self.starts.len());
        for (group, blocks) in self.groups.iter().enumerate() {
            let channels = group * self.depth * height * self.line;
            for row in 0..high {
                let top = (row * stride[0]).wrapping_sub(padding[0]);
                let line = top.wrapping_mul(self.line).wrapping_add(channels);
                starts.clear();
                starts.extend(self.starts.iter().map(|start| {
                    // Rows of the padding are beyond every image.
                    let within = top.wrapping_add(start.row) < height;
                    if within { line.wrapping_add(start.place) } else { usize::MAX / 2 }
                }));
                for columns in columns.chunks(tiles) {
                    seen.clear();
                    for &column in columns {
                        image.look::<S, SKIP>(&starts, column, self.finite, &mut seen);
                    }
                    for blocks in blocks.chunk_by(|one, next| one.bias.len() == next.bias.len()) {
                        let (output, plane) = (&mut *output, high * wide);
                        convolve(&seen, blocks, Place { output, plane, row: row * wide, columns });
                    }
                }
            }
        }
    }
}

/// For each pixel, which of it and those after it, `S` in all, are not zero, one bit each, its own
/// the lowest.
fn ahead<const S: usize>(pixels: &[f32]) -> Vec<u16> {
    let mut ahead = vec![0; pixels.len()];
    let mut bits = 0;
    for (slot, pixel) in ahead.iter_mut().zip(pixels).rev() {
        bits = (bits << 1 | u16::from(*pixel != 0.0)) & (u16::MAX >> (16 - S));
        *slot = bits;
    }
    ahead
}

/// An image's lines and what is zero in them.
struct Image<'a> {
    pixels: &'a [f32],
    ahead: Vec<u16>,
}

impl<'a> Image<'a> {
    /// Appends what each run sees from a tile that begins at this column.
    #[inline(never)]
    fn look<const S: usize, const SKIP: bool>(
        &self,
        starts: &[usize],
        column: usize,
        finite: bool,
        seen: &mut Vec<Seen<'a, S>>,
    ) {
        seen.extend(starts.iter().map(|start| {
            let start = start.wrapping_add(column);
            let pixels = self.pixels.get(start..).and_then(|pixels| pixels.first_chunk::<S>());
            let Some(pixels) = pixels else { return Seen { pixels: &[0.0; S], bits: 0 } };
            let bits = if SKIP { self.ahead.get(start).copied().unwrap_or(0) } else { 0 };
            let together = finite && is_many::<S>(bits);
            Seen { pixels, bits: if together { TOGETHER } else { bits } }
        }));
    }
}

/// Whether so many of `S` bits are set that their pixels cost as much one by one as all together.
#[inline(always)]
fn is_many<const S: usize>(bits: u16) -> bool {
    const COUNTS: [u8; 64] = {
        let mut counts = [0; 64];
        let mut bits = 0;
        while bits < 64 {
            counts[bits] = counts[bits / 2] + (bits & 1) as u8;
            bits += 1;
        }
        counts
    };
    let [low, high] = [bits & 63, bits >> 6 & 63].map(|bits| COUNTS[usize::from(bits)]);
    3 * usize::from(low + high) > 2 * S
}

/// Where a row's sums go.
struct Place<'a> {
    /// A whole image's answer.
    output: &'a mut [f32],
    /// Places of one filter.
    plane: usize,
    /// The row's first place among them.
    row: usize,
    /// Where the tiles begin in the row.
    columns: &'a [usize],
}

/// Blocks of filters by tiles of eight pixels.
fn by_eight<const R: usize, const S: usize, const SKIP: bool>(
    seen: &[Seen<'_, S>],
    blocks: &[Block<'_>],
    place: Place<'_>,
) {
    match blocks.first().map(|block| block.bias.len()) {
        Some(6) => convolve::<8, 6, R, S, SKIP>(seen, blocks, place),
        Some(4) => convolve::<8, 4, R, S, SKIP>(seen, blocks, place),
        Some(2) => convolve::<8, 2, R, S, SKIP>(seen, blocks, place),
        _ => convolve::<8, 1, R, S, SKIP>(seen, blocks, place),
    }
}

/// Blocks of filters by tiles of four pixels.
fn by_four<const R: usize, const S: usize, const SKIP: bool>(
    seen: &[Seen<'_, S>],
    blocks: &[Block<'_>],
    place: Place<'_>,
) {
    match blocks.first().map(|block| block.bias.len()) {
        Some(4) => convolve::<4, 4, R, S, SKIP>(seen, blocks, place),
        Some(2) => convolve::<4, 2, R, S, SKIP>(seen, blocks, place),
        _ => convolve::<4, 1, R, S, SKIP>(seen, blocks, place),
    }
}

/// Blocks of filters by single pixels.
fn by_one<const R: usize, const S: usize, const SKIP: bool>(
    seen: &[Seen<'_, S>],
    blocks: &[Block<'_>],
    place: Place<'_>,
) {
    match blocks.first().map(|block| block.bias.len()) {
        Some(8) => convolve::<1, 8, R, S, SKIP>(seen, blocks, place),
        Some(6) => convolve::<1, 6, R, S, SKIP>(seen, blocks, place),
        Some(4) => convolve::<1, 4, R, S, SKIP>(seen, blocks, place),
        Some(2) => convolve::<1, 2, R, S, SKIP>(seen, blocks, place),
        _ => convolve::<1, 1, R, S, SKIP>(seen, blocks, place),
    }
}

/// Repeats a statement for each of these numbers, so that the compiler keeps all sums in registers:
/// of a loop this long it would not.
macro_rules! unrolled {
    (for $number:ident in [$($literal:literal)*] $body:block) => {
        $({ let $number = $literal; $body })*
    };
}

/// Convolves a row of tiles with blocks of `F` filters.
fn convolve<const P: usize, const F: usize, const R: usize, const S: usize, const SKIP: bool>(
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
                let first = block.first * place.plane + place.row;
                for (seen, column) in seen.chunks_exact(weights.len()).zip(place.columns) {
                    let sums = sums::<P, F, R, S, SKIP>(seen, weights);
                    let mut first = first + column;
                    for (sums, bias) in sums.into_iter().zip(bias) {
                        let output = place.output.get_mut(first..);
                        let output = output.and_then(|output| output.first_chunk_mut::<P>());
                        if let Some(output) = output {
                            *output = sums.map(|sum| sum + bias);
                        }
                        first += place.plane;
                    }
                }
            }
        },
    );
}

/// A tile's sums with a block of filters.
#[inline(always)]
fn sums<const P: usize, const F: usize, const R: usize, const S: usize, const SKIP: bool>(
    seen: &[Seen<'_, S>],
    weights: &[[[f32; F]; R]],
) -> [[f32; P]; F] {
    let mut sums = [[0.0; P]; F];
    for (seen, weights) in seen.iter().zip(weights) {
        if SKIP && seen.bits == 0 {
            continue;
        }
        if SKIP && seen.bits < TOGETHER {
            let weights = *weights;
            unrolled!(for pixel in [0 1 2 3 4 5 6 7 8 9 10 11] {
                if pixel < S && seen.bits >> pixel & 1 != 0 {
                    scatter(&mut sums, pixel, seen.pixels[pixel], &weights);
                }
            });
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
