//! Kernels that only move elements: permuting dimensions and interleaving lists.

/// The elements with the dimensions permuted.
///
/// - Shapes: dimension `i` of the result is dimension `order[i]` of `sizes`
pub(crate) fn permute(elements: &[f32], sizes: &[usize], order: &[usize]) -> Vec<f32> {
    let mut strides = vec![1; sizes.len()];
    for axis in (1..sizes.len()).rev() {
        strides[axis - 1] = strides[axis] * sizes[axis];
    }
    let Some((last, outer)) = order.split_last() else { return elements.to_vec() };
    let mut output = Vec::with_capacity(elements.len());
    let mut position = vec![0; outer.len()];
    let mut first = 0;
    while output.len() < elements.len() {
        output.extend(elements[first..].iter().step_by(strides[*last]).take(sizes[*last]));
        // The next row of the result: the last dimension that can advances, those after it restart.
        for (position, axis) in position.iter_mut().zip(outer).rev() {
            *position += 1;
            first += strides[*axis];
            if *position < sizes[*axis] {
                break;
            }
            first -= *position * strides[*axis];
            *position = 0;
        }
    }
    output
}

/// Sides of the blocks that a transposition moves at once.
const BLOCK: usize = 8;

/// Writes the transpose of a matrix with this many columns, by blocks, for vectors.
#[inline(always)]
pub(crate) fn transpose(matrix: &[f32], columns: usize, output: &mut [f32]) {
    let rows = matrix.len() / columns;
    let (whole_rows, whole_columns) = (rows / BLOCK * BLOCK, columns / BLOCK * BLOCK);
    for row in (0..whole_rows).step_by(BLOCK) {
        for column in (0..whole_columns).step_by(BLOCK) {
            let line = |line| matrix[(row + line) * columns + column..].first_chunk::<BLOCK>();
            let block: [_; BLOCK] = std::array::from_fn(|at| *line(at).unwrap_or(&[0.0; BLOCK]));
            for at in 0..BLOCK {
                let output = &mut output[(column + at) * rows + row..][..BLOCK];
                output.copy_from_slice(&block.map(|line| line[at]));
            }
        }
    }
    for row in 0..rows {
        let first = if row < whole_rows { whole_columns } else { 0 };
        for column in first..columns {
            output[column * rows + row] = matrix[row * columns + column];
        }
    }
}

/// Lists cut into equally many pieces, one piece of each taken in turn.
pub(crate) fn interleave(lists: &[&[f32]], pieces: usize) -> Vec<f32> {
    let mut output = Vec::with_capacity(lists.iter().map(|list| list.len()).sum());
    for piece in 0..pieces {
        for list in lists {
            let length = list.len() / pieces;
            output.extend_from_slice(&list[piece * length..][..length]);
        }
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permutation_moves_each_element() {
        let sizes = [2, 3, 4];
        let elements = (0_u8..24).map(f32::from).collect::<Vec<_>>();
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let moved = permute(&elements, &sizes, &order);
            let to = order.map(|axis| sizes[axis]);
            for (index, element) in moved.iter().enumerate() {
                let at = [index / (to[1] * to[2]), index / to[2] % to[1], index % to[2]];
                let mut from = [0; 3];
                for (axis, at) in order.into_iter().zip(at) {
                    from[axis] = at;
                }
                let [a, b, c] = from;
                assert_eq!(*element, elements[(a * 3 + b) * 4 + c], "{order:?} {index}");
            }
        }
        assert_eq!(permute(&[7.0], &[], &[]), [7.0]);
    }

    #[test]
    fn a_transposition_is_a_permutation() {
        for (rows, columns) in [(1, 1), (3, 20), (16, 8), (19, 27)] {
            let matrix = (0..rows * columns).map(|at| at as f32).collect::<Vec<_>>();
            let mut found = vec![0.0; matrix.len()];
            transpose(&matrix, columns, &mut found);
            assert_eq!(found, permute(&matrix, &[rows, columns], &[1, 0]));
        }
    }

    #[test]
    fn lists_are_put_together_piece_by_piece() {
        let lists: [&[f32]; 2] = [&[1.0, 2.0, 5.0, 6.0], &[3.0, 7.0]];
        assert_eq!(interleave(&lists, 2), [1.0, 2.0, 3.0, 5.0, 6.0, 7.0]);
    }
}
