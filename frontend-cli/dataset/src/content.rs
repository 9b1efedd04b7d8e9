//! Rows of numbers with their labels, whatever file they are from.

use eval::{Dataset, Features};

use crate::{
    location::Location,
    options::Options,
    refused::ReadRefused,
    table::{Table, Values},
};

/// Rows of which every number is known.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    /// The shape of one row.
    pub(crate) row: Vec<usize>,
    /// All features, row by row; finite.
    pub(crate) features: Features,
    /// The label of each row.
    pub(crate) labels: Values,
    /// What the labels are called, if they have a name.
    pub(crate) label_name: Option<String>,
    /// The column of the label, counted from zero.
    pub(crate) label_column: usize,
    /// The line of each row, if the file is a text.
    pub(crate) lines: Vec<u64>,
    /// The format, and how it was understood.
    pub(crate) format: String,
    /// Whether there is a header line, if the format has any.
    pub(crate) header: Option<bool>,
    /// What was noticed on the way.
    pub(crate) notes: Vec<String>,
}

impl Content {
    /// The location of a row's label.
    pub(crate) fn label_location(&self, row: usize) -> Location {
        Location {
            line: self.lines.get(row).copied(),
            row: row + 1,
            column: self.label_column + 1,
            name: self.label_name.clone(),
        }
    }
}

/// A file in one of the two forms.
pub(crate) enum Loaded {
    /// Columns whose use is still to be chosen.
    Table(Table),
    /// Rows with labels.
    Content(Content),
    /// A packed dataset.
    Packed(Dataset),
}

/// Whether so many rows fit into what the options allow.
///
/// - Errors: `OverLimit`
pub(crate) fn require_fit(
    rows: usize,
    features: usize,
    options: &Options,
) -> Result<(), ReadRefused> {
    let Some((bytes_each, limit)) = options.limit else { return Ok(()) };
    // A label takes a byte, or four as a number; the header a few thousand in all.
    let bytes = features.saturating_mul(bytes_each).saturating_add(1).saturating_mul(rows);
    if bytes > limit {
        let reals = bytes_each > 1;
        return Err(ReadRefused::OverLimit { rows, features, bytes, limit, reals });
    }
    Ok(())
}
