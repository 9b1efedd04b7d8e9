//! The convolution, without arranging windows first: some pixels side by side by a few filters of
//! sums held in registers, each pixel loaded once for all the taps of a kernel's row.
//!
//! A tap is a place of the kernel: a channel, a row and a column. Taps of one row are taken
//! together as a run where the pixels they see overlap; otherwise each is a run of its own. So a
//! stride only sorts an image's columns by their remainders first, and a dilation only moves runs
//! apart.
//!
//! What a run sees of a line is looked at once for all filters and all rows of places. On a scalar
//! core it then takes the code of its case: one for each span of pixels beyond which all are zero.

/// Repeats a statement for each of these numbers, so that the compiler keeps all sums in registers:
/// of a loop this long it would not.
macro_rules! unrolled {
    (for $number:ident in [$($literal:literal)*] $body:block) => {
        $({ let $number = $literal; $body })*
    };
}

mod filters;
mod halved;
mod lines;
mod tile;
mod view;

pub(super) use filters::Filters;
pub(super) use halved::{BLOCK as HALVED_BLOCK, convolution as halved_convolution};
use lines::Lines;
use tile::{Block, Convolve, Place, Tile, by_eight, by_four, by_one};
use view::Seen;

use super::{Geometry, processor::SKIPS_ZEROS};

/// Bytes the kernel keeps beside images and weights: an image's lines, what the runs of taps see of
/// them, the tiles of its answer, and what some of these see.
pub(crate) fn scratch(channels: usize, depth: usize, geometry: &Geometry) -> Option<usize> {
    let [high, wide] = geometry.places;
    let (lines, columns) = (Lines::new(geometry), columns(wide, filters::pixels(wide)).count());
    let pixels = channels.checked_mul(lines.rows)?.checked_mul(lines.line)?;
    let windows = channels.checked_mul(lines.windows)?.checked_mul(columns)?;
    let tiles = high.checked_mul(columns)?.checked_mul(size_of::<Tile>())?;
    let runs = depth.checked_mul(lines.runs(geometry))?;
    let seen = windows.checked_add(runs.checked_mul(most_tiles(runs))?)?;
    let seen = seen.checked_mul(size_of::<Seen<'_, 1>>())?;
    let whole = pixels.checked_mul(size_of::<f32>())?.checked_add(seen)?.checked_add(tiles)?;
    let suits = halved::suits(geometry);
    let halved = if suits { halved::scratch(channels, depth, geometry)? } else { 0 };
    Some(whole.max(halved))
}

/// The most filters in a block, where all of a convolution is kept.
pub(super) const fn block(geometry: &Geometry) -> usize {
    filters::block(geometry.places[1])
}

/// Tiles put together at once, so that what many runs see stays small.
const fn most_tiles(runs: usize) -> usize {
    let tiles = (1 << 12) / runs;
    if tiles == 0 { 1 } else { tiles }
}

/// Where tiles of so many pixels begin in a row of places. The last may do some pixels again.
fn columns(wide: usize, pixels: usize) -> impl Iterator<Item = usize> + Clone {
    (0..wide).step_by(pixels).map(move |column| column.min(wide - pixels))
}

/// Whether a convolution can be halved at once. It then adds the bias to the greatest sum instead
/// of each: the same but for a bias that makes NaNs.
pub(super) fn can_halve(bias: Option<&[f32]>, geometry: &Geometry) -> bool {
    // With vectors, the three one after the other are quicker.
    SKIPS_ZEROS && halved::suits(geometry) && bias.is_none_or(super::all_finite)
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
    let answer = filters.filters * geometry.places[0] * geometry.places[1];
    let sums = filters.images(images.len(), geometry) * answer;
    if !filters.finite {
        return vec![f32::NAN; sums];
    }
    let bias = super::addends(bias, filters.filters);
    let mut output = vec![0.0; sums];
    let work = Work {
        geometry,
        lines: Lines::new(geometry),
        groups: filters.groups(&bias),
        depth: filters.depth,
        filters: filters.filters,
    };
    work.images(images, &mut output);
    output
}

/// What is the same for all images.
struct Work<'a> {
    geometry: &'a Geometry,
    lines: Lines,
    /// The blocks of each group.
    groups: Vec<Vec<Block<'a>>>,
    /// Channels of a group.
    depth: usize,
    filters: usize,
}

impl Work<'_> {
    /// Convolves images, in runs of taps.
    fn images(&self, pixels: &[f32], output: &mut [f32]) {
        let wide = filters::pixels(self.geometry.places[1]);
        let run = self.lines.run;
        match (wide, run) {
            (8, 5) => self.rows::<8, 12>(pixels, by_eight::<5, 12>, output),
            (8, 3) => self.rows::<8, 10>(pixels, by_eight::<3, 10>, output),
            (8, _) => self.rows::<8, 8>(pixels, by_eight::<1, 8>, output),
            (4, 5) => self.rows::<4, 8>(pixels, by_four::<5, 8>, output),
            (4, 3) => self.rows::<4, 6>(pixels, by_four::<3, 6>, output),
            (4, _) => self.rows::<4, 4>(pixels, by_four::<1, 4>, output),
            (_, 5) => self.rows::<1, 5>(pixels, by_one::<5, 5>, output),
            (_, 3) => self.rows::<1, 3>(pixels, by_one::<3, 3>, output),
            (_, _) => self.rows::<1, 1>(pixels, by_one::<1, 1>, output),
        }
    }

    /// Convolves images by tiles of `P` pixels, in runs of taps that see `S` pixels.
    fn rows<const P: usize, const S: usize>(
        &self,
        images: &[f32],
        convolve: Convolve<S>,
        output: &mut [f32],
    ) {
        let [height, width] = self.geometry.image;
        let channels = self.groups.len() * self.depth;
        let tiles = self.tiles(P);
        let plane = output.len() / (images.len() / (channels * height * width)) / self.filters;
        let runs = self.depth * self.lines.runs(self.geometry);
        let most = most_tiles(runs);
        let mut scratch = Vec::new();
        let images = images.chunks_exact(channels * height * width);
        for (image, output) in images.zip(output.chunks_exact_mut(self.filters * plane)) {
            let pixels = self.lines.arrange(image, self.geometry, &mut scratch);
            let windows = self.windows::<S>(pixels, P);
            let mut seen = Vec::with_capacity(runs * most.min(tiles.len()));
            for (group, blocks) in self.groups.iter().enumerate() {
                let first = group * self.depth * self.lines.windows;
                for tiles in tiles.chunks(most) {
                    let windows = &windows[first..];
                    // Of one channel, what a tile sees lies side by side as it is.
                    let seen = if self.depth == 1 {
                        windows
                    } else {
                        self.see(windows, tiles, &mut seen);
                        &seen
                    };
                    for blocks in blocks.chunk_by(|one, next| one.bias.len() == next.bias.len()) {
                        convolve(seen, blocks, Place { output, plane, tiles });
                    }
                }
            }
        }
    }

    /// Puts together what each tile sees.
    fn see<'a, const S: usize>(
        &self,
        windows: &[Seen<'a, S>],
        tiles: &[Tile],
        seen: &mut Vec<Seen<'a, S>>,
    ) {
        let runs = self.lines.runs(self.geometry);
        seen.clear();
        for tile in tiles {
            for windows in windows[tile.first..].chunks(self.lines.windows).take(self.depth) {
                seen.extend(windows[..runs].iter().copied());
            }
        }
    }

    /// The tiles of a group's answer.
    fn tiles(&self, pixels: usize) -> Vec<Tile> {
        let Geometry { stride: [stride, _], places: [high, wide], .. } = *self.geometry;
        let of_column = self.groups.len() * self.depth * self.lines.windows;
        let runs = self.depth * self.lines.runs(self.geometry);
        let together = most_tiles(runs);
        let mut tiles = Vec::new();
        for row in 0..high {
            let line = self.lines.window(row * stride, self.geometry);
            for (index, column) in columns(wide, pixels).enumerate() {
                let first = index * of_column + line;
                let seen = if self.depth == 1 { first } else { tiles.len() % together * runs };
                tiles.push(Tile { first, seen, place: row * wide + column });
            }
        }
        tiles
    }

    /// What each run of each line sees from the tiles that begin at each column, the first
    /// column's first.
    #[inline(never)]
    fn windows<'a, const S: usize>(&self, pixels: &'a [f32], together: usize) -> Vec<Seen<'a, S>> {
        let Lines { rows, line, windows: of_channel, .. } = self.lines;
        let runs = self.lines.begins(self.geometry).collect::<Vec<_>>();
        // Where each window begins in a channel; beyond its end where there is none.
        let mut begins = vec![usize::MAX; of_channel];
        for row in 0..rows {
            let place = self.lines.window(row, self.geometry);
            for (slot, run) in begins[place..].iter_mut().zip(&runs) {
                *slot = row * line + run;
            }
        }
        let columns = columns(self.geometry.places[1], together);
        let channels = pixels.chunks_exact(rows * line);
        let mut windows = Vec::with_capacity(columns.clone().count() * channels.len() * of_channel);
        for column in columns {
            for channel in channels.clone() {
                let channel = &channel[column..];
                windows.extend(begins.iter().map(|begin| {
                    let pixels = channel.get(*begin..).and_then(|pixels| pixels.first_chunk::<S>());
                    Seen::new(pixels.unwrap_or(&[0.0; S]))
                }));
            }
        }
        windows
    }
}
