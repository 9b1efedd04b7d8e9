//! The pages of one column: inflated, and their values.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;

use super::{
    levels::{bits, runs},
    schema::{Leaf, Logical, Physical},
    thrift::{self, Value, take},
};
use crate::{source::BYTES_MAX, table::Values};

/// One column of one group of rows.
pub(super) struct Chunk<'a> {
    leaf: &'a Leaf,
    codec: usize,
    pages: &'a [u8],
    dictionary: Option<Values>,
}

/// What a header says about a page of values.
struct Page<'a> {
    count: usize,
    encoding: usize,
    /// Whether each value is present; `None` if all are.
    present: Option<Vec<u32>>,
    values: &'a [u8],
}

impl<'a> Chunk<'a> {
    pub(super) const fn new(leaf: &'a Leaf, codec: usize, pages: &'a [u8]) -> Self {
        Self { leaf, codec, pages, dictionary: None }
    }

    /// Appends the values of all pages, which are `rows`.
    pub(super) fn append_to(mut self, values: &mut Values, rows: usize) -> Result<(), String> {
        let end = values.len().checked_add(rows).ok_or("it has too many rows")?;
        while values.len() < end && !self.pages.is_empty() {
            let header = thrift::read(&mut self.pages).ok_or("the header of a page is damaged")?;
            let (size, inflated) =
                header.field(3).size().zip(header.field(2).size()).ok_or("a page has no size")?;
            let body = take(&mut self.pages, size).ok_or("a page is cut off")?;
            match header.field(1).size() {
                Some(0) => {
                    let body = self.inflated(body, inflated)?;
                    let page = self.first_version(&header.field(5), &body)?;
                    self.append(values, &page, end)?;
                }
                Some(2) => {
                    let count =
                        header.field(7).field(1).size().ok_or("a dictionary has no size")?;
                    let body = self.inflated(body, inflated)?;
                    self.dictionary = Some(self.plain(&body, count)?);
                }
                Some(3) => self.second_version(values, &header.field(8), body, inflated, end)?,
                _ => {}
            }
        }
        if values.len() == end { Ok(()) } else { Err("pages are missing".to_owned()) }
    }

    /// A page of version 1: levels and values together.
    fn first_version<'b>(
        &self,
        header: &Value<'_>,
        mut body: &'b [u8],
    ) -> Result<Page<'b>, String> {
        let count = header.field(1).size().filter(|count| *count <= BYTES_MAX);
        let (count, encoding) = count.zip(header.field(2).size()).ok_or("a page has no values")?;
        let present = if self.leaf.is_optional {
            let levels = with_length(&mut body).ok_or("the levels of a page are cut off")?;
            Some(runs(levels, 1, count).ok_or("the levels of a page are damaged")?)
        } else {
            None
        };
        Ok(Page { count, encoding, present, values: body })
    }

    /// A page of version 2: levels are never deflated.
    fn second_version(
        &self,
        values: &mut Values,
        header: &Value<'_>,
        mut body: &[u8],
        inflated: usize,
        end: usize,
    ) -> Result<(), String> {
        let count = header.field(1).size().filter(|count| *count <= BYTES_MAX);
        let (count, encoding) = count.zip(header.field(4).size()).ok_or("a page has no values")?;
        let length = header.field(5).size().unwrap_or(0);
        let levels = take(&mut body, length).ok_or("the levels of a page are cut off")?;
        let present = match self.leaf.is_optional && length > 0 {
            true => Some(runs(levels, 1, count).ok_or("the levels of a page are damaged")?),
            false => None,
        };
        let is_plain = header.field(7) == Value::Bool(false);
        let size = inflated.saturating_sub(length);
        let body = if is_plain { body.to_vec() } else { self.inflated(body, size)? };
        self.append(values, &Page { count, encoding, present, values: &body }, end)
    }

    /// Appends the values of a page, with the missing ones.
    fn append(&self, values: &mut Values, page: &Page<'_>, end: usize) -> Result<(), String> {
        let room = end.saturating_sub(values.len());
        if page.count > room {
            return Err("a page has more values than there are rows".to_owned());
        }
        let present = page.present.as_ref();
        let stored = present.map_or(page.count, |all| all.iter().filter(|one| **one == 1).count());
        let read = match page.encoding {
            0 => self.plain(page.values, stored)?,
            2 | 8 => self.looked_up(page.values, stored)?,
            3 if self.leaf.physical == Physical::Boolean => {
                let mut bytes = page.values;
                let levels = with_length(&mut bytes).and_then(|levels| runs(levels, 1, stored));
                booleans(levels.ok_or("truth values are damaged")?.into_iter())
            }
            _ => {
                return Err("its values are encoded in a way that is not read: write it with \
                            pyarrow's defaults, or as CSV"
                    .to_owned());
            }
        };
        let is_present = |row: usize| present.is_none_or(|all| all.get(row) == Some(&1));
        match (values, read) {
            (Values::Numbers(values), Values::Numbers(read)) => {
                let mut read = read.into_iter();
                let next = |row| if is_present(row) { read.next() } else { None };
                values.extend((0..page.count).map(next).map(|value| value.unwrap_or(f64::NAN)));
            }
            (Values::Text(values), Values::Text(read)) => {
                let mut read = read.into_iter();
                let next = |row| if is_present(row) { read.next() } else { None };
                values.extend((0..page.count).map(next).map(Option::unwrap_or_default));
            }
            _ => return Err("its dictionary is of another type".to_owned()),
        }
        Ok(())
    }

    fn looked_up(&self, bytes: &[u8], count: usize) -> Result<Values, String> {
        let dictionary = self.dictionary.as_ref().ok_or("its dictionary is missing")?;
        let (width, bytes) = match bytes.split_first() {
            Some((width, bytes)) => (usize::from(*width), bytes),
            None => (0, bytes),
        };
        let indices = runs(bytes, width, count).ok_or("a page is damaged")?;
        let at = |index: &u32| usize::try_from(*index).unwrap_or(usize::MAX);
        let beyond = "a page points beyond its dictionary";
        match dictionary {
            Values::Numbers(numbers) => {
                let found = indices.iter().map(|index| numbers.get(at(index)).copied());
                Ok(Values::Numbers(found.collect::<Option<_>>().ok_or(beyond)?))
            }
            Values::Text(texts) => {
                let found = indices.iter().map(|index| texts.get(at(index)).cloned());
                Ok(Values::Text(found.collect::<Option<_>>().ok_or(beyond)?))
            }
        }
    }

    /// Values one after the other.
    fn plain(&self, mut bytes: &[u8], count: usize) -> Result<Values, String> {
        let cut = || "a page is cut off".to_owned();
        let size = match self.leaf.physical {
            Physical::Boolean => {
                let found: Vec<_> = bits(bytes, 1).take(count).collect();
                return if found.len() == count {
                    Ok(booleans(found.into_iter()))
                } else {
                    Err(cut())
                };
            }
            Physical::ByteArray => {
                let text = |_| with_length(&mut bytes).map(text);
                return (0..count)
                    .map(text)
                    .collect::<Option<_>>()
                    .map(Values::Text)
                    .ok_or_else(cut);
            }
            Physical::Int32 | Physical::Float => 4,
            Physical::Int64 | Physical::Double => 8,
            Physical::Int96 => 12,
            Physical::Fixed(size) => size,
        };
        let all = count.checked_mul(size).and_then(|all| take(&mut bytes, all)).ok_or_else(cut)?;
        let each = all.chunks_exact(size.max(1));
        Ok(match self.leaf.values() {
            Values::Numbers(_) => Values::Numbers(each.map(|bytes| self.number(bytes)).collect()),
            // A time, of which only matters that it is one.
            Values::Text(_) if self.leaf.logical == Logical::Time => {
                Values::Text(each.map(|bytes| format!("time {}", self.number(bytes))).collect())
            }
            Values::Text(_) => Values::Text(each.map(text).collect()),
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "what is beyond is no exact feature either")]
    fn number(&self, bytes: &[u8]) -> f64 {
        let mut eight = [0; 8];
        let size = bytes.len().min(8);
        eight[..size].copy_from_slice(&bytes[..size]);
        let four = [eight[0], eight[1], eight[2], eight[3]];
        let is_unsigned = self.leaf.logical == Logical::Unsigned;
        let number = match self.leaf.physical {
            Physical::Float => f32::from_le_bytes(four).into(),
            Physical::Double => f64::from_le_bytes(eight),
            Physical::Int32 if is_unsigned => u32::from_le_bytes(four).into(),
            Physical::Int32 => i32::from_le_bytes(four).into(),
            Physical::Fixed(2) => half::f16::from_le_bytes([eight[0], eight[1]]).to_f64(),
            // Decimals are from the highest byte on.
            Physical::Fixed(size) if size <= 16 => {
                let sign = if bytes.first().is_some_and(|byte| *byte > 127) { -1 } else { 0 };
                bytes.iter().fold(sign, |number: i128, byte| number << 8 | i128::from(*byte)) as f64
            }
            _ if is_unsigned => u64::from_le_bytes(eight) as f64,
            _ => i64::from_le_bytes(eight) as f64,
        };
        match self.leaf.logical {
            Logical::Decimal(decimals) => {
                number / 10_f64.powi(i32::try_from(decimals).unwrap_or(0))
            }
            _ => number,
        }
    }

    fn inflated(&self, body: &[u8], size: usize) -> Result<Vec<u8>, String> {
        if size > BYTES_MAX {
            return Err("a page is too large".to_owned());
        }
        let damaged = "a page does not inflate";
        match self.codec {
            0 => Ok(body.to_vec()),
            1 if snap::raw::decompress_len(body).is_ok_and(|length| length <= size) => {
                snap::raw::Decoder::new().decompress_vec(body).map_err(|_| damaged.to_owned())
            }
            1 => Err(damaged.to_owned()),
            2 => {
                let mut inflated = Vec::new();
                let most = u64::try_from(size).unwrap_or(u64::MAX);
                let read = MultiGzDecoder::new(body).take(most).read_to_end(&mut inflated);
                read.map(|_| inflated).map_err(|_| damaged.to_owned())
            }
            codec => {
                let names = ["LZO", "Brotli", "LZ4", "Zstandard", "LZ4"];
                let name = codec
                    .checked_sub(3)
                    .and_then(|at| names.get(at))
                    .unwrap_or(&"an unknown codec");
                Err(format!(
                    "it is compressed by {name}: write it with compression \"snappy\" or \"gzip\""
                ))
            }
        }
    }
}

/// Bytes after their length in four bytes.
fn with_length<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take(bytes, 4)?.first_chunk::<4>().map(|length| u32::from_le_bytes(*length))?;
    take(bytes, usize::try_from(length).ok()?)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

/// Truth values as text, as tables of text have them.
fn booleans(bits: impl Iterator<Item = u32>) -> Values {
    Values::Text(bits.map(|bit| if bit == 1 { "true" } else { "false" }.to_owned()).collect())
}
