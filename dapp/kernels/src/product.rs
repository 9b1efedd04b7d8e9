//! The matrix product: a micro-kernel that holds a register tile of some rows by columns of sums,
//! and one for a row that is mostly zeros, which takes its nonzero factors one by one.

use super::{
    RightShape, arrange,
    processor::{self, SKIPS_ZEROS, TILES},
};

/// Rows and columns of a register tile.
const ROWS: usize = TILES.rows;
const COLUMNS: usize = TILES.columns;
/// Columns of a tile in a panel of eight.
const NARROW: usize = if COLUMNS < 8 { COLUMNS } else { 8 };

/// Instructions in which a scalar core tests a factor for zero: when zeros are counted, and again
/// when the nonzero factors are listed.
const ZERO_TEST: usize = 11;

/// Widths of a packed matrix's panels: as many of the widest as fit, then of the next. A row by
/// itself takes all columns of a panel at once.
const PANEL_WIDTHS: [usize; 5] = [WIDEST, 8, 4, 2, 1];
const WIDEST: usize = 16;

/// The width and the number of the panels of a matrix, widest first.
pub fn panels(columns: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut rest = columns;
    PANEL_WIDTHS.into_iter().map(move |width| {
        let panels = rest / width;
        rest %= width;
        (width, panels)
    })
}

/// A right factor packed by panels of columns, each [inner, columns of the panel] row-major, so
/// that a micro-kernel reads it from front to back.
#[derive(Debug)]
pub struct PackedMatrix {
    shape: RightShape,
    /// Whether no element is infinite or a NaN.
    finite: bool,
    elements: Vec<f32>,
}

impl PackedMatrix {
    /// Packs a row-major matrix.
    pub(super) fn new(matrix: &[f32], shape: RightShape) -> Self {
        let RightShape { inner, columns, transposed } = shape;
        let mut elements = Vec::with_capacity(matrix.len());
        for (first, width) in spans(columns) {
            if transposed && !SKIPS_ZEROS {
                let packed = elements.len();
                elements.resize(packed + width * inner, 0.0);
                let lists = &matrix[first * inner..][..width * inner];
                arrange::transpose(lists, inner, &mut elements[packed..]);
            } else if transposed {
                let lists = &matrix[first * inner..][..width * inner];
                for index in 0..inner {
                    elements.extend(lists.iter().skip(index).step_by(inner));
                }
            } else if width == WIDEST {
                let rows = matrix.chunks_exact(columns);
                let parts = rows.filter_map(|row| row[first..].first_chunk::<WIDEST>());
                elements.extend(parts.flatten());
            } else {
                for row in matrix.chunks_exact(columns) {
                    elements.extend_from_slice(&row[first..][..width]);
                }
            }
        }
        Self { shape, finite: super::all_finite(matrix), elements }
    }

    /// The shape of the matrix before it was packed.
    pub(super) const fn shape(&self) -> RightShape {
        self.shape
    }

    /// Each panel with its first column and its number of columns.
    fn iter(&self) -> impl Iterator<Item = (usize, usize, &[f32])> {
        let RightShape { inner, columns, .. } = self.shape;
        spans(columns).map(move |(first, width)| {
            (first, width, &self.elements[first * inner..][..width * inner])
        })
    }
}

/// The first column and the number of columns of each panel.
fn spans(columns: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut first = 0;
    std::iter::from_fn(move || {
        let rest = columns - first;
        let width = PANEL_WIDTHS.into_iter().find(|width| *width <= rest)?;
        first += width;
        Some((first - width, width))
    })
}

/// A nonzero factor of a row.
#[derive(Clone, Copy, Default)]
struct NonZero {
    index: u32,
    value: f32,
}

/// Bytes the kernel needs beside the factors: the nonzero ones of a row.
pub fn scratch(inner: usize) -> Option<usize> {
    inner.checked_mul(size_of::<NonZero>())
}

/// `left · right + bias` by the rule of arithmetic.
///
/// - Shapes: left [rows, inner] row-major, bias [columns], result [rows, columns]
pub(super) fn product(left: &[f32], right: &PackedMatrix, bias: Option<&[f32]>) -> Vec<f32> {
    let RightShape { inner, columns, .. } = right.shape;
    let sums = left.len() / inner * columns;
    if !right.finite {
        return vec![f32::NAN; sums];
    }
    let bias = super::addends(bias, columns);
    let mut output = vec![0.0; sums];
    processor::vectorized(
        #[inline(always)]
        || multiply(left, right, &bias, &mut output),
    );
    output
}

/// Multiplies as many rows together as a register tile has, except those with many zeros.
#[inline(always)]
fn multiply(left: &[f32], right: &PackedMatrix, bias: &[f32], output: &mut [f32]) {
    let RightShape { inner, columns, .. } = right.shape;
    let mut list = vec![NonZero::default(); inner];
    let blocks = left.chunks(ROWS * inner).zip(output.chunks_mut(ROWS * columns));
    for (left, output) in blocks {
        let whole = left.len() == ROWS * inner;
        if whole && (!SKIPS_ZEROS || is_cheaper_together(left, right.iter())) {
            let left: [_; ROWS] = std::array::from_fn(|row| &left[row * inner..][..inner]);
            for (first, width, panel) in right.iter() {
                let target = Target { first, columns, bias: &bias[first..] };
                match width {
                    WIDEST => {
                        multiply_rows::<COLUMNS, { WIDEST / COLUMNS }>(left, panel, target, output)
                    }
                    8 => multiply_rows::<NARROW, { 8 / NARROW }>(left, panel, target, output),
                    4 => multiply_rows::<4, 1>(left, panel, target, output),
                    2 => multiply_rows::<2, 1>(left, panel, target, output),
                    _ => multiply_rows::<1, 1>(left, panel, target, output),
                }
            }
            continue;
        }
        for (row, output) in left.chunks_exact(inner).zip(output.chunks_exact_mut(columns)) {
            let factors = non_zeros(row, &mut list);
            for (first, width, panel) in right.iter() {
                let (bias, output) = (&bias[first..], &mut output[first..]);
                match width {
                    WIDEST => multiply_row::<WIDEST>(factors, panel, bias, output),
                    8 => multiply_row::<8>(factors, panel, bias, output),
                    4 => multiply_row::<4>(factors, panel, bias, output),
                    2 => multiply_row::<2>(factors, panel, bias, output),
                    _ => multiply_row::<1>(factors, panel, bias, output),
                }
            }
        }
    }
}

/// Whether rows are cheaper to multiply together, zeros included, than one by one without zeros, by
/// the instructions per factor on a scalar core. Factors are counted until that is decided, so that
/// no input can force the more expensive way.
#[inline(never)]
fn is_cheaper_together<'a>(
    rows: &[f32],
    panels: impl Iterator<Item = (usize, usize, &'a [f32])>,
) -> bool {
    let (mut alone, mut together) = (4, 0);
    for (_, width, _) in panels {
        let tile = width.min(COLUMNS);
        alone += 6 + 2 * width;
        together += width.div_ceil(COLUMNS) * (ROWS + tile + ROWS * tile);
    }
    // Even if all were zero, each would have to be tested.
    let Some(needed) = usize::checked_sub(together, ZERO_TEST * ROWS) else { return true };
    let needed = needed * rows.len();
    let mut saved = 0;
    rows.chunks(64).any(|rows| {
        // By eight: loop overhead alone costs a scalar core as much as the work.
        let (blocks, rest) = rows.as_chunks::<8>();
        let count = |zeros: usize, value: &f32| zeros.wrapping_add(usize::from(*value == 0.0));
        let zeros = blocks.iter().fold(0, |zeros, block| block.iter().fold(zeros, count));
        saved += (rows.len() - rest.iter().fold(zeros, count)) * ROWS * alone;
        saved >= needed
    })
}

/// Lists a row's nonzero factors; not inlined, so that the loop has all the registers.
#[inline(never)]
fn non_zeros<'a>(row: &[f32], list: &'a mut [NonZero]) -> &'a [NonZero] {
    let all = list.len();
    let mut slots = list.iter_mut();
    // Wrapping: an overflow check would cost a scalar core a tenth of the loop.
    let mut index = 0_u32;
    for &value in row {
        if value != 0.0
            && let Some(slot) = slots.next()
        {
            *slot = NonZero { index, value };
        }
        index = index.wrapping_add(1);
    }
    let rest = slots.len();
    &list[..all - rest]
}

/// The micro-kernel of a single row, for a panel of `W` columns.
#[inline(always)]
fn multiply_row<const W: usize>(
    factors: &[NonZero],
    panel: &[f32],
    bias: &[f32],
    output: &mut [f32],
) {
    let (panel, _) = panel.as_chunks::<W>();
    let mut sums = [0.0; W];
    for factor in factors {
        let Some(right) = panel.get(factor.index as usize) else { break };
        for (sum, right) in sums.iter_mut().zip(right) {
            *sum = processor::fused(factor.value, *right, *sum);
        }
    }
    for ((output, sum), bias) in output.iter_mut().zip(sums).zip(bias) {
        *output = sum + bias;
    }
}

/// The columns of the output that a panel's sums are written to.
#[derive(Clone, Copy)]
struct Target<'a> {
    first: usize,
    /// Columns of the whole output.
    columns: usize,
    /// From the first column on.
    bias: &'a [f32],
}

/// The micro-kernel of some rows together, for a panel of `B` register tiles of `C` columns.
#[inline(always)]
fn multiply_rows<const C: usize, const B: usize>(
    left: [&[f32]; ROWS],
    panel: &[f32],
    target: Target<'_>,
    output: &mut [f32],
) {
    let (panel, _) = panel.as_chunks::<C>().0.as_chunks::<B>();
    // By four: loop overhead alone costs a scalar core half as much as the work.
    let (right, right_rest) = panel.as_chunks::<4>();
    let left_rest = left.map(|row| &row[row.len() - right_rest.len()..]);
    let left = left.map(|row| &row.as_chunks::<4>().0[..right.len()]);
    for tile in 0..B {
        let mut sums = [[0.0; C]; ROWS];
        for (turn, right) in right.iter().enumerate() {
            let left = left.map(|row| &row[turn]);
            for (index, right) in right.iter().enumerate() {
                multiply_add(&mut sums, &left.map(|left| left[index]), &right[tile]);
            }
        }
        for (index, right) in right_rest.iter().enumerate() {
            multiply_add(&mut sums, &left_rest.map(|left| left[index]), &right[tile]);
        }
        let Some(bias) = target.bias[tile * C..].first_chunk::<C>() else { break };
        for (row, sums) in output.chunks_exact_mut(target.columns).zip(sums) {
            let output = row[target.first + tile * C..].first_chunk_mut::<C>();
            let Some(output) = output else { break };
            for ((output, sum), bias) in output.iter_mut().zip(sums).zip(bias) {
                *output = sum + bias;
            }
        }
    }
}

/// Adds one product to each sum.
#[inline(always)]
fn multiply_add<const C: usize>(sums: &mut [[f32; C]; ROWS], left: &[f32; ROWS], right: &[f32; C]) {
    for (sums, left) in sums.iter_mut().zip(left) {
        for (sum, right) in sums.iter_mut().zip(right) {
            *sum = processor::fused(*left, *right, *sum);
        }
    }
}
