//! What is in a file, before it is packed and published.

mod personal;

use std::{collections::BTreeSet, fmt};

use eval::{Dataset, Labels};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::{
    content::Loaded,
    description::{Description, Understood},
    features,
    options::Options,
    read::{load, read, understood},
    refused::ReadRefused,
    roles,
    source::Source,
    table::{Table, Values},
};

/// Columns that are shown; all are in JSON.
const SHOWN: usize = 40;

/// What is in a file.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What it is taken for; none if a choice is needed first.
    pub understood: Option<Description>,
    /// The choice that is needed, or what is wrong.
    pub refused: Option<String>,
    /// The columns of a table.
    pub columns: Vec<ColumnCheck>,
    /// Rows that equal an earlier one, identifiers aside.
    pub repeated_rows: usize,
    /// What to look at before others see the file.
    pub warnings: Vec<String>,
}

/// What is in a column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnCheck {
    /// Number, counted from one.
    pub number: usize,
    /// Name.
    pub name: Option<String>,
    /// `numbers`, `whole numbers`, `true or false` or `text`.
    pub kind: &'static str,
    /// Number of missing values.
    pub missing: usize,
    /// Number of different values.
    pub different: usize,
    /// The least and the greatest number.
    pub range: Option<(f64, f64)>,
}

/// Looks through a file.
///
/// - Errors: it cannot be read at all
pub fn check(source: &Source, options: &Options) -> Result<Check, ReadRefused> {
    let (columns, mut warnings, repeated, understood) = match load(source, options)? {
        Loaded::Table(table) => {
            let columns = (0..table.columns.len()).map(|at| column(&table, at)).collect();
            let (warnings, repeated) = (personal::warnings(&table), repeated(&table));
            let content = features::content(table, options);
            (columns, warnings, repeated, content.and_then(|content| understood(content, options)))
        }
        Loaded::Content(content) => (vec![], vec![], 0, understood(content, options)),
        Loaded::Packed(_) => (vec![], vec![], 0, read(source, options)),
    };
    let mut check = Check {
        understood: None,
        refused: None,
        columns,
        repeated_rows: repeated,
        warnings: vec![],
    };
    match understood {
        Ok(Understood { dataset, description, .. }) => {
            if check.columns.is_empty() {
                check.repeated_rows = repeated_in(&dataset);
            }
            warnings.extend(imbalance(&description));
            check.understood = Some(description);
        }
        Err(why) => check.refused = Some(why.to_string()),
    }
    if check.repeated_rows > 0 {
        let rows = check.repeated_rows;
        warnings.push(format!(
            "{rows} rows equal an earlier one: in a hold-out they count twice, and in training and \
             hold-out they are known before"
        ));
    }
    let constant = check.columns.iter().filter(|column| column.different < 2);
    warnings.extend(constant.map(|column| format!("{} is the same in all rows", column.called())));
    check.warnings = warnings;
    Ok(check)
}

fn column(table: &Table, at: usize) -> ColumnCheck {
    let (name, values) = (table.columns[at].name.clone(), &table.columns[at].values);
    let mut texts = values.texts();
    texts.sort_unstable();
    texts.dedup();
    let range = match values {
        Values::Numbers(numbers) => {
            let present = || numbers.iter().copied().filter(|number| !number.is_nan());
            let least = present().fold(f64::INFINITY, f64::min);
            (least.is_finite()).then(|| (least, present().fold(f64::NEG_INFINITY, f64::max)))
        }
        Values::Text(_) => None,
    };
    let kind = match values {
        Values::Numbers(_) if values.whole().is_some() => "whole numbers",
        Values::Numbers(_) => "numbers",
        Values::Text(_) if values.is_boolean() => "true or false",
        Values::Text(_) => "text",
    };
    let (missing, different) = (values.missing(), texts.len());
    ColumnCheck { number: at + 1, name, kind, missing, different, range }
}

/// How many rows of a table equal an earlier one, without what identifies rows.
fn repeated(table: &Table) -> usize {
    let columns: Vec<_> =
        (0..table.columns.len()).filter(|at| !roles::is_identifier(table, *at)).collect();
    let row = |row: usize| {
        let mut hash = Sha256::new();
        for at in &columns {
            match &table.columns[*at].values {
                Values::Numbers(numbers) => hash.update(numbers[row].to_bits().to_le_bytes()),
                Values::Text(texts) => {
                    hash.update(texts[row].as_bytes());
                    hash.update([0xff]);
                }
            }
        }
        hash.finalize().into()
    };
    without_new((0..table.rows()).map(row))
}

/// How many rows of a dataset equal an earlier one.
fn repeated_in(dataset: &Dataset) -> usize {
    let row = |row: usize| {
        let mut hash = Sha256::new();
        for feature in dataset.features(row..row + 1) {
            hash.update(feature.to_bits().to_le_bytes());
        }
        match dataset.labels() {
            Labels::Classes(classes) => hash.update([classes[row]]),
            Labels::Targets(targets) => hash.update(targets[row].to_bits().to_le_bytes()),
        }
        hash.finalize().into()
    };
    without_new((0..dataset.rows()).map(row))
}

/// How many digests have been there before.
fn without_new(rows: impl Iterator<Item = [u8; 32]>) -> usize {
    let mut seen = BTreeSet::new();
    rows.filter(|row| !seen.insert(*row)).count()
}

/// A sentence if classes are of very different sizes, or very small.
fn imbalance(description: &Description) -> Vec<String> {
    let mut found = Vec::new();
    let most = description.classes.iter().max_by_key(|class| class.rows);
    let least = description.classes.iter().min_by_key(|class| class.rows);
    let Some((most, least)) = most.zip(least) else { return found };
    if most.rows > least.rows.saturating_mul(4) {
        let percent = most.rows * 100 / description.rows.max(1);
        found.push(format!(
            "the classes are of different sizes: {} rows of {} and {} of {}; to answer always {} \
             is right in {percent} % of all rows, so choose a metric such as macro-f1",
            most.rows, most.name, least.rows, least.name, most.name
        ));
    }
    found
}

impl ColumnCheck {
    fn called(&self) -> String {
        match self.name.as_deref() {
            Some(name) if !name.is_empty() => format!("column {} (`{name}`)", self.number),
            _ => format!("column {}", self.number),
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.understood, &self.refused) {
            (Some(understood), _) => {
                write!(out, "{understood}")?;
                for class in &understood.classes {
                    write!(out, "\n  class {}: {} rows", class.name, class.rows)?;
                }
            }
            (None, refused) => {
                write!(out, "not yet rows: {}", refused.as_deref().unwrap_or_default())?;
            }
        }
        for column in self.columns.iter().take(SHOWN) {
            write!(out, "\n  {}: {}", column.called(), column.kind)?;
            if let Some((least, greatest)) = column.range {
                write!(out, " from {least} to {greatest}")?;
            }
            write!(out, ", {} different", column.different)?;
            if column.missing > 0 {
                write!(out, ", {} missing", column.missing)?;
            }
        }
        if let Some(more) = self.columns.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            write!(out, "\n  and {more} more columns")?;
        }
        self.warnings.iter().try_for_each(|warning| write!(out, "\nwarning: {warning}"))
    }
}
