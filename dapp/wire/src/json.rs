//! How the market's scalars are written in JSON.
//!
//! Names, addresses and money are strings; numbers are numbers up to 2^53, which every reader of
//! JSON keeps exactly, and decimal strings above.

use blobs::{Cid, Digest};
use market::{
    Address, Amount, Asset, JobId, Metric, Outcome, Score, Share, Stage, Tied, Timestamp, U256,
    Unmet, Work,
};

/// A scalar that has one text form.
pub trait Text: Sized {
    /// What it is, for messages.
    const WHAT: &'static str;

    /// Its text.
    fn write(&self) -> String;

    /// Reads its text; nothing for any other.
    fn read(text: &str) -> Option<Self>;
}

impl Text for Address {
    const WHAT: &'static str = "an address (0x and 40 hexadecimal digits)";

    fn write(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        fixed_hex(text).map(Self)
    }
}

impl Text for Digest {
    const WHAT: &'static str = "a digest (0x and 64 hexadecimal digits)";

    fn write(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        fixed_hex(text).map(Self)
    }
}

impl Text for Cid {
    const WHAT: &'static str = "a CIDv1 with sha2-256";

    fn write(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Text for Asset {
    const WHAT: &'static str = "\"ether\" or a token's address";

    fn write(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        if text == "ether" {
            return Some(Self::Ether);
        }
        Address::read(text).map(Self::Erc20)
    }
}

impl Text for Amount {
    const WHAT: &'static str = "an amount in the asset's smallest unit (decimal digits)";

    fn write(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        // The parser takes nothing for zero.
        let amount = (!text.is_empty()).then(|| U256::from_dec_str(text).ok());
        amount.flatten().map(Self)
    }
}

impl Text for Metric {
    const WHAT: &'static str = "a metric";

    fn write(&self) -> String {
        match self {
            Self::Accuracy => "accuracy",
            Self::WorstClassRecall => "worst_class_recall",
            Self::MacroF1 => "macro_f1",
            Self::MeanSquaredError => "mean_squared_error",
            Self::MeanAbsoluteError => "mean_absolute_error",
            Self::LogLoss => "log_loss",
        }
        .to_owned()
    }

    fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.write() == text)
    }
}

impl Text for Stage {
    const WHAT: &'static str = "a stage";

    fn write(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        let all = [
            Self::Announced,
            Self::Open,
            Self::Revealing,
            Self::Evaluating,
            Self::Settled,
            Self::Cancelled,
        ];
        all.into_iter().find(|stage| stage.write() == text)
    }
}

macro_rules! named {
    ($($name:ident: $what:literal)*) => {
        $(impl Text for $name {
            const WHAT: &'static str = $what;

            fn write(&self) -> String {
                self.to_string()
            }

            fn read(text: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|one| one.write() == text)
            }
        })*
    };
}

named! {
    Tied: "\"equal\" or \"earliest\""
    Unmet: "\"return\" or \"share\""
    Outcome: "an outcome"
    Share: "what a payment is for"
}

fn fixed_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text.strip_prefix("0x")?, &mut bytes).ok()?;
    Some(bytes)
}

/// An unsigned number.
pub(crate) trait Number: Sized {
    fn get(&self) -> u64;
    fn new(number: u64) -> Option<Self>;
}

macro_rules! number {
    ($($name:ident)*) => {
        $(impl Number for $name {
            fn get(&self) -> u64 {
                self.0.into()
            }

            fn new(number: u64) -> Option<Self> {
                number.try_into().ok().map(Self)
            }
        })*
    };
}

number! { JobId Score Timestamp Work }

impl Number for u64 {
    fn get(&self) -> u64 {
        *self
    }

    fn new(number: u64) -> Option<Self> {
        Some(number)
    }
}

/// `#[serde(with)]` for scalars that are text.
pub(crate) mod text {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use super::Text;

    pub(crate) fn serialize<T: Text, S: Serializer>(value: &T, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&value.write())
    }

    pub(crate) fn deserialize<'a, T: Text, D: Deserializer<'a>>(from: D) -> Result<T, D::Error> {
        let text = String::deserialize(from)?;
        T::read(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is not {}", T::WHAT)))
    }
}

/// `#[serde(with)]` for a list of addresses.
pub(crate) mod addresses {
    use market::Address;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use super::Text as _;

    pub(crate) fn serialize<'a, C, S: Serializer>(
        addresses: &'a C,
        out: S,
    ) -> Result<S::Ok, S::Error>
    where
        &'a C: IntoIterator<Item = &'a Address>,
    {
        out.collect_seq(addresses.into_iter().map(Address::write))
    }

    pub(crate) fn deserialize<'a, C, D>(from: D) -> Result<C, D::Error>
    where
        C: FromIterator<Address>,
        D: Deserializer<'a>,
    {
        let texts = Vec::<String>::deserialize(from)?;
        let read = |text: &String| {
            let wrong = || D::Error::custom(format!("{text:?} is not {}", Address::WHAT));
            Address::read(text).ok_or_else(wrong)
        };
        texts.iter().map(read).collect()
    }
}

/// `#[serde(with)]` for numbers.
pub(crate) mod number {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    use super::Number;

    /// The largest number every reader of JSON keeps exactly.
    const MAX_EXACT: u64 = 1 << 53;

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(u64),
        Text(String),
    }

    pub(crate) fn serialize<N: Number, S: Serializer>(
        value: &N,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        match value.get() {
            number @ ..=MAX_EXACT => out.serialize_u64(number),
            number => out.collect_str(&number),
        }
    }

    pub(crate) fn deserialize<'a, N: Number, D: Deserializer<'a>>(from: D) -> Result<N, D::Error> {
        let number = match Written::deserialize(from)? {
            Written::Number(number) => Some(number),
            Written::Text(text) => text.parse().ok(),
        };
        number.and_then(N::new).ok_or_else(|| D::Error::custom("not an unsigned number in range"))
    }
}

/// `#[serde(with)]` for blobs.
pub(crate) mod blob {
    use blobs::BlobRef;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    use crate::view::BlobView;

    pub(crate) fn serialize<S: Serializer>(blob: &BlobRef, out: S) -> Result<S::Ok, S::Error> {
        BlobView::from(*blob).serialize(out)
    }

    pub(crate) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<BlobRef, D::Error> {
        let view = BlobView::deserialize(from)?;
        BlobRef::try_from(&view).map_err(D::Error::custom)
    }
}

/// `#[serde(with)]` for titles: their text without the padding.
pub(crate) mod title {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::abi::title_text;

    pub(crate) fn serialize<S: Serializer>(title: &[u8; 32], out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(title_text(title).unwrap_or_default())
    }

    pub(crate) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(from)?;
        let mut title = [0; 32];
        let room = title.get_mut(..text.len());
        room.ok_or_else(|| D::Error::custom("a title has at most 32 bytes"))?
            .copy_from_slice(text.as_bytes());
        title_text(&title).ok_or_else(|| D::Error::custom("a title is plain text"))?;
        Ok(title)
    }
}
