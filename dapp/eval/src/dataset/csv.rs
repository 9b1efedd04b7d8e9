//! Reading tables from CSV files, as exported from spreadsheets; only in the client.

use std::io::Read;

use thiserror::Error;

use super::{Dataset, DatasetRefused, Features, Labels};
use crate::shape::Shape;

/// The column of the right answers; all others are features, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelColumn<'a> {
    /// The last column.
    Last,
    /// The column of this name in the header.
    Named(&'a str),
}

/// The kind of the labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelKind {
    /// Classes 0, 1, …
    Classes,
    /// Numbers.
    Targets,
}

/// Reason why a file is not a table of numbers. Lines and columns are counted from one.
#[derive(Debug, Error)]
pub enum CsvRefused {
    /// It cannot be read as CSV: rows of different lengths, text that is not UTF-8, an I/O error.
    #[error("cannot be read as CSV")]
    Csv(#[source] csv::Error),
    /// No column has this name, or there is no header.
    #[error("no column is named {0:?}")]
    NoColumn(String),
    /// A cell is not a number, or a label not a class.
    #[error("line {line}, column {column}: {text:?} is not {expected}")]
    Cell {
        /// Line.
        line: u64,
        /// Column.
        column: usize,
        /// The text of the cell.
        text: String,
        /// The kind of value expected.
        expected: &'static str,
    },
    /// The numbers do not make a dataset.
    #[error(transparent)]
    Dataset(#[from] DatasetRefused),
}

/// Reads a table: comma-separated, one row per line. The first line is a header if one of its cells
/// is not a number.
///
/// - Errors: the reason, with line and column
pub fn from_csv(
    source: impl Read,
    label: LabelColumn<'_>,
    kind: LabelKind,
) -> Result<Dataset, CsvRefused> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).from_reader(source);
    let mut records = reader.records().peekable();
    let is_header = |record: &csv::StringRecord| record.iter().any(|cell| number(cell).is_none());
    let header = records.next_if(|record| record.as_ref().is_ok_and(is_header)).transpose();
    let header = header.map_err(CsvRefused::Csv)?;
    let named = match label {
        LabelColumn::Last => None,
        LabelColumn::Named(name) => {
            let index =
                header.as_ref().and_then(|header| header.iter().position(|cell| cell == name));
            Some(index.ok_or_else(|| CsvRefused::NoColumn(name.to_owned()))?)
        }
    };
    let (mut features, mut labels) = (Vec::new(), LabelList::new(kind));
    let mut width = 0;
    for record in records {
        let record = record.map_err(CsvRefused::Csv)?;
        width = record.len().saturating_sub(1);
        for (column, text) in record.iter().enumerate() {
            let refused = |expected| {
                let line = record.position().map_or(0, csv::Position::line);
                CsvRefused::Cell { line, column: column + 1, text: text.to_owned(), expected }
            };
            if column == named.unwrap_or(width) {
                labels.push(text).map_err(refused)?;
            } else {
                features.push(number(text).ok_or_else(|| refused("a number"))?);
            }
        }
    }
    let row = Shape::new(&[width]).ok_or(DatasetRefused::Shape)?;
    Ok(Dataset::new(row, Features::Real(features), labels.0)?)
}

struct LabelList(Labels);

impl LabelList {
    const fn new(kind: LabelKind) -> Self {
        Self(match kind {
            LabelKind::Classes => Labels::Classes(Vec::new()),
            LabelKind::Targets => Labels::Targets(Vec::new()),
        })
    }

    /// Appends a label, or returns what was expected.
    fn push(&mut self, text: &str) -> Result<(), &'static str> {
        match &mut self.0 {
            Labels::Classes(classes) => {
                classes.push(text.parse().map_err(|_| "a class from 0 to 255")?);
            }
            Labels::Targets(targets) => targets.push(number(text).ok_or("a number")?),
        }
        Ok(())
    }
}

fn number(text: &str) -> Option<f32> {
    text.parse().ok().filter(|number: &f32| number.is_finite())
}
