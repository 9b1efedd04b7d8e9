//! A seeded shuffle: numbers in random order, generated lazily.

use std::collections::BTreeMap;

use blobs::Digest;

/// The numbers from zero on, each once, in an order determined by the seed.
pub(crate) struct SeededShuffle {
    seed: Digest,
    numbers: usize,
    drawn: usize,
    /// Numbers swapped into indices that were drawn before.
    moved: BTreeMap<usize, usize>,
}

impl SeededShuffle {
    /// A shuffle of this many numbers.
    pub(crate) const fn new(seed: Digest, numbers: usize) -> Self {
        Self { seed, numbers, drawn: 0, moved: BTreeMap::new() }
    }
}

impl Iterator for SeededShuffle {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let begin = self.drawn;
        let left = self.numbers.checked_sub(begin).filter(|left| *left > 0)?;
        let index = begin.saturating_add(pick(self.seed, u32::try_from(begin).ok()?, left));
        let drawn = self.moved.get(&index).copied().unwrap_or(index);
        let here = self.moved.remove(&begin).unwrap_or(begin);
        self.moved.insert(index, here);
        self.drawn = begin.saturating_add(1);
        Some(drawn)
    }
}

/// A number below `bound`, drawn with the seed; the bias is below one in 2³².
fn pick(seed: Digest, draw: u32, bound: usize) -> usize {
    let [a, b, c, d, e, f, g, h, ..] =
        Digest::of(&[seed.0.as_slice(), &draw.to_be_bytes()].concat()).0;
    let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    let bound = u64::try_from(bound).unwrap_or(u64::MAX);
    number.checked_rem(bound).and_then(|index| usize::try_from(index).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_number_is_drawn_once() {
        for numbers in [0, 1, 2, 7, 1_000] {
            let drawn: BTreeSet<_> = SeededShuffle::new(Digest([7; 32]), numbers).collect();
            assert!(drawn.iter().copied().eq(0..numbers), "{numbers}");
            assert_eq!(SeededShuffle::new(Digest([7; 32]), numbers).count(), numbers);
        }
    }

    #[test]
    fn all_numbers_are_as_likely() {
        let mut counts = [[0_u32; 5]; 2];
        for seed in 0..5_000_u32 {
            let seed = Digest::of(&seed.to_be_bytes());
            for (counts, drawn) in counts.iter_mut().zip(SeededShuffle::new(seed, 5)) {
                counts[drawn] += 1;
            }
        }
        // The expected count is a thousand each, with a standard deviation of 28.
        assert!(
            counts.as_flattened().iter().all(|count| count.abs_diff(1_000) < 120),
            "{counts:?}"
        );
    }
}
