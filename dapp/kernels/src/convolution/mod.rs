//! Direct convolution, without im2col: a register tile of some adjacent output pixels by a few
//! filters, for which each input pixel is loaded once for all taps of a kernel row.
//!
//! - A **tap** is a position in the kernel: a channel, a row and a column. The taps of a row form
//!   one **run** if stride and dilation are one, so that they read the same pixels; otherwise each
//!   is a run of its own. So a stride only sorts an image's columns by remainder first (`layout`),
//!   and a dilation only moves runs apart.
//! - An **input patch** (`patch`) is the part of an input row that a run reads for a tile. It is
//!   built once for all filters and all tiles that share it. On a scalar core its zero pattern then
//!   selects the code that skips its zeros.
//! - Convolutions run separately (`direct`, `micro_kernel`), or fused with the ReLU and the
//!   max-pool that follow (`fused`, `fused_kernel`).

/// Repeats a block for each number below an end of at most twelve, so that the compiler keeps all
/// sums in registers, which it would not in a loop this long.
macro_rules! unrolled {
    (for $number:ident in 0..$end:ident $body:block) => {
        unrolled!(for $number in 0..$end [0 1 2 3 4 5 6 7 8 9 10 11] $body)
    };
    (for $number:ident in 0..$end:ident [$($literal:literal)*] $body:block) => {
        $(if $literal < $end {
            let $number = $literal;
            $body
        })*
    };
}

mod direct;
mod filters;
mod fused;
mod fused_kernel;
mod layout;
mod micro_kernel;
mod patch;

pub(super) use direct::convolution;
pub(super) use filters::PackedFilters;
pub use fused::FILTERS as FUSED_FILTERS;
pub(super) use fused::convolution as fused_convolution;

use super::{Geometry, processor::SKIPS_ZEROS};

/// Bytes that a convolution needs beside images and weights, fused or not.
pub fn scratch(channels: usize, depth: usize, geometry: &Geometry) -> Option<usize> {
    let direct = direct::scratch(channels, depth, geometry)?;
    let suits = fused::suits(geometry);
    Some(if suits { direct.max(fused::scratch(channels, depth, geometry)?) } else { direct })
}

/// Whether a convolution can be fused with a ReLU and a max-pool. It then adds the bias to the
/// greatest sum instead of to each: the same unless a bias makes NaNs.
pub(super) fn can_fuse(bias: Option<&[f32]>, geometry: &Geometry) -> bool {
    // With vectors, running the three one after the other is faster.
    SKIPS_ZEROS && fused::suits(geometry) && bias.is_none_or(super::all_finite)
}

/// Tiles of this many patches to gather together, so that the patches stay few.
const fn tiles_at_once(patches: usize) -> usize {
    let tiles = (1 << 12) / patches;
    if tiles == 0 { 1 } else { tiles }
}

/// Columns at which tiles of this many pixels begin in an output row; the last may overlap.
fn tile_columns(width: usize, pixels: usize) -> impl Iterator<Item = usize> + Clone {
    (0..width).step_by(pixels).map(move |column| column.min(width - pixels))
}
