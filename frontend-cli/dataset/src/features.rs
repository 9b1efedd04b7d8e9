//! A table's columns as rows of numbers.

use eval::Features;

use crate::{
    classes::single,
    content::{Content, require_fit},
    impute::impute,
    options::Options,
    refused::ReadRefused,
    roles::{Roles, roles},
    table::{Table, Values, boolean},
};

/// The rows of a table.
///
/// - Errors: which columns are what is not clear; a feature is missing or not a number
pub(crate) fn content(mut table: Table, options: &Options) -> Result<Content, ReadRefused> {
    let Roles { label, features, notes } = roles(&table, options)?;
    require_fit(table.rows(), features.len(), options)?;
    require_numbers(&table, &features)?;
    let mut notes = [std::mem::take(&mut table.notes), notes].concat();
    let booleans = truth_as_numbers(&mut table, &features);
    if booleans > 0 {
        notes.push(format!("{booleans} features of true and false, as 1 and 0"));
    }
    let missing = fill(&mut table, &features, options)?;
    if let Some(how) = options.impute.filter(|_| missing > 0) {
        notes.push(format!("{missing} missing values replaced by {how} of their columns"));
    }
    let reals = rows_of(&table, &features)?;
    let column = table.columns.swap_remove(label);
    Ok(Content {
        row: vec![features.len()],
        features: Features::Real(reals),
        labels: column.values,
        label_name: column.name,
        label_column: label,
        lines: table.lines,
        format: table.format,
        header: table.header,
        notes,
    })
}

/// Refuses features of text, all at once; or a stray text among numbers, by its location.
fn require_numbers(table: &Table, features: &[usize]) -> Result<(), ReadRefused> {
    let texts = |at: &usize| match &table.columns[*at].values {
        Values::Text(texts) if !table.columns[*at].values.is_boolean() => Some((*at, texts)),
        _ => None,
    };
    let found: Vec<_> = features.iter().filter_map(texts).collect();
    for (at, texts) in &found {
        let is_stray = |text: &&String| !text.is_empty() && text.parse::<f64>().is_err();
        let stray = texts.iter().filter(is_stray).count();
        if stray * 2 <= texts.len()
            && let Some(row) = texts.iter().position(|text| is_stray(&text))
        {
            let location = table.location(row, *at);
            return Err(ReadRefused::Cell {
                location,
                text: texts[row].clone(),
                expected: "a number",
            });
        }
    }
    let Some((_, texts)) = found.first() else { return Ok(()) };
    let join = |name: &dyn Fn(usize) -> String, between: &str| {
        found.iter().map(|(at, _)| name(*at)).collect::<Vec<_>>().join(between)
    };
    Err(ReadRefused::Text {
        columns: join(&|at| table.called(at), " and "),
        example: texts.iter().find(|text| !text.is_empty()).cloned().unwrap_or_default(),
        options: join(&|at| table.option(at), ","),
    })
}

/// Turns features of true and false into 1 and 0; returns how many there are.
fn truth_as_numbers(table: &mut Table, features: &[usize]) -> usize {
    let mut turned = 0;
    for at in features {
        let values = &mut table.columns[*at].values;
        if let Values::Text(texts) = values {
            let number =
                |text: &String| boolean(text).map_or(f64::NAN, |is| f64::from(u8::from(is)));
            *values = Values::Numbers(texts.iter().map(number).collect());
            turned += 1;
        }
    }
    turned
}

/// Fills missing features as the options say; returns how many there were.
///
/// - Errors: `Missing`, naming the first by rows
fn fill(table: &mut Table, features: &[usize], options: &Options) -> Result<usize, ReadRefused> {
    let missing: usize = features.iter().map(|at| table.columns[*at].values.missing()).sum();
    if missing == 0 {
        return Ok(0);
    }
    let Some(how) = options.impute else {
        let is_missing = |row: usize, at: usize| table.columns[at].values.is_missing(row);
        let cells = (0..table.rows()).flat_map(|row| features.iter().map(move |at| (row, *at)));
        let first = cells.into_iter().find(|(row, at)| is_missing(*row, *at));
        let (row, at) = first.unwrap_or_default();
        return Err(ReadRefused::Missing { location: table.location(row, at), more: missing - 1 });
    };
    for at in features {
        if let Values::Numbers(numbers) = &mut table.columns[*at].values {
            impute(numbers, how);
        }
    }
    Ok(missing)
}

/// The features row by row, rounded to 32 bits.
///
/// - Errors: `Cell` if one is infinite, or beyond 32 bits
fn rows_of(table: &Table, features: &[usize]) -> Result<Vec<f32>, ReadRefused> {
    let columns = features.iter().filter_map(|at| match &table.columns[*at].values {
        Values::Numbers(numbers) => Some((*at, numbers.as_slice())),
        Values::Text(_) => None,
    });
    let columns: Vec<_> = columns.collect();
    let mut reals = Vec::with_capacity(table.rows() * columns.len());
    for row in 0..table.rows() {
        for (at, numbers) in &columns {
            reals.push(single(numbers[row]).ok_or_else(|| ReadRefused::Cell {
                location: table.location(row, *at),
                text: numbers[row].to_string(),
                expected: "a finite number of 32 bits",
            })?);
        }
    }
    Ok(reals)
}
