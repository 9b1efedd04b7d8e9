//! Which of the first lines is a header.

use csv::StringRecord;

use super::cell::{self, CellKind};
use crate::{
    options::{Decimal, Header},
    refused::ReadRefused,
};

/// The header's lines and names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// Number of lines before the first row.
    pub(super) lines: usize,
    /// The names, if there is a header.
    pub(super) names: Option<Vec<String>>,
}

/// Finds the header of records of equal length, or takes the one that was stated.
///
/// - Errors: `HeaderUnclear`, `HeaderLines`
pub(super) fn names(
    records: &[StringRecord],
    decimal: Decimal,
    stated: Option<Header>,
) -> Result<Names, ReadRefused> {
    match stated {
        Some(Header::No) => return Ok(Names::default()),
        Some(Header::Lines(lines)) => return Ok(Names::of(records, lines)),
        None => {}
    }
    let Some((first, rest)) = records.split_first() else { return Ok(Names::default()) };
    let kinds = |record: &StringRecord| -> Vec<CellKind> {
        record.iter().map(|cell| cell::kind(cell, decimal)).collect()
    };
    if let [second, below @ ..] = rest
        && has_only(&kinds(first), CellKind::Text)
        && has_only(&kinds(second), CellKind::Text)
        && !below.is_empty()
        && numeric_columns(below, decimal).contains(&true)
        && are_above_numbers(&[first, second], &numeric_columns(below, decimal), decimal)
    {
        // A title in an otherwise empty line.
        if first.iter().filter(|cell| !cell.is_empty()).count() == 1 && first.len() > 2 {
            return Ok(Names::of(records, 2));
        }
        return Err(ReadRefused::HeaderLines { first: shown(first), second: shown(second) });
    }
    match judged(first, &kinds(first), rest, decimal) {
        Some(true) => Ok(Names::of(records, 1)),
        Some(false) => Ok(Names::default()),
        None => Err(ReadRefused::HeaderUnclear { first: shown(first) }),
    }
}

impl Names {
    /// Of several lines, the names are in the one with the most different cells.
    fn of(records: &[StringRecord], lines: usize) -> Self {
        let lines = lines.min(records.len());
        let different = |record: &&StringRecord| {
            let mut cells: Vec<&str> = record.iter().filter(|cell| !cell.is_empty()).collect();
            cells.sort_unstable();
            cells.dedup();
            cells.len()
        };
        // Of equals `max_by_key` takes the last.
        let names = records[..lines].iter().rev().max_by_key(different);
        let names = names.map(|record| record.iter().map(str::to_owned).collect());
        Self { lines, names }
    }
}

/// Whether the first line is a header; `None` if both are plausible.
fn judged(
    first: &StringRecord,
    kinds: &[CellKind],
    rest: &[StringRecord],
    decimal: Decimal,
) -> Option<bool> {
    let has = |kind| kinds.contains(&kind);
    if rest.is_empty() {
        return Some(!has(CellKind::Number));
    }
    let numeric = numeric_columns(rest, decimal);
    let over_numbers = |kind: CellKind| {
        kinds.iter().zip(&numeric).filter(|(at, is_numeric)| **is_numeric && **at == kind).count()
    };
    if over_numbers(CellKind::Text) > 0 {
        // Text above numbers is a name; beside numbers above numbers, if these can be names too.
        let is_named = over_numbers(CellKind::Number) == 0 || numbers_are_names(first, decimal);
        return is_named.then_some(true);
    }
    if !has(CellKind::Text) {
        return judged_numbers(first, rest, decimal);
    }
    let recurs = (0..kinds.len())
        .filter(|column| kinds[*column] == CellKind::Text)
        .any(|column| rest.iter().any(|record| record.get(column) == first.get(column)));
    if over_numbers(CellKind::Number) > 0 {
        // Numbers above numbers and text above text: a row, unless the numbers count the columns.
        let counts = counts_columns(first, decimal);
        return if recurs { Some(false) } else { counts.then_some(true) };
    }
    match (recurs, has(CellKind::Missing)) {
        (true, _) => Some(false),
        (false, true) => None,
        (false, false) => Some(true),
    }
}

/// Whether a first line of numbers only is a header.
fn judged_numbers(first: &StringRecord, rest: &[StringRecord], decimal: Decimal) -> Option<bool> {
    if first.len() > 2 && counts_columns(first, decimal) && !counts_on(first, rest, decimal) {
        return Some(true);
    }
    if first.iter().any(cell::is_missing) || !numbers_are_names(first, decimal) {
        return Some(false);
    }
    // Different whole numbers above decimals: years, for example.
    let has_decimals = |column: usize| {
        let cells = rest.iter().filter_map(|record| record.get(column));
        cells.filter_map(|cell| cell::number(cell, decimal)).any(|number| number.fract() != 0.0)
    };
    let decimals = (0..first.len()).filter(|column| has_decimals(*column)).count();
    (decimals * 2 < first.len()).then_some(false)
}

/// Whether the numbers of a line are 0, 1, 2, … or 1, 2, 3, … by their columns.
fn counts_columns(record: &StringRecord, decimal: Decimal) -> bool {
    let numbers = numbers(record, decimal);
    let counts = |from: f64| {
        let expected = (0_u32..).map(|at| f64::from(at) + from);
        numbers.iter().zip(expected).all(|(number, expected)| *number == expected)
    };
    numbers.len() >= 3 && (counts(0.0) || counts(1.0))
}

/// Whether the first column goes on as the first line has it, as if it counted rows.
fn counts_on(first: &StringRecord, rest: &[StringRecord], decimal: Decimal) -> bool {
    let number = |record: &StringRecord| cell::number(record.get(0)?, decimal);
    let next = |record: Option<&StringRecord>| record.and_then(number);
    number(first).is_some_and(|at| {
        next(rest.first()) == Some(at + 1.0) && next(rest.get(1)) == Some(at + 2.0)
    })
}

/// Whether the numbers of a line are all different and whole, as names would be.
fn numbers_are_names(record: &StringRecord, decimal: Decimal) -> bool {
    let mut numbers = numbers(record, decimal);
    let all = numbers.len();
    let is_whole = numbers.iter().all(|number| number.fract() == 0.0 && *number >= 0.0);
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    is_whole && numbers.len() == all && all > 0
}

fn numbers(record: &StringRecord, decimal: Decimal) -> Vec<f64> {
    record.iter().filter_map(|cell| cell::number(cell, decimal)).collect()
}

/// For each column whether at least four of five cells are numbers or missing, and some numbers.
fn numeric_columns(records: &[StringRecord], decimal: Decimal) -> Vec<bool> {
    let width = records.first().map_or(0, StringRecord::len);
    let is_numeric = |column: usize| {
        let kinds = records.iter().filter_map(|record| record.get(column));
        let kinds: Vec<_> = kinds.map(|cell| cell::kind(cell, decimal)).collect();
        let texts = kinds.iter().filter(|kind| **kind == CellKind::Text).count();
        kinds.contains(&CellKind::Number) && texts * 5 <= kinds.len()
    };
    (0..width).map(is_numeric).collect()
}

fn has_only(kinds: &[CellKind], kind: CellKind) -> bool {
    kinds.contains(&kind) && kinds.iter().all(|at| [kind, CellKind::Missing].contains(at))
}

/// Whether each of these lines has text above numbers.
fn are_above_numbers(lines: &[&StringRecord], numeric: &[bool], decimal: Decimal) -> bool {
    let is_above = |line: &&StringRecord| {
        let cells = line.iter().zip(numeric);
        cells
            .filter(|(_, is_numeric)| **is_numeric)
            .any(|(cell, _)| cell::kind(cell, decimal) == CellKind::Text)
    };
    // A title stands above the first column, whatever that holds.
    lines.iter().skip(1).all(is_above)
}

/// The beginning of a line, for a sentence.
fn shown(record: &StringRecord) -> String {
    let cells: Vec<_> = record.iter().take(4).collect();
    let more = if record.len() > 4 { ", …" } else { "" };
    format!("{}{more}", cells.join(", "))
}
