//! What one cell of a text says.

use crate::{options::Decimal, table::boolean};

/// What a cell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CellKind {
    /// Nothing, or a word for nothing.
    Missing,
    /// A number or a truth value.
    Number,
    /// Anything else.
    Text,
}

/// What a cell is, with either decimal mark.
pub(super) fn kind(cell: &str, decimal: Decimal) -> CellKind {
    if is_missing(cell) {
        CellKind::Missing
    } else if number(cell, decimal).is_some() || boolean(cell).is_some() {
        CellKind::Number
    } else {
        CellKind::Text
    }
}

/// Whether a cell says that there is no value.
pub(super) fn is_missing(cell: &str) -> bool {
    const WORDS: [&str; 10] = ["", "na", "n/a", "#n/a", "nan", "-nan", "null", "none", "?", "<na>"];
    cell.len() <= 4 && WORDS.iter().any(|word| word.eq_ignore_ascii_case(cell))
}

/// The number in a cell; infinities are numbers, which no column may have.
pub(super) fn number(cell: &str, decimal: Decimal) -> Option<f64> {
    // Words of which Rust would make numbers, such as a name Inf or Nan, are none.
    let is_numeric = |byte: u8| byte.is_ascii_digit() || b"+-.,eE".contains(&byte);
    let is_infinite =
        || ["inf", "-inf", "infinity", "-infinity"].contains(&cell.to_ascii_lowercase().as_str());
    if !cell.bytes().all(is_numeric) && !is_infinite() {
        return None;
    }
    match decimal {
        Decimal::Point => cell.parse().ok(),
        Decimal::Comma if cell.contains('.') => None,
        Decimal::Comma => cell.replacen(',', ".", 1).parse().ok(),
    }
}

/// Whether a comma in a cell can only be before decimals; `None` if it may also be after thousands,
/// or if there is no number with a comma.
pub(super) fn has_decimal_comma(cell: &str) -> Option<bool> {
    let (whole, decimals) = cell.split_once(',')?;
    number(cell, Decimal::Comma)?;
    let digits = whole.trim_start_matches(['+', '-']);
    let may_be_thousands =
        decimals.len() == 3 && (1..=3).contains(&digits.len()) && !digits.starts_with('0');
    Some(!may_be_thousands)
}
