//! Which character is between cells, and which before decimals.

use csv::StringRecord;

use super::cell::{self, CellKind};
use crate::options::Decimal;

/// Lines that are looked at.
const SAMPLE: usize = 200;

/// Separators to try; of those that fit equally well the first is taken.
const CANDIDATES: [char; 5] = ['\t', ';', '|', ',', ' '];

/// How to take a line apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Separator {
    /// The character; a space stands for any number of spaces and tabs.
    pub(super) character: char,
    /// The number of cells of most lines.
    pub(super) cells: usize,
}

/// The separator under which the most lines have as many cells and the most cells are numbers;
/// `None` if every line is a single cell.
pub(super) fn found(text: &str, stated: Option<char>) -> Option<Separator> {
    let sample: String = text.split_inclusive('\n').take(SAMPLE).collect();
    let candidates = match &stated {
        Some(one) => std::slice::from_ref(one),
        None => &CANDIDATES[..],
    };
    let rated = candidates.iter().filter_map(|character| {
        let records = records(&sample, *character);
        let cells = usual_length(&records);
        let alike: Vec<_> = records.iter().filter(|record| record.len() == cells).collect();
        let share = percent(alike.len(), records.len());
        let fits = cells > 1
            && (stated.is_some() || share >= 80 || alike.len() + 10 > records.len() && share >= 50);
        let numbers = alike.iter().skip(1).flat_map(|record| record.iter());
        let is_number = |cell: &&str| {
            let is = |decimal| cell::kind(cell, decimal) != CellKind::Text;
            is(Decimal::Point) || is(Decimal::Comma)
        };
        let numeric = percent(numbers.clone().filter(is_number).count(), numbers.count());
        fits.then_some((share + numeric, Separator { character: *character, cells }))
    });
    // Of equals `max_by_key` takes the last.
    let rated: Vec<_> = rated.collect();
    rated.into_iter().rev().max_by_key(|(rating, _)| *rating).map(|(_, separator)| separator)
}

/// The records of a text, of any length each.
pub(super) fn records(text: &str, separator: char) -> Vec<StringRecord> {
    let text = prepared(text, separator);
    reader(&text, separator).records().filter_map(Result::ok).collect()
}

/// A reader of cells, without the spaces around them.
pub(super) fn reader(text: &str, separator: char) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .delimiter(u8::try_from(separator).unwrap_or(b','))
        .from_reader(text.as_bytes())
}

/// The text to read: with one space for many, if cells are between spaces.
pub(super) fn prepared(text: &str, separator: char) -> std::borrow::Cow<'_, str> {
    if separator != ' ' {
        return text.into();
    }
    let lines =
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n");
    lines.collect::<String>().into()
}

/// The number of cells that most records have; of equals the larger.
fn usual_length(records: &[StringRecord]) -> usize {
    let lengths = records.iter().map(StringRecord::len);
    let count = |length: usize| records.iter().filter(|record| record.len() == length).count();
    lengths.max_by_key(|length| (count(*length), *length)).unwrap_or(0)
}

fn percent(part: usize, all: usize) -> usize {
    (part * 100).checked_div(all).unwrap_or(0)
}
