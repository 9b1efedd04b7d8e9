//! Loads, multiply-adds and other events of the kernels on the machine's processor, which has no
//! vectors: their tile sizes decide what a multiply-add costs.

use super::{Cost, CostKind};
use kernels::{
    FUSED_FILTERS, Geometry, SCALAR,
    integer::{LANE_TERMS, TILE_COLUMNS, TILE_ROWS},
};

/// A matrix product of a left factor [rows, inner] and a right factor [inner, columns].
pub(crate) fn product(rows: usize, inner: usize, columns: usize) -> Option<Cost> {
    let (blocks, alone) = (rows / SCALAR.rows, rows % SCALAR.rows);
    let mut cost = Cost::of(CostKind::Factors, &[alone, inner])?
        .and(CostKind::Sums, &[rows, columns])?
        .and(CostKind::MultiplyAdds, &[rows, inner, columns])?;
    for (width, panels) in kernels::panels(columns) {
        let (tile, tiles) = (width.min(SCALAR.columns), panels * width.div_ceil(SCALAR.columns));
        cost = cost
            .and(CostKind::Tiles, &[tiles, blocks])?
            .and(CostKind::Turns, &[tiles, blocks, inner])?
            .and(CostKind::Loads, &[tiles, blocks, inner, SCALAR.rows + tile])?
            .and(CostKind::Tiles, &[panels, alone])?
            .and(CostKind::Alone, &[panels, alone, inner])?
            .and(CostKind::Loads, &[panels, alone, inner, width])?;
    }
    Some(cost)
}

/// This many products of bytes of a left factor [rows, inner] and a right factor [inner, columns].
pub(crate) fn byte_product(
    count: usize,
    rows: usize,
    inner: usize,
    columns: usize,
) -> Option<Cost> {
    let (tiles, panels) = (rows.div_ceil(TILE_ROWS), columns.div_ceil(TILE_COLUMNS));
    Cost::of(CostKind::ByteTurns, &[count, tiles, panels, inner])?
        .and(CostKind::ByteTiles, &[count, tiles, panels, inner.div_ceil(LANE_TERMS)])?
        .and(CostKind::BytesPacked, &[count, panels, TILE_COLUMNS, inner])?
        .plus(packed_bytes(&[count, rows, inner])?)?
        .and(CostKind::ByteSums, &[count, rows, columns])
}

/// Bytes copied for them, as many as the product of these sizes.
pub(crate) fn packed_bytes(sizes: &[usize]) -> Option<Cost> {
    Cost::of(CostKind::BytesPacked, sizes)
}

/// Packing the right factor of a matrix product, [inner, columns].
pub(crate) fn packed_matrix(inner: usize, columns: usize) -> Option<Cost> {
    let panels = kernels::panels(columns).map(|(_, panels)| panels).sum();
    Cost::of(CostKind::Packed, &[inner, columns])?.and(CostKind::PackedLists, &[inner, panels])
}

/// Packing the weights of a convolution, with this many taps per filter.
pub(crate) fn packed_filters(
    [filters, groups]: [usize; 2],
    taps: usize,
    geometry: &Geometry,
) -> Option<Cost> {
    // Tiles of eight pixels are counted as in a fused convolution, whose blocks are the smallest.
    let most = match SCALAR.convolution(geometry.output_size[1]) {
        [8, _] => FUSED_FILTERS,
        [_, most] => most,
    };
    let blocks = blocks(filters / groups, most);
    Cost::of(CostKind::Packed, &[filters, taps])?
        .and(CostKind::PackedLists, &[groups, blocks, taps])
}

/// A convolution of images [images, channels, …] with filters in groups.
pub(crate) fn convolution(
    [images, channels]: [usize; 2],
    [filters, groups]: [usize; 2],
    geometry: &Geometry,
) -> Option<Cost> {
    let Geometry { image: [height, width], kernel, stride, dilation, padding, output_size } =
        *geometry;
    let [pixels, most] = SCALAR.convolution(output_size[1]);
    let run = geometry.taps_per_run();
    let patch = run - 1 + pixels;
    let (depth, in_group) = (channels / groups, filters / groups);
    let blocks = blocks(in_group, most);
    let tiles = [images, groups, output_size[1].div_ceil(pixels)];
    let runs = depth * (kernel[1] / run);
    let (rows, read) = (output_size[0] * kernel[0], rows_read(geometry));
    let each = |sizes: &[usize]| [&tiles[..], sizes].concat();
    let arranged = stride[1] > 1 || padding != [0, 0];
    let last = (output_size[0] - 1) * stride[0] + (kernel[0] - 1) * dilation[0];
    let padded = height.max(last + 1);
    let image = [images, channels, padded, width];
    Cost::of(CostKind::Arranged, if arranged { &image } else { &[0] })?
        .and(CostKind::Windows, &each(&[runs, padded]))?
        .and(CostKind::Runs, &each(&[runs, rows]))?
        .and(CostKind::Tiles, &each(&[output_size[0], blocks]))?
        .and(CostKind::Seen, &each(&[runs, rows, blocks]))?
        .and(CostKind::Loads, &each(&[runs, read, blocks, patch]))?
        .and(CostKind::Loads, &each(&[runs, read, run, in_group]))?
        .and(CostKind::MultiplyAdds, &each(&[runs, read, run, in_group, pixels]))?
        .and(CostKind::Sums, &each(&[output_size[0], in_group, pixels]))
}

/// Number of blocks of at most `most` filters, by powers of two. For single pixels the kernel also
/// takes six filters as one block, which this counts as two.
const fn blocks(filters: usize, most: usize) -> usize {
    filters / most + (filters % most).count_ones() as usize
}

/// Rows of the window that lie in the image, summed over all its positions.
fn rows_read(geometry: &Geometry) -> usize {
    let Geometry { image: [height, _], kernel, stride, dilation, padding, output_size } = *geometry;
    let read = (0..kernel[0]).map(|row| {
        let offset = row * dilation[0];
        let first = padding[0].saturating_sub(offset).div_ceil(stride[0]);
        let end = (height + padding[0]).saturating_sub(offset).div_ceil(stride[0]);
        end.min(output_size[0]).saturating_sub(first)
    });
    read.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_multiply_as_often_as_they_must() {
        for [rows, inner, columns] in [[1, 7, 1], [4, 4, 16], [9, 5, 31], [64, 784, 128]] {
            let cost = product(rows, inner, columns).unwrap();
            assert_eq!(cost.multiply_adds(), (rows * inner * columns) as u64);
        }
        // Two blocks of four rows by a panel of sixteen columns: four tiles each.
        let cost = product(8, 10, 16).unwrap();
        assert_eq!(
            [CostKind::Tiles, CostKind::Turns, CostKind::Alone].map(|kind| cost.count(kind)),
            [8, 80, 0]
        );
    }

    #[test]
    fn convolutions_count_the_rows_they_read() {
        let mut geometry = Geometry {
            image: [28, 28],
            kernel: [5, 5],
            stride: [1, 1],
            dilation: [1, 1],
            padding: [0, 0],
            output_size: [24, 24],
        };
        let cost = convolution([1, 1], [6, 1], &geometry).unwrap();
        assert_eq!(cost.multiply_adds(), 24 * 24 * 6 * 25);
        // Padded by one on each side, two rows of the output read one row less.
        (geometry.kernel, geometry.padding, geometry.output_size) = ([3, 3], [1, 1], [28, 28]);
        assert_eq!(rows_read(&geometry), 3 * 28 - 2);
        // The last of four tiles of eight computes four pixels again.
        let cost = convolution([1, 1], [1, 1], &geometry).unwrap();
        assert_eq!(cost.multiply_adds(), (3 * 28 - 2) * 3 * 32);
    }
}
