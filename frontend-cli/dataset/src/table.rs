//! A table: columns of equal length, whose meaning is still to be chosen.

use crate::location::Location;

/// Columns of equal length.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// The columns, in the file's order.
    pub(crate) columns: Vec<Column>,
    /// The line of each row, if the file is a text.
    pub(crate) lines: Vec<u64>,
    /// The format, and how it was understood.
    pub(crate) format: String,
    /// Whether there is a header line, if the format has any.
    pub(crate) header: Option<bool>,
    /// What was noticed on the way.
    pub(crate) notes: Vec<String>,
}

/// A column.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// Its name, which may be empty.
    pub(crate) name: Option<String>,
    /// Its values.
    pub(crate) values: Values,
}

/// A column's values, one for each row.
#[derive(Clone, Debug)]
pub(crate) enum Values {
    /// Numbers; not-a-number is a missing value.
    Numbers(Vec<f64>),
    /// At least one is neither a number nor missing; an empty text is a missing value.
    Text(Vec<String>),
}

impl Table {
    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.columns.first().map_or(0, |column| column.values.len())
    }

    /// The location of a cell, both counted from zero.
    pub(crate) fn location(&self, row: usize, column: usize) -> Location {
        Location {
            line: self.lines.get(row).copied(),
            row: row + 1,
            column: column + 1,
            name: self.columns.get(column).and_then(|column| column.name.clone()),
        }
    }

    /// How a column is called in sentences: its name, or its number.
    pub(crate) fn called(&self, column: usize) -> String {
        match self.named(column) {
            Some(name) => format!("column {} (`{name}`)", column + 1),
            None => format!("column {}", column + 1),
        }
    }

    /// How a column is called in options: its name if no other has it, or its number.
    pub(crate) fn option(&self, column: usize) -> String {
        let is_same = |other: usize| self.named(other) == self.named(column);
        match self.named(column) {
            Some(name) if (0..self.columns.len()).filter(|other| is_same(*other)).count() == 1 => {
                name.to_owned()
            }
            _ => (column + 1).to_string(),
        }
    }

    fn named(&self, column: usize) -> Option<&str> {
        let name = self.columns.get(column)?.name.as_deref();
        name.filter(|name| !name.is_empty())
    }
}

impl Values {
    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Text(texts) => texts.len(),
        }
    }

    /// Whether this row's value is missing.
    pub(crate) fn is_missing(&self, row: usize) -> bool {
        match self {
            Self::Numbers(numbers) => numbers.get(row).is_none_or(|number| number.is_nan()),
            Self::Text(texts) => texts.get(row).is_none_or(String::is_empty),
        }
    }

    /// Number of missing values.
    pub(crate) fn missing(&self) -> usize {
        (0..self.len()).filter(|row| self.is_missing(*row)).count()
    }

    /// The whole numbers, if all present values are whole.
    pub(crate) fn whole(&self) -> Option<Vec<i64>> {
        let Self::Numbers(numbers) = self else { return None };
        let present = numbers.iter().filter(|number| !number.is_nan());
        present.map(|number| whole(*number)).collect()
    }

    /// The present values as texts.
    pub(crate) fn texts(&self) -> Vec<String> {
        match self {
            Self::Numbers(numbers) => {
                numbers.iter().filter(|number| !number.is_nan()).map(f64::to_string).collect()
            }
            Self::Text(texts) => texts.iter().filter(|text| !text.is_empty()).cloned().collect(),
        }
    }

    /// Whether all present values are truth values.
    pub(crate) fn is_boolean(&self) -> bool {
        match self {
            Self::Numbers(_) => false,
            Self::Text(texts) => {
                texts.iter().filter(|text| !text.is_empty()).all(|text| boolean(text).is_some())
            }
        }
    }
}

/// A number without decimals.
pub(crate) fn whole(number: f64) -> Option<i64> {
    // Whole numbers are exact in an f64 up to here.
    let is_whole = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and small, as just tested")]
    is_whole.then_some(number as i64)
}

/// A truth value as texts have them.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}
