//! The convolution, without arranging windows first: some pixels side by side by a few filters of
//! sums held in registers, each pixel loaded once for all the taps of a kernel's row.
//!
//! A tap is a place of the kernel: a channel, a row and a column. Taps of one row are taken
//! together as a run where the pixels they see overlap; otherwise each is a run of its own. So a
//! stride only sorts an image's columns by their remainders first, and a dilation only moves runs
//! apart.

mod filters;
mod lines;
mod tile;

pub(super) use filters::Filters;
use lines::{Lines, Start};
use tile::{Block, Convolve, Place, Seen, TOGETHER, by_eight, by_four, by_one};

use super::{Geometry, processor::SKIPS_ZEROS};

/// Bytes the kernel keeps beside images and weights: an image's lines, what is zero in them, and
/// what each run of a filter's taps sees.
pub(crate) fn scratch(channels: usize, depth: usize, geometry: &Geometry) -> Option<usize> {
    let lines = Lines::new(geometry);
    let pixels = channels.checked_mul(geometry.image[0])?.checked_mul(lines.line)?;
    let runs =
        depth.checked_mul(geometry.kernel[0])?.checked_mul(geometry.kernel[1] / lines.run)?;
    let run = size_of::<Start>() + size_of::<usize>() + most_tiles(runs) * size_of::<Seen<'_, 1>>();
    let pixel = size_of::<f32>() + size_of::<u32>();
    pixels.checked_mul(pixel)?.checked_add(runs.checked_mul(run)?)
}

/// Tiles looked at together, so that what many runs see stays small.
const fn most_tiles(runs: usize) -> usize {
    let tiles = (1 << 12) / runs;
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

impl Work<'_> {
    /// Convolves an image, in runs of `run` taps.
    fn image(&self, pixels: &[f32], run: usize, output: &mut [f32]) {
        let wide = filters::pixels(self.geometry.places[1]);
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
        let image = Image { pixels, ahead: if SKIP { ahead(pixels) } else { Vec::new() } };
        // The last tile of a row may do some pixels again.
        let columns = (0..wide).step_by(P).map(|column| column.min(wide - P)).collect::<Vec<_>>();
        let mut starts = Vec::with_capacity(self.starts.len());
        let most = most_tiles(self.starts.len()).min(high * columns.len());
        let mut seen = Vec::with_capacity(most * self.starts.len());
        let mut tiles = Vec::with_capacity(most);
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
                for columns in columns.chunks(most) {
                    if tiles.len() + columns.len() > most {
                        self.convolve(&seen, blocks, &tiles, convolve, output);
                        seen.clear();
                        tiles.clear();
                    }
                    image.look::<S, SKIP>(&starts, columns, self.finite, &mut seen);
                    tiles.extend(columns.iter().map(|column| row * wide + column));
                }
            }
            self.convolve(&seen, blocks, &tiles, convolve, output);
            seen.clear();
            tiles.clear();
        }
    }

    /// Convolves the tiles that begin at these places.
    fn convolve<const S: usize>(
        &self,
        seen: &[Seen<'_, S>],
        blocks: &[Block<'_>],
        tiles: &[usize],
        convolve: Convolve<S>,
        output: &mut [f32],
    ) {
        let plane = self.geometry.places[0] * self.geometry.places[1];
        for blocks in blocks.chunk_by(|one, next| one.bias.len() == next.bias.len()) {
            convolve(seen, blocks, Place { output, plane, tiles });
        }
    }
}

/// For each pixel, which of it and at least twelve after it are not zero, one bit each, its own the
/// lowest.
fn ahead(pixels: &[f32]) -> Vec<u32> {
    let mut ahead = vec![0; pixels.len()];
    let ((blocks, rest), (slots, rest_slots)) =
        (pixels.as_chunks::<8>(), ahead.as_chunks_mut::<8>());
    let mut bits = 0;
    for (slot, pixel) in rest_slots.iter_mut().zip(rest).rev() {
        bits = bits << 1 | u32::from(*pixel != 0.0);
        *slot = bits;
    }
    for (slots, block) in slots.iter_mut().zip(blocks).rev() {
        for pixel in block.iter().rev() {
            bits = bits << 1 | u32::from(*pixel != 0.0);
        }
        for (place, slot) in (0..).zip(slots) {
            *slot = bits >> place;
        }
    }
    ahead
}

/// An image's lines and what is zero in them.
struct Image<'a> {
    pixels: &'a [f32],
    ahead: Vec<u32>,
}

impl<'a> Image<'a> {
    /// Appends what each run sees from each of the tiles that begin at these columns.
    #[inline(never)]
    fn look<const S: usize, const SKIP: bool>(
        &self,
        starts: &[usize],
        columns: &[usize],
        finite: bool,
        seen: &mut Vec<Seen<'a, S>>,
    ) {
        let (pixels, ahead) = (self.pixels, &self.ahead[..]);
        // Beyond this their pixels cost as much one by one as all together.
        let few = if finite { 2 * S / 3 } else { S };
        for &column in columns {
            seen.extend(starts.iter().map(move |start| {
                let start = start.wrapping_add(column);
                let pixels = pixels.get(start..).and_then(|pixels| pixels.first_chunk::<S>());
                let Some(pixels) = pixels else { return Seen { pixels: &[0.0; S], bits: 0 } };
                let bits = if SKIP { ahead.get(start).copied().unwrap_or(0) } else { 0 };
                let bits = bits & (u32::MAX >> (32 - S));
                let together = usize::from(COUNTS[(bits & 0xfff) as usize]) > few;
                Seen { pixels, bits: if together { TOGETHER } else { bits.cast_signed() } }
            }));
        }
    }
}

/// How many bits are set; a table, since counting takes a core without an instruction for it long.
static COUNTS: [u8; 1 << 12] = {
    let mut counts = [0; 1 << 12];
    let mut bits = 0;
    while bits < counts.len() {
        counts[bits] = counts[bits / 2] + if bits % 2 == 0 { 0 } else { 1 };
        bits += 1;
    }
    counts
};
