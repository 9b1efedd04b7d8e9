//! Exact sums of products of bytes, three in one multiplication.
//!
//! Three bytes of the right factor lie in a word, each in a lane of 21 bits. One multiplication by
//! a byte of the left factor makes three products of 16 bits, and one addition adds them to three
//! sums. A lane holds [`LANE_TERMS`] products before it is emptied. All of it is integer
//! arithmetic, which the machine runs about three times as fast as arithmetic of floats.

/// Rows of a tile.
pub const TILE_ROWS: usize = 4;
/// Columns of a tile.
pub const TILE_COLUMNS: usize = LANES * TILE_WORDS;
/// Products that a lane holds: `32 · 255 · 255 < 2²¹`.
pub const LANE_TERMS: usize = 32;

/// Bytes whose sum a lane holds: `4096 · 255 < 2²¹`.
const LANE_BYTES: usize = 4_096;
const LANES: usize = 3;
const TILE_WORDS: usize = 4;
const LANE_BITS: u32 = 21;
const LANE: u64 = (1 << LANE_BITS) - 1;

/// A left factor, [rows, inner] in row-major order, and the zero point of all rows or of each.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// Its elements.
    pub bytes: &'a [u8],
    /// One zero point, or as many as there are rows.
    pub zeros: &'a [u8],
}

/// A right factor, and the zero point of all columns or of each.
///
/// The element of an inner index and a column is at the sum of their offsets: so a matrix, its
/// transpose and the patches of an image are read where they are.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a> {
    /// Its elements.
    pub bytes: &'a [u8],
    /// The offset of each inner index.
    pub inner: &'a [usize],
    /// The offset of each column.
    pub columns: &'a [usize],
    /// One zero point, or as many as there are columns.
    pub zeros: &'a [u8],
}

/// The tile's sums, row by row.
type Sums = [[i64; TILE_COLUMNS]; TILE_ROWS];

/// Writes `Σ (left − its zero) · (right − its zero)` over the inner index for each row and column,
/// in row-major order.
pub fn byte_product(left: Rows<'_>, right: &Columns<'_>, output: &mut [i64]) {
    let (inner, columns) = (right.inner.len(), right.columns.len());
    if inner == 0 || output.is_empty() {
        return output.fill(0);
    }
    let (tiles, row_sums) = packed_rows(left.bytes, inner);
    let zero_of =
        |zeros: &[u8], index: usize| i64::from(zeros[if zeros.len() == 1 { 0 } else { index }]);
    let terms = i64::try_from(inner).unwrap_or(i64::MAX);
    let mut panel = Vec::with_capacity(inner);
    for first in (0..columns).step_by(TILE_COLUMNS) {
        let taken = TILE_COLUMNS.min(columns - first);
        let column_sums = pack_panel(right, first, taken, &mut panel);
        for (tile, rows) in tiles.chunks_exact(inner).zip((0_usize..).step_by(TILE_ROWS)) {
            let sums = multiply(tile, &panel);
            for (row, sums) in (rows..row_sums.len()).zip(&sums) {
                let left_zero = zero_of(left.zeros, row);
                let slots = &mut output[row * columns + first..][..taken];
                for (at, (slot, sum)) in slots.iter_mut().zip(sums).enumerate() {
                    let right_zero = zero_of(right.zeros, first + at);
                    *slot = sum
                        - left_zero * (column_sums[at] - terms * right_zero)
                        - right_zero * row_sums[row];
                }
            }
        }
    }
}

/// The rows in tiles, of each the bytes of one inner index side by side; and the sum of each row.
fn packed_rows(bytes: &[u8], inner: usize) -> (Vec<[u8; TILE_ROWS]>, Vec<i64>) {
    let rows = bytes.len() / inner;
    let mut tiles = vec![[0; TILE_ROWS]; rows.div_ceil(TILE_ROWS) * inner];
    let mut sums = Vec::with_capacity(rows);
    for (row, bytes) in bytes.chunks_exact(inner).enumerate() {
        let tile = &mut tiles[row / TILE_ROWS * inner..][..inner];
        let mut sum = 0_u64;
        for (slots, byte) in tile.iter_mut().zip(bytes) {
            slots[row % TILE_ROWS] = *byte;
            sum = sum.wrapping_add(u64::from(*byte));
        }
        sums.push(i64::try_from(sum).unwrap_or(i64::MAX));
    }
    (tiles, sums)
}

/// Packs some columns into words; returns the sum of each.
fn pack_panel(
    right: &Columns<'_>,
    first: usize,
    taken: usize,
    panel: &mut Vec<[u64; TILE_WORDS]>,
) -> [i64; TILE_COLUMNS] {
    // A panel is always full: what is beyond the last column is computed and not used.
    let columns = std::array::from_fn(|at| right.columns[first + at.min(taken - 1)]);
    let columns: [usize; TILE_COLUMNS] = columns;
    let mut sums = [0; TILE_COLUMNS];
    panel.clear();
    for inner in right.inner.chunks(LANE_BYTES) {
        let mut lanes = [0_u64; TILE_WORDS];
        for inner in inner {
            let bytes = &right.bytes[*inner..];
            let word = |at: usize| {
                let [low, middle, high] =
                    [0, 1, 2].map(|lane| u64::from(bytes[columns[LANES * at + lane]]));
                low | middle << LANE_BITS | high << (2 * LANE_BITS)
            };
            let words = std::array::from_fn(word);
            for (lane, word) in lanes.iter_mut().zip(&words) {
                *lane = lane.wrapping_add(*word);
            }
            panel.push(words);
        }
        empty(&lanes, &mut sums);
    }
    sums
}

/// Adds what the lanes hold to the sums.
fn empty(lanes: &[u64; TILE_WORDS], sums: &mut [i64; TILE_COLUMNS]) {
    for (sums, word) in sums.as_chunks_mut::<LANES>().0.iter_mut().zip(lanes) {
        for (lane, sum) in (0_u32..).zip(sums) {
            let held = word >> (lane * LANE_BITS) & LANE;
            *sum = sum.wrapping_add(held.cast_signed());
        }
    }
}

/// The sums of a tile.
fn multiply(tile: &[[u8; TILE_ROWS]], panel: &[[u64; TILE_WORDS]]) -> Sums {
    let mut sums = [[0; TILE_COLUMNS]; TILE_ROWS];
    for (tile, panel) in tile.chunks(LANE_TERMS).zip(panel.chunks(LANE_TERMS)) {
        let mut lanes = [[0_u64; TILE_WORDS]; TILE_ROWS];
        for (bytes, words) in tile.iter().zip(panel) {
            for (lanes, byte) in lanes.iter_mut().zip(bytes) {
                for (lane, word) in lanes.iter_mut().zip(words) {
                    *lane = lane.wrapping_add(u64::from(*byte).wrapping_mul(*word));
                }
            }
        }
        for (sums, lanes) in sums.iter_mut().zip(&lanes) {
            empty(lanes, sums);
        }
    }
    sums
}
