//! The kernels that decide what an evaluation costs, and the rule of arithmetic.
//!
//! # The rule of arithmetic
//!
//! All numbers are f32 of IEEE 754, rounded to nearest, ties to even, with denormals. What a model
//! answers is fixed by this rule alone: neither the processor nor the number of threads changes a
//! bit, nor do the other rows of a batch but where the model itself lets them.
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
//!   Where an element of the right factor, be it one matrix or all weights of a convolution, is
//!   infinite or a NaN, every output made with it is a NaN. A file has none such, but what is
//!   computed may overflow.
//! - **Zeros.** A term whose left factor is +0 or −0 may be left out: such a term is ±0, and adding
//!   it changes at most the sign of an s that is zero; that sign is lost in what s takes part in
//!   next, another term or the last addition, which makes every zero +0.
//! - **Fused.** A convolution, a ReLU and a `MaxPool` of two by two run as one where nobody
//!   looks between them. The greatest sum is then taken before the one bias is added: rounding
//!   keeps the order, so the bits are those of the three.
//! - **`Gemm`** with alpha = beta = 1 is the product plus C, which may be seen as the bias;
//!   otherwise the product, times alpha, then plus C times beta, each rounded.
//! - **Other operators** round after each step, in the order their documentation states; sums are
//!   in index order. Transcendental functions are those of the crate `libm`.
//! - **Comparisons.** `Relu` makes +0 of what is at most zero, −0 included, and leaves the rest.
//!   `MaxPool` passes over NaNs, is NaN where there is nothing else, and makes every zero +0.
//! - **A NaN** has no sign and no payload that any operator heeds: arithmetic keeps it a NaN,
//!   `Relu` and what only moves elements leave it, `MaxPool` passes over it, a softmax passes over
//!   it in looking for the greatest. Where bits are shown, every NaN is 0x7fc0_0000. An answer that
//!   is a NaN or infinite refuses the model.

mod arrange;
mod average;
mod convolution;
mod elementwise;
mod packed;
mod pool;
mod processor;
mod product;

pub(crate) use arrange::{interleave, permute};
#[cfg(feature = "train")]
pub(crate) use average::average_pool_back;
pub(crate) use average::{Counting, MEAN, average_pool};
use convolution::PackedFilters;
pub(crate) use convolution::{FUSED_FILTERS, scratch as convolution_scratch};
pub(crate) use elementwise::{relu, scaled};
pub(crate) use packed::{
    Packed, RightOperand, RightShape, convolution_with, fused_convolution_with, product_with,
};
pub(crate) use pool::max_pool;
pub(crate) use processor::SCALAR;
use product::{PackedMatrix, product};
pub(crate) use product::{panels, scratch as product_scratch};

/// A moving window over an image, height before width.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    /// Size of the image.
    pub(crate) image: [usize; 2],
    /// Size of the window.
    pub(crate) kernel: [usize; 2],
    /// Pixels from one position of the window to the next.
    pub(crate) stride: [usize; 2],
    /// Pixels from one element of the window to the next.
    pub(crate) dilation: [usize; 2],
    /// Padding at the beginning.
    pub(crate) padding: [usize; 2],
    /// Size of the output: positions of the window.
    pub(crate) output_size: [usize; 2],
}

impl Geometry {
    /// A pool of two by two, its windows side by side.
    pub(crate) fn two_by_two(image: [usize; 2]) -> Self {
        let output_size = image.map(|side| side / 2);
        let (kernel, stride, dilation, padding) = ([2; 2], [2; 2], [1; 2], [0; 2]);
        Self { image, kernel, stride, dilation, padding, output_size }
    }

    /// The pixel along a side of the image that an element of the window reads; `None` in the
    /// padding.
    #[cfg(feature = "train")]
    pub(crate) fn pixel(&self, side: usize, position: usize, element: usize) -> Option<usize> {
        let pixel = position * self.stride[side] + element * self.dilation[side];
        pixel.checked_sub(self.padding[side]).filter(|pixel| *pixel < self.image[side])
    }

    /// Whether the windows are two by two, side by side, and within the image.
    pub(crate) fn is_two_by_two(&self) -> bool {
        let Self { image, kernel, stride, dilation, padding, output_size } = *self;
        let within = (0..2).all(|side| output_size[side] == image[side] / 2);
        (kernel, stride, dilation, padding) == ([2; 2], [2; 2], [1; 2], [0; 2]) && within
    }

    /// Taps of a kernel's row that a convolution takes as one run, as they read pixels side by side
    /// again and again: three or five, for which it is compiled.
    pub(crate) const fn taps_per_run(&self) -> usize {
        match (self.stride[1], self.dilation[1], self.kernel[1]) {
            (1, 1, taps @ (3 | 5)) => taps,
            _ => 1,
        }
    }
}

/// The numbers that are added to the sums last: a bias with +0 for −0, or zeros.
fn addends(bias: Option<&[f32]>, count: usize) -> Vec<f32> {
    bias.map_or_else(|| vec![0.0; count], |bias| bias.iter().map(|bias| bias + 0.0).collect())
}

/// Whether no number is infinite or a NaN.
fn all_finite(numbers: &[f32]) -> bool {
    numbers.iter().all(|number| number.is_finite())
}

#[cfg(test)]
mod tests;
