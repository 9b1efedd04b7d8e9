//! Why an input's bytes are not a command, in the order the checks run.

use std::fmt;

/// The first four bytes of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selector(pub [u8; 4]);

impl fmt::Display for Selector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "0x{}", hex::encode(self.0))
    }
}

/// Why an input was refused before the market saw a command; nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputRefused {
    /// A portal's payload is shorter than its fixed part.
    #[error("a deposit has at least {needed} bytes, this one has {found}")]
    DepositTooShort {
        /// Length of the fixed part.
        needed: u64,
        /// Length of the payload.
        found: u64,
    },
    /// Too short for a selector.
    #[error("a command begins with a selector of 4 bytes, this has {found}")]
    NoSelector {
        /// Length of the payload.
        found: u64,
    },
    /// The selector of no command.
    #[error("{selector} is the selector of no command")]
    UnknownSelector {
        /// What was found instead.
        selector: Selector,
    },
    /// Bytes are missing, or offsets lead outside.
    #[error("the bytes are no arguments of {function}")]
    Malformed {
        /// The command.
        function: &'static str,
    },
    /// A number is wider than its type.
    #[error("{field} does not fit its type")]
    OutOfRange {
        /// The argument.
        field: &'static str,
    },
    /// The title is not zero-padded UTF-8 text without control characters.
    #[error("the title is not text padded with zeros")]
    TitleNotText {},
    /// An enum's code is beyond its cases.
    #[error("{field} has no case of code {code}")]
    UnknownCode {
        /// The argument.
        field: &'static str,
        /// What was found instead.
        code: u8,
    },
    /// The leaf size of no profile.
    #[error("blobs have leaves of 262144 or 1048576 bytes, not of {leaf_size}")]
    UnknownLeafSize {
        /// What was found instead.
        leaf_size: u32,
    },
    /// Dirty padding, trailing bytes, unusual offsets, or a field of a case that was not chosen and
    /// is not zero: the same command has another encoding.
    #[error("the bytes are not exactly the encoding of these arguments of {function}")]
    NotCanonical {
        /// The command.
        function: &'static str,
    },
}

impl InputRefused {
    /// The reason's stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.parts().0
    }

    /// The values that explain it, by name.
    #[must_use]
    pub fn values(&self) -> Vec<(&'static str, String)> {
        self.parts().1
    }

    fn parts(&self) -> (&'static str, Vec<(&'static str, String)>) {
        let one = |name, value: &dyn fmt::Display| vec![(name, value.to_string())];
        match self {
            Self::DepositTooShort { needed, found } => {
                let values = vec![("needed", needed.to_string()), ("found", found.to_string())];
                ("DepositTooShort", values)
            }
            Self::NoSelector { found } => ("NoSelector", one("found", found)),
            Self::UnknownSelector { selector } => ("UnknownSelector", one("selector", selector)),
            Self::Malformed { function } => ("Malformed", one("function", function)),
            Self::OutOfRange { field } => ("OutOfRange", one("field", field)),
            Self::TitleNotText {} => ("TitleNotText", Vec::new()),
            Self::UnknownCode { field, code } => {
                ("UnknownCode", vec![("field", (*field).to_owned()), ("code", code.to_string())])
            }
            Self::UnknownLeafSize { leaf_size } => ("UnknownLeafSize", one("leaf_size", leaf_size)),
            Self::NotCanonical { function } => ("NotCanonical", one("function", function)),
        }
    }
}
