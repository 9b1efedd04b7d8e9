//! The convolution of which a ReLU and the greatest of windows of two by two are all that is kept:
//! two rows of eight places at once, one above the other, from their sums to the four numbers that
//! are made of them.
//!
//! Each line of an image that the two see is loaded once for both: the kernel's row for the places
//! above is that for the places below of the line before. A kernel of `R` rows sees `L = R + 1`
//! lines and `S = R + 7` pixels of each.
//!
//! This is for scalar cores alone: its sums are what their registers hold. With vectors, the three
//! operators one after the other are quicker.

use std::mem;

use super::{
    super::{Geometry, addends, elementwise::rectified, processor::SKIPS_ZEROS},
    columns,
    filters::Filters,
    lines::Lines,
    most_tiles,
    tile::Block,
    view::{Seen, Visit},
};

/// Places side by side in a tile.
const WIDE: usize = 8;

/// The most filters in a block: as many as leave registers for the sums of two rows, what they
/// weigh a line by, and a pixel.
pub(in crate::kernel) const BLOCK: usize = 1;

/// Whether a convolution can be halved at once: kernels of three or five, step by step, and places
/// enough for a tile.
pub(super) fn suits(geometry: &Geometry) -> bool {
    let Geometry { kernel: [high, wide], stride, dilation, places, .. } = *geometry;
    let steps = (stride, dilation) == ([1; 2], [1; 2]);
    steps && high == wide && matches!(wide, 3 | 5) && places[0] >= 2 && places[1] >= WIDE
}

/// Images that are convolved at once, so that little is done for each: as few as see so many lines.
fn together(lines: usize, columns: usize) -> usize {
    (1 << 10) / lines.saturating_mul(columns).clamp(1, 1 << 10)
}

/// Bytes kept beside images and weights: the lines of some images, what is seen of them, the tiles
/// of their answers, and what some of these see.
pub(super) fn scratch(channels: usize, depth: usize, geometry: &Geometry) -> Option<usize> {
    let lines = Lines::new(geometry);
    let columns = geometry.places[1].div_ceil(WIDE);
    let of_image = channels.checked_mul(lines.rows)?;
    let together = together(of_image, columns);
    let pixels = of_image.checked_mul(lines.line)?.checked_mul(size_of::<f32>())?;
    let windows = of_image.checked_mul(columns)?.checked_mul(size_of::<Seen<'_, 1>>())?;
    let tiles = geometry.places[0].checked_mul(columns)?.checked_mul(size_of::<Tile>())?;
    let seen = depth.checked_mul(geometry.kernel[0] + 1)?;
    let seen = seen.checked_mul(most_tiles(seen))?.checked_mul(size_of::<Seen<'_, 1>>())?;
    pixels.checked_add(windows)?.checked_add(tiles)?.checked_mul(together)?.checked_add(seen)
}

/// Images moved over by filters, plus a bias, then a ReLU, then the greatest of windows of two by
/// two, side by side, by the rule of arithmetic.
///
/// - Shapes: as [`super::convolution`], the result [images, filters, places / 2 …]
pub(in crate::kernel) fn convolution(
    images: &[f32],
    filters: &Filters,
    bias: Option<&[f32]>,
    geometry: &Geometry,
) -> Vec<f32> {
    let [high, wide] = geometry.places.map(|side| side / 2);
    if !filters.finite {
        let sums = filters.images(images.len(), geometry) * filters.filters * high * wide;
        return vec![f32::NAN; sums];
    }
    let bias = addends(bias, filters.filters);
    let work = Work {
        filters,
        groups: filters.groups(&bias),
        geometry,
        lines: Lines::new(geometry),
        columns: columns(2 * wide, WIDE).collect(),
        plane: high * wide,
    };
    match geometry.kernel[0] {
        3 => work.images::<3, 4, 10>(images),
        _ => work.images::<5, 6, 12>(images),
    }
}

/// What is the same for all images.
struct Work<'a> {
    filters: &'a Filters,
    /// The blocks of each group.
    groups: Vec<Vec<Block<'a>>>,
    geometry: &'a Geometry,
    lines: Lines,
    /// Where the tiles of a row begin.
    columns: Vec<usize>,
    /// Numbers of one filter in an image's answer.
    plane: usize,
}

/// Eight places side by side and the eight below.
#[derive(Clone, Copy)]
struct Tile {
    /// The first window it sees of a group's first channel.
    first: usize,
    /// Where its numbers begin among those of one filter.
    place: usize,
}

/// What some tiles see.
struct Sights<'a, const S: usize> {
    /// All that is seen, tile by tile, of those that see anything.
    seen: Vec<Seen<'a, S>>,
    /// Where these tiles' numbers begin among those of one filter.
    places: Vec<usize>,
    /// Where those of the tiles that see nothing but zeros begin.
    blank: Vec<usize>,
}

impl<const S: usize> Sights<'_, S> {
    /// Room for so many tiles that see so many lines each.
    fn new(tiles: usize, lines: usize) -> Self {
        let place = || Vec::with_capacity(tiles);
        Self { seen: Vec::with_capacity(tiles * lines), places: place(), blank: place() }
    }
}

impl Work<'_> {
    /// Convolves images, some at once.
    fn images<const R: usize, const L: usize, const S: usize>(&self, images: &[f32]) -> Vec<f32> {
        let Self { filters, ref groups, geometry, plane, .. } = *self;
        let depth = filters.depth;
        let count = filters.images(images.len(), geometry);
        let (image, answer) = (images.len() / count, filters.filters * plane);
        let mut output = vec![0.0; count * answer];
        let together = together(self.lines_of_image(), self.columns.len()).min(count).max(1);
        let tiles = self.tiles(together);
        let most = most_tiles(depth * L).min(tiles.len());
        let mut scratch = Vec::new();
        let all = images.chunks(together * image).zip(output.chunks_mut(together * answer));
        for (images, output) in all {
            let tiles = &tiles[..images.len() / image * tiles.len() / together];
            let pixels = self.lines.arrange(images, geometry, &mut scratch);
            let windows = self.windows::<S>(pixels);
            let mut sights = Sights::new(most, depth * L);
            for (group, blocks) in groups.iter().enumerate() {
                let windows = &windows[group * depth * self.lines.rows..];
                for tiles in tiles.chunks(most) {
                    self.see::<L, S>(windows, tiles, &mut sights);
                    for place in &sights.blank {
                        self.fill(*place, blocks, output);
                    }
                    let answer = Answer { output, plane, places: &sights.places };
                    convolve::<R, L, S>(sights.seen.as_chunks().0, blocks, answer);
                }
            }
        }
        output
    }

    /// Puts together what each tile sees.
    #[inline(never)]
    fn see<'a, const L: usize, const S: usize>(
        &self,
        windows: &[Seen<'a, S>],
        tiles: &[Tile],
        sights: &mut Sights<'a, S>,
    ) {
        let (rows, depth) = (self.lines.rows, self.filters.depth);
        sights.places.clear();
        sights.blank.clear();
        // By value: so the compiler knows that nothing else changes it.
        let mut seen = mem::take(&mut sights.seen);
        seen.clear();
        for tile in tiles {
            let before = seen.len();
            let mut is_blank = true;
            let mut first = tile.first;
            for _ in 0..depth {
                let lines = windows.get(first..).and_then(|windows| windows.first_chunk::<L>());
                if let Some(lines) = lines {
                    is_blank = is_blank && lines.iter().all(Seen::is_blank);
                    seen.extend((0..L).map(|line| lines[line]));
                }
                first = first.wrapping_add(rows);
            }
            if is_blank {
                seen.truncate(before);
                sights.blank.push(tile.place);
            } else {
                sights.places.push(tile.place);
            }
        }
        sights.seen = seen;
    }

    fn lines_of_image(&self) -> usize {
        self.groups.len() * self.filters.depth * self.lines.rows
    }

    /// The tiles of some images' answers, row by row.
    fn tiles(&self, images: usize) -> Vec<Tile> {
        let [high, wide] = self.geometry.places.map(|side| side / 2);
        let lines = self.lines_of_image();
        let (windows, answer) = (self.columns.len() * lines, self.filters.filters * self.plane);
        let columns = self.columns.iter().enumerate();
        let of_row = |row| {
            columns.clone().map(move |(index, column)| Tile {
                first: index * lines + 2 * row,
                place: row * wide + column / 2,
            })
        };
        let of_image = (0..high).flat_map(of_row).collect::<Vec<_>>();
        let mut tiles = Vec::with_capacity(images * of_image.len());
        for image in 0..images {
            let (first, place) = (image * windows, image * answer);
            let moved = |tile: &Tile| Tile { first: first + tile.first, place: place + tile.place };
            tiles.extend(of_image.iter().map(moved));
        }
        tiles
    }

    /// What is seen of each line of each image from each column, the first column's first.
    fn windows<'a, const S: usize>(&self, pixels: &'a [f32]) -> Vec<Seen<'a, S>> {
        let line = self.lines.line;
        let mut windows = Vec::with_capacity(self.columns.len() * (pixels.len() / line));
        for image in pixels.chunks_exact(self.lines_of_image() * line) {
            for column in &self.columns {
                let lines = image[*column..].chunks(line);
                let lines = lines.map(|line| line.first_chunk().unwrap_or(&[0.0; S]));
                windows.extend(lines.map(Seen::new));
            }
        }
        windows
    }

    /// Writes the numbers of a tile that sees nothing.
    fn fill(&self, place: usize, blocks: &[Block<'_>], output: &mut [f32]) {
        for block in blocks {
            for (filter, bias) in (block.first..).zip(block.bias) {
                output[filter * self.plane + place..][..WIDE / 2].fill(rectified(*bias));
            }
        }
    }
}

/// Where the numbers of some tiles go.
struct Answer<'a> {
    /// A whole image's answer.
    output: &'a mut [f32],
    /// Numbers of one filter in it.
    plane: usize,
    /// Where each tile's numbers begin among them.
    places: &'a [usize],
}

/// Convolves tiles, of which each sees `L` lines of each channel, with one filter after the other.
#[inline(never)]
fn convolve<const R: usize, const L: usize, const S: usize>(
    seen: &[[Seen<'_, S>; L]],
    filters: &[Block<'_>],
    Answer { output, plane, places }: Answer<'_>,
) {
    for filter in filters {
        let (weights, _) = filter.weights.as_chunks::<R>().0.as_chunks::<R>();
        let Some(bias) = filter.bias.first().copied() else { break };
        let Some(output) = output.get_mut(filter.first * plane..) else { break };
        if weights.is_empty() {
            break;
        }
        // Not zipped: so the list is gone through by a pointer, without index arithmetic.
        let mut all_seen = seen;
        for place in places {
            let Some((seen, rest)) = all_seen.split_at_checked(weights.len()) else { break };
            all_seen = rest;
            let sums = sums::<R, L, S>(seen, weights);
            let output = output.get_mut(*place..);
            if let Some(output) = output.and_then(|output| output.first_chunk_mut()) {
                *output = greatest(&sums, bias);
            }
        }
    }
}

/// The greatest of each two sums side by side and the two below, plus the bias, or zero where that
/// is less.
#[inline(always)]
fn greatest([above, below]: &[[f32; WIDE]; 2], bias: f32) -> [f32; WIDE / 2] {
    let [a, b, c, d] = std::array::from_fn(|place| {
        let (left, right) = (2 * place, 2 * place + 1);
        above[left].max(above[right]).max(below[left].max(below[right])) + bias
    });
    // No bias is −0, so no sum is, and `max` is right but for a NaN: one test for all four.
    if !(a + b + c + d).is_nan() {
        return [a, b, c, d].map(|number| number.max(0.0));
    }
    [a, b, c, d].map(rectified)
}

/// A tile's sums with one filter.
#[inline(always)]
fn sums<const R: usize, const L: usize, const S: usize>(
    seen: &[[Seen<'_, S>; L]],
    weights: &[[[f32; R]; R]],
) -> [[f32; WIDE]; 2] {
    let mut sums = [[0.0; WIDE]; 2];
    for (seen, weights) in seen.iter().zip(weights) {
        // Unrolled, so that a row of the kernel, once loaded, is at hand for the next line.
        macro_rules! lines {
            ($($line:literal)*) => {$(
                if $line < L {
                    let above = if $line < R { weights[$line] } else { [0.0; R] };
                    let below = if $line > 0 {
                        weights[usize::saturating_sub($line, 1)]
                    } else {
                        [0.0; R]
                    };
                    let weights = [&above, &below];
                    let Seen { pixels, zeros, view } = seen[$line];
                    if $line == 0 {
                        let run: Run<'_, R, S, true, false> =
                            Run { sums: &mut sums, weights, pixels, zeros };
                        view.visit(run);
                    } else if $line < R {
                        let run: Run<'_, R, S, true, true> =
                            Run { sums: &mut sums, weights, pixels, zeros };
                        view.visit(run);
                    } else {
                        let run: Run<'_, R, S, false, true> =
                            Run { sums: &mut sums, weights, pixels, zeros };
                        view.visit(run);
                    }
                }
            )*};
        }
        lines!(0 1 2 3 4 5);
    }
    sums
}

/// What is seen of a line, and the sums it is added to: of the places above, below or both.
struct Run<'a, const R: usize, const S: usize, const ABOVE: bool, const BELOW: bool> {
    sums: &'a mut [[f32; WIDE]; 2],
    /// What the line weighs above and below.
    weights: [&'a [f32; R]; 2],
    pixels: &'a [f32; S],
    zeros: u32,
}

impl<const R: usize, const S: usize, const ABOVE: bool, const BELOW: bool>
    Run<'_, R, S, ABOVE, BELOW>
{
    /// Adds what one pixel gives, by each tap that sees it.
    #[inline(always)]
    fn scatter(
        [above, below]: &mut [[f32; WIDE]; 2],
        weights: [&[f32; R]; 2],
        pixel: usize,
        value: f32,
    ) {
        for place in 0..WIDE {
            if pixel < place || pixel - place >= R {
                continue;
            }
            let tap = pixel - place;
            if ABOVE {
                above[place] = value.mul_add(weights[0][tap], above[place]);
            }
            if BELOW {
                below[place] = value.mul_add(weights[1][tap], below[place]);
            }
        }
    }
}

impl<const R: usize, const S: usize, const ABOVE: bool, const BELOW: bool> Visit
    for Run<'_, R, S, ABOVE, BELOW>
{
    #[inline(always)]
    fn nothing(self) {}

    #[inline(always)]
    fn some(self) {
        unrolled!(for pixel in [0 1 2 3 4 5 6 7 8 9 10 11] {
            if pixel < S && self.zeros >> pixel & 1 == 0 {
                Self::scatter(self.sums, self.weights, pixel, self.pixels[pixel]);
            }
        });
    }

    #[inline(always)]
    fn span<const FIRST: usize, const LAST: usize>(self) {
        if SKIPS_ZEROS && LAST < S {
            unrolled!(for pixel in [0 1 2 3 4 5 6 7 8 9 10 11] {
                if FIRST <= pixel && pixel <= LAST {
                    Self::scatter(self.sums, self.weights, pixel, self.pixels[pixel]);
                }
            });
        }
    }
}
