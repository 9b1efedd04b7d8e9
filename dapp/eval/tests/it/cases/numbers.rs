//! Numbers that strain arithmetic, the same in every run.

/// Kinds of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fill {
    /// Of many magnitudes, so that sums depend on their order.
    Mixed,
    /// Mostly zeros of both signs, in runs, as in images and activations.
    Sparse,
    /// Zeros, the smallest and the largest, subnormals; in rows also infinities and NaNs.
    Extreme,
}

pub(super) const FILLS: [Fill; 3] = [Fill::Mixed, Fill::Sparse, Fill::Extreme];

const EXTREMES: [u32; 16] = [
    0x0000_0000, // 0
    0x8000_0000, // −0
    0x3f80_0000, // 1
    0xbf80_0000, // −1
    0x0000_0001, // the smallest above zero
    0x8000_0001,
    0x0002_0003, // subnormal
    0x0080_0000, // the smallest normal
    0x7f7f_ffff, // the largest
    0xff7f_ffff,
    0x3f80_0001, // the smallest above 1
    0xc2b0_0000, // −88, where an exponential becomes subnormal
    0x7f80_0000, // infinity
    0xff80_0000,
    0x7fc0_0000, // a NaN
    0xffa5_5a5a, // a signalling NaN, with a sign and a payload
];
/// Number of them that are finite.
const FINITE: usize = 12;

/// A source of numbers.
pub(super) struct Numbers(u32);

impl Numbers {
    pub(super) const fn seeded(seed: u32) -> Self {
        Self(seed)
    }

    /// Numbers for rows; extreme ones may be infinite or NaN.
    pub(super) fn rows(&mut self, count: usize, fill: Fill) -> Vec<f32> {
        self.numbers(count, fill, EXTREMES.len())
    }

    /// Numbers for weights, which are finite.
    pub(super) fn weights(&mut self, count: usize, fill: Fill) -> Vec<f32> {
        self.numbers(count, fill, FINITE)
    }

    fn numbers(&mut self, count: usize, fill: Fill, extremes: usize) -> Vec<f32> {
        let mut numbers = Vec::with_capacity(count);
        while numbers.len() < count {
            match (fill, self.next() % 8) {
                (Fill::Sparse, 0..4) => {
                    let stretch = 1 + self.next() as usize % 9;
                    let zero = if self.next().is_multiple_of(4) { -0.0 } else { 0.0 };
                    numbers.extend([zero].repeat(stretch.min(count - numbers.len())));
                }
                (Fill::Extreme, 0..3) => {
                    let which = self.next() as usize % extremes;
                    numbers.push(f32::from_bits(EXTREMES[which]));
                }
                _ => numbers.push(self.mixed()),
            }
        }
        numbers
    }

    fn mixed(&mut self) -> f32 {
        let high = |bits: u32| u16::try_from(bits >> 16).unwrap();
        let mantissa = f32::from(high(self.step())) / 65_536.0 - 0.5;
        mantissa * f32::from(1_u16 << (self.next() % 8)) / 16.0
    }

    /// The higher bits of the next state: the lower ones repeat too soon.
    fn next(&mut self) -> u32 {
        self.step() >> 16
    }

    fn step(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0
    }
}
