//! Models as deltas: the bytes of a model, written as their difference from the base model's.
//!
//! A delta is a raw deflate stream of a script. The script is a list of parts, a byte of zero, and
//! then the contents of the parts, in their order. A part stands for the model's next bytes; the
//! base model is read at the same positions. Counts are LEB128 integers, as in protocol buffers.
//!
//! ```text
//! part                      stands for                                     content
//! 1, count                  as many bytes as in the base model             -
//! 2, count                  other bytes                                    these bytes
//! 3, exponent byte, count   f32 numbers, little-endian: base + q · 2^(e-127)   the q, i8 each
//! ```
//!
//! The exponent is biased as in an f32, from 1 to 254. A number whose q is zero keeps its bits; of
//! any other the product is exact, the sum is rounded once, to nearest, and must be finite: so no
//! processor gives other bits. Lossless from there on: a client rounds its changes before it
//! commits to the model that a delta of them gives.
//!
//! In the open a chunk may be a delta; a sealed model may be the delta of all its bytes, sealed.
//! Whatever the bytes, memory is bounded by the limit on what the delta may stand for, which is at
//! most `MAX_INFLATION` times its length: the script is no longer, and nothing is reserved by a
//! stated count.

mod encode;

use blobs::{ChunkRefused, Encoding, MAX_INFLATION};
use market::Delta;
use prost::encoding::decode_varint;

#[cfg(feature = "train")]
pub(crate) use encode::step_towards;
pub use encode::{chunk, encode};

const END: u8 = 0;
const COPY: u8 = 1;
const BYTES: u8 = 2;
const ADD: u8 = 3;

/// Length of an f32 in a file.
const WORD: usize = size_of::<f32>();

/// A part of a script; counts in bytes, of `Add` in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Copy(usize),
    Bytes(usize),
    Add { exponent: u8, count: usize },
}

/// Rebuilds the bytes that a delta stands for.
///
/// - Errors: `InflateTooLong` for more than its limit, or more than [`MAX_INFLATION`] times its
///   length; the deflate stream's; `DeltaMalformed`
pub fn rebuild(delta: &Delta<'_>) -> Result<Vec<u8>, ChunkRefused> {
    let most = delta.data.len().saturating_mul(MAX_INFLATION);
    let limit = usize::try_from(delta.limit).unwrap_or(usize::MAX).min(most);
    let script = blobs::decode(Encoding::Deflate, delta.data, limit)?;
    let mut contents = contents(&script).ok_or(ChunkRefused::DeltaMalformed)?;
    let base = usize::try_from(delta.offset).ok().and_then(|offset| delta.base.get(offset..));
    let (base, mut parts) = (base.unwrap_or_default(), script.as_ref());
    let mut model = Vec::new();
    while let Some(part) = next(&mut parts).ok_or(ChunkRefused::DeltaMalformed)? {
        let length = match part {
            Part::Copy(count) | Part::Bytes(count) => count,
            Part::Add { count, .. } => count.saturating_mul(WORD),
        };
        if length > limit - model.len() {
            return Err(ChunkRefused::InflateTooLong { limit: limit as u64 });
        }
        let at = model.len()..model.len() + length;
        let apply = apply(part, base.get(at), &mut contents, &mut model);
        apply.ok_or(ChunkRefused::DeltaMalformed)?;
    }
    if contents.is_empty() { Ok(model) } else { Err(ChunkRefused::DeltaMalformed) }
}

/// The contents, behind the list of parts; `None` if that is malformed.
fn contents(script: &[u8]) -> Option<&[u8]> {
    let mut rest = script;
    while next(&mut rest)?.is_some() {}
    Some(rest)
}

/// The next part of a script; the inner `None` at the end of the list, the outer one if it is
/// malformed.
fn next(script: &mut &[u8]) -> Option<Option<Part>> {
    let kind = *script.split_off_first()?;
    let exponent = if kind == ADD { *script.split_off_first()? } else { 0 };
    if kind == END {
        return Some(None);
    }
    let count = usize::try_from(decode_varint(script).ok()?).ok().filter(|count| *count > 0)?;
    Some(Some(match kind {
        COPY => Part::Copy(count),
        BYTES => Part::Bytes(count),
        ADD if scale(exponent).is_some() => Part::Add { exponent, count },
        _ => return None,
    }))
}

/// The power of two with this biased exponent; `None` if that is not of a normal number.
fn scale(exponent: u8) -> Option<f32> {
    let is_normal = (1..=254).contains(&exponent);
    is_normal.then(|| f32::from_bits(u32::from(exponent) << (f32::MANTISSA_DIGITS - 1)))
}

/// Appends what a part stands for; `None` if base, contents or a sum do not allow it.
fn apply(part: Part, base: Option<&[u8]>, contents: &mut &[u8], model: &mut Vec<u8>) -> Option<()> {
    match part {
        Part::Copy(_) => model.extend_from_slice(base?),
        Part::Bytes(count) => model.extend_from_slice(contents.split_off(..count)?),
        Part::Add { exponent, count } => {
            let (scale, steps) = (scale(exponent)?, contents.split_off(..count)?);
            for (word, step) in base?.as_chunks::<WORD>().0.iter().zip(steps) {
                model.extend_from_slice(&added(*word, step.cast_signed(), scale)?);
            }
        }
    }
    Some(())
}

/// A number, so many steps further; `None` if that is not finite.
fn added(word: [u8; WORD], steps: i8, scale: f32) -> Option<[u8; WORD]> {
    if steps == 0 {
        return Some(word);
    }
    let sum = f32::from_le_bytes(word) + f32::from(steps) * scale;
    sum.is_finite().then(|| sum.to_le_bytes())
}

#[cfg(test)]
mod tests;
