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

/// The tiles of a processor with 16 vector registers of eight numbers.
const VECTOR: RegisterTiles = RegisterTiles { rows: 8, columns: 8, filters: 6 };

/// The tiles of the target processor.
pub(super) const TILES: RegisterTiles = if SKIPS_ZEROS { SCALAR } else { VECTOR };

/// Runs a kernel compiled for the vectors and the fused multiply-add of this processor. All
/// functions the kernel calls must be inlined into it; it is not inlined itself, so that its loops
/// have all the registers.
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
