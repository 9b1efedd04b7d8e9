//! One array of NumPy.
//!
//! - Source: the format's description in NumPy's `numpy.lib.format`, versions 1 to 3: a magic, a
//!   version, the length of a header, and a header that is a literal of Python with three keys

use super::{
    Array, Elements,
    element::{ElementType, elements},
};
use crate::refused::ReadRefused;

/// Reads an array.
///
/// - Errors: `Malformed`
pub(super) fn read(bytes: &[u8]) -> Result<Array, ReadRefused> {
    let (header, data) = parts(bytes).ok_or_else(|| malformed("its header is cut off"))?;
    let shape = shape(header).ok_or_else(|| malformed("its header has no shape"))?;
    let is_fortran = value(header, "fortran_order").is_some_and(|text| text.starts_with("True"));
    let (kind, size, is_big) = dtype(header)?;
    let count = shape.iter().try_fold(size, |bytes, size| bytes.checked_mul(*size));
    let data = count.and_then(|count| data.get(..count));
    let data = data.ok_or_else(|| malformed("it has fewer elements than its shape says"))?;
    let elements = elements(kind, size, is_big, data);
    let elements = elements.ok_or_else(|| malformed("its type is not one of numbers or text"))?;
    let elements = if is_fortran { row_major(elements, &shape) } else { elements };
    Ok(Array { shape, elements })
}

/// The header, and the data behind it.
fn parts(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let rest = bytes.strip_prefix(b"\x93NUMPY")?;
    let (version, rest) = rest.split_first_chunk::<2>()?;
    let (length, rest) = if version[0] == 1 {
        let (length, rest) = rest.split_first_chunk::<2>()?;
        (usize::from(u16::from_le_bytes(*length)), rest)
    } else {
        let (length, rest) = rest.split_first_chunk::<4>()?;
        (usize::try_from(u32::from_le_bytes(*length)).ok()?, rest)
    };
    let (header, data) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(header).ok()?, data))
}

/// The text behind a key of the header.
fn value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = header.split_once(&format!("'{key}'"))?;
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}

fn shape(header: &str) -> Option<Vec<usize>> {
    let inside = value(header, "shape")?.strip_prefix('(')?.split_once(')')?.0;
    let sizes = inside.split(',').map(str::trim).filter(|size| !size.is_empty());
    sizes.map(|size| size.trim_end_matches('L').parse().ok()).collect()
}

/// Kind, size in bytes, and whether the first byte is the highest.
fn dtype(header: &str) -> Result<(ElementType, usize, bool), ReadRefused> {
    let text = value(header, "descr").and_then(|text| text.strip_prefix('\''));
    let text = text.and_then(|text| text.split('\'').next());
    let text = text.ok_or_else(|| malformed("it has named fields: save a plain array"))?;
    let (order, rest) = text.split_at_checked(1).unwrap_or_default();
    let (kind, size) = rest.split_at_checked(1).unwrap_or_default();
    let size = size.parse().ok();
    let (kind, unit) = match kind {
        "f" => (ElementType::Float, 1),
        "i" => (ElementType::Signed, 1),
        "u" | "b" => (ElementType::Unsigned, 1),
        "U" => (ElementType::Unicode, 4),
        "S" => (ElementType::Ascii, 1),
        _ => return Err(malformed("its elements are objects: convert it with .astype first")),
    };
    let size = size.and_then(|size: usize| size.checked_mul(unit));
    Ok((kind, size.ok_or_else(|| malformed("its type has no size"))?, order == ">"))
}

/// Elements whose first dimension varied fastest, so that the last one does.
fn row_major(elements: Elements, shape: &[usize]) -> Elements {
    fn ordered<T: Clone>(elements: &[T], shape: &[usize]) -> Vec<T> {
        let position = |mut index: usize| {
            let mut steps = Vec::with_capacity(shape.len());
            for size in shape.iter().rev() {
                steps.push(index % size.max(&1));
                index /= size.max(&1);
            }
            // From the last dimension, which is the slowest in this order, to the first.
            steps.iter().zip(shape.iter().rev()).fold(0, |at, (step, size)| at * size + step)
        };
        (0..elements.len()).filter_map(|index| elements.get(position(index)).cloned()).collect()
    }
    match elements {
        Elements::Bytes(bytes) => Elements::Bytes(ordered(&bytes, shape)),
        Elements::Numbers(numbers) => Elements::Numbers(ordered(&numbers, shape)),
        Elements::Texts(texts) => Elements::Texts(ordered(&texts, shape)),
    }
}

fn malformed(why: &str) -> ReadRefused {
    ReadRefused::Malformed { format: "a NumPy array", why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(descr: &str, is_fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': {is_fortran}, 'shape': {shape}, }}\n");
        let length = u16::try_from(header.len()).unwrap().to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    }

    #[test]
    fn arrays_of_every_type_and_order_are_read() {
        let numbers = |descr: &str, data: &[u8]| {
            read(&file(descr, "False", "(2,)", data)).map(|array| array.elements).ok()
        };
        let both = Some(Elements::Numbers(vec![1.0, -2.0]));
        assert_eq!(numbers("<f4", &[1_f32.to_le_bytes(), (-2_f32).to_le_bytes()].concat()), both);
        assert_eq!(numbers(">f8", &[1_f64.to_be_bytes(), (-2_f64).to_be_bytes()].concat()), both);
        assert_eq!(numbers("<f2", &[0x00, 0x3c, 0x00, 0xc0]), both);
        assert_eq!(numbers("<i8", &[1_i64.to_le_bytes(), (-2_i64).to_le_bytes()].concat()), both);
        assert_eq!(numbers("|b1", &[1, 0]), Some(Elements::Bytes(vec![1, 0])));
        let words = Elements::Texts(vec!["a".to_owned(), "bc".to_owned()]);
        assert_eq!(numbers("<U2", b"a\0\0\0\0\0\0\0b\0\0\0c\0\0\0"), Some(words.clone()));
        assert_eq!(numbers("|S2", b"a\0bc"), Some(words));
        assert_eq!(numbers("|O", &[0; 16]), None);
        let array = read(&file("|u1", "True", "(2, 3)", &[1, 4, 2, 5, 3, 6])).unwrap();
        assert_eq!(array.elements, Elements::Bytes(vec![1, 2, 3, 4, 5, 6]));
        assert!(read(&file("<f4", "False", "(9999999999, 9999999999)", &[])).is_err());
    }
}
