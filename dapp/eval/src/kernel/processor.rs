//! What the kernels know of the processor. It decides how fast they are, never a bit of what they
//! compute: vectors go across outputs, and a fused multiply-add is one rounding everywhere.

/// Whether a test for zero is cheaper than a multiply-add: so it is on a scalar core, and in an
/// emulated one all the more. With vectors, zeros are multiplied faster than they are found.
pub(super) const SKIPS_ZEROS: bool = !cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

/// Rows and columns whose sums a matrix product holds at once: as many as leave registers for what
/// they are made of, of 32 for one number or of 16 for eight.
pub(super) const ROWS: usize = if SKIPS_ZEROS { 4 } else { 8 };
pub(super) const COLUMNS: usize = if SKIPS_ZEROS { 4 } else { 8 };

/// Runs a kernel compiled for the vectors and the fused multiply-add of this processor. All that
/// the kernel calls must be inlined into it; it is not inlined itself, so that its loops have all
/// the registers.
#[inline(never)]
pub(super) fn vectorized<R>(kernel: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        use fearless_simd::{Level, Simd};
        if let Some(avx2) = Level::new().as_avx2() {
            return avx2.vectorize(kernel);
        }
    }
    kernel()
}
