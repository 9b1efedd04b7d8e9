//! Thrift's compact protocol, as far as the metadata of Parquet need it.
//!
//! - Source: `thrift-compact-protocol.md` of apache/thrift

use std::collections::BTreeMap;

/// How deep structures may be nested.
const DEPTH: usize = 24;

/// A value of a structure's field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// There is none.
    Absent,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Bytes, or text.
    Bytes(&'a [u8]),
    /// A list or set.
    List(Vec<Self>),
    /// A structure: fields by number.
    Struct(BTreeMap<i64, Self>),
}

impl<'a> Value<'a> {
    /// The field of a structure.
    pub(super) fn field(&self, number: i64) -> Self {
        match self {
            Self::Struct(fields) => fields.get(&number).cloned().unwrap_or(Self::Absent),
            _ => Self::Absent,
        }
    }

    /// The items of a list.
    pub(super) fn list(&self) -> Vec<Self> {
        if let Self::List(items) = self { items.clone() } else { Vec::new() }
    }

    /// A number that is not negative.
    pub(super) fn size(&self) -> Option<usize> {
        if let Self::Int(number) = self { usize::try_from(*number).ok() } else { None }
    }

    /// A text.
    pub(super) fn text(&self) -> Option<String> {
        if let Self::Bytes(bytes) = self {
            Some(String::from_utf8_lossy(bytes).into_owned())
        } else {
            None
        }
    }
}

/// Reads a structure, and leaves the bytes behind it; `None` if it is malformed.
pub(super) fn read<'a>(bytes: &mut &'a [u8]) -> Option<Value<'a>> {
    structure(bytes, DEPTH)
}

fn structure<'a>(bytes: &mut &'a [u8], depth: usize) -> Option<Value<'a>> {
    let (mut fields, mut number) = (BTreeMap::new(), 0_i64);
    loop {
        let head = byte(bytes)?;
        if head == 0 {
            return Some(Value::Struct(fields));
        }
        number = match head >> 4 {
            0 => signed(bytes)?,
            step => number.checked_add(i64::from(step))?,
        };
        let value = match head & 15 {
            1 => Value::Bool(true),
            2 => Value::Bool(false),
            kind => value(bytes, kind, depth)?,
        };
        fields.insert(number, value);
    }
}

fn value<'a>(bytes: &mut &'a [u8], kind: u8, depth: usize) -> Option<Value<'a>> {
    let depth = depth.checked_sub(1)?;
    Some(match kind {
        // Inside of lists a truth value is a byte.
        1 | 2 => Value::Bool(byte(bytes)? == 1),
        3 => Value::Int(byte(bytes)?.into()),
        4..=6 => Value::Int(signed(bytes)?),
        7 => {
            take(bytes, 8)?;
            Value::Absent
        }
        8 => {
            let length = usize::try_from(unsigned(bytes)?).ok()?;
            Value::Bytes(take(bytes, length)?)
        }
        9 | 10 => list(bytes, depth)?,
        12 => structure(bytes, depth)?,
        _ => return None,
    })
}

fn list<'a>(bytes: &mut &'a [u8], depth: usize) -> Option<Value<'a>> {
    let head = byte(bytes)?;
    let count = match head >> 4 {
        15 => usize::try_from(unsigned(bytes)?).ok()?,
        few => usize::from(few),
    };
    // Each item takes a byte at least.
    if count > bytes.len() {
        return None;
    }
    (0..count).map(|_| value(bytes, head & 15, depth)).collect::<Option<_>>().map(Value::List)
}

/// The first bytes, which are taken away.
pub(super) fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

fn byte(bytes: &mut &[u8]) -> Option<u8> {
    let (byte, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*byte)
}

/// A number of seven bits in each byte, the lowest first.
pub(super) fn unsigned(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = byte(bytes)?;
        number |= u64::from(byte & 127) << shift;
        if byte < 128 {
            return Some(number);
        }
    }
    None
}

/// A number whose sign is its lowest bit.
fn signed(bytes: &mut &[u8]) -> Option<i64> {
    let number = unsigned(bytes)?;
    let half = i64::try_from(number >> 1).ok()?;
    Some(if number & 1 == 1 { !half } else { half })
}
