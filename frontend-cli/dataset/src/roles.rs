//! Which column of a table is the label, and which are features.

use std::collections::BTreeSet;

use crate::{
    options::{LabelKind, Options},
    refused::ReadRefused,
    table::{Table, Values},
};

/// Names that say that a column is the label, the clearest first.
const LABEL_NAMES: [&str; 9] =
    ["label", "labels", "class", "classes", "target", "targets", "y", "diagnosis", "outcome"];

/// The columns of a table by their use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Roles {
    /// The label.
    pub(crate) label: usize,
    /// The features, in their order.
    pub(crate) features: Vec<usize>,
    /// What was left out without being asked, as sentences.
    pub(crate) notes: Vec<String>,
}

/// Chooses the columns.
///
/// - Errors: an option names no column, or several; what the label is, or whether a column is an
///   identifier, is not clear
pub(crate) fn roles(table: &Table, options: &Options) -> Result<Roles, ReadRefused> {
    let mut notes = Vec::new();
    let find = |name: &String| column(table, name);
    let mut dropped = options.drop.iter().map(find).collect::<Result<BTreeSet<_>, _>>()?;
    let kept = options.keep.iter().map(find).collect::<Result<BTreeSet<_>, _>>()?;
    let stated = options.label.as_ref().map(find).transpose()?;
    for at in 0..table.columns.len() {
        let is_free = !kept.contains(&at) && stated != Some(at) && !dropped.contains(&at);
        if let Some(why) = useless(table, at).filter(|_| is_free) {
            notes.push(format!("{} left out: {why}", table.called(at)));
            dropped.insert(at);
        }
    }
    let rest: Vec<_> = (0..table.columns.len()).filter(|at| !dropped.contains(at)).collect();
    let label = match stated {
        Some(label) => label,
        None => guessed(table, &rest, options)?,
    };
    let features: Vec<_> = rest.into_iter().filter(|at| *at != label).collect();
    for at in features.iter().filter(|at| !kept.contains(at)) {
        if is_identifier(table, *at) {
            let (column, option) = (table.called(*at), table.option(*at));
            return Err(ReadRefused::Identifier { column, option });
        }
    }
    if features.is_empty() {
        return Err(ReadRefused::NoFeatures);
    }
    notes.extend(alike(table, &features));
    Ok(Roles { label, features, notes })
}

/// The column of this name, or else of this number, counted from one.
///
/// - Errors: `NoColumn`, `SeveralColumns`
pub(crate) fn column(table: &Table, name: &String) -> Result<usize, ReadRefused> {
    let is_named =
        |at: &usize| table.columns.get(*at).and_then(|column| column.name.as_ref()) == Some(name);
    let named: Vec<_> = (0..table.columns.len()).filter(is_named).collect();
    match named.as_slice() {
        [one] => Ok(*one),
        [] => {
            let number = name.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            number.filter(|at| *at < table.columns.len()).ok_or_else(|| ReadRefused::NoColumn {
                name: name.clone(),
                columns: columns(table),
            })
        }
        several => {
            let numbers: Vec<_> = several.iter().map(|at| (at + 1).to_string()).collect();
            Err(ReadRefused::SeveralColumns { name: name.clone(), numbers: numbers.join(", ") })
        }
    }
}

/// The names of the columns, or their number.
fn columns(table: &Table) -> String {
    let names: Vec<_> = table.columns.iter().filter_map(|column| column.name.as_deref()).collect();
    match names.as_slice() {
        [] => format!("1 to {}, without names", table.columns.len()),
        [many @ .., last] if names.len() > 12 => {
            format!("{}, …, {last}", many.iter().take(8).copied().collect::<Vec<_>>().join(", "))
        }
        all => all.join(", "),
    }
}

/// Why a column is surely no feature: an index that pandas or R wrote, or nothing at all.
fn useless(table: &Table, at: usize) -> Option<&'static str> {
    let column = table.columns.get(at)?;
    let name = column.name.as_deref()?;
    if name.is_empty() && column.values.missing() == column.values.len() {
        return Some("it has neither a name nor a value");
    }
    let is_unnamed = name.is_empty() && at == 0
        || name.starts_with("Unnamed: 0")
        || name.starts_with("__index_level_");
    (is_unnamed && is_different(&column.values)).then_some("it is an index without a name")
}

/// The label, where it is not stated: the one column named so, or the last.
fn guessed(table: &Table, rest: &[usize], options: &Options) -> Result<usize, ReadRefused> {
    let (Some(&first), Some(&last)) = (rest.first(), rest.last()) else {
        return Err(ReadRefused::NoFeatures);
    };
    let is_called = |at: &usize, wanted: &str| {
        let name = table.columns.get(*at).and_then(|column| column.name.as_deref());
        // A coordinate is called y too, but stands between others.
        let is_at_end = wanted != "y" || *at == first || *at == last;
        is_at_end && name.is_some_and(|name| name.trim().eq_ignore_ascii_case(wanted))
    };
    for wanted in LABEL_NAMES {
        let named: Vec<_> = rest.iter().filter(|at| is_called(at, wanted)).collect();
        match named.as_slice() {
            [] => {}
            [one] => return Ok(**one),
            _ => {
                let why = format!("several columns are named {wanted:?}");
                return Err(unclear(table, why, named.into_iter().copied()));
            }
        }
    }
    if options.kind == LabelKind::Targets {
        return Ok(last);
    }
    let listed = !options.classes.is_empty();
    let is_class = |at: usize| listed || may_be_classes(&table.columns[at].values);
    if !is_class(last) {
        let others: Vec<_> = rest.iter().copied().filter(|at| is_class(*at)).collect();
        if others.is_empty() || others.len() > 8 {
            // Nothing else is a better label: what is wrong with this one is said later.
            return Ok(last);
        }
        let why = format!("the last one, {}, is not a class", table.called(last));
        return Err(unclear(table, why, others.into_iter()));
    }
    if is_like_first(table, rest, first, last) {
        let why = "the first and the last column may both be".to_owned();
        return Err(unclear(table, why, [first, last].into_iter()));
    }
    Ok(last)
}

/// Whether the last column is like any feature and the first like classes, as in files of images
/// that begin with the label.
fn is_like_first(table: &Table, rest: &[usize], first: usize, last: usize) -> bool {
    let values = |at: usize| &table.columns[at].values;
    let all_whole = || rest.iter().all(|at| values(*at).whole().is_some());
    let stem = |at: usize| {
        let name = table.columns[at].name.as_deref().unwrap_or_default();
        name.trim_end_matches(|part: char| part.is_ascii_digit() || part == 'x')
    };
    let before = rest.iter().rev().nth(1).copied().unwrap_or(first);
    let is_plain = table.columns[last].name.is_none()
        || stem(last) == stem(before) && table.columns[last].name.as_deref() != Some(stem(last));
    rest.len() > 2 && is_plain && counts_classes(values(first)) && all_whole()
}

/// Whether values count from zero, each at least twice.
fn counts_classes(values: &Values) -> bool {
    let Some(mut numbers) = values.whole() else { return false };
    numbers.sort_unstable();
    let rows = numbers.len();
    numbers.dedup();
    let counts = (0_i64..).zip(&numbers).all(|(expected, number)| *number == expected);
    counts && numbers.len() > 1 && numbers.len() * 2 <= rows
}

/// Whether a column's values can be classes: words or whole numbers, of which there are few.
pub(crate) fn may_be_classes(values: &Values) -> bool {
    let is_whole = || values.whole().is_some_and(|all| all.iter().all(|number| *number < 1_000));
    if matches!(values, Values::Numbers(_)) && !is_whole() {
        return false;
    }
    let mut texts = values.texts();
    let rows = texts.len();
    texts.sort_unstable();
    texts.dedup();
    texts.len() <= 256 && (texts.len() <= 20 || texts.len() * 2 <= rows)
}

/// Whether a column looks like an identifier: by its name, or because it counts the rows.
pub(crate) fn is_identifier(table: &Table, at: usize) -> bool {
    let Some(column) = table.columns.get(at) else { return false };
    let whole = column.values.whole();
    let name = column.name.as_deref().unwrap_or_default().trim();
    let lower = name.to_lowercase();
    let is_named = ["id", "index", "idx", "row", "rowid", "uuid", "guid"].contains(&&*lower)
        || ["_id", " id", "-id", ".id"].iter().any(|ending| lower.ends_with(ending))
        || lower.starts_with("id_")
        || name.strip_suffix("ID").or_else(|| name.strip_suffix("Id")).is_some_and(|stem| {
            stem.ends_with(|part: char| part.is_lowercase() || part.is_ascii_digit())
        });
    if is_named {
        return whole.is_some() || matches!(column.values, Values::Text(_));
    }
    let counts = |numbers: &[i64]| {
        numbers.len() >= 5
            && numbers.array_windows().all(|[one, next]| one.checked_add(1) == Some(*next))
    };
    whole.is_some_and(|numbers| numbers.len() == column.values.len() && counts(&numbers))
}

/// Whether no two values are equal.
pub(crate) fn is_different(values: &Values) -> bool {
    let mut texts = values.texts();
    let all = texts.len();
    texts.sort_unstable();
    texts.dedup();
    texts.len() == all
}

/// Sentences about features of one name.
fn alike(table: &Table, features: &[usize]) -> Vec<String> {
    let mut names: Vec<_> = features
        .iter()
        .filter_map(|at| table.columns.get(*at)?.name.as_deref())
        .filter(|name| !name.is_empty())
        .collect();
    names.sort_unstable();
    let twice: BTreeSet<_> =
        names.array_windows().filter(|[one, next]| one == next).map(|[one, _]| *one).collect();
    twice.into_iter().map(|name| format!("several features are named `{name}`")).collect()
}

fn unclear(table: &Table, why: String, candidates: impl Iterator<Item = usize>) -> ReadRefused {
    let candidates: Vec<_> = candidates.map(|at| table.option(at)).collect();
    ReadRefused::LabelUnclear { why, candidates: candidates.join(", or --label ") }
}
