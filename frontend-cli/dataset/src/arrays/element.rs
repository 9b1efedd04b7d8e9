//! Elements of arrays, from their bytes.

use half::{bf16, f16};

use super::Elements;

/// The kind of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ElementType {
    /// IEEE floats of 2, 4 or 8 bytes.
    Float,
    /// The upper half of a float of 4 bytes.
    BrainFloat,
    /// Signed whole numbers.
    Signed,
    /// Whole numbers and truth values.
    Unsigned,
    /// UTF-32, filled up with zeros.
    Unicode,
    /// ASCII, filled up with zeros.
    Ascii,
}

/// Elements of `size` bytes each; `None` if there are no elements of this kind and size.
pub(super) fn elements(
    kind: ElementType,
    size: usize,
    is_big: bool,
    data: &[u8],
) -> Option<Elements> {
    if size == 0 {
        return None;
    }
    if (kind, size) == (ElementType::Unsigned, 1) {
        return Some(Elements::Bytes(data.to_vec()));
    }
    let each = data.chunks_exact(size);
    match kind {
        ElementType::Unicode => {
            Some(Elements::Texts(each.map(|bytes| unicode(bytes, is_big)).collect()))
        }
        ElementType::Ascii => Some(Elements::Texts(
            each.map(|bytes| String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned())
                .collect(),
        )),
        _ => {
            let number = |bytes: &[u8]| {
                let mut little = [0; 8];
                little[..size.min(8)].copy_from_slice(&bytes[..size.min(8)]);
                if is_big {
                    little[..size.min(8)].reverse();
                }
                number(kind, size, little)
            };
            each.map(number).collect::<Option<_>>().map(Elements::Numbers)
        }
    }
}

/// A number, from its bytes in little-endian order. Whole numbers beyond 2^53 are rounded.
fn number(kind: ElementType, size: usize, little: [u8; 8]) -> Option<f64> {
    let [a, b, c, d, ..] = little;
    let (two, four) = ([a, b], [c, d]);
    let four = [two, four].concat();
    let four: [u8; 4] = four.try_into().ok()?;
    #[expect(clippy::cast_precision_loss, reason = "what is beyond is no exact feature either")]
    Some(match (kind, size) {
        (ElementType::Float, 2) => f16::from_le_bytes(two).to_f64(),
        (ElementType::BrainFloat, 2) => bf16::from_le_bytes(two).to_f64(),
        (ElementType::Float, 4) => f32::from_le_bytes(four).into(),
        (ElementType::Float, 8) => f64::from_le_bytes(little),
        (ElementType::Signed, 1) => i8::from_le_bytes([a]).into(),
        (ElementType::Signed, 2) => i16::from_le_bytes(two).into(),
        (ElementType::Signed, 4) => i32::from_le_bytes(four).into(),
        (ElementType::Signed, 8) => i64::from_le_bytes(little) as f64,
        (ElementType::Unsigned, 2) => u16::from_le_bytes(two).into(),
        (ElementType::Unsigned, 4) => u32::from_le_bytes(four).into(),
        (ElementType::Unsigned, 8) => u64::from_le_bytes(little) as f64,
        _ => return None,
    })
}

fn unicode(bytes: &[u8], is_big: bool) -> String {
    let (units, _) = bytes.as_chunks::<4>();
    let code = |unit: &[u8; 4]| match is_big {
        true => u32::from_be_bytes(*unit),
        false => u32::from_le_bytes(*unit),
    };
    let letters = units.iter().map(code).take_while(|code| *code != 0);
    letters.map(|code| char::from_u32(code).unwrap_or('\u{fffd}')).collect()
}
