//! Kernels that only gradients need. Sums are taken by lanes, in an order that is the same on every
//! processor.

use super::{Geometry, arrange, processor};

/// Partial sums of a list: as many as a vector has numbers.
const LANES: usize = 8;

/// The transpose of a matrix with this many columns.
pub(crate) fn transposed(matrix: &[f32], columns: usize) -> Vec<f32> {
    let mut output = vec![0.0; matrix.len()];
    processor::vectorized(
        #[inline(always)]
        || arrange::transpose(matrix, columns, &mut output),
    );
    output
}

/// The sum of a list.
pub(crate) fn sum(list: &[f32]) -> f32 {
    processor::vectorized(
        #[inline(always)]
        || {
            let (blocks, rest) = list.as_chunks::<LANES>();
            let mut sums = [0.0; LANES];
            for block in blocks {
                sums.iter_mut().zip(block).for_each(|(sum, number)| *sum += number);
            }
            total(sums) + rest.iter().sum::<f32>()
        },
    )
}

/// The sum of the products of two lists.
pub(crate) fn dot(left: &[f32], right: &[f32]) -> f32 {
    processor::vectorized(
        #[inline(always)]
        || {
            // Four vectors of sums, so that no product waits for the one before it.
            let (lefts, left) = left.as_chunks::<{ 4 * LANES }>();
            let (rights, right) = right.as_chunks::<{ 4 * LANES }>();
            let mut sums = [0.0; 4 * LANES];
            for (left, right) in lefts.iter().zip(rights) {
                for (sum, (left, right)) in sums.iter_mut().zip(left.iter().zip(right)) {
                    *sum = processor::fused(*left, *right, *sum);
                }
            }
            let rest = left.iter().zip(right);
            let rest = rest.fold(0.0, |sum, (left, right)| processor::fused(*left, *right, sum));
            sums.as_chunks::<LANES>().0.iter().fold(rest, |all, sums| all + total(*sums))
        },
    )
}

/// The list times each of some factors, one after the other.
pub(crate) fn scaled_each(factors: &[f32], list: &[f32]) -> Vec<f32> {
    let mut output = vec![0.0; factors.len() * list.len()];
    processor::vectorized(
        #[inline(always)]
        || {
            for (output, factor) in output.chunks_exact_mut(list.len()).zip(factors) {
                output.iter_mut().zip(list).for_each(|(slot, number)| *slot = number * factor);
            }
        },
    );
    output
}

/// The gradient where the output is positive, zero elsewhere.
pub(crate) fn where_positive(output: &[f32], gradient: &[f32]) -> Vec<f32> {
    let mut found = gradient.to_vec();
    processor::vectorized(
        #[inline(always)]
        || {
            for (found, output) in found.iter_mut().zip(output) {
                *found = if *output > 0.0 { *found } else { 0.0 };
            }
        },
    );
    found
}

/// The sum of all lanes.
#[inline(always)]
fn total(sums: [f32; LANES]) -> f32 {
    sums.into_iter().sum()
}

/// The gradient of the images of a non-overlapping two-by-two max-pool: that of an output goes to
/// the first element of its window that attains the maximum.
pub(crate) fn max_pool_two_by_two(
    images: &[f32],
    geometry: &Geometry,
    output: &[f32],
    gradient: &[f32],
) -> Vec<f32> {
    let Geometry { image: [height, width], output_size: [high, wide], .. } = *geometry;
    let mut back = vec![0.0; images.len()];
    let outputs = output.chunks_exact(wide).zip(gradient.chunks_exact(wide));
    let outputs = outputs.enumerate();
    processor::vectorized(
        #[inline(always)]
        || {
            for (index, (output, gradient)) in outputs {
                let first = (index / high * height + index % high * 2) * width;
                let (top, bottom) = images[first..][..2 * width].split_at(width);
                let (back_top, back_bottom) = back[first..][..2 * width].split_at_mut(width);
                let above = top.as_chunks::<2>().0.iter().zip(back_top.as_chunks_mut().0);
                let below = bottom.as_chunks::<2>().0.iter().zip(back_bottom.as_chunks_mut().0);
                let windows = above.zip(below).zip(output.iter().zip(gradient));
                for (((above, back_above), (below, back_below)), (greatest, gradient)) in windows {
                    #[expect(clippy::float_cmp, reason = "the greatest is one of them")]
                    let [a, b, c, d] =
                        [above[0], above[1], below[0], below[1]].map(|pixel| pixel == *greatest);
                    let part = |attains: bool| if attains { *gradient } else { 0.0 };
                    *back_above = [part(a), part(!a & b)];
                    *back_below = [part(!a & !b & c), part(!a & !b & !c & d)];
                }
            }
        },
    );
    back
}

/// The windows of an image as columns of a matrix (im2col).
pub(crate) struct Windows {
    /// Pixels of a plane.
    pixels: usize,
    /// Positions of the window.
    outputs: usize,
    /// Pixels from one position to the next in a row.
    stride: usize,
    /// For each element of the window, what it reads for the positions of a row.
    runs: Vec<Vec<Run>>,
}

/// Adjacent positions of a window at which an element reads pixels of the image.
#[derive(Clone, Copy)]
struct Run {
    /// The first of the positions.
    output: usize,
    count: usize,
    /// The pixel at the first.
    pixel: usize,
}

impl Windows {
    pub(crate) fn new(geometry: &Geometry) -> Self {
        let Geometry { image, kernel, output_size: [height, width], .. } = *geometry;
        let run = |line: usize, row: usize, column: usize| {
            let read = |wide: &usize| geometry.pixel(1, *wide, column).is_some();
            let first = (0..width).find(read)?;
            let count = (first..width).take_while(read).count();
            let pixel = geometry.pixel(0, line, row)? * image[1];
            let pixel = pixel + geometry.pixel(1, first, column)?;
            Some(Run { output: line * width + first, count, pixel })
        };
        let runs_of = |row, column| {
            let mut runs = Vec::<Run>::with_capacity(height);
            for next in (0..height).filter_map(|line| run(line, row, column)) {
                // Whole lines that follow each other are one run.
                match runs.last_mut() {
                    Some(last)
                        if geometry.stride[1] == 1
                            && last.output + last.count == next.output
                            && last.pixel + last.count == next.pixel =>
                    {
                        last.count += next.count;
                    }
                    _ => runs.push(next),
                }
            }
            runs
        };
        let elements =
            (0..kernel[0]).flat_map(|row| (0..kernel[1]).map(move |column| (row, column)));
        Self {
            pixels: image[0] * image[1],
            outputs: height * width,
            stride: geometry.stride[1],
            runs: elements.map(|(row, column)| runs_of(row, column)).collect(),
        }
    }

    /// Whether the matrix is the image itself.
    pub(crate) fn is_image(&self) -> bool {
        let whole = |run: &Run| (run.output, run.count, run.pixel) == (0, self.pixels, 0);
        self.pixels == self.outputs
            && matches!(&self.runs[..], [runs] if runs.len() == 1 && whole(&runs[0]))
    }

    /// Writes the matrix [channels · elements, outputs] of some planes; padding is left as it is.
    pub(crate) fn write(&self, planes: &[f32], columns: &mut [f32]) {
        processor::vectorized(
            #[inline(always)]
            || {
                let mut lists = columns.chunks_exact_mut(self.outputs);
                for plane in planes.chunks_exact(self.pixels) {
                    for (runs, list) in self.runs.iter().zip(&mut lists) {
                        for Run { output, count, pixel } in runs.iter().copied() {
                            let list = &mut list[output..][..count];
                            let pixels = &plane[pixel..];
                            if self.stride == 1 {
                                list.copy_from_slice(&pixels[..count]);
                            } else {
                                let pixels = pixels.iter().step_by(self.stride);
                                list.iter_mut()
                                    .zip(pixels)
                                    .for_each(|(slot, pixel)| *slot = *pixel);
                            }
                        }
                    }
                }
            },
        );
    }

    /// Adds the numbers of such a matrix to the pixels that they were read from (col2im).
    pub(crate) fn add(&self, columns: &[f32], planes: &mut [f32]) {
        processor::vectorized(
            #[inline(always)]
            || {
                let mut lists = columns.chunks_exact(self.outputs);
                for plane in planes.chunks_exact_mut(self.pixels) {
                    for (runs, list) in self.runs.iter().zip(&mut lists) {
                        for Run { output, count, pixel } in runs.iter().copied() {
                            let list = &list[output..][..count];
                            let pixels = &mut plane[pixel..];
                            if self.stride == 1 {
                                let pixels = pixels.iter_mut().zip(list);
                                pixels.for_each(|(pixel, number)| *pixel += number);
                            } else {
                                let pixels = pixels.iter_mut().step_by(self.stride).zip(list);
                                pixels.for_each(|(pixel, number)| *pixel += number);
                            }
                        }
                    }
                }
            },
        );
    }
}
