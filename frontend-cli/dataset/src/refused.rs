//! Reasons why rows cannot be read, each with what to do about it.

use std::path::PathBuf;

use eval::DatasetRefused;
use thiserror::Error;

use crate::location::Location;

/// Reason why a file is not read. Lines, rows and columns are counted from one.
#[derive(Debug, Error)]
pub enum ReadRefused {
    /// The file system said no.
    #[error("cannot read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The file, or what it inflates to, is too large.
    #[error("it has more than {limit} bytes: read a part of it, or sample rows first")]
    TooLarge {
        /// The most bytes that are read.
        limit: usize,
    },
    /// A format that is not read.
    #[error("this is {found}, which is not read: {advice}")]
    Format {
        /// What it looks like.
        found: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// A file of a known format that cannot be read.
    #[error("cannot be read as {format}: {why}")]
    Malformed {
        /// The format.
        format: &'static str,
        /// Why.
        why: String,
    },
    /// There are no rows.
    #[error("there are no rows{}: export the rows too", if *.has_header { " below the header" } else { "" })]
    Empty {
        /// Whether there is a header.
        has_header: bool,
    },
    /// There is nothing between cells.
    #[error(
        "every line is a single cell, but rows need a feature and a label: say with --separator what is between cells"
    )]
    OneColumn,
    /// Lines of different length.
    #[error("line {line} has {cells} cells where others have {expected}: mend or delete that line")]
    Ragged {
        /// The line.
        line: u64,
        /// How many cells it has.
        cells: usize,
        /// How many others have.
        expected: usize,
    },
    /// The first line is a header or a row.
    #[error(
        "the first line ({first}) may be a header or a row: say --header yes if it names the columns, --header no if it is a row"
    )]
    HeaderUnclear {
        /// Its beginning.
        first: String,
    },
    /// The first two lines may be a header.
    #[error(
        "the first two lines ({first} and {second}) both look like headers: say --header 2 if both are, or delete one of them"
    )]
    HeaderLines {
        /// The first line's beginning.
        first: String,
        /// The second line's beginning.
        second: String,
    },
    /// A comma before three digits: decimals or thousands.
    #[error(
        "{location}: in {text:?} the comma may be before decimals or after thousands: say --decimal comma if decimals, or remove the thousands separators"
    )]
    DecimalUnclear {
        /// The cell.
        location: Location,
        /// Its text.
        text: String,
    },
    /// No column has this name or number.
    #[error("no column is named {name:?}: the columns are {columns}")]
    NoColumn {
        /// The name.
        name: String,
        /// The names there are.
        columns: String,
    },
    /// Several columns have this name.
    #[error("columns {numbers} are all named {name:?}: say the number of the one you mean")]
    SeveralColumns {
        /// The name.
        name: String,
        /// Their numbers.
        numbers: String,
    },
    /// Several columns may be the label.
    #[error("which column is the label? {why}: say --label {candidates}")]
    LabelUnclear {
        /// What is plausible, or what is not.
        why: String,
        /// The columns to choose from.
        candidates: String,
    },
    /// A column may be an identifier.
    #[error(
        "{column} looks like an index or identifier, which says nothing about new rows: say --drop {option} to leave it out, or --keep {option} if it is a feature"
    )]
    Identifier {
        /// The column.
        column: String,
        /// How options name it.
        option: String,
    },
    /// Columns of text.
    #[error(
        "{columns}: text is not a feature ({example:?}); say --drop {options} to leave it out, or turn it into numbers first"
    )]
    Text {
        /// The columns.
        columns: String,
        /// A value of the first of them.
        example: String,
        /// How options name them.
        options: String,
    },
    /// Nothing is left to learn from.
    #[error("no column is left as a feature: rows need at least one feature besides the label")]
    NoFeatures,
    /// A cell is not what it should be.
    #[error("{location}: {text:?} is not {expected}")]
    Cell {
        /// The cell.
        location: Location,
        /// Its text.
        text: String,
        /// The kind of value expected.
        expected: &'static str,
    },
    /// A feature is missing.
    #[error(
        "{location}: the value is missing{}: fill it, leave the column out with --drop, or say --impute mean, median or zero",
        others(*.more)
    )]
    Missing {
        /// The first missing value.
        location: Location,
        /// How many more are missing.
        more: usize,
    },
    /// A label is missing.
    #[error("{location}: the label is missing: fill it, or delete the row")]
    MissingLabel {
        /// The cell.
        location: Location,
    },
    /// Labels are not classes.
    #[error(
        "{column} has {text:?}, which is not a class: for numbers to predict say --regression, or a metric of regression; for classes, list them with --classes"
    )]
    NotClasses {
        /// The label column.
        column: String,
        /// One of its values.
        text: String,
    },
    /// Too many different labels.
    #[error(
        "{column} has {found} different values; at most {limit} classes are allowed: choose another --label, or for numbers to predict say --regression, or a metric of regression"
    )]
    TooManyClasses {
        /// The label column.
        column: String,
        /// Number of different values.
        found: usize,
        /// The most classes.
        limit: usize,
    },
    /// Numbers of classes that may start elsewhere or leave some out.
    #[error(
        "{column} has the classes {found}, which do not count from 0: say --classes {found} if these are all there are, or list all of them"
    )]
    ClassesUnclear {
        /// The label column.
        column: String,
        /// The values found.
        found: String,
    },
    /// Two classes differ only in the case of letters.
    #[error(
        "{column} has the classes {one:?} and {other:?}: write them alike, or list all classes with --classes"
    )]
    ClassesAlike {
        /// The label column.
        column: String,
        /// A class.
        one: String,
        /// Another.
        other: String,
    },
    /// A label is not one of the listed classes.
    #[error("{location}: {text:?} is none of the classes {known}: add it to --classes")]
    UnknownClass {
        /// The cell.
        location: Location,
        /// Its text.
        text: String,
        /// The listed classes.
        known: String,
    },
    /// A class is listed twice, or there are too many.
    #[error("--classes needs 2 to 256 different names")]
    ClassList,
    /// The names of the classes do not fit into the file.
    #[error(
        "the names of the classes take {bytes} bytes of a file's header, which has room for {limit}: shorten them"
    )]
    ClassNames {
        /// Their size.
        bytes: usize,
        /// The room there is.
        limit: usize,
    },
    /// Arrays do not make rows with labels.
    #[error("{why}: {advice}")]
    Arrays {
        /// What there is.
        why: String,
        /// What to do.
        advice: &'static str,
    },
    /// An image is unlike the others.
    #[error("{path}: {why}")]
    Image {
        /// The image.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: String,
    },
    /// The dataset would be too large for a job.
    #[error(
        "{rows} rows of {features} features take {bytes} bytes; a dataset may have {limit}: take fewer rows, for example by `deml data split`{}",
        if *.reals { ", or pack features that are bytes with --u8" } else { "" }
    )]
    OverLimit {
        /// Rows.
        rows: usize,
        /// Features per row.
        features: usize,
        /// Bytes that they take.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
        /// Whether each feature takes four bytes.
        reals: bool,
    },
    /// The numbers do not make a dataset.
    #[error(transparent)]
    Dataset(#[from] DatasetRefused),
}

fn others(more: usize) -> String {
    if more == 0 { String::new() } else { format!(", and {more} more") }
}
