//! Tables in Apache Parquet: flat columns, as data frames are written.
//!
//! - Source: the format's specification, `parquet.thrift` and `Encodings.md` of
//!   apache/parquet-format. Of it is read what the usual writers write by default: pages of version
//!   1 and 2, plain or with a dictionary, not deflated, or by Snappy or gzip.

mod levels;
mod page;
mod schema;
mod thrift;

use self::{
    page::Chunk,
    schema::{Leaf, leaves},
    thrift::Value,
};
use crate::{
    refused::ReadRefused,
    table::{Column, Table, Values},
};

/// Reads a table.
///
/// - Errors: `Malformed`, which also says what is not read
pub(crate) fn read(bytes: &[u8]) -> Result<Table, ReadRefused> {
    table(bytes).map_err(|why| ReadRefused::Malformed { format: "Parquet", why })
}

fn table(bytes: &[u8]) -> Result<Table, String> {
    let footer = footer(bytes).ok_or("its footer is cut off")?;
    let metadata = thrift::read(&mut &*footer).ok_or("its footer is damaged")?;
    let leaves = leaves(metadata.field(2).list())?;
    let rows = metadata.field(3).size().ok_or("it does not say how many rows it has")?;
    let mut columns: Vec<_> = leaves.iter().map(|leaf| leaf.values()).collect();
    for group in metadata.field(4).list() {
        let chunks = group.field(1).list();
        if chunks.len() != leaves.len() {
            return Err("a group of rows has other columns".to_owned());
        }
        for ((values, leaf), chunk) in columns.iter_mut().zip(&leaves).zip(chunks) {
            let rows = group.field(3).size().ok_or("a group has no number of rows")?;
            append(values, leaf, &chunk.field(3), bytes, rows)
                .map_err(|why| format!("column `{}`: {why}", leaf.name))?;
        }
    }
    if columns.iter().any(|values| values.len() != rows) {
        return Err("columns have different numbers of rows".to_owned());
    }
    let named = leaves.into_iter().zip(columns);
    let columns = named.map(|(leaf, values)| Column { name: Some(leaf.name), values }).collect();
    let (lines, notes) = (Vec::new(), Vec::new());
    Ok(Table { columns, lines, format: "Parquet".to_owned(), header: None, notes })
}

/// The metadata at the end of a file, before their length and the magic.
fn footer(bytes: &[u8]) -> Option<&[u8]> {
    let (rest, length) = bytes.strip_suffix(b"PAR1")?.split_last_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    rest.get(rest.len().checked_sub(length)?..)
}

/// Appends the values of one column in one group of rows.
fn append(
    values: &mut Values,
    leaf: &Leaf,
    chunk: &Value<'_>,
    bytes: &[u8],
    rows: usize,
) -> Result<(), String> {
    let start = chunk.field(9).size().ok_or("it has no pages")?;
    let dictionary = chunk.field(11).size().filter(|at| *at > 0);
    let start = dictionary.map_or(start, |dictionary| dictionary.min(start));
    let length = chunk.field(7).size().ok_or("it has no size")?;
    let pages = start.checked_add(length).and_then(|end| bytes.get(start..end));
    let pages = pages.ok_or("it goes beyond the file")?;
    let codec = chunk.field(4).size().ok_or("it has no codec")?;
    Chunk::new(leaf, codec, pages).append_to(values, rows)
}
