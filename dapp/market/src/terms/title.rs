//! JSON form of a title: its text.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A title's text; `None` unless it is UTF-8 without control characters, zero-padded.
///
/// A title is shown in terminals and pages, where control characters could forge output.
pub fn title_text(title: &[u8; 32]) -> Option<&str> {
    let length = title.iter().position(|byte| *byte == 0).unwrap_or(title.len());
    let (text, padding) = title.split_at_checked(length)?;
    let text = std::str::from_utf8(text).ok()?;
    (padding.iter().all(|byte| *byte == 0) && !text.chars().any(char::is_control)).then_some(text)
}

pub(super) fn serialize<S: Serializer>(title: &[u8; 32], out: S) -> Result<S::Ok, S::Error> {
    if out.is_human_readable() {
        out.serialize_str(title_text(title).unwrap_or_default())
    } else {
        title.serialize(out)
    }
}

pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<[u8; 32], D::Error> {
    if !from.is_human_readable() {
        return Deserialize::deserialize(from);
    }
    let text = String::deserialize(from)?;
    let mut title = [0; 32];
    let room = title.get_mut(..text.len());
    room.ok_or_else(|| D::Error::custom("a title has at most 32 bytes"))?
        .copy_from_slice(text.as_bytes());
    title_text(&title).ok_or_else(|| D::Error::custom("a title is plain text"))?;
    Ok(title)
}
