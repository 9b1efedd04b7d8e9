//! Functions of single elements that are worth a loop of their own.

use super::processor::{self, SKIPS_ZEROS};

/// Bytes as numbers: `byte · scale + offset`, rounded after each step.
pub fn scaled(bytes: &[u8], scale: f32, offset: f32) -> Vec<f32> {
    let number = |byte: u8| f32::from(byte) * scale + offset;
    let mut numbers = vec![number(0); bytes.len()];
    let fill = |(slot, byte): (&mut f32, &u8)| {
        if !SKIPS_ZEROS || *byte != 0 {
            *slot = number(*byte);
        }
    };
    // By eight: loop overhead alone costs a scalar core half as much as the work.
    let (blocks, rest) = bytes.as_chunks::<8>();
    let (slots, rest_slots) = numbers.as_chunks_mut::<8>();
    slots.iter_mut().zip(blocks).for_each(|(slots, block)| {
        slots.iter_mut().zip(block).for_each(fill);
    });
    rest_slots.iter_mut().zip(rest).for_each(fill);
    numbers
}

/// The larger of each element and zero, by the rule of arithmetic.
pub(crate) fn relu(elements: &mut [f32]) {
    processor::vectorized(
        #[inline(always)]
        || {
            // By eight: loop overhead alone costs a scalar core as much as the work.
            let (blocks, rest) = elements.as_chunks_mut::<8>();
            blocks.iter_mut().for_each(|block| block.iter_mut().for_each(rectify));
            rest.iter_mut().for_each(rectify);
        },
    );
}

#[inline(always)]
fn rectify(element: &mut f32) {
    if !SKIPS_ZEROS {
        // A vector is stored as a whole, or each of its numbers by a mask, which takes longer.
        *element = if is_at_most_zero(*element) { 0.0 } else { *element };
        return;
    }
    // Compared as integers, so that no float is loaded that is not also stored.
    if is_at_most_zero(*element) {
        *element = 0.0;
    }
}

/// The larger of a number and zero.
#[inline(always)]
pub(super) fn rectified(number: f32) -> f32 {
    if is_at_most_zero(number) { 0.0 } else { number }
}

/// Not `max`, which may return −0 and hides a NaN. As integers, the bits of −0 and of all negative
/// numbers are at most those of −∞, and a NaN's are greater: one comparison suffices.
#[inline(always)]
fn is_at_most_zero(number: f32) -> bool {
    const LEAST: i32 = f32::NEG_INFINITY.to_bits().cast_signed();
    number.to_bits().cast_signed() <= LEAST
}
