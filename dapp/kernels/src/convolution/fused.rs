//! The fused convolution–ReLU–max-pool: only the results of the two-by-two pool are ever written.
//!
//! For scalar cores only: a tile has as many sums as their registers hold. With vectors, running
//! the three operators one after the other is faster.

use std::mem;

use super::{
    super::{Geometry, addends, elementwise::rectified},
    filters::{FilterBlock, PackedFilters},
    fused_kernel::{Output, WIDTH, convolve},
    layout::InputLayout,
    patch::{InputPatch, PATCH_BYTES},
    tile_columns, tiles_at_once,
};

/// The most filters in a block: as many as leave registers for the sums of two rows, the weights of
/// an input row, and a pixel.
pub const FILTERS: usize = 1;

/// Whether a convolution can be fused: a kernel of three or five, stride and dilation of one, and
/// an output large enough for a tile.
pub(super) fn suits(geometry: &Geometry) -> bool {
    let Geometry { kernel, stride, dilation, output_size: [height, width], .. } = *geometry;
    let steps = (stride, dilation) == ([1; 2], [1; 2]);
    steps && matches!(kernel, [3, 3] | [5, 5]) && height >= 2 && width >= WIDTH
}

/// Number of images convolved together to share fixed costs, limited by their patches.
fn images_at_once(patches: usize) -> usize {
    (1 << 10) / patches.clamp(1, 1 << 10)
}

/// Bytes needed beside images and weights: some images in their layout, their patches, the tiles of
/// their outputs, and the patches of the tiles that are convolved together.
pub(super) fn scratch(channels: usize, depth: usize, geometry: &Geometry) -> Option<usize> {
    let layout = InputLayout::new(geometry);
    let columns = geometry.output_size[1].div_ceil(WIDTH);
    let rows = channels.checked_mul(layout.rows)?;
    let at_once = images_at_once(rows.saturating_mul(columns));
    let pixels = rows.checked_mul(layout.row)?.checked_mul(size_of::<f32>())?;
    let patches = rows.checked_mul(columns)?.checked_mul(PATCH_BYTES)?;
    let tiles = geometry.output_size[0].checked_mul(columns)?.checked_mul(TILE_BYTES)?;
    let of_tile = depth.checked_mul(geometry.kernel[0] + 1)?;
    let gathered = of_tile.checked_mul(tiles_at_once(of_tile))?;
    let gathered = gathered.checked_mul(PATCH_BYTES)?;
    pixels.checked_add(patches)?.checked_add(tiles)?.checked_mul(at_once)?.checked_add(gathered)
}

/// Images convolved with filters, plus a bias, then a ReLU, then a two-by-two max-pool, by the rule
/// of arithmetic.
///
/// - Shapes: as [`super::convolution`], the result [images, filters, height / 2, width / 2]
pub(crate) fn convolution(
    images: &[f32],
    filters: &PackedFilters,
    bias: Option<&[f32]>,
    geometry: &Geometry,
) -> Vec<f32> {
    let [height, width] = geometry.output_size.map(|side| side / 2);
    if !filters.finite {
        let outputs = filters.images(images.len(), geometry) * filters.filters * height * width;
        return vec![f32::NAN; outputs];
    }
    let bias = addends(bias, filters.filters);
    let convolution = FusedConvolution {
        filters,
        groups: filters.groups(&bias),
        geometry,
        layout: InputLayout::new(geometry),
        columns: tile_columns(2 * width, WIDTH).collect(),
        channel: height * width,
    };
    match geometry.kernel[0] {
        3 => convolution.run::<3, 4, 10>(images),
        _ => convolution.run::<5, 6, 12>(images),
    }
}

/// State shared by all images.
struct FusedConvolution<'a> {
    filters: &'a PackedFilters,
    /// The filters of each group.
    groups: Vec<Vec<FilterBlock<'a>>>,
    geometry: &'a Geometry,
    layout: InputLayout,
    /// Columns at which the tiles of a row begin.
    columns: Vec<usize>,
    /// Pixels of a channel of the output.
    channel: usize,
}

/// Eight adjacent sums and the eight below.
#[derive(Clone, Copy)]
struct Tile {
    /// Index of its first patch, in the first channel of its group.
    first_patch: usize,
    /// Offset of its outputs, for the first filter.
    output: usize,
}

/// Bytes of a tile in the machine, which costs are counted by on every processor.
const TILE_BYTES: usize = 16;
const _: () = assert!(size_of::<usize>() != 8 || size_of::<Tile>() == TILE_BYTES);

/// Tiles with contiguous patches.
struct Gathered<'a, const S: usize> {
    /// The patches of the tiles that have any nonzero pixel, tile by tile.
    patches: Vec<InputPatch<'a, S>>,
    /// Offsets of the outputs of these tiles, for the first filter.
    outputs: Vec<usize>,
    /// Offsets of the outputs of the other tiles.
    blank: Vec<usize>,
}

impl<const S: usize> Gathered<'_, S> {
    /// Capacity for this many tiles of this many patches each.
    fn new(tiles: usize, patches: usize) -> Self {
        let outputs = || Vec::with_capacity(tiles);
        Self { patches: Vec::with_capacity(tiles * patches), outputs: outputs(), blank: outputs() }
    }
}

impl FusedConvolution<'_> {
    /// Convolves images, several at a time.
    fn run<const K: usize, const R: usize, const S: usize>(&self, images: &[f32]) -> Vec<f32> {
        let Self { filters, ref groups, geometry, channel, .. } = *self;
        let depth = filters.depth;
        let count = filters.images(images.len(), geometry);
        let (image, of_image) = (images.len() / count, filters.filters * channel);
        let mut output = vec![0.0; count * of_image];
        let at_once = images_at_once(self.rows() * self.columns.len()).min(count).max(1);
        let tiles = self.tiles(at_once);
        let most = tiles_at_once(depth * R).min(tiles.len());
        let mut scratch = Vec::new();
        let all = images.chunks(at_once * image).zip(output.chunks_mut(at_once * of_image));
        for (images, output) in all {
            let tiles = &tiles[..images.len() / image * tiles.len() / at_once];
            let pixels = self.layout.arrange(images, geometry, &mut scratch);
            let patches = self.patches::<S>(pixels);
            let mut gathered = Gathered::new(most, depth * R);
            for (group, filters) in groups.iter().enumerate() {
                let patches = &patches[group * depth * self.layout.rows..];
                for tiles in tiles.chunks(most) {
                    self.gather::<R, S>(patches, tiles, &mut gathered);
                    for tile in &gathered.blank {
                        self.fill_blank(*tile, filters, output);
                    }
                    let output = Output { pixels: output, channel, tiles: &gathered.outputs };
                    convolve::<K, R, S>(gathered.patches.as_chunks().0, filters, output);
                }
            }
        }
        output
    }

    /// Copies the patches of each tile to be contiguous, except those of blank tiles.
    #[inline(never)]
    fn gather<'a, const R: usize, const S: usize>(
        &self,
        patches: &[InputPatch<'a, S>],
        tiles: &[Tile],
        gathered: &mut Gathered<'a, S>,
    ) {
        let (rows, depth) = (self.layout.rows, self.filters.depth);
        gathered.outputs.clear();
        gathered.blank.clear();
        // Taken by value, so that the compiler knows that nothing else changes it.
        let mut copies = mem::take(&mut gathered.patches);
        copies.clear();
        for tile in tiles {
            let before = copies.len();
            let mut is_blank = true;
            let mut first = tile.first_patch;
            for _ in 0..depth {
                let of_rows = patches.get(first..).and_then(|patches| patches.first_chunk::<R>());
                if let Some(of_rows) = of_rows {
                    is_blank = is_blank && of_rows.iter().all(InputPatch::is_blank);
                    copies.extend((0..R).map(|row| of_rows[row]));
                }
                first = first.wrapping_add(rows);
            }
            if is_blank {
                copies.truncate(before);
                gathered.blank.push(tile.output);
            } else {
                gathered.outputs.push(tile.output);
            }
        }
        gathered.patches = copies;
    }

    /// Input rows of all channels of an image.
    fn rows(&self) -> usize {
        self.groups.len() * self.filters.depth * self.layout.rows
    }

    /// The tiles of some images' outputs, row by row.
    fn tiles(&self, images: usize) -> Vec<Tile> {
        let [height, width] = self.geometry.output_size.map(|side| side / 2);
        let rows = self.rows();
        let (patches, outputs) = (self.columns.len() * rows, self.filters.filters * self.channel);
        let columns = self.columns.iter().enumerate();
        let of_row = |row| {
            columns.clone().map(move |(index, column)| Tile {
                first_patch: index * rows + 2 * row,
                output: row * width + column / 2,
            })
        };
        let of_image = (0..height).flat_map(of_row).collect::<Vec<_>>();
        let mut tiles = Vec::with_capacity(images * of_image.len());
        for image in 0..images {
            let (patch, output) = (image * patches, image * outputs);
            tiles.extend(of_image.iter().map(|tile| Tile {
                first_patch: patch + tile.first_patch,
                output: output + tile.output,
            }));
        }
        tiles
    }

    /// The patches of some images, ordered by image, column of tiles, channel and row.
    fn patches<'a, const S: usize>(&self, pixels: &'a [f32]) -> Vec<InputPatch<'a, S>> {
        let row = self.layout.row;
        let mut patches = Vec::with_capacity(self.columns.len() * (pixels.len() / row));
        for image in pixels.chunks_exact(self.rows() * row) {
            for column in &self.columns {
                let rows = image[*column..].chunks(row);
                let rows = rows.map(|row| row.first_chunk().unwrap_or(&[0.0; S]));
                patches.extend(rows.map(InputPatch::new));
            }
        }
        patches
    }

    /// Writes the outputs of a tile whose pixels are all zero.
    fn fill_blank(&self, tile: usize, filters: &[FilterBlock<'_>], pixels: &mut [f32]) {
        for filter in filters {
            for (number, bias) in (filter.first..).zip(filter.bias) {
                pixels[number * self.channel + tile..][..WIDTH / 2].fill(rectified(*bias));
            }
        }
    }
}
