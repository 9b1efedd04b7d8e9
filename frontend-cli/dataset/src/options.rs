//! What a person says about a file, where it does not show.

use std::{fmt, str::FromStr};

/// How a file is to be read; the default says nothing, so that everything must show in the file.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether labels are classes or numbers.
    pub kind: LabelKind,
    /// The label: a column's name or number, counted from one; or the name of an array.
    pub label: Option<String>,
    /// Columns to leave out, by name or number.
    pub drop: Vec<String>,
    /// Columns that are features although they look like identifiers, by name or number.
    pub keep: Vec<String>,
    /// Whether the first line is a header.
    pub header: Option<Header>,
    /// All classes, in the order of the model's outputs.
    pub classes: Vec<String>,
    /// What replaces missing features.
    pub impute: Option<Impute>,
    /// What is between two cells.
    pub separator: Option<char>,
    /// What is before the decimals of a number.
    pub decimal: Option<Decimal>,
    /// Bytes that the features of all rows may take, if limited: how many for each feature, and
    /// how many in all.
    pub limit: Option<(usize, usize)>,
}

/// The kind of the labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LabelKind {
    /// Classes, counted from zero once they are read.
    #[default]
    Classes,
    /// Numbers.
    Targets,
}

/// The lines above the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// There is none.
    No,
    /// So many lines, comments and blank lines aside; the names are in the line with the most
    /// different ones.
    Lines(usize),
}

impl FromStr for Header {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.parse()) {
            ("no", _) | (_, Ok(0)) => Ok(Self::No),
            ("yes", _) => Ok(Self::Lines(1)),
            (_, Ok(lines @ 1..=9)) => Ok(Self::Lines(lines)),
            _ => Err("say yes, no, or the number of header lines, at most 9".to_owned()),
        }
    }
}

/// What replaces a missing feature, from the present values of its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Impute {
    /// Their mean.
    Mean,
    /// Their median: of an even number, the mean of the two in the middle.
    Median,
    /// Zero.
    Zero,
}

impl FromStr for Impute {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "mean" => Ok(Self::Mean),
            "median" => Ok(Self::Median),
            "zero" => Ok(Self::Zero),
            _ => Err("say mean, median or zero".to_owned()),
        }
    }
}

impl fmt::Display for Impute {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Mean => "the mean",
            Self::Median => "the median",
            Self::Zero => "zero",
        })
    }
}

/// What is before the decimals of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decimal {
    /// A point.
    Point,
    /// A comma.
    Comma,
}

impl FromStr for Decimal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "point" | "." => Ok(Self::Point),
            "comma" | "," => Ok(Self::Comma),
            _ => Err("say point or comma".to_owned()),
        }
    }
}
