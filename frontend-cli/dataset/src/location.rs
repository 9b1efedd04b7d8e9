//! Where something is in a file.

use std::fmt;

/// A cell's location, counted from one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The line of a text.
    pub line: Option<u64>,
    /// The row, without any header.
    pub row: usize,
    /// The column.
    pub column: usize,
    /// The column's name.
    pub name: Option<String>,
}

impl fmt::Display for Location {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(out, "line {line}")?,
            None => write!(out, "row {}", self.row)?,
        }
        write!(out, ", column {}", self.column)?;
        match self.name.as_deref() {
            Some(name) if !name.is_empty() => write!(out, " (`{name}`)"),
            _ => Ok(()),
        }
    }
}
