//! Which of several arrays are the features, and which the labels.

use eval::Features;

use super::{Array, Elements};
use crate::{
    classes::single,
    content::{Content, require_fit},
    impute::impute,
    location::Location,
    options::Options,
    refused::ReadRefused,
    table::Values,
};

/// Usual names of labels and of features.
const LABELS: [&str; 8] =
    ["y", "label", "labels", "target", "targets", "class", "classes", "arr_1"];
const FEATURES: [&str; 7] = ["x", "data", "features", "images", "inputs", "input", "arr_0"];

/// Rows with labels, from two of these arrays.
///
/// - Errors: `Arrays` if it is not clear which; a feature is missing or infinite
pub(super) fn content(
    mut arrays: Vec<(String, Array)>,
    options: &Options,
    format: &str,
) -> Result<Content, ReadRefused> {
    let (x, y) = chosen(&arrays, options)?;
    let notes = others(&arrays, [x, y]);
    let (label_name, labels) = arrays[y].clone();
    let (name, features) = arrays.swap_remove(x);
    let (Some((rows, row)), Some(labelled)) = (features.shape.split_first(), labels.shape.first())
    else {
        let why = format!("{name:?} and {label_name:?} are not both lists of rows");
        return Err(ReadRefused::Arrays {
            why,
            advice: "save arrays whose first dimension is rows",
        });
    };
    if rows != labelled || *rows == 0 {
        let why = format!("{name:?} has {rows} rows and {label_name:?} {labelled}");
        return Err(ReadRefused::Arrays {
            why,
            advice: "save as many labels as rows, and at least one",
        });
    }
    let row = if row.is_empty() { vec![1] } else { row.to_vec() };
    require_fit(*rows, row.iter().product(), options)?;
    let mut notes = notes;
    let labels = values(labels, &label_name, &mut notes)?;
    let features = reals(features.elements, row.iter().product(), &name, options, &mut notes)?;
    Ok(Content {
        row,
        features: Features::Real(features),
        labels,
        label_name: Some(label_name),
        label_column: 0,
        lines: Vec::new(),
        format: format!("{format}, features in `{name}`"),
        header: None,
        notes,
    })
}

/// The positions of features and labels.
fn chosen(arrays: &[(String, Array)], options: &Options) -> Result<(usize, usize), ReadRefused> {
    let names: Vec<_> = arrays.iter().map(|(name, _)| name.as_str()).collect();
    let refused = |why: String| {
        let advice = "say with --label which one is the labels; the features are named alike, or x";
        ReadRefused::Arrays { why, advice }
    };
    let known = |usual: &[&str]| {
        usual
            .iter()
            .find_map(|usual| names.iter().position(|name| name.eq_ignore_ascii_case(usual)))
    };
    let y = match &options.label {
        Some(label) => names.iter().position(|name| name == label).ok_or_else(|| {
            refused(format!("no array is named {label:?}; there are {}", names.join(", ")))
        })?,
        None => {
            known(&LABELS).ok_or_else(|| refused(format!("the arrays are {}", names.join(", "))))?
        }
    };
    // Of x_train, y_train, x_test and y_test those that end alike.
    let partner = names[y].to_lowercase().replacen('y', "x", 1);
    let partner =
        names.iter().position(|name| *name != names[y] && name.eq_ignore_ascii_case(&partner));
    let rows = |at: usize| arrays[at].1.shape.first();
    let fit: Vec<_> = (0..arrays.len()).filter(|at| *at != y && rows(*at) == rows(y)).collect();
    let only = if let [one] = fit[..] { Some(one) } else { None };
    let x = partner.or_else(|| known(&FEATURES)).filter(|x| *x != y).or(only);
    let x = x.ok_or_else(|| {
        refused(format!(
            "which array has the features of {:?}? There are {}",
            names[y],
            names.join(", ")
        ))
    })?;
    Ok((x, y))
}

fn others(arrays: &[(String, Array)], chosen: [usize; 2]) -> Vec<String> {
    let rest = arrays.iter().enumerate().filter(|(at, _)| !chosen.contains(at));
    rest.map(|(_, (name, _))| format!("array `{name}` left out")).collect()
}

/// Labels, one for each row; those written as a one among zeros become the number of its column.
fn values(labels: Array, name: &str, notes: &mut Vec<String>) -> Result<Values, ReadRefused> {
    let Array { shape, elements } = labels;
    let width: usize = shape.iter().skip(1).product();
    let numbers = match elements {
        Elements::Texts(texts) if width == 1 => return Ok(Values::Text(texts)),
        Elements::Texts(_) => Vec::new(),
        Elements::Bytes(bytes) => bytes.into_iter().map(f64::from).collect(),
        Elements::Numbers(numbers) => numbers,
    };
    if width == 1 {
        return Ok(Values::Numbers(numbers));
    }
    let hot = |row: &[f64]| {
        let ones = row.iter().filter(|number| **number == 1.0).count();
        let zeros = row.iter().filter(|number| **number == 0.0).count();
        let at = row.iter().position(|number| *number == 1.0)?;
        let is_hot = ones == 1 && ones + zeros == row.len();
        is_hot.then(|| u32::try_from(at).map(f64::from).unwrap_or(f64::NAN))
    };
    let classes = numbers.chunks_exact(width.max(1)).map(hot).collect::<Option<Vec<_>>>();
    let classes = classes.filter(|classes| !classes.is_empty()).ok_or_else(|| {
        let why = format!("{name:?} has the shape {shape:?}");
        ReadRefused::Arrays { why, advice: "labels are one number or word for each row" }
    })?;
    notes.push(format!("labels `{name}` are a one among {width} columns, taken as its number"));
    Ok(Values::Numbers(classes))
}

/// Features in 32 bits.
fn reals(
    elements: Elements,
    width: usize,
    name: &str,
    options: &Options,
    notes: &mut Vec<String>,
) -> Result<Vec<f32>, ReadRefused> {
    let mut numbers = match elements {
        Elements::Bytes(bytes) => return Ok(bytes.into_iter().map(f32::from).collect()),
        Elements::Numbers(numbers) => numbers,
        Elements::Texts(_) => {
            let why = format!("{name:?} holds text");
            return Err(ReadRefused::Arrays {
                why,
                advice: "features are numbers: encode them first",
            });
        }
    };
    let location = |index: usize| Location {
        line: None,
        row: index / width.max(1) + 1,
        column: index % width.max(1) + 1,
        name: Some(name.to_owned()),
    };
    let missing = numbers.iter().filter(|number| number.is_nan()).count();
    if let Some(first) = numbers.iter().position(|number| number.is_nan()) {
        let Some(how) = options.impute else {
            return Err(ReadRefused::Missing { location: location(first), more: missing - 1 });
        };
        for at in 0..width {
            let mut column: Vec<_> = numbers.iter().skip(at).step_by(width).copied().collect();
            impute(&mut column, how);
            numbers
                .iter_mut()
                .skip(at)
                .step_by(width)
                .zip(column)
                .for_each(|(to, from)| *to = from);
        }
        notes.push(format!("{missing} missing values replaced by {how} of their columns"));
    }
    let real = |(index, number): (usize, f64)| {
        single(number).ok_or_else(|| ReadRefused::Cell {
            location: location(index),
            text: number.to_string(),
            expected: "a finite number of 32 bits",
        })
    };
    numbers.into_iter().enumerate().map(real).collect()
}
