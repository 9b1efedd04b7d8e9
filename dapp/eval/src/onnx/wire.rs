//! The protobuf wire format, walked in place.

use prost::encoding::{WireType, decode_key, decode_varint};

use crate::refusal::{ModelRefused, Part};

/// The value of one field of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Field<'a> {
    /// An integer, a flag or an enumeration.
    Varint(u64),
    /// Four bytes.
    Four([u8; 4]),
    /// Eight bytes.
    Eight([u8; 8]),
    /// A string, bytes, a message or a packed list.
    Bytes(&'a [u8]),
}

/// A message: its fields one after the other, as numbers and values.
#[derive(Clone)]
pub(crate) struct Message<'a> {
    rest: &'a [u8],
    part: Part,
}

impl<'a> Message<'a> {
    /// The message in these bytes; `part` names it in refusals.
    pub(crate) const fn new(bytes: &'a [u8], part: Part) -> Self {
        Self { rest: bytes, part }
    }

    /// Bytes that are not walked yet.
    #[cfg(feature = "train")]
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn field(&mut self) -> Option<(u32, Field<'a>)> {
        let (number, wire_type) = decode_key(&mut self.rest).ok()?;
        let field = match wire_type {
            WireType::Varint => Field::Varint(decode_varint(&mut self.rest).ok()?),
            WireType::ThirtyTwoBit => Field::Four(self.take(4)?.try_into().ok()?),
            WireType::SixtyFourBit => Field::Eight(self.take(8)?.try_into().ok()?),
            WireType::LengthDelimited => {
                let length = decode_varint(&mut self.rest).ok()?;
                Field::Bytes(self.take(usize::try_from(length).ok()?)?)
            }
            WireType::StartGroup | WireType::EndGroup => return None,
        };
        Some((number, field))
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }
}

impl<'a> Iterator for Message<'a> {
    type Item = Result<(u32, Field<'a>), ModelRefused>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field().ok_or(ModelRefused::Malformed(self.part));
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

impl<'a> Field<'a> {
    /// The bytes of a string, message or packed list.
    pub(crate) const fn bytes(self, part: Part) -> Result<&'a [u8], ModelRefused> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(ModelRefused::Malformed(part)),
        }
    }

    /// The message in the field.
    pub(crate) fn message(self, part: Part) -> Result<Message<'a>, ModelRefused> {
        self.bytes(part).map(|bytes| Message::new(bytes, part))
    }

    /// A signed integer.
    pub(crate) const fn integer(self, part: Part) -> Result<i64, ModelRefused> {
        match self {
            Self::Varint(value) => Ok(value.cast_signed()),
            _ => Err(ModelRefused::Malformed(part)),
        }
    }

    /// A float.
    pub(crate) const fn float(self, part: Part) -> Result<f32, ModelRefused> {
        match self {
            Self::Four(bytes) => Ok(f32::from_le_bytes(bytes)),
            _ => Err(ModelRefused::Malformed(part)),
        }
    }

    /// Appends the integers of a repeated field, packed or not, at most `limit` in all.
    pub(crate) fn integers(
        self,
        list: &mut Vec<i64>,
        limit: usize,
        part: Part,
    ) -> Result<(), ModelRefused> {
        match self {
            Self::Varint(value) => push(list, value.cast_signed(), limit, part),
            Self::Bytes(mut bytes) => {
                while !bytes.is_empty() {
                    let value =
                        decode_varint(&mut bytes).map_err(|_| ModelRefused::Malformed(part))?;
                    push(list, value.cast_signed(), limit, part)?;
                }
                Ok(())
            }
            _ => Err(ModelRefused::Malformed(part)),
        }
    }

    /// Appends the doubles of a repeated field, packed or not, at most `limit` in all.
    pub(crate) fn doubles(
        self,
        list: &mut Vec<f64>,
        limit: usize,
        part: Part,
    ) -> Result<(), ModelRefused> {
        match self {
            Self::Eight(bytes) => push(list, f64::from_le_bytes(bytes), limit, part),
            Self::Bytes(bytes) => {
                let (doubles, rest) = bytes.as_chunks::<8>();
                if !rest.is_empty() {
                    return Err(ModelRefused::Malformed(part));
                }
                doubles
                    .iter()
                    .try_for_each(|double| push(list, f64::from_le_bytes(*double), limit, part))
            }
            _ => Err(ModelRefused::Malformed(part)),
        }
    }

    /// Appends the floats of a repeated field, packed or not, at most `limit` in all.
    pub(crate) fn floats(
        self,
        list: &mut Vec<f32>,
        limit: usize,
        part: Part,
    ) -> Result<(), ModelRefused> {
        match self {
            Self::Four(bytes) => push(list, f32::from_le_bytes(bytes), limit, part),
            Self::Bytes(bytes) => {
                let (floats, rest) = bytes.as_chunks::<4>();
                if !rest.is_empty() {
                    return Err(ModelRefused::Malformed(part));
                }
                floats
                    .iter()
                    .try_for_each(|float| push(list, f32::from_le_bytes(*float), limit, part))
            }
            _ => Err(ModelRefused::Malformed(part)),
        }
    }
}

/// Appends an element unless the list is full.
pub(crate) fn push<T>(
    list: &mut Vec<T>,
    element: T,
    limit: usize,
    part: Part,
) -> Result<(), ModelRefused> {
    if list.len() >= limit {
        return Err(ModelRefused::TooMany { part, limit });
    }
    list.push(element);
    Ok(())
}
