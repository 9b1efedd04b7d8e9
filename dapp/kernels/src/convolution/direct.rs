//! The convolution of whole images: cuts the output into tiles, gathers the patches of each, and
//! passes them to the micro-kernel.

use super::{
    super::{Geometry, addends, processor::TILES},
    filters::{FilterBlock, PackedFilters},
    layout::InputLayout,
    micro_kernel::{Convolve, Output, TILE_BYTES, Tile, by_eight, by_four, by_one},
    patch::{InputPatch, PATCH_BYTES},
    tile_columns, tiles_at_once,
};

/// Bytes needed beside images and weights: an image in its layout, its patches, the tiles of its
/// output, and the patches of the tiles that are convolved together.
pub(super) fn scratch(channels: usize, depth: usize, geometry: &Geometry) -> Option<usize> {
    let [height, width] = geometry.output_size;
    let layout = InputLayout::new(geometry);
    let columns = tile_columns(width, tile_pixels(geometry)).count();
    let pixels = channels.checked_mul(layout.rows)?.checked_mul(layout.row)?;
    let patches = channels.checked_mul(layout.patches)?.checked_mul(columns)?;
    let tiles = height.checked_mul(columns)?.checked_mul(TILE_BYTES)?;
    let of_tile = depth.checked_mul(layout.runs_per_channel(geometry))?;
    let patches = patches.checked_add(of_tile.checked_mul(tiles_at_once(of_tile))?)?;
    let patches = patches.checked_mul(PATCH_BYTES)?;
    pixels.checked_mul(size_of::<f32>())?.checked_add(patches)?.checked_add(tiles)
}

/// Pixels of a register tile.
const fn tile_pixels(geometry: &Geometry) -> usize {
    TILES.convolution(geometry.output_size[1])[0]
}

/// Images convolved with filters, plus a bias, by the rule of arithmetic.
///
/// - Shapes: images [images, channels, height, width], bias [filters], result
///   [images, filters, height, width]
pub(crate) fn convolution(
    images: &[f32],
    filters: &PackedFilters,
    bias: Option<&[f32]>,
    geometry: &Geometry,
) -> Vec<f32> {
    let of_image = filters.filters * geometry.output_size[0] * geometry.output_size[1];
    let sums = filters.images(images.len(), geometry) * of_image;
    if !filters.finite {
        return vec![f32::NAN; sums];
    }
    let bias = addends(bias, filters.filters);
    let mut output = vec![0.0; sums];
    let convolution = DirectConvolution {
        geometry,
        layout: InputLayout::new(geometry),
        groups: filters.groups(&bias),
        depth: filters.depth,
        filters: filters.filters,
    };
    convolution.run(images, &mut output);
    output
}

/// State shared by all images.
struct DirectConvolution<'a> {
    geometry: &'a Geometry,
    layout: InputLayout,
    /// The blocks of each group.
    groups: Vec<Vec<FilterBlock<'a>>>,
    /// Channels per group.
    depth: usize,
    filters: usize,
}

impl DirectConvolution<'_> {
    /// Convolves images with the micro-kernel for this tile and this run of taps.
    fn run(&self, images: &[f32], output: &mut [f32]) {
        match (tile_pixels(self.geometry), self.geometry.taps_per_run()) {
            (8, 5) => self.images::<8, 12>(images, by_eight::<5, 12>, output),
            (8, 3) => self.images::<8, 10>(images, by_eight::<3, 10>, output),
            (8, _) => self.images::<8, 8>(images, by_eight::<1, 8>, output),
            (4, 5) => self.images::<4, 8>(images, by_four::<5, 8>, output),
            (4, 3) => self.images::<4, 6>(images, by_four::<3, 6>, output),
            (4, _) => self.images::<4, 4>(images, by_four::<1, 4>, output),
            (_, 5) => self.images::<1, 5>(images, by_one::<5, 5>, output),
            (_, 3) => self.images::<1, 3>(images, by_one::<3, 3>, output),
            (_, _) => self.images::<1, 1>(images, by_one::<1, 1>, output),
        }
    }

    /// Convolves images by tiles of `P` pixels, with patches of `S` pixels.
    fn images<const P: usize, const S: usize>(
        &self,
        images: &[f32],
        convolve: Convolve<S>,
        output: &mut [f32],
    ) {
        let [height, width] = self.geometry.image;
        let channels = self.groups.len() * self.depth;
        let tiles = self.tiles(P);
        let channel = output.len() / (images.len() / (channels * height * width)) / self.filters;
        let of_tile = self.depth * self.layout.runs_per_channel(self.geometry);
        let at_once = tiles_at_once(of_tile);
        let mut scratch = Vec::new();
        let images = images.chunks_exact(channels * height * width);
        for (image, output) in images.zip(output.chunks_exact_mut(self.filters * channel)) {
            let image = self.layout.arrange(image, self.geometry, &mut scratch);
            let patches = self.patches::<S>(image, P);
            let mut gathered = Vec::with_capacity(of_tile * at_once.min(tiles.len()));
            for (group, blocks) in self.groups.iter().enumerate() {
                let patches = &patches[group * self.depth * self.layout.patches..];
                for tiles in tiles.chunks(at_once) {
                    // With a single channel, the patches of a tile are contiguous already.
                    let patches = if self.depth == 1 {
                        patches
                    } else {
                        self.gather(patches, tiles, &mut gathered);
                        &gathered
                    };
                    for blocks in blocks.chunk_by(|one, next| one.bias.len() == next.bias.len()) {
                        convolve(patches, blocks, Output { pixels: output, channel, tiles });
                    }
                }
            }
        }
    }

    /// Copies the patches of each tile to be contiguous.
    fn gather<'a, const S: usize>(
        &self,
        patches: &[InputPatch<'a, S>],
        tiles: &[Tile],
        gathered: &mut Vec<InputPatch<'a, S>>,
    ) {
        let runs = self.layout.runs_per_channel(self.geometry);
        gathered.clear();
        for tile in tiles {
            let channels = patches[tile.first_patch..].chunks(self.layout.patches);
            for channel in channels.take(self.depth) {
                gathered.extend(channel[..runs].iter().copied());
            }
        }
    }

    /// The tiles of a group's output.
    fn tiles(&self, pixels: usize) -> Vec<Tile> {
        let Geometry { stride: [stride, _], output_size: [height, width], .. } = *self.geometry;
        let of_column = self.groups.len() * self.depth * self.layout.patches;
        let of_tile = self.depth * self.layout.runs_per_channel(self.geometry);
        let at_once = tiles_at_once(of_tile);
        let mut tiles = Vec::new();
        for row in 0..height {
            let of_row = self.layout.first_patch(row * stride, self.geometry);
            for (index, column) in tile_columns(width, pixels).enumerate() {
                let first_patch = index * of_column + of_row;
                let gathered =
                    if self.depth == 1 { first_patch } else { tiles.len() % at_once * of_tile };
                tiles.push(Tile { first_patch, gathered, pixel: row * width + column });
            }
        }
        tiles
    }

    /// The patches of an image, ordered by column of tiles, channel, row and run.
    #[inline(never)]
    fn patches<'a, const S: usize>(
        &self,
        image: &'a [f32],
        tile_pixels: usize,
    ) -> Vec<InputPatch<'a, S>> {
        let InputLayout { rows, row: row_pixels, patches: of_channel, .. } = self.layout;
        let runs = self.layout.run_starts(self.geometry).collect::<Vec<_>>();
        // Offset of each patch in a channel; past its end if there is none.
        let mut starts = vec![usize::MAX; of_channel];
        for row in 0..rows {
            let first = self.layout.first_patch(row, self.geometry);
            for (start, run) in starts[first..].iter_mut().zip(&runs) {
                *start = row * row_pixels + run;
            }
        }
        let columns = tile_columns(self.geometry.output_size[1], tile_pixels);
        let channels = image.chunks_exact(rows * row_pixels);
        let mut patches = Vec::with_capacity(columns.clone().count() * channels.len() * of_channel);
        for column in columns {
            for channel in channels.clone() {
                let channel = &channel[column..];
                patches.extend(starts.iter().map(|start| {
                    let pixels = channel.get(*start..).and_then(|pixels| pixels.first_chunk::<S>());
                    InputPatch::new(pixels.unwrap_or(&[0.0; S]))
                }));
            }
        }
        patches
    }
}
