//! Direct convolution, without im2col: a register tile of some output pixels side by side by a few
//! filters, for which each input pixel is loaded once for all the taps of a kernel's row.
//!
//! - A **tap** is a position in the kernel: a channel, a row and a column. The taps of a row are
//!   one **run** where stride and dilation are one, so that they read the same pixels; else each is
//!   a run of its own. So a stride only sorts an image's columns by their remainders first
//!   (`layout`), and a dilation only moves runs apart.
//! - An **input patch** (`patch`) is what a run reads of one input row for a tile. It is made once
//!   for all filters and all tiles that share it. On a scalar core its zero pattern then picks the
//!   code that skips its zeros.
//! - Convolutions run by themselves (`direct`, `micro_kernel`), or as one with the ReLU and the
//!   max-pool that follow (`fused`, `fused_kernel`).

/// Repeats a block for each number below an end of twelve at most, so that the compiler keeps all
/// sums in registers: of a loop this long it would not.
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
pub(crate) use fused::FILTERS as FUSED_FILTERS;
pub(super) use fused::convolution as fused_convolution;

use super::{Geometry, processor::SKIPS_ZEROS};

/// Bytes that a convolution keeps beside images and weights, fused or not.
pub(crate) fn scratch(channels: usize, depth: usize, geometry: &Geometry) -> Option<usize> {
    let direct = direct::scratch(channels, depth, geometry)?;
    let suits = fused::suits(geometry);
    Some(if suits { direct.max(fused::scratch(channels, depth, geometry)?) } else { direct })
}

/// Whether a convolution can be fused with a ReLU and a max-pool. It then adds the bias to the
/// greatest sum instead of each: the same but for a bias that makes NaNs.
pub(super) fn can_fuse(bias: Option<&[f32]>, geometry: &Geometry) -> bool {
    // With vectors, the three one after the other are quicker.
    SKIPS_ZEROS && fused::suits(geometry) && bias.is_none_or(super::all_finite)
}

/// Tiles of so many patches whose patches are gathered at once, so that they stay few.
const fn tiles_at_once(patches: usize) -> usize {
    let tiles = (1 << 12) / patches;
    if tiles == 0 { 1 } else { tiles }
}

/// Where tiles of so many pixels begin in a row of the output. The last may do some pixels again.
fn tile_columns(width: usize, pixels: usize) -> impl Iterator<Item = usize> + Clone {
    (0..width).step_by(pixels).map(move |column| column.min(width - pixels))
}
