//! The matrix product: a few rows by eight columns of sums held in registers, or, for a row that is
//! mostly zeros, its other factors one at a time by sixteen columns.

use super::{
    Sides,
    processor::{self, COLUMNS, ROWS, SKIPS_ZEROS},
};

/// What it takes a scalar core to find that a factor is zero, here and when the others are listed.
const LISTED: usize = 11;

/// Columns of a panel in which a row's factors are taken one at a time.
const WIDE: usize = 16;

/// A right factor cut into panels of columns, each [inner, columns of the panel] row-major: as many
/// panels of sixteen columns as there are, then of eight, four, two and one.
#[derive(Debug)]
pub(crate) struct Panels {
    sides: Sides,
    /// Whether no element is infinite or a NaN.
    finite: bool,
    elements: Vec<f32>,
}

impl Panels {
    /// Cuts a row-major matrix.
    pub(super) fn new(matrix: &[f32], sides: Sides) -> Self {
        let Sides { inner, columns, transposed } = sides;
        let mut elements = Vec::with_capacity(matrix.len());
        for (first, width) in widths(columns) {
            if transposed {
                let lists = &matrix[first * inner..][..width * inner];
                for place in 0..inner {
                    elements.extend(lists.iter().skip(place).step_by(inner));
                }
            } else {
                for row in matrix.chunks_exact(columns) {
                    elements.extend_from_slice(&row[first..][..width]);
                }
            }
        }
        Self { sides, finite: super::all_finite(matrix), elements }
    }

    /// The matrix that was cut.
    pub(super) const fn sides(&self) -> Sides {
        self.sides
    }

    /// Each panel with its first column and its number of columns.
    fn iter(&self) -> impl Iterator<Item = (usize, usize, &[f32])> {
        let Sides { inner, columns, .. } = self.sides;
        widths(columns).map(move |(first, width)| {
            (first, width, &self.elements[first * inner..][..width * inner])
        })
    }
}

/// The first column and the number of columns of each panel.
fn widths(columns: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut first = 0;
    std::iter::from_fn(move || {
        let rest = columns - first;
        let width = [WIDE, 8, 4, 2, 1].into_iter().find(|width| *width <= rest)?;
        first += width;
        Some((first - width, width))
    })
}

/// A factor of a row that is not zero.
#[derive(Clone, Copy, Default)]
struct Factor {
    place: u32,
    value: f32,
}

/// Bytes the kernel keeps beside the factors: those of a row that are not zero.
pub(crate) fn scratch(inner: usize) -> Option<usize> {
    inner.checked_mul(size_of::<Factor>())
}

/// `left · right + bias` by the rule of arithmetic.
///
/// - Shapes: left [rows, inner] row-major, bias [columns], result [rows, columns]
pub(super) fn product(left: &[f32], right: &Panels, bias: Option<&[f32]>) -> Vec<f32> {
    let Sides { inner, columns, .. } = right.sides;
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

#[inline(always)]
fn multiply(left: &[f32], right: &Panels, bias: &[f32], output: &mut [f32]) {
    let Sides { inner, columns, .. } = right.sides;
    let mut factors = vec![Factor::default(); inner];
    let blocks = left.chunks(ROWS * inner).zip(output.chunks_mut(ROWS * columns));
    for (left, output) in blocks {
        let whole = left.len() == ROWS * inner;
        if whole && (!SKIPS_ZEROS || is_cheaper_together(left, right.iter())) {
            let left: [_; ROWS] = std::array::from_fn(|row| &left[row * inner..][..inner]);
            for (first, width, panel) in right.iter() {
                let place = Place { first, columns, bias: &bias[first..] };
                match width {
                    WIDE => rows::<COLUMNS, { WIDE / COLUMNS }>(left, panel, place, output),
                    8 => rows::<COLUMNS, { 8 / COLUMNS }>(left, panel, place, output),
                    4 => rows::<4, 1>(left, panel, place, output),
                    2 => rows::<2, 1>(left, panel, place, output),
                    _ => rows::<1, 1>(left, panel, place, output),
                }
            }
            continue;
        }
        for (row, output) in left.chunks_exact(inner).zip(output.chunks_exact_mut(columns)) {
            let factors = collect(row, &mut factors);
            for (first, width, panel) in right.iter() {
                let (bias, output) = (&bias[first..], &mut output[first..]);
                match width {
                    WIDE => self::row::<WIDE>(factors, panel, bias, output),
                    8 => self::row::<8>(factors, panel, bias, output),
                    4 => self::row::<4>(factors, panel, bias, output),
                    2 => self::row::<2>(factors, panel, bias, output),
                    _ => self::row::<1>(factors, panel, bias, output),
                }
            }
        }
    }
}

/// Whether rows are cheaper multiplied together, zeros and all, than one factor after the other
/// that is not zero: by what either takes a scalar core for a factor. As many are looked at as
/// decide it, so that nobody can have the dearer way be taken.
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
    // Even if all were zero, they would have to be looked at, here and to list what is not.
    let Some(needed) = usize::checked_sub(together, LISTED * ROWS) else { return true };
    let needed = needed * rows.len();
    let mut saved = 0;
    rows.chunks(64).any(|rows| {
        // By eight: the loop alone costs a scalar core as much as what it does.
        let (blocks, rest) = rows.as_chunks::<8>();
        let count = |zeros: usize, value: &f32| zeros.wrapping_add(usize::from(*value == 0.0));
        let zeros = blocks.iter().fold(0, |zeros, block| block.iter().fold(zeros, count));
        saved += (rows.len() - rest.iter().fold(zeros, count)) * ROWS * alone;
        saved >= needed
    })
}

/// Lists a row's factors that are not zero.
fn collect<'a>(row: &[f32], list: &'a mut [Factor]) -> &'a [Factor] {
    let all = list.len();
    let mut slots = list.iter_mut();
    for (place, &value) in (0..).zip(row) {
        if value != 0.0
            && let Some(slot) = slots.next()
        {
            *slot = Factor { place, value };
        }
    }
    let rest = slots.len();
    &list[..all - rest]
}

/// Sums of one row and a panel of `W` columns.
#[inline(always)]
fn row<const W: usize>(factors: &[Factor], panel: &[f32], bias: &[f32], output: &mut [f32]) {
    let (panel, _) = panel.as_chunks::<W>();
    let mut sums = [0.0; W];
    for factor in factors {
        let Some(right) = panel.get(factor.place as usize) else { break };
        for (sum, right) in sums.iter_mut().zip(right) {
            *sum = factor.value.mul_add(*right, *sum);
        }
    }
    for ((output, sum), bias) in output.iter_mut().zip(sums).zip(bias) {
        *output = sum + bias;
    }
}

/// Where a panel's sums go.
#[derive(Clone, Copy)]
struct Place<'a> {
    first: usize,
    columns: usize,
    /// From the first column on.
    bias: &'a [f32],
}

/// Sums of some rows and a panel of `B` times `C` columns.
#[inline(always)]
fn rows<const C: usize, const B: usize>(
    left: [&[f32]; ROWS],
    panel: &[f32],
    place: Place<'_>,
    output: &mut [f32],
) {
    let (panel, _) = panel.as_chunks::<C>().0.as_chunks::<B>();
    // By four: the loop alone costs a scalar core half as much as what it does.
    let (right, right_rest) = panel.as_chunks::<4>();
    let left_rest = left.map(|row| &row[row.len() - right_rest.len()..]);
    let left = left.map(|row| &row.as_chunks::<4>().0[..right.len()]);
    for tile in 0..B {
        let mut sums = [[0.0; C]; ROWS];
        for (turn, right) in right.iter().enumerate() {
            let left = left.map(|row| &row[turn]);
            for (place, right) in right.iter().enumerate() {
                multiply_add(&mut sums, &left.map(|left| left[place]), &right[tile]);
            }
        }
        for (place, right) in right_rest.iter().enumerate() {
            multiply_add(&mut sums, &left_rest.map(|left| left[place]), &right[tile]);
        }
        let bias = &place.bias[tile * C..];
        for (row, sums) in output.chunks_exact_mut(place.columns).zip(sums) {
            let output = &mut row[place.first + tile * C..];
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
            *sum = left.mul_add(*right, *sum);
        }
    }
}
