//! Tables of text, as CSV: any separator, encoding and decimal mark, with or without a header.

mod cell;
mod encoding;
mod header;
mod lines;
mod separator;

use csv::StringRecord;

use self::{
    cell::CellKind,
    header::Names,
    lines::Lines,
    separator::{Separator, prepared, reader},
};
use crate::{
    location::Location,
    options::{Decimal, Header, Options},
    refused::ReadRefused,
    table::{Column, Table, Values},
};

/// Records by which the header is found.
const SAMPLE: usize = 500;

/// Lines above the header that may have other numbers of cells.
const TITLES: usize = 10;

/// Reads a table.
///
/// - Errors: the reason, with line and column
pub(crate) fn read(bytes: &[u8], options: &Options) -> Result<Table, ReadRefused> {
    let (text, encoding) = encoding::decoded(bytes);
    if text.contains('\0') {
        let advice = "export the rows as CSV, Parquet, .npy, .npz or safetensors";
        return Err(ReadRefused::Format { found: "not text", advice });
    }
    let lines = lines::lines(&text);
    drop(text);
    if lines.numbers.is_empty() {
        return Err(ReadRefused::Empty { has_header: false });
    }
    let stated = options.separator.or(lines.separator);
    let separator = separator::found(&lines.text, stated).ok_or(ReadRefused::OneColumn)?;
    let prepared = prepared(&lines.text, separator.character);
    let sheet = Sheet { text: &prepared, lines: &lines, separator };
    let mut table = sheet.table(options)?;
    if encoding != "UTF-8" {
        table.format.push_str(&format!(", {encoding}"));
    }
    Ok(table)
}

/// A text that is taken apart.
struct Sheet<'a> {
    text: &'a str,
    lines: &'a Lines,
    separator: Separator,
}

impl Sheet<'_> {
    fn table(&self, options: &Options) -> Result<Table, ReadRefused> {
        let (titles, mut notes) = self.titles();
        let sample: Vec<_> = self.rows(titles).take(SAMPLE).filter_map(Result::ok).collect();
        let decimal = match options.decimal {
            Some(decimal) => decimal,
            None => self.decimal(titles)?,
        };
        let head = match self.heading(&sample, titles) {
            Some(names) if options.header.is_none() => {
                notes.push(
                    "the comment or shorter line above the rows names the columns".to_owned(),
                );
                Names { lines: 0, names: Some(names) }
            }
            _ => header::names(&sample, decimal, below(options.header, titles))?,
        };
        if head.lines == 2 && options.header.is_none() {
            notes.push(format!("line {} is a title, left out", self.line(sample.first())));
        }
        if self.lines.comments > 0 {
            notes.push(format!("{} comments left out", self.lines.comments));
        }
        let columns = self.columns(titles + head.lines, decimal)?;
        let (values, lines) = columns;
        if lines.is_empty() {
            return Err(ReadRefused::Empty { has_header: head.names.is_some() });
        }
        let name = |column: usize| head.names.as_ref()?.get(column).cloned();
        let columns = values.into_iter().enumerate();
        let columns = columns.map(|(at, values)| Column { name: name(at), values }).collect();
        let header = Some(head.names.is_some());
        Ok(Table { columns, lines, format: self.format(decimal), header, notes })
    }

    /// How many of the first lines have other numbers of cells than the rows, and what they say.
    fn titles(&self) -> (usize, Vec<String>) {
        let first = self.all().take(TITLES + 1).filter_map(Result::ok);
        let titles: Vec<_> =
            first.take_while(|record| record.len() != self.separator.cells).collect();
        if titles.len() > TITLES || titles.iter().any(|record| record.len() > self.separator.cells)
        {
            return (0, Vec::new());
        }
        let say = |record: &StringRecord| {
            let words: Vec<_> = record.iter().collect();
            let text: String = words.join(" ").chars().take(60).collect();
            format!("line {} left out: {text}", self.line(Some(record)))
        };
        let count = titles.len();
        (count, titles.iter().filter(|title| !self.is_short_header(title)).map(say).collect())
    }

    /// Names in a comment above the first row, or in a line that has none for the rows' names.
    fn heading(&self, sample: &[StringRecord], titles: usize) -> Option<Vec<String>> {
        // A line of names among the rows comes first.
        if sample.first().is_none_or(|first| texts(first) * 2 > first.len()) {
            return None;
        }
        let owned = |record: &StringRecord| record.iter().map(str::to_owned).collect::<Vec<_>>();
        if let Some(last) = titles.checked_sub(1) {
            let record = self.all().nth(last)?.ok()?;
            let is_short = self.is_short_header(&record);
            return is_short.then(|| [vec![String::new()], owned(&record)].concat());
        }
        let heading = self.lines.heading.as_ref()?;
        let record = separator::records(heading, self.separator.character).into_iter().next()?;
        let is_names = record.len() == self.separator.cells && texts(&record) * 2 > record.len();
        is_names.then(|| owned(&record))
    }

    /// Whether a line is R's header, which has no name for the names of rows.
    fn is_short_header(&self, record: &StringRecord) -> bool {
        record.len() > 1
            && record.len() + 1 == self.separator.cells
            && texts(record) == record.len()
    }

    /// The decimal mark: a comma if a number with one has no other reading.
    fn decimal(&self, titles: usize) -> Result<Decimal, ReadRefused> {
        let mut unclear = None;
        for record in self.rows(titles) {
            let Ok(record) = record else { break };
            for (column, cell) in record.iter().enumerate() {
                match cell::has_decimal_comma(cell) {
                    Some(true) => return Ok(Decimal::Comma),
                    Some(false) if unclear.is_none() => {
                        let location = Location {
                            line: Some(self.line(Some(&record))),
                            row: 0,
                            column: column + 1,
                            name: None,
                        };
                        unclear =
                            Some(ReadRefused::DecimalUnclear { location, text: cell.to_owned() });
                    }
                    _ => {}
                }
            }
        }
        unclear.map_or(Ok(Decimal::Point), Err)
    }

    /// The columns of the rows from this record on, and the line of each row.
    fn columns(
        &self,
        from: usize,
        decimal: Decimal,
    ) -> Result<(Vec<Values>, Vec<u64>), ReadRefused> {
        let is_text = self.text_columns(from, decimal)?;
        let new = |is_text: &bool| match is_text {
            true => Values::Text(Vec::new()),
            false => Values::Numbers(Vec::new()),
        };
        let mut columns: Vec<_> = is_text.iter().map(new).collect();
        let mut lines = Vec::new();
        for record in self.rows(from) {
            let record = record.map_err(malformed)?;
            lines.push(self.line(Some(&record)));
            for (values, cell) in columns.iter_mut().zip(&record) {
                let is_missing = cell::is_missing(cell);
                match values {
                    Values::Numbers(numbers) if is_missing => numbers.push(f64::NAN),
                    Values::Numbers(numbers) => {
                        numbers.push(cell::number(cell, decimal).unwrap_or(f64::NAN));
                    }
                    Values::Text(texts) if is_missing => texts.push(String::new()),
                    Values::Text(texts) => texts.push(cell.to_owned()),
                }
            }
        }
        Ok((columns, lines))
    }

    /// For each column whether a cell is neither a number nor missing.
    ///
    /// - Errors: `Ragged`
    fn text_columns(&self, from: usize, decimal: Decimal) -> Result<Vec<bool>, ReadRefused> {
        let expected = self.separator.cells;
        let mut is_text = vec![false; expected];
        for record in self.rows(from) {
            let record = record.map_err(malformed)?;
            if record.len() != expected {
                let line = self.line(Some(&record));
                return Err(ReadRefused::Ragged { line, cells: record.len(), expected });
            }
            for (is_text, cell) in is_text.iter_mut().zip(&record) {
                *is_text |= !cell::is_missing(cell) && cell::number(cell, decimal).is_none();
            }
        }
        Ok(is_text)
    }

    fn all(&self) -> impl Iterator<Item = csv::Result<StringRecord>> {
        reader(self.text, self.separator.character).into_records()
    }

    fn rows(&self, from: usize) -> impl Iterator<Item = csv::Result<StringRecord>> {
        self.all().skip(from)
    }

    /// The line of a record in the file.
    fn line(&self, record: Option<&StringRecord>) -> u64 {
        let line = record.and_then(StringRecord::position).map_or(1, csv::Position::line);
        let index = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
        self.lines.numbers.get(index).copied().unwrap_or(line)
    }

    fn format(&self, decimal: Decimal) -> String {
        let separator = match self.separator.character {
            ',' => "commas".to_owned(),
            ';' => "semicolons".to_owned(),
            '\t' => "tabs".to_owned(),
            ' ' => "spaces".to_owned(),
            other => format!("{other:?}"),
        };
        let decimal = if decimal == Decimal::Comma { ", decimal comma" } else { "" };
        format!("text with {separator}{decimal}")
    }
}

/// The header's lines below titles, which were stated with them.
fn below(stated: Option<Header>, titles: usize) -> Option<Header> {
    stated.map(|header| match header {
        Header::Lines(lines) => Header::Lines(lines.saturating_sub(titles).max(1)),
        Header::No => Header::No,
    })
}

/// How many cells of a record are text.
fn texts(record: &StringRecord) -> usize {
    record.iter().filter(|cell| cell::kind(cell, Decimal::Point) == CellKind::Text).count()
}

fn malformed(why: csv::Error) -> ReadRefused {
    ReadRefused::Malformed { format: "CSV", why: why.to_string() }
}
