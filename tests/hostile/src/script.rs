//! Bytes read as a script: whatever they are, they mean something, and small changes of them mean
//! something similar.

/// What is still to be read; zeros once it is used up.
pub(crate) struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    /// A script from its beginning.
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

    /// The next bytes, as many as the next two say or as there are.
    pub(crate) fn block(&mut self) -> &'a [u8] {
        let length = usize::from(self.short());
        self.bytes(length)
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        self.bytes(usize::MAX)
    }

    fn bytes(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// As many changes of `bytes` as told: a place, and the byte that comes there.
    pub(crate) fn edit(&mut self, bytes: &mut [u8], edits: u8) {
        for _ in 0..edits {
            let (place, value) = (usize::from(self.short()), self.byte());
            if let Some(length) = bytes.len().checked_sub(1) {
                bytes[place.min(length)] = value;
            }
        }
    }
}
