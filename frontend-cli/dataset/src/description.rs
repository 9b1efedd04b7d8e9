//! What was understood of a file, in words.

use std::fmt;

use eval::Dataset;
use serde::Serialize;

/// A dataset, and what its file was taken for.
#[derive(Clone, Debug)]
pub struct Understood {
    /// The rows.
    pub dataset: Dataset,
    /// The names of the classes; none if labels are numbers.
    pub classes: Vec<String>,
    /// What was understood.
    pub description: Description,
    /// Whether the file is a packed dataset, of which nothing had to be understood.
    pub is_packed: bool,
}

/// What a file was taken for.
#[derive(Clone, Debug, Serialize)]
pub struct Description {
    /// The format, and how it was understood.
    pub format: String,
    /// Number of rows.
    pub rows: usize,
    /// The shape of one row.
    pub row: Vec<usize>,
    /// Name or number of the label.
    pub label: String,
    /// The classes, in the order of the model's outputs; none if labels are numbers.
    pub classes: Vec<Class>,
    /// The least and the greatest label, if labels are numbers.
    pub range: Option<(f32, f32)>,
    /// Whether there is a header line, if the format has any.
    pub header: Option<bool>,
    /// What was left out, turned or noticed.
    pub notes: Vec<String>,
}

/// A class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Class {
    /// The label as the file has it.
    pub name: String,
    /// Number of rows.
    pub rows: usize,
}

impl fmt::Display for Description {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { format, rows, row, label, header, .. } = self;
        write!(out, "{rows} rows, ")?;
        match row.as_slice() {
            [features] => write!(out, "{features} features")?,
            sizes => {
                let sizes: Vec<_> = sizes.iter().map(usize::to_string).collect();
                write!(out, "features of {}", sizes.join(" × "))?;
            }
        }
        write!(out, ", label {label} ({})", self.labels())?;
        if let Some(header) = header {
            write!(out, ", header: {}", if *header { "yes" } else { "no" })?;
        }
        write!(out, "; {format}")?;
        self.notes.iter().try_for_each(|note| write!(out, "\n  {note}"))
    }
}

impl Description {
    fn labels(&self) -> String {
        if let Some((least, greatest)) = self.range {
            return format!("numbers from {least} to {greatest}");
        }
        let names: Vec<_> = self.classes.iter().map(|class| class.name.as_str()).collect();
        let names = match names.as_slice() {
            [many @ .., last] if names.len() > 12 => {
                let few: Vec<_> = many.iter().take(10).copied().collect();
                format!("{}, …, {last}", few.join(", "))
            }
            all => all.join(", "),
        };
        format!("{} classes: {names}", self.classes.len())
    }
}
