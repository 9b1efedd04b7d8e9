//! The market's types in JSON: `#[serde(with = "wire::json")]` on a field of any of them.
//!
//! Names, addresses and money are strings; numbers are numbers up to 2^53, which every reader of
//! JSON keeps exactly, and decimal strings above. Structures are as in the market, choices are
//! objects whose `kind` says which was made.

use std::collections::BTreeMap;

use blobs::{BlobRef, Cid, Digest};
use market::{Address, Amount, Asset, JobId, Score, Timestamp, U256, Work};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::view::BlobView;

/// A type that has one form in JSON.
pub trait Json: Sized {
    /// Writes it.
    fn write_json<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error>;

    /// Reads what [`write_json`](Self::write_json) writes.
    fn read_json<'a, D: Deserializer<'a>>(from: D) -> Result<Self, D::Error>;
}

/// Writes a value.
///
/// - Errors: the serializer's
pub fn serialize<T: Json, S: Serializer>(value: &T, out: S) -> Result<S::Ok, S::Error> {
    value.write_json(out)
}

/// Reads a value.
///
/// - Errors: it is in another form
pub fn deserialize<'a, T: Json, D: Deserializer<'a>>(from: D) -> Result<T, D::Error> {
    T::read_json(from)
}

/// A scalar that has one text form.
pub trait Text: Sized {
    /// What it is, for messages.
    const WHAT: &'static str;

    /// Its text.
    fn write(&self) -> String;

    /// Reads its text; `None` for any other.
    fn read(text: &str) -> Option<Self>;
}

/// Declares scalars that are shown as their text: type, what it is, reader.
macro_rules! texts {
    ($($type:ty: $what:literal, |$text:ident| $read:expr;)*) => {
        $(impl Text for $type {
            const WHAT: &'static str = $what;

            fn write(&self) -> String {
                self.to_string()
            }

            fn read($text: &str) -> Option<Self> {
                $read
            }
        })*
    };
}

texts! {
    Address: "an address (0x and 40 hexadecimal digits)", |text| fixed_hex(text).map(Self);
    Digest: "a digest (0x and 64 hexadecimal digits)", |text| fixed_hex(text).map(Self);
    JobId: "a job's name (0x and 64 hexadecimal digits)", |text| fixed_hex(text).map(Self);
    Cid: "a CIDv1 with sha2-256", |text| text.parse().ok();
    Asset: "\"ether\" or a token's address", |text| {
        if text == "ether" { Some(Self::Ether) } else { Address::read(text).map(Self::Erc20) }
    };
    // The parser takes nothing for zero.
    Amount: "an amount in the asset's smallest unit (decimal digits)", |text| {
        (!text.is_empty()).then(|| U256::from_dec_str(text).ok().map(Self)).flatten()
    };
}

impl Text for [u8; 32] {
    const WHAT: &'static str = "32 bytes (0x and 64 hexadecimal digits)";

    fn write(&self) -> String {
        format!("0x{}", hex::encode(self))
    }

    fn read(text: &str) -> Option<Self> {
        fixed_hex(text)
    }
}

fn fixed_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text.strip_prefix("0x")?, &mut bytes).ok()?;
    Some(bytes)
}

/// Declares that scalars are strings in JSON.
macro_rules! strings {
    ($($type:ty),*) => {
        $(impl $crate::json::Json for $type {
            fn write_json<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.serialize_str(&$crate::json::Text::write(self))
            }

            fn read_json<'a, D: serde::Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
                $crate::json::read_text(from)
            }
        })*
    };
}

pub(crate) use strings;

strings! { Address, Digest, JobId, Cid, Asset, Amount, [u8; 32] }

pub(crate) fn read_text<'a, T: Text, D: Deserializer<'a>>(from: D) -> Result<T, D::Error> {
    let text = String::deserialize(from)?;
    T::read(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is not {}", T::WHAT)))
}

/// Declares types that say themselves how they are in JSON.
macro_rules! themselves {
    ($($type:ty),*) => {
        $(impl $crate::json::Json for $type {
            fn write_json<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                serde::Serialize::serialize(self, out)
            }

            fn read_json<'a, D: serde::Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
                serde::Deserialize::deserialize(from)
            }
        })*
    };
}

pub(crate) use themselves;

themselves! { bool, u32, String }

/// The largest number every reader of JSON keeps exactly.
const MAX_EXACT: u64 = 1 << 53;

impl Json for u64 {
    fn write_json<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match *self {
            number @ ..=MAX_EXACT => out.serialize_u64(number),
            number => out.collect_str(&number),
        }
    }

    fn read_json<'a, D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u64),
            Text(String),
        }
        let number = match Written::deserialize(from)? {
            Written::Number(number) => Some(number),
            Written::Text(text) => text.parse().ok(),
        };
        number.ok_or_else(|| D::Error::custom("not an unsigned number in range"))
    }
}

/// Declares units that are numbers in JSON.
macro_rules! numbers {
    ($($unit:ident)*) => {
        $(impl Json for $unit {
            fn write_json<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                self.0.write_json(out)
            }

            fn read_json<'a, D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
                Json::read_json(from).map(Self)
            }
        })*
    };
}

numbers! { Score Timestamp Work }

impl Json for BlobRef {
    fn write_json<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        BlobView::from(*self).serialize(out)
    }

    fn read_json<'a, D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        let view = BlobView::deserialize(from)?;
        Self::try_from(&view).map_err(D::Error::custom)
    }
}

/// A value in its form, for serde's containers.
struct Out<'a, T>(&'a T);

impl<T: Json> Serialize for Out<'_, T> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        self.0.write_json(out)
    }
}

/// A value read from its form.
struct In<T>(T);

impl<'a, T: Json> Deserialize<'a> for In<T> {
    fn deserialize<D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        T::read_json(from).map(Self)
    }
}

impl<T: Json> Json for Option<T> {
    fn write_json<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        self.as_ref().map(Out).serialize(out)
    }

    fn read_json<'a, D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        Ok(Option::<In<T>>::deserialize(from)?.map(|In(value)| value))
    }
}

impl<T: Json> Json for Vec<T> {
    fn write_json<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_seq(self.iter().map(Out))
    }

    fn read_json<'a, D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        let items = Vec::<In<T>>::deserialize(from)?;
        Ok(items.into_iter().map(|In(item)| item).collect())
    }
}

impl<T: Json> Json for Box<T> {
    fn write_json<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        T::write_json(self, out)
    }

    fn read_json<'a, D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        T::read_json(from).map(Self::new)
    }
}

/// A map from what has a text form.
impl<K: Text + Ord, V: Json> Json for BTreeMap<K, V> {
    fn write_json<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_map(self.iter().map(|(key, value)| (key.write(), Out(value))))
    }

    fn read_json<'a, D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        let entries = BTreeMap::<String, In<V>>::deserialize(from)?;
        let read = |(key, In(value)): (String, In<V>)| {
            let wrong = || D::Error::custom(format!("{key:?} is not {}", K::WHAT));
            Ok((K::read(&key).ok_or_else(wrong)?, value))
        };
        entries.into_iter().map(read).collect()
    }
}
