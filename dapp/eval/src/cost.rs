//! What an evaluation costs, counted from shapes before anything runs.

use market::Work;

/// Element operations that one transcendental function counts as.
const TRANSCENDENTAL: u64 = 16;

/// Counted operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Multiply-adds of matrix products and convolutions.
    pub multiply_adds: u64,
    /// Other operations on single elements: sums, comparisons, copies; a transcendental function
    /// counts as sixteen.
    pub element_operations: u64,
}

impl Cost {
    /// The product of these sizes, in multiply-adds.
    pub(crate) fn multiply_adds(sizes: &[usize]) -> Option<Self> {
        product(sizes).map(|multiply_adds| Self { multiply_adds, element_operations: 0 })
    }

    /// The product of these sizes, in element operations.
    pub(crate) fn elements(sizes: &[usize]) -> Option<Self> {
        product(sizes).map(|element_operations| Self { multiply_adds: 0, element_operations })
    }

    /// As many transcendental functions.
    pub(crate) fn transcendental(elements: usize) -> Option<Self> {
        Self::elements(&[elements])?.times(TRANSCENDENTAL)
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        Some(Self {
            multiply_adds: self.multiply_adds.checked_add(other.multiply_adds)?,
            element_operations: self.element_operations.checked_add(other.element_operations)?,
        })
    }

    /// This cost so many times.
    #[must_use]
    pub fn times(self, times: u64) -> Option<Self> {
        Some(Self {
            multiply_adds: self.multiply_adds.checked_mul(times)?,
            element_operations: self.element_operations.checked_mul(times)?,
        })
    }

    /// The market's unit: a multiply-add and an element operation count the same.
    #[must_use]
    pub const fn work(self) -> Work {
        Work(self.multiply_adds.saturating_add(self.element_operations))
    }
}

fn product(sizes: &[usize]) -> Option<u64> {
    sizes.iter().try_fold(1_u64, |product, size| product.checked_mul(u64::try_from(*size).ok()?))
}
