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
    conv2d(images, weights, bias, options)
}
