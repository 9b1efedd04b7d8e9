//! How values are written: in JSON as people read them, elsewhere (checkpoints) compact.
//!
//! In JSON names, addresses and money are strings; numbers are numbers up to 2^53, which every
//! reader keeps exactly, and decimal strings above.

use std::fmt::Display;

use serde::{Deserialize as _, Deserializer, de::Error as _};

/// A scalar or name that has one text form, which is how it is displayed.
pub trait Text: Display + Sized {
    /// What it is, for messages.
    const WHAT: &'static str;

    /// Reads its text; `None` for any other.
    fn read(text: &str) -> Option<Self>;
}

/// Reads a text from where people read it.
///
/// - Errors: it is no such text
pub fn read_text<'a, T: Text, D: Deserializer<'a>>(from: D) -> Result<T, D::Error> {
    let text = String::deserialize(from)?;
    T::read(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is not {}", T::WHAT)))
}

/// Declares that scalars are written as their text, elsewhere as what they are made of: type, what
/// it is, its reader; parts, taking it apart, and putting it together.
#[macro_export]
macro_rules! texts {
    ($($type:ident: $what:literal, |$text:ident| $read:expr;
        $parts:ty, |$value:ident| $apart:expr, $together:expr;)*) => {
        $(
            impl $crate::Text for $type {
                const WHAT: &'static str = $what;

                fn read($text: &str) -> Option<Self> {
                    $read
                }
            }

            impl serde::Serialize for $type {
                fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                    if out.is_human_readable() {
                        return out.collect_str(self);
                    }
                    let $value = self;
                    serde::Serialize::serialize(&$apart, out)
                }
            }

            impl<'a> serde::Deserialize<'a> for $type {
                fn deserialize<D: serde::Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
                    if from.is_human_readable() {
                        return $crate::read_text(from);
                    }
                    <$parts as serde::Deserialize>::deserialize(from).map($together)
                }
            }
        )*
    };
}

/// Declares that fixed bytes are shown as 0x and hexadecimal digits.
#[macro_export]
macro_rules! hexadecimal {
    ($($type:ident($bytes:literal): $what:literal;)*) => {
        $(
            impl std::fmt::Display for $type {
                fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    out.write_str("0x")?;
                    self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
                }
            }

            impl std::fmt::Debug for $type {
                fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    std::fmt::Display::fmt(self, out)
                }
            }

            $crate::texts! {
                $type: $what, |text| $crate::hex::read(text).map(Self);
                [u8; $bytes], |value| value.0, Self;
            }
        )*
    };
}

/// Declares enums without fields, each case with its name outside.
#[macro_export]
macro_rules! names {
    ($($(#[$meta:meta])* $type:ident: $what:literal {
        $($(#[doc = $doc:literal])* $case:ident = $text:literal,)*
    })*) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            #[derive(serde::Serialize, serde::Deserialize)]
            pub enum $type {
                $($(#[doc = $doc])* #[serde(rename = $text)] $case,)*
            }

            impl $type {
                /// All of them, in the order of their codes.
                pub const ALL: [Self; [$($text),*].len()] = [$(Self::$case),*];

                /// What it means, in a sentence.
                pub const fn description(self) -> &'static str {
                    match self { $(Self::$case => concat!($($doc),*),)* }
                }
            }

            impl std::fmt::Display for $type {
                fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    out.write_str(match self { $(Self::$case => $text,)* })
                }
            }

            impl $crate::Text for $type {
                const WHAT: &'static str = $what;

                fn read(text: &str) -> Option<Self> {
                    match text { $($text => Some(Self::$case),)* _ => None }
                }
            }
        )*
    };
}

/// Declares a choice: in JSON an object whose `kind` says which case it is, elsewhere as derived.
#[macro_export]
macro_rules! choice {
    ($(#[$meta:meta])* pub enum $name:ident { $($cases:tt)* } $(, content = $content:literal)?) => {
        $(#[$meta])*
        pub enum $name { $($cases)* }

        const _: () = {
            use serde::{Deserialize, Deserializer, Serialize, Serializer};
            use $name as Choice;

            #[derive(Serialize, Deserialize)]
            #[serde(remote = "Choice", tag = "kind", rename_all = "snake_case")]
            $(#[serde(content = $content)])?
            enum Tagged { $($cases)* }

            #[derive(Serialize, Deserialize)]
            #[serde(remote = "Choice")]
            enum Compact { $($cases)* }

            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                    if out.is_human_readable() {
                        Tagged::serialize(self, out)
                    } else {
                        Compact::serialize(self, out)
                    }
                }
            }

            impl<'a> Deserialize<'a> for $name {
                fn deserialize<D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
                    if from.is_human_readable() {
                        Tagged::deserialize(from)
                    } else {
                        Compact::deserialize(from)
                    }
                }
            }
        };
    };
}

/// `#[serde(with = "blobs::hex")]` for bytes in JSON: 0x and hexadecimal digits.
pub mod hex {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    /// Writes them.
    ///
    /// - Errors: the serializer's
    pub fn serialize<S: Serializer>(bytes: &[u8; 32], out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(&crate::Digest(*bytes))
    }

    /// Reads them.
    ///
    /// - Errors: other than 0x and 64 digits
    pub fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(from)?;
        let wrong = || D::Error::custom(format!("{text:?} is not 0x and 64 hexadecimal digits"));
        read(&text).ok_or_else(wrong)
    }

    /// Bytes from 0x and two digits each; `None` for any other text.
    #[must_use]
    pub fn read<const N: usize>(text: &str) -> Option<[u8; N]> {
        let digits = text.strip_prefix("0x")?.as_bytes();
        let mut bytes = [0; N];
        if digits.len() != 2 * N {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            for digit in pair {
                let digit = char::from(*digit).to_digit(16)?;
                *byte = *byte << 4 | u8::try_from(digit).ok()?;
            }
        }
        Some(bytes)
    }
}

/// `#[serde(with = "blobs::exact")]` for numbers that every reader of JSON must keep exactly.
pub mod exact {
    use serde::{Deserialize, Deserializer, Serialize as _, Serializer, de::Error as _};

    /// The largest number every reader of JSON keeps exactly.
    const MAX_EXACT: u64 = 1 << 53;

    /// Writes a number, a larger one as its digits.
    ///
    /// - Errors: the serializer's
    pub fn serialize<S: Serializer>(number: &u64, out: S) -> Result<S::Ok, S::Error> {
        if *number > MAX_EXACT && out.is_human_readable() {
            out.collect_str(number)
        } else {
            number.serialize(out)
        }
    }

    /// Reads a number or its digits.
    ///
    /// - Errors: it is neither
    pub fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<u64, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u64),
            Text(String),
        }
        if !from.is_human_readable() {
            return u64::deserialize(from);
        }
        let number = match Written::deserialize(from)? {
            Written::Number(number) => Some(number),
            Written::Text(text) => text.parse().ok(),
        };
        number.ok_or_else(|| D::Error::custom("not an unsigned number in range"))
    }
}
