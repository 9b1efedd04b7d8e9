//! A short copy of an untrusted name, for refusals: fixed size, printable, comparable.

use std::fmt;

/// Long enough for every operator's name, short enough to keep refusals small.
const BYTES: usize = 24;

/// The first bytes of a name in a model file; bytes that are not printable ASCII are shown as `?`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Label {
    bytes: [u8; BYTES],
    length: u8,
}

impl Label {
    /// A label of this name, truncated if it is too long.
    #[must_use]
    pub fn new(name: &[u8]) -> Self {
        let mut label = Self { bytes: [0; BYTES], length: 0 };
        for (slot, byte) in label.bytes.iter_mut().zip(name) {
            *slot = if byte.is_ascii_graphic() || *byte == b' ' { *byte } else { b'?' };
            label.length += 1;
        }
        label
    }

    /// The label as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.length.into()).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl From<&str> for Label {
    fn from(name: &str) -> Self {
        Self::new(name.as_bytes())
    }
}

impl fmt::Display for Label {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_short_and_printable() {
        assert_eq!(Label::new(b"conv1/weight").as_str(), "conv1/weight");
        assert_eq!(Label::new("naïve\n".as_bytes()).as_str(), "na??ve?");
        assert_eq!(Label::new(&[b'x'; 1_000]).as_str(), "x".repeat(BYTES));
    }
}
