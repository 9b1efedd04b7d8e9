//! Reasons why an input's bytes are not a command, in the order of the checks.

use std::fmt;

/// The first four bytes of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selector(pub [u8; 4]);

impl fmt::Display for Selector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "0x{}", hex::encode(self.0))
    }
}

// `NotCanonical`: dirty padding, trailing bytes, unusual offsets, or a nonzero field of a variant
// that was not chosen.
market::reasons! {
    /// Reason for refusing an input before the market sees a command; nothing changed.
    InputRefused {
        DepositTooShort { needed: u64, found: u64 } = "a deposit has at least {needed} bytes, this one has {found}",
        NoSelector { found: u64 } = "a command begins with a selector of 4 bytes, this has {found}",
        UnknownSelector { selector: Selector } = "{selector} is the selector of no command",
        Malformed { function: &'static str } = "the bytes are no arguments of {function}",
        OutOfRange { field: &'static str } = "{field} does not fit its type",
        TitleNotText {} = "the title is not text padded with zeros",
        UnknownCode { field: &'static str, code: u8 } = "{field} has no case of code {code}",
        UnknownLeafSize { leaf_size: u32 } = "blobs have leaves of 262144 or 1048576 bytes, not of {leaf_size}",
        NotCanonical { function: &'static str } = "the bytes are not exactly the encoding of these arguments of {function}",
    }
}
