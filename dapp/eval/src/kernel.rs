//! The two kernels that decide what an evaluation costs, each behind one function, so that ours
//! can take their place.
//!
//! Rule of arithmetic, with the tensor library's kernels of this version: all numbers are f32 with
//! IEEE 754 rounding to nearest; a product is rounded before it is added. Both add up in a fixed
//! order that depends on shapes alone, never on the processor, the number of threads or the other
//! rows of the batch.

use burn::tensor::{Tensor, module::conv2d, ops::ConvOptions};

/// Matrix product over the last two dimensions; those before are broadcast.
///
/// The inner dimension is taken in blocks of 256, each added up in index order from zero; the
/// blocks are then added in order.
///
/// - Shapes: left [… , m, k], right [… , k, n]; result [… , m, n]
pub(crate) fn matmul<const D: usize>(left: Tensor<D>, right: Tensor<D>) -> Tensor<D> {
    left.matmul(right)
}

/// Convolution in two dimensions.
///
/// Each output starts at zero and adds its products in the order input channel, kernel row,
/// kernel column, zeros of the padding included, and last the bias.
///
/// - Shapes: images [n, c, h, w], weights [m, c / groups, kh, kw], bias [m]
pub(crate) fn convolution(
    images: Tensor<4>,
    weights: Tensor<4>,
    bias: Option<Tensor<1>>,
    options: ConvOptions<2>,
) -> Tensor<4> {
    #[cfg(feature = "train")]
    if images.is_autodiff() {
        return crate::train::convolution(images, weights, bias, options);
    }
    conv2d(images, weights, bias, options)
}

#[cfg(test)]
mod tests {
    //! The stated orders, written out plainly, give the kernels' very bits.

    use super::*;
    use crate::backend::{Array, elements_of};
    use crate::shape::Shape;

    /// Numbers of many magnitudes, whose sums depend on the order.
    fn numbers(count: usize) -> Vec<f32> {
        let mut state = 1_u32;
        let number = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let mantissa = f32::from(u16::try_from(state >> 16).unwrap()) / 65_536.0 - 0.5;
            mantissa * f32::from(1_u16 << (state >> 8 & 0xf))
        });
        number.take(count).collect()
    }

    fn tensor<const D: usize>(elements: &[f32], sizes: [usize; D]) -> Tensor<D> {
        Array::new(elements.to_vec(), Shape::new(&sizes).unwrap()).view(sizes)
    }

    fn bits(elements: &[f32]) -> Vec<u32> {
        elements.iter().map(|element| element.to_bits()).collect()
    }

    #[test]
    fn products_add_up_as_stated() {
        for [m, k, n] in [[1, 700, 1], [5, 256, 3], [9, 257, 17], [64, 30, 10]] {
            let (left, right) = (numbers(m * k), numbers(k * n));
            let mut expected = Vec::new();
            for row in 0..m {
                for column in 0..n {
                    let mut sum = 0.0;
                    for block in (0..k).step_by(256) {
                        let mut part = 0.0;
                        for inner in block..k.min(block + 256) {
                            part += left[row * k + inner] * right[inner * n + column];
                        }
                        sum += part;
                    }
                    expected.push(sum);
                }
            }
            let found = elements_of(matmul(tensor(&left, [m, k]), tensor(&right, [k, n])));
            assert_eq!(bits(&found), bits(&expected), "{m} {k} {n}");
        }
    }

    #[test]
    fn convolutions_add_up_as_stated() {
        let (images, weights, bias) = (numbers(3 * 5 * 5), numbers(2 * 3 * 3 * 3), [0.1, 1e3]);
        let options = ConvOptions::new_with_padding([2, 1], [(1, 0), (1, 1)], [1, 1], 1);
        let pixel = |channel: usize, row: usize, column: usize| {
            let inside = (1..6).contains(&row) && (1..6).contains(&column);
            if inside { images[(channel * 5 + row - 1) * 5 + column - 1] } else { 0.0 }
        };
        let mut expected = Vec::new();
        for (filter, bias) in weights.chunks_exact(27).zip(bias) {
            for (row, column) in (0..2).flat_map(|row| (0..5).map(move |column| (2 * row, column)))
            {
                let mut sum = 0.0;
                for (place, weight) in filter.iter().enumerate() {
                    let (channel, high, wide) = (place / 9, place / 3 % 3, place % 3);
                    sum += pixel(channel, row + high, column + wide) * weight;
                }
                expected.push(sum + bias);
            }
        }
        let (images, weights) = (tensor(&images, [1, 3, 5, 5]), tensor(&weights, [2, 3, 3, 3]));
        let found = convolution(images, weights, Some(tensor(&bias, [2])), options);
        assert_eq!(found.dims(), [1, 2, 2, 5]);
        assert_eq!(bits(&elements_of(found)), bits(&expected));
    }
}
