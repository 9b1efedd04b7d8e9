//! What a run of taps sees of its pixels, as one of few cases, each with code of its own: no pixel
//! is looked at again for each filter.

use super::super::processor::SKIPS_ZEROS;

/// The most pixels that a run sees.
pub(super) const SIGHT: usize = 12;

/// What a run of taps sees from a tile.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a, const S: usize> {
    pub(super) pixels: &'a [f32; S],
    /// The pixels that are zero, one bit each, the first the lowest.
    pub(super) zeros: u32,
    /// What that comes to.
    pub(super) view: View,
}

impl<'a, const S: usize> Seen<'a, S> {
    /// Looks at pixels, if zeros are skipped at all.
    #[inline(always)]
    pub(super) fn new(pixels: &'a [f32; S]) -> Self {
        if !SKIPS_ZEROS {
            return Self { pixels, zeros: 0, view: View::Some };
        }
        let is_zero = |zeros: u32, pixel: &f32| zeros << 1 | u32::from(*pixel == 0.0);
        let zeros = pixels.iter().rev().fold(0, is_zero) & ((1 << S) - 1);
        let view = VIEWS[zeros as usize + ((1 << SIGHT) - (1 << S))];
        Self { pixels, zeros, view }
    }

    /// Whether no pixel matters.
    pub(super) fn is_blank(&self) -> bool {
        self.view == View::Nothing
    }
}

/// What is done for a case.
pub(super) trait Visit {
    /// No pixel matters.
    fn nothing(self);
    /// Some pixels matter, by their bits.
    fn some(self);
    /// The pixels from one to another matter.
    fn span<const FIRST: usize, const LAST: usize>(self);
}

macro_rules! views {
    ($($view:ident: $first:literal $last:literal,)*) => {
        /// Which pixels are multiplied.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum View {
            /// None: all are zero.
            Nothing,
            /// Those that are not zero, one by one.
            Some,
            $(
                /// Those from one to another.
                $view,
            )*
        }

        impl View {
            /// Each span's first and last pixel.
            const SPANS: [(usize, usize, Self); SIGHT * (SIGHT + 1) / 2] =
                [$(($first, $last, Self::$view),)*];

            /// Does what is to be done for this case.
            #[inline(always)]
            pub(super) fn visit(self, visit: impl Visit) {
                match self {
                    Self::Nothing => visit.nothing(),
                    Self::Some => visit.some(),
                    $(Self::$view => visit.span::<$first, $last>(),)*
                }
            }
        }
    };
}

views! {
    From0To0: 0 0, From0To1: 0 1, From0To2: 0 2, From0To3: 0 3, From0To4: 0 4, From0To5: 0 5,
    From0To6: 0 6, From0To7: 0 7, From0To8: 0 8, From0To9: 0 9, From0To10: 0 10, From0To11: 0 11,
    From1To1: 1 1, From1To2: 1 2, From1To3: 1 3, From1To4: 1 4, From1To5: 1 5, From1To6: 1 6,
    From1To7: 1 7, From1To8: 1 8, From1To9: 1 9, From1To10: 1 10, From1To11: 1 11, From2To2: 2 2,
    From2To3: 2 3, From2To4: 2 4, From2To5: 2 5, From2To6: 2 6, From2To7: 2 7, From2To8: 2 8,
    From2To9: 2 9, From2To10: 2 10, From2To11: 2 11, From3To3: 3 3, From3To4: 3 4, From3To5: 3 5,
    From3To6: 3 6, From3To7: 3 7, From3To8: 3 8, From3To9: 3 9, From3To10: 3 10, From3To11: 3 11,
    From4To4: 4 4, From4To5: 4 5, From4To6: 4 6, From4To7: 4 7, From4To8: 4 8, From4To9: 4 9,
    From4To10: 4 10, From4To11: 4 11, From5To5: 5 5, From5To6: 5 6, From5To7: 5 7, From5To8: 5 8,
    From5To9: 5 9, From5To10: 5 10, From5To11: 5 11, From6To6: 6 6, From6To7: 6 7, From6To8: 6 8,
    From6To9: 6 9, From6To10: 6 10, From6To11: 6 11, From7To7: 7 7, From7To8: 7 8, From7To9: 7 9,
    From7To10: 7 10, From7To11: 7 11, From8To8: 8 8, From8To9: 8 9, From8To10: 8 10,
    From8To11: 8 11, From9To9: 9 9, From9To10: 9 10, From9To11: 9 11, From10To10: 10 10,
    From10To11: 10 11, From11To11: 11 11,
}

/// The case of each set of pixels that are zero, one bit each, the first the lowest; those of fewer
/// pixels are where the ones beyond are zero.
static VIEWS: [View; 1 << SIGHT] = views();

/// Zeros within a span that cost less multiplied than looked for.
const MOST_HOLES: u32 = 2;

const fn views() -> [View; 1 << SIGHT] {
    let mut views = [View::Nothing; 1 << SIGHT];
    let mut bits = 1_u32;
    let all = (1 << SIGHT) - 1;
    while (bits as usize) < views.len() {
        let (first, last) = (bits.trailing_zeros(), bits.ilog2());
        let holes = last + 1 - first - bits.count_ones();
        views[(all ^ bits) as usize] =
            if holes > MOST_HOLES { View::Some } else { span(first as usize, last as usize) };
        bits += 1;
    }
    views
}

/// The case of a span, which they are listed by.
const fn span(first: usize, last: usize) -> View {
    let (from, to, view) = View::SPANS[first * SIGHT - first * (first + 1) / 2 + last];
    assert!(from == first && to == last);
    view
}
