//! Small numbers in runs: which values are present, and positions in a dictionary.
//!
//! - Source: "Run Length Encoding / Bit-Packing Hybrid" of `Encodings.md`

use super::thrift::{take, unsigned};

/// The first `count` numbers of `width` bits each; `None` if the bytes end before.
pub(super) fn runs(mut bytes: &[u8], width: usize, count: usize) -> Option<Vec<u32>> {
    if width > 32 {
        return None;
    }
    let mut numbers = Vec::new();
    while numbers.len() < count {
        if width == 0 && bytes.is_empty() {
            numbers.resize(count, 0);
            break;
        }
        let head = usize::try_from(unsigned(&mut bytes)?).ok()?;
        let room = count - numbers.len();
        if head & 1 == 1 {
            // Groups of eight, packed from the lowest bit.
            let length = (head >> 1).checked_mul(width)?;
            // Writers may leave out the end of the last group.
            let length = length.min(bytes.len());
            let packed = take(&mut bytes, length)?;
            let groups = (head >> 1).checked_mul(8)?;
            let before = numbers.len();
            numbers.extend(bits(packed, width).take(groups.min(room)));
            if numbers.len() == before && room > 0 && width > 0 {
                return None;
            }
            if width == 0 {
                numbers.resize(before + groups.min(room), 0);
            }
        } else {
            let value = take(&mut bytes, width.div_ceil(8))?;
            let value = value.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
            numbers.resize(numbers.len() + (head >> 1).min(room), value);
            if head >> 1 == 0 {
                return None;
            }
        }
    }
    Some(numbers)
}

/// Numbers of `width` bits, packed from the lowest bit.
pub(super) fn bits(bytes: &[u8], width: usize) -> impl Iterator<Item = u32> {
    let count = (bytes.len() * 8).checked_div(width).unwrap_or(0);
    (0..count).map(move |index| {
        (0..width).fold(0, |number, bit| {
            let at = index * width + bit;
            let is_set = bytes[at / 8] >> (at % 8) & 1;
            number | u32::from(is_set) << bit
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_packed_groups_are_read() {
        // The example of the specification: 0 to 7 in three bits each.
        let packed = [0x03, 0b1000_1000, 0b1100_0110, 0b1111_1010];
        assert_eq!(runs(&packed, 3, 8), Some((0..8).collect()));
        assert_eq!(runs(&[0x08, 0x05], 3, 4), Some(vec![5; 4]));
        assert_eq!(runs(&[0x08, 0x05], 3, 5), None);
        assert_eq!(runs(&[0x00, 0x05], 3, 1), None);
        assert_eq!(runs(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 1, 9), None);
    }
}
