//! Functions of single elements that are worth a loop of their own.

use super::processor;

/// The larger of each element and zero, by the rule of arithmetic.
pub(crate) fn relu(elements: &mut [f32]) {
    processor::vectorized(
        #[inline(always)]
        || {
            for element in elements {
                // Not `max`, which may give −0 and hides a NaN.
                if *element <= 0.0 {
                    *element = 0.0;
                }
            }
        },
    );
}
