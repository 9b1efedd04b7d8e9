//! Bytes as text: UTF-8, UTF-16, or Windows-1252 where neither fits.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// The text with line feeds only, and its encoding.
pub(super) fn decoded(bytes: &[u8]) -> (String, &'static str) {
    let encoding = Encoding::for_bom(bytes).map_or_else(|| guessed(bytes), |(known, _)| known);
    let (text, _) = encoding.decode_with_bom_removal(bytes);
    let text = if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        text.into_owned()
    };
    (text, encoding.name())
}

/// The encoding of a text without a byte order mark. Tables are mostly digits and separators, of
/// which UTF-16 has every second byte zero.
fn guessed(bytes: &[u8]) -> &'static Encoding {
    let start = &bytes[..bytes.len().min(4_096)];
    let zeros = |odd: usize| start.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), start.len() / 4);
    if odd > half && even == 0 {
        UTF_16LE
    } else if even > half && odd == 0 {
        UTF_16BE
    } else if std::str::from_utf8(bytes).is_ok() {
        UTF_8
    } else {
        WINDOWS_1252
    }
}
