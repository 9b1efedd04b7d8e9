//! The sizes of register tiles, and everything else that the kernels know about the processor. It
//! affects their speed, never a bit of their results: vectors go across outputs, and a fused
//! multiply-add rounds once everywhere.

/// Whether a test for zero is cheaper than a multiply-add: true on a scalar core, all the more on
/// an emulated one. With vectors, multiplying zeros is faster than finding them.
pub(super) const SKIPS_ZEROS: bool = !cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

/// The register tile of each micro-kernel: the sums that it holds in registers together.
pub struct RegisterTiles {
    /// Rows of a matrix product's tile.
    pub rows: usize,
    /// Its columns.
    pub columns: usize,
    /// Filters of a convolution's tile, beside its eight pixels.
    filters: usize,
}

impl RegisterTiles {
    /// Pixels and filters of a convolution's tile, for an output of this many columns.
    pub const fn convolution(&self, columns: usize) -> [usize; 2] {
        match columns {
            8.. => [8, self.filters],
            4.. => [4, 4],
            _ => [1, 8],
        }
    }
}

/// The tiles of a scalar core, which pricing assumes: of its 32 registers they leave as many as the
/// factors need.
pub const SCALAR: RegisterTiles = RegisterTiles { rows: 4, columns: 4, filters: 2 };

/// The tiles of a processor with 16 vector registers of eight numbers. A matrix product's has two
/// registers of columns, so that fewer numbers are loaded than are multiplied.
const VECTOR: RegisterTiles = RegisterTiles { rows: 4, columns: 16, filters: 6 };

/// The tiles of the target processor.
pub(super) const TILES: RegisterTiles = if SKIPS_ZEROS { SCALAR } else { VECTOR };

/// Runs a kernel compiled for the vectors and the fused multiply-add of this processor. All
/// functions the kernel calls must be inlined into it; it is not inlined itself, so that its loops
/// have all the registers.
#[inline(never)]
pub fn vectorized<R>(kernel: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        use fearless_simd::{Level, Simd};
        if let Some(avx2) = Level::new().as_avx2() {
            return avx2.vectorize(kernel);
        }
    }
    kernel()
}

/// `left · right + sum`, rounded once.
#[inline(always)]
pub(super) fn fused(left: f32, right: f32, sum: f32) -> f32 {
    if cfg!(target_family = "wasm") {
        fused_in_double(left, right, sum)
    } else {
        left.mul_add(right, sum)
    }
}

/// The bits of an f64's mantissa below those of an f32, but for the highest.
const BELOW: u64 = (1 << 28) - 1;

/// A fused multiply-add where the processor has none: the product is exact in f64, and so is the
/// sum once rounded, unless it ends where two f32 meet; then it is rounded to odd first.
///
/// Not inlined: the unrolled kernels would be too much for the compiler.
///
/// - Source: Boldo and Melquiond, Emulation of a FMA and correctly rounded sums (2008)
#[inline(never)]
fn fused_in_double(left: f32, right: f32, sum: f32) -> f32 {
    let (product, addend) = (f64::from(left) * f64::from(right), f64::from(sum));
    let total = product + addend;
    if total.to_bits() & BELOW == 0 { to_odd(product, addend, total) } else { narrow(total) }
}

/// The sum of two numbers whose rounded sum is given, rounded once, to f32.
#[cold]
fn to_odd(product: f64, addend: f64, total: f64) -> f32 {
    let part = total - product;
    let lost = (product - (total - part)) + (addend - part);
    if lost == 0.0 || !total.is_finite() || !lost.is_finite() {
        return narrow(total);
    }
    // Its last bit is even, so the odd neighbour is the one towards what was lost.
    let bits = total.to_bits();
    let away = (lost > 0.0) == (total > 0.0);
    narrow(f64::from_bits(if away { bits + 1 } else { bits - 1 }))
}

#[expect(clippy::cast_possible_truncation, reason = "rounded to nearest, as the rule says")]
const fn narrow(number: f64) -> f32 {
    number as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of few bits and near exponents meet the cases where two roundings differ.
    #[test]
    fn the_fused_multiply_add_without_one_rounds_once() {
        let mut rng = fastrand::Rng::with_seed(7);
        let mut tie = 0;
        for _ in 0..2_000_000 {
            let mut number = |spread: i32| {
                let bits = rng.u32(..) & [u32::MAX, 0xffff_f000, 0xff80_0001][rng.usize(..3)];
                let bits = bits & 0x807f_ffff;
                let exponent = 127 + rng.i32(-spread..=spread);
                f32::from_bits(bits | u32::try_from(exponent).unwrap_or(0) << 23)
            };
            let (left, right, sum) = (number(20), number(20), number(40));
            let small = f32::MIN_POSITIVE;
            for (left, right, sum) in
                [(left, right, sum), (left * small, right, sum * f32::from_bits(3))]
            {
                let (ours, theirs) = (fused_in_double(left, right, sum), left.mul_add(right, sum));
                assert_eq!(ours.to_bits(), theirs.to_bits(), "{left:e} {right:e} {sum:e}");
                let twice = narrow(f64::from(left) * f64::from(right) + f64::from(sum));
                tie += u32::from(twice.to_bits() != theirs.to_bits());
            }
        }
        assert!(tie > 0, "no case rounds twice");
        for (left, right, sum) in [
            (f32::INFINITY, 1.0, f32::NEG_INFINITY),
            (f32::MAX, f32::MAX, f32::NEG_INFINITY),
            (0.0, -1.0, 0.0),
            (-0.0, 1.0, -0.0),
            (f32::MAX, 2.0, -f32::MAX),
        ] {
            let (ours, theirs) = (fused_in_double(left, right, sum), left.mul_add(right, sum));
            assert!(ours.to_bits() == theirs.to_bits() || (ours.is_nan() && theirs.is_nan()));
        }
    }
}
