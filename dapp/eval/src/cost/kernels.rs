//! How often the kernels load, multiply and add, as they go about it on the machine's processor,
//! which has no vectors: their tiles decide what a multiply-add costs.

use super::{Cost, Kind};
use crate::kernel::Geometry;

/// Rows that a matrix product takes together.
const ROWS: usize = 4;
/// Columns of its panels, of which rows together take no more than `TILE` at once.
const WIDTHS: [usize; 5] = [16, 8, 4, 2, 1];
const TILE: usize = 4;

/// A matrix product of a left factor [rows, inner] and a right factor [inner, columns].
pub(crate) fn product(rows: usize, inner: usize, columns: usize) -> Option<Cost> {
    let (blocks, alone) = (rows / ROWS, rows % ROWS);
    let mut cost = Cost::of(Kind::Factors, &[alone, inner])?
        .and(Kind::Sums, &[rows, columns])?
        .and(Kind::MultiplyAdds, &[rows, inner, columns])?;
    let mut rest = columns;
    for width in WIDTHS {
        let panels = rest / width;
        rest %= width;
        let (tile, tiles) = (width.min(TILE), panels * width.div_ceil(TILE));
        cost = cost
            .and(Kind::Tiles, &[tiles, blocks])?
            .and(Kind::Turns, &[tiles, blocks, inner])?
            .and(Kind::Loads, &[tiles, blocks, inner, ROWS + tile])?
            .and(Kind::Tiles, &[panels, alone])?
            .and(Kind::Alone, &[panels, alone, inner])?
            .and(Kind::Loads, &[panels, alone, inner, width])?;
    }
    Some(cost)
}

/// Arranging the right factor of a matrix product, [inner, columns].
pub(crate) fn panels(inner: usize, columns: usize) -> Option<Cost> {
    let mut rest = columns;
    let panels = WIDTHS.map(|width| {
        let panels = rest / width;
        rest %= width;
        panels
    });
    Cost::of(Kind::Packed, &[inner, columns])?.and(Kind::PackedLists, &[inner, panels.iter().sum()])
}

/// Arranging the weights of a convolution, of so many taps for each filter.
pub(crate) fn filters(
    [filters, groups]: [usize; 2],
    taps: usize,
    geometry: &Geometry,
) -> Option<Cost> {
    // One by one, as where a convolution is halved: that takes the most.
    let most = if geometry.places[1] < 8 { together(geometry)[1] } else { 1 };
    let blocks = blocks(filters / groups, most);
    Cost::of(Kind::Packed, &[filters, taps])?.and(Kind::PackedLists, &[groups, blocks, taps])
}

/// Pixels and filters that a convolution takes together.
const fn together(geometry: &Geometry) -> [usize; 2] {
    match geometry.places[1] {
        8.. => [8, 2],
        4.. => [4, 4],
        _ => [1, 8],
    }
}

/// A convolution of images [images, channels, …] with filters in groups.
pub(crate) fn convolution(
    [images, channels]: [usize; 2],
    [filters, groups]: [usize; 2],
    geometry: &Geometry,
) -> Option<Cost> {
    let Geometry { image: [height, width], kernel, stride, dilation, padding, places } = *geometry;
    let [together, most] = together(geometry);
    let side_by_side = stride[1] == 1 && dilation[1] == 1 && matches!(kernel[1], 3 | 5);
    let run = if side_by_side { kernel[1] } else { 1 };
    // Pixels that a run sees from the places of a tile.
    let sight = run - 1 + together;
    let (depth, in_group) = (channels / groups, filters / groups);
    let blocks = blocks(in_group, most);
    let tiles = [images, groups, places[1].div_ceil(together)];
    let runs = depth * (kernel[1] / run);
    let (rows, seen) = (places[0] * kernel[0], rows_seen(geometry));
    let each = |sizes: &[usize]| [&tiles[..], sizes].concat();
    let arranged = stride[1] > 1 || padding != [0, 0];
    let lines = height.max((places[0] - 1) * stride[0] + (kernel[0] - 1) * dilation[0] + 1);
    let pixels = [images, channels, lines, width];
    Cost::of(Kind::Arranged, if arranged { &pixels } else { &[0] })?
        .and(Kind::Windows, &each(&[runs, lines]))?
        .and(Kind::Runs, &each(&[runs, rows]))?
        .and(Kind::Tiles, &each(&[places[0], blocks]))?
        .and(Kind::Seen, &each(&[runs, rows, blocks]))?
        .and(Kind::Loads, &each(&[runs, seen, blocks, sight]))?
        .and(Kind::Loads, &each(&[runs, seen, run, in_group]))?
        .and(Kind::MultiplyAdds, &each(&[runs, seen, run, in_group, together]))?
        .and(Kind::Sums, &each(&[places[0], in_group, together]))
}

/// Blocks of at most so many filters, by powers of two.
const fn blocks(filters: usize, most: usize) -> usize {
    filters / most + (filters % most).count_ones() as usize
}

/// Rows of the window that see the image, all its places together.
fn rows_seen(geometry: &Geometry) -> usize {
    let Geometry { image: [height, _], kernel, stride, dilation, padding, places } = *geometry;
    let seen = (0..kernel[0]).map(|row| {
        let offset = row * dilation[0];
        let first = padding[0].saturating_sub(offset).div_ceil(stride[0]);
        let end = (height + padding[0]).saturating_sub(offset).div_ceil(stride[0]);
        end.min(places[0]).saturating_sub(first)
    });
    seen.sum()
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
        // Two blocks of four rows by a panel of sixteen columns, that is four tiles each.
        let cost = product(8, 10, 16).unwrap();
        assert_eq!(
            [Kind::Tiles, Kind::Turns, Kind::Alone].map(|kind| cost.count(kind)),
            [8, 80, 0]
        );
    }

    #[test]
    fn convolutions_count_what_their_places_see() {
        let mut geometry = Geometry {
            image: [28, 28],
            kernel: [5, 5],
            stride: [1, 1],
            dilation: [1, 1],
            padding: [0, 0],
            places: [24, 24],
        };
        let cost = convolution([1, 1], [6, 1], &geometry).unwrap();
        assert_eq!(cost.multiply_adds(), 24 * 24 * 6 * 25);
        // Padded by one on each side, two rows of places see one row less.
        (geometry.kernel, geometry.padding, geometry.places) = ([3, 3], [1, 1], [28, 28]);
        assert_eq!(rows_seen(&geometry), 3 * 28 - 2);
        // The last of four tiles of eight does four pixels again.
        let cost = convolution([1, 1], [1, 1], &geometry).unwrap();
        assert_eq!(cost.multiply_adds(), (3 * 28 - 2) * 3 * 32);
    }
}
