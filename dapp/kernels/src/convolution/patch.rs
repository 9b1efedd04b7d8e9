//! The input patch that a run of taps reads for a tile, and its zero pattern: found once, so that
//! no filter has to look for zeros again.

use super::super::processor::SKIPS_ZEROS;

/// The most pixels of a patch: those a kernel row of five taps reads for eight output pixels.
const MOST_PIXELS: usize = 12;

/// The `S` pixels of an input row that a run of taps reads for a tile.
#[derive(Clone, Copy)]
pub(super) struct InputPatch<'a, const S: usize> {
    pub(super) pixels: &'a [f32; S],
    /// A bit for each pixel, set if it is zero; the lowest bit is the first pixel's.
    pub(super) zeros: u32,
    pub(super) pattern: ZeroPattern,
}

/// Bytes of a patch in the machine, which costs are counted by on every processor.
pub(super) const PATCH_BYTES: usize = 16;
const _: () = assert!(size_of::<usize>() != 8 || size_of::<InputPatch<'_, 1>>() == PATCH_BYTES);

impl<'a, const S: usize> InputPatch<'a, S> {
    /// Finds the zeros among these pixels, if zeros are skipped at all.
    #[inline(always)]
    pub(super) fn new(pixels: &'a [f32; S]) -> Self {
        if !SKIPS_ZEROS {
            return Self { pixels, zeros: 0, pattern: ZeroPattern::Scattered };
        }
        let is_zero = |zeros: u32, pixel: &f32| zeros << 1 | u32::from(*pixel == 0.0);
        let zeros = pixels.iter().rev().fold(0, is_zero) & ((1 << S) - 1);
        let pattern = PATTERNS[zeros as usize + ((1 << MOST_PIXELS) - (1 << S))];
        Self { pixels, zeros, pattern }
    }

    /// Whether all pixels are zero.
    pub(super) fn is_blank(&self) -> bool {
        self.pattern == ZeroPattern::Blank
    }
}

/// The code of a micro-kernel that adds the products of one patch to a tile's sums.
pub(super) trait AddPatch {
    /// Tests each pixel, and multiplies those that are not zero.
    fn scattered(self);
    /// Multiplies all pixels from the first to the last, without a test.
    fn span<const FIRST: usize, const LAST: usize>(self);
}

/// Declares the zero patterns: a row for each first pixel of a span, in it a name for each last
/// pixel.
macro_rules! zero_patterns {
    ($($first:literal: $($span:ident)*,)*) => {
        /// The pixels of a patch that are multiplied.
        ///
        /// Each span, `S2_7` from pixel 2 to pixel 7, is a variant so that [`AddPatch::span`] is
        /// compiled for each by itself: straight-line code without loops or tests, whose sums stay
        /// in registers. What remains is one jump per patch, by a table without a bounds check.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum ZeroPattern {
            /// None: all are zero.
            Blank,
            /// The nonzero ones, each found by a test.
            Scattered,
            $($(
                /// All from one pixel to another.
                $span,
            )*)*
        }

        /// All spans, ordered by their first pixel, then by their last.
        const SPANS: [ZeroPattern; span_index(MOST_PIXELS, MOST_PIXELS)] =
            [$($(ZeroPattern::$span,)*)*];

        impl ZeroPattern {
            /// Runs the code for this pattern.
            #[inline(always)]
            pub(super) fn run(self, code: impl AddPatch) {
                match self {
                    Self::Blank => {}
                    Self::Scattered => code.scattered(),
                    $($(Self::$span => code.span::<$first, { last(Self::$span, $first) }>(),)*)*
                }
            }
        }
    };
}

zero_patterns! {
    0: S0_0 S0_1 S0_2 S0_3 S0_4 S0_5 S0_6 S0_7 S0_8 S0_9 S0_10 S0_11,
    1: S1_1 S1_2 S1_3 S1_4 S1_5 S1_6 S1_7 S1_8 S1_9 S1_10 S1_11,
    2: S2_2 S2_3 S2_4 S2_5 S2_6 S2_7 S2_8 S2_9 S2_10 S2_11,
    3: S3_3 S3_4 S3_5 S3_6 S3_7 S3_8 S3_9 S3_10 S3_11,
    4: S4_4 S4_5 S4_6 S4_7 S4_8 S4_9 S4_10 S4_11,
    5: S5_5 S5_6 S5_7 S5_8 S5_9 S5_10 S5_11,
    6: S6_6 S6_7 S6_8 S6_9 S6_10 S6_11,
    7: S7_7 S7_8 S7_9 S7_10 S7_11,
    8: S8_8 S8_9 S8_10 S8_11,
    9: S9_9 S9_10 S9_11,
    10: S10_10 S10_11,
    11: S11_11,
}

/// Index of a span in [`SPANS`]: each row has one span less than the row before.
const fn span_index(first: usize, last: usize) -> usize {
    first * MOST_PIXELS - first * first.saturating_sub(1) / 2 + (last - first)
}

/// The last pixel of a span, given its first.
const fn last(span: ZeroPattern, first: usize) -> usize {
    let before = ZeroPattern::S0_0 as usize + span_index(first, first);
    first + (span as usize - before)
}

/// Most zeros within a span: up to this many, multiplying is cheaper than testing.
const MOST_HOLES: u32 = 2;

/// The pattern of each set of zeros, one bit per pixel, the lowest for the first. For patches of
/// fewer pixels, the missing ones count as zeros.
static PATTERNS: [ZeroPattern; 1 << MOST_PIXELS] = {
    let mut patterns = [ZeroPattern::Blank; 1 << MOST_PIXELS];
    let mut others = 1_u32;
    while (others as usize) < patterns.len() {
        let (first, last) = (others.trailing_zeros(), others.ilog2());
        let holes = last + 1 - first - others.count_ones();
        patterns[patterns.len() - 1 - others as usize] = if holes > MOST_HOLES {
            ZeroPattern::Scattered
        } else {
            SPANS[span_index(first as usize, last as usize)]
        };
        others += 1;
    }
    patterns
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_named_by_their_first_and_last_pixels() {
        for first in 0..MOST_PIXELS {
            for last in first..MOST_PIXELS {
                let span = SPANS[span_index(first, last)];
                assert_eq!(format!("{span:?}"), format!("S{first}_{last}"));
                assert_eq!(super::last(span, first), last);
            }
        }
    }
}
