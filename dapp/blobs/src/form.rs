//! Serialisation of values: readable in JSON, compact elsewhere (checkpoints).
//!
//! In JSON, names, addresses and money are strings; numbers are numbers up to 2^53, which every
//! parser keeps exactly, and decimal strings above.

use std::fmt::Display;

use serde::{Deserialize as _, Deserializer, de::Error as _};

/// A scalar or name with a single text form, the one it is displayed in.
pub trait Text: Display + Sized {
    /// Description of the type, for error messages.
    const WHAT: &'static str;

    /// Parses the text form; `None` for any other text.
    fn read(text: &str) -> Option<Self>;
}

/// Deserialises a value from its text form.
///
/// - Errors: the text is not a valid form
pub fn read_text<'a, T: Text, D: Deserializer<'a>>(from: D) -> Result<T, D::Error> {
    let text = String::deserialize(from)?;
    T::read(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is not {}", T::WHAT)))
}

/// Declares that scalars are serialised as text in JSON, elsewhere as their parts. Arguments: type,
/// description, parser; type of the parts, conversion into them, and back.
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

/// Declares that fixed-size bytes are shown as 0x and hexadecimal digits.
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

/// Declares enums without fields, each variant with its external name.
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
                /// All variants, in the order of their codes.
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

/// Declares a tagged enum: in JSON an object whose `kind` names the variant, elsewhere as derived.
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

    /// Serialises the bytes.
    ///
    /// - Errors: the serializer's
    pub fn serialize<S: Serializer>(bytes: &[u8; 32], out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(&crate::Digest(*bytes))
    }

    /// Deserialises the bytes.
    ///
    /// - Errors: anything but 0x and 64 digits
    pub fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(from)?;
        let wrong = || D::Error::custom(format!("{text:?} is not 0x and 64 hexadecimal digits"));
        read(&text).ok_or_else(wrong)
    }

    /// Parses 0x and two digits per byte; `None` for any other text.
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

/// `#[serde(with = "blobs::exact")]` for numbers that every JSON parser must keep exactly.
pub mod exact {
    use serde::{Deserialize, Deserializer, Serialize as _, Serializer, de::Error as _};

    /// The largest number that every JSON parser keeps exactly.
    const MAX_EXACT: u64 = 1 << 53;

    /// Serialises a number; one that is too large for JSON, as its decimal digits.
    ///
    /// - Errors: the serializer's
    pub fn serialize<S: Serializer>(number: &u64, out: S) -> Result<S::Ok, S::Error> {
        if *number > MAX_EXACT && out.is_human_readable() {
            out.collect_str(number)
        } else {
            number.serialize(out)
        }
    }

    /// Deserialises a number or its decimal digits.
    ///
    /// - Errors: neither of them
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
