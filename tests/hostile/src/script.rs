//! Bytes as a script: any bytes are valid, and small changes have small effects.

/// The unread bytes; reads as zeros once it is used up.
pub(crate) struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    /// A script at its beginning.
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether nothing is left.
    pub(crate) const fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub(crate) fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or_default()
    }

    /// The next two bytes, little-endian.
    pub(crate) fn short(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// The next bytes, as many as the next two state or as there are.
    pub(crate) fn block(&mut self) -> &'a [u8] {
        let length = usize::from(self.short());
        self.bytes(length)
    }

    /// All remaining bytes.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        self.bytes(usize::MAX)
    }

    fn bytes(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Changes `bytes` in `edits` positions: each change is an index and a new value.
    pub(crate) fn edit(&mut self, bytes: &mut [u8], edits: u8) {
        for _ in 0..edits {
            let (index, value) = (usize::from(self.short()), self.byte());
            if let Some(length) = bytes.len().checked_sub(1) {
                bytes[index.min(length)] = value;
            }
        }
    }
}
