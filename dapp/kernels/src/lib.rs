//! The exact arithmetic of evaluations, as operations of burn's CPU backend.
//!
//! - [`integer`]: exact sums of products of bytes
//! - kernels on lists: products, convolutions, pools (`product`, `convolution`, `pool`, …)
//! - [`math`]: transcendental functions
//! - [`operation`]: each computation of an operator, with its gradients where these are compiled
//! - [`extension`]: the trait by which burn's tensors run them
//!
//! # The rule of arithmetic
//!
//! All numbers are IEEE 754 f32, rounded to nearest, ties to even, with denormals. A model's
//! answers are fixed by this rule alone: no bit depends on the processor, on the number of threads,
//! or on the other rows of a batch unless the model itself mixes them.
//!
//! - **A sum of products** (matrix product, convolution) is, for each of its outputs,
//!
//!   ```text
//!   s = +0
//!   for each term, in order:
//!       s = left · right + s                   fused: rounded once
//!   output = s + bias                          +0 where there is none; a bias of −0 is read as +0
//!   ```
//!
//!   The terms of a product are in the order of its inner index; those of a convolution in the
//!   order channel, kernel row, kernel column, the left factor being the image's, zero in the
//!   padding, and the right factor the weight.
//!   If an element of the right factor, be it one matrix or all weights of a convolution, is
//!   infinite or a NaN, every output computed with it is a NaN. A file has no such elements, but
//!   computed values may overflow.
//! - **Zeros.** A term whose left factor is +0 or −0 may be left out: such a term is ±0, and adding
//!   it changes at most the sign of an s that is zero; that sign is lost in the next operation on
//!   s, another term or the last addition, which turns every zero into +0.
//! - **Fused.** A convolution, a ReLU and a two-by-two `MaxPool` run as one if nothing else uses
//!   the values between them. The greatest sum is then taken before the one bias is added: rounding
//!   is monotonic, so the bits are those of the three.
//! - **`Gemm`** with alpha = beta = 1 is the product plus C, which may be treated as the bias;
//!   otherwise the product, times alpha, then plus C times beta, each rounded.
//! - **Other operators** round after each step, in the order their documentation states; sums are
//!   in index order. Transcendental functions are those of the crate `libm`.
//! - **Comparisons.** `Relu` turns every number up to zero, −0 included, into +0 and leaves the
//!   rest. `MaxPool` ignores NaNs, is NaN if there is nothing else, and turns every zero into +0.
//! - **A NaN** has no sign and no payload that any operator observes: arithmetic keeps it a NaN,
//!   `Relu` and operators that only move elements leave it, `MaxPool` ignores it, and so does a
//!   softmax when it finds the maximum. Where bits are shown, every NaN is 0x7fc0_0000. A model
//!   with an answer that is a NaN or infinite is refused.

mod arrange;
mod average;
mod convolution;
mod elementwise;
pub mod extension;
#[cfg(feature = "gradients")]
mod gradient;
pub mod integer;
pub mod math;
pub mod operation;
mod packed;
mod pool;
mod processor;
mod product;

pub(crate) use arrange::{interleave, permute};
pub(crate) use average::average_pool;
#[cfg(feature = "gradients")]
pub(crate) use average::average_pool_back;
pub use average::{Counting, MEAN};
use convolution::PackedFilters;
pub use convolution::{FUSED_FILTERS, scratch as convolution_scratch};
pub(crate) use elementwise::relu;
pub use elementwise::scaled;
pub use packed::{Packed, RightShape};
pub(crate) use packed::{RightOperand, convolution_with, fused_convolution_with, product_with};
pub(crate) use pool::max_pool;
use processor::SKIPS_ZEROS;
pub use processor::{SCALAR, vectorized};
use product::{PackedMatrix, product};
pub use product::{panels, scratch as product_scratch};

/// A moving window over an image, height before width.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    /// Size of the image.
    pub image: [usize; 2],
    /// Size of the window.
    pub kernel: [usize; 2],
    /// Pixels from one position of the window to the next.
    pub stride: [usize; 2],
    /// Pixels from one element of the window to the next.
    pub dilation: [usize; 2],
    /// Padding at the beginning.
    pub padding: [usize; 2],
    /// Size of the output: positions of the window.
    pub output_size: [usize; 2],
}

impl Geometry {
    /// A non-overlapping two-by-two pool.
    pub fn two_by_two(image: [usize; 2]) -> Self {
        let output_size = image.map(|side| side / 2);
        let (kernel, stride, dilation, padding) = ([2; 2], [2; 2], [1; 2], [0; 2]);
        Self { image, kernel, stride, dilation, padding, output_size }
    }

    /// The pixel along a side of the image that an element of the window reads; `None` in the
    /// padding.
    #[cfg(feature = "gradients")]
    pub fn pixel(&self, side: usize, position: usize, element: usize) -> Option<usize> {
        let pixel = position * self.stride[side] + element * self.dilation[side];
        pixel.checked_sub(self.padding[side]).filter(|pixel| *pixel < self.image[side])
    }

    /// Whether the windows are two-by-two, non-overlapping, and within the image.
    pub fn is_two_by_two(&self) -> bool {
        let Self { image, kernel, stride, dilation, padding, output_size } = *self;
        let within = (0..2).all(|side| output_size[side] == image[side] / 2);
        (kernel, stride, dilation, padding) == ([2; 2], [2; 2], [1; 2], [0; 2]) && within
    }

    /// Taps of a kernel row that a convolution takes as one run, as they read the same adjacent
    /// pixels: three or five, for which it is compiled.
    pub const fn taps_per_run(&self) -> usize {
        match (self.stride[1], self.dilation[1], self.kernel[1]) {
            (1, 1, taps @ (3 | 5)) => taps,
            _ => 1,
        }
    }
}

/// The numbers added to the sums last: a bias with +0 for −0, or zeros.
fn addends(bias: Option<&[f32]>, count: usize) -> Vec<f32> {
    bias.map_or_else(|| vec![0.0; count], |bias| bias.iter().map(|bias| bias + 0.0).collect())
}

/// Whether no number is infinite or a NaN.
fn all_finite(numbers: &[f32]) -> bool {
    let each = |numbers: &[f32]| numbers.iter().all(|number| number.is_finite());
    if SKIPS_ZEROS {
        return each(numbers);
    }
    // With vectors, looking at all is faster than stopping at one.
    let count = |count: u32, number: &f32| count + u32::from(!number.is_finite());
    numbers.chunks(1 << 12).all(|numbers| numbers.iter().fold(0, count) == 0)
}

#[cfg(test)]
mod tests;
