//! `ai.onnx.ml`: linear models, scalers and other parts of classical pipelines, on numbers.

use kernels::math::double as math;

use super::{Facts, Prepared, Settings, bad_sizes, operand, reduce::softmax_of, unary::sigmoid_of};
use crate::{
    element::Element,
    op::attributes::bad_value,
    refusal::NodeRefused,
    tensor::{Data, Tensor},
};

/// What is done with the scores of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    None,
    Softmax,
    Logistic,
    SoftmaxZero,
    Probit,
}

impl Finish {
    pub(super) fn parse(settings: &Settings) -> Result<Self, NodeRefused> {
        let all = [Self::None, Self::Softmax, Self::Logistic, Self::SoftmaxZero, Self::Probit];
        let names = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"];
        let found = all[settings.choice("post_transform", &names)?];
        if found == Self::Probit { Err(bad_value("post_transform")) } else { Ok(found) }
    }

    /// As [`parse`](Self::parse), where it may also be a number.
    pub(super) fn parse_number_or_name(settings: &Settings) -> Result<Self, NodeRefused> {
        match settings.integer("post_transform") {
            Ok(Some(0) | None) => Ok(Self::None),
            Ok(Some(1)) => Ok(Self::Softmax),
            Ok(Some(2)) => Ok(Self::Logistic),
            Ok(Some(3)) => Ok(Self::SoftmaxZero),
            Ok(Some(_)) => Err(bad_value("post_transform")),
            Err(_) => Self::parse(settings),
        }
    }

    pub(super) fn apply(self, scores: Vec<f64>) -> Vec<f64> {
        match self {
            Self::None | Self::Probit => scores,
            Self::Softmax => softmax_of(&scores),
            Self::Logistic => scores.into_iter().map(sigmoid_of).collect(),
            Self::SoftmaxZero => {
                let greatest = super::reduce::greatest(&scores);
                let power = |x: &f64| if *x == 0.0 { 0.0 } else { math::exp(x - greatest) };
                let powers = scores.iter().map(power).collect::<Vec<_>>();
                let sum = super::reduce::sum_of(&powers);
                powers.into_iter().map(|x| if sum == 0.0 { x } else { x / sum }).collect()
            }
        }
    }
}

/// Rows and columns of a table of numbers; a list is one row.
pub(super) fn table(given: &Facts<'_>) -> Result<[usize; 2], NodeRefused> {
    given.at_least(1)?;
    match *given.sizes(0)? {
        [columns] if columns > 0 => Ok([1, columns]),
        [rows, columns] if rows > 0 && columns > 0 => Ok([rows, columns]),
        _ => Err(bad_sizes(given.sizes(0)?)),
    }
}

/// Labels of classes: whole numbers as given, and places for those that are strings.
pub(super) fn labels(
    settings: &Settings,
    whole: &str,
    count: usize,
) -> Result<Vec<i64>, NodeRefused> {
    match settings.integers(whole)? {
        Some(list) if list.len() == count => Ok(list.to_vec()),
        Some(list) if !list.is_empty() => Err(bad_value(whole)),
        _ => Ok((0..count).map(|place| i64::try_from(place).unwrap_or(0)).collect()),
    }
}

/// Refuses labels that are strings, if they are what is asked for.
pub(super) fn check_labels(settings: &Settings, names: &[&str]) -> Result<(), NodeRefused> {
    match names.iter().find(|name| settings.output == 0 && settings.has(name)) {
        Some(name) => Err(bad_value(name)),
        None => Ok(()),
    }
}

/// A linear function of each row.
struct Linear {
    weights: Vec<f64>,
    shifts: Vec<f64>,
    outputs: usize,
}

impl Linear {
    fn new(settings: &Settings, columns: usize, outputs: usize) -> Result<Self, NodeRefused> {
        let weights = settings.floats("coefficients")?.unwrap_or_default();
        let shifts = settings.floats("intercepts")?.unwrap_or_default();
        let fits = outputs > 0
            && weights.len() == outputs.saturating_mul(columns)
            && (shifts.is_empty() || shifts.len() == outputs);
        if !fits {
            return Err(bad_value("coefficients"));
        }
        Ok(Self { weights, shifts, outputs })
    }

    fn scores(&self, row: &[f64]) -> Vec<f64> {
        let score = |output: usize| {
            let weights = &self.weights[output * row.len()..(output + 1) * row.len()];
            let products = weights.iter().zip(row);
            let sum = products.fold(0.0, |sum, (weight, x)| sum + weight * x);
            sum + self.shifts.get(output).copied().unwrap_or(0.0)
        };
        (0..self.outputs).map(score).collect()
    }
}

pub(super) fn linear_regressor(
    settings: &Settings,
    given: &Facts<'_>,
) -> Result<Prepared, NodeRefused> {
    let [rows, columns] = table(given)?;
    let outputs = super::unsigned(settings.integer_or("targets", 1)?)?;
    let (linear, finish) = (Linear::new(settings, columns, outputs)?, Finish::parse(settings)?);
    let steps = linear.weights.len().saturating_mul(rows).saturating_mul(2);
    Prepared::new(Element::F32, vec![rows, outputs], steps, move |operands| {
        let numbers = operand(operands, 0).reals();
        let rows = numbers.chunks_exact(columns.max(1));
        Data::Real(rows.flat_map(|row| finish.apply(linear.scores(row))).collect())
    })
}

pub(super) fn linear_classifier(
    settings: &Settings,
    given: &Facts<'_>,
) -> Result<Prepared, NodeRefused> {
    let [rows, columns] = table(given)?;
    check_labels(settings, &["classlabels_strings"])?;
    let weights = settings.floats("coefficients")?.unwrap_or_default().len();
    let outputs = weights.checked_div(columns).filter(|count| *count > 0);
    let linear = Linear::new(settings, columns, outputs.ok_or(bad_value("coefficients"))?)?;
    let finish = Finish::parse(settings)?;
    // One linear function for two classes: the score of the second, the other's is its opposite.
    let stated = settings.integers("classlabels_ints")?.map_or(linear.outputs, <[i64]>::len);
    let classes = stated.max(linear.outputs);
    let labels = labels(settings, "classlabels_ints", classes)?;
    // Engines differ in what the other score of one function is.
    if linear.outputs != classes && finish != Finish::Logistic {
        return Err(bad_value("post_transform"));
    }
    let steps = weights.saturating_mul(rows).saturating_mul(2);
    let scores = move |row: &[f64]| {
        let scores = linear.scores(row);
        match scores.as_slice() {
            [score] if classes == 2 => [-score, *score].to_vec(),
            _ => scores,
        }
    };
    let is_label = settings.output == 0;
    if is_label {
        return Prepared::new(Element::I64, vec![rows], steps, move |operands| {
            let numbers = operand(operands, 0).reals();
            let label = |row: &[f64]| labels[greatest_place(&scores(row))];
            Data::Whole(numbers.chunks_exact(columns).map(label).collect())
        });
    }
    Prepared::new(Element::F32, vec![rows, classes], steps, move |operands| {
        let numbers = operand(operands, 0).reals();
        let rows = numbers.chunks_exact(columns);
        Data::Real(rows.flat_map(|row| finish.apply(scores(row))).collect())
    })
}

/// The place of the greatest number, the first of equals.
pub(super) fn greatest_place(list: &[f64]) -> usize {
    (1..list.len()).fold(0, |best, place| if list[place] > list[best] { place } else { best })
}

/// `(x − offset) · scale` for each column.
pub(super) fn scaler(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let [_, columns] = table(given)?;
    let offsets = settings.floats("offset")?.unwrap_or_else(|| vec![0.0]);
    let scales = settings.floats("scale")?.unwrap_or_else(|| vec![1.0]);
    if [&offsets, &scales].iter().any(|list| list.len() != 1 && list.len() != columns) {
        return Err(bad_value("scale"));
    }
    let steps = given.len(0)?.saturating_mul(3);
    Prepared::new(Element::F32, given.sizes(0)?.to_vec(), steps, move |operands| {
        let numbers = operand(operands, 0).reals();
        let scaled = |(at, x): (usize, &f64)| {
            let column = at % columns;
            (x - offsets[column % offsets.len()]) * scales[column % scales.len()]
        };
        Data::Real(numbers.iter().enumerate().map(scaled).collect())
    })
}

/// Each row divided by its norm.
pub(super) fn normalizer(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let [_, columns] = table(given)?;
    let norm = settings.choice("norm", &["MAX", "L1", "L2"])?;
    let steps = given.len(0)?.saturating_mul(4);
    Prepared::new(Element::F32, given.sizes(0)?.to_vec(), steps, move |operands| {
        let numbers = operand(operands, 0).reals();
        let row = |row: &[f64]| {
            let norm = match norm {
                0 => super::reduce::greatest(row),
                1 => row.iter().fold(0.0, |sum, x| sum + x.abs()),
                _ => math::sqrt(row.iter().fold(0.0, |sum, x| sum + x * x)),
            };
            let divided = |x: &f64| if norm == 0.0 { *x } else { x / norm };
            row.iter().map(divided).collect::<Vec<_>>()
        };
        Data::Real(numbers.chunks_exact(columns.max(1)).flat_map(row).collect())
    })
}

pub(super) fn binarizer(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let threshold = settings.float_or("threshold", 0.0)?;
    let element = given.element(0)?;
    Prepared::new(element, given.sizes(0)?.to_vec(), given.len(0)?, move |operands| {
        let numbers = operand(operands, 0).reals();
        Data::Real(numbers.iter().map(|x| if *x > threshold { 1.0 } else { 0.0 }).collect())
    })
}

/// Missing numbers replaced by one for each column.
pub(super) fn imputer(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let [_, columns] = table(given)?;
    let element = given.element(0)?;
    let (values, missing) = if element.is_real() {
        let missing = settings.float_or("replaced_value_float", 0.0)?;
        (settings.floats("imputed_value_floats")?.unwrap_or_default(), missing)
    } else {
        #[expect(clippy::cast_precision_loss, reason = "small numbers of a file")]
        let real = |number: i64| number as f64;
        let values = settings.integers("imputed_value_int64s")?.unwrap_or_default();
        let missing = real(settings.integer_or("replaced_value_int64", 0)?);
        (values.iter().map(|number| real(*number)).collect(), missing)
    };
    if values.len() != 1 && values.len() != columns {
        return Err(bad_value("imputed_value_floats"));
    }
    Prepared::new(element, given.sizes(0)?.to_vec(), given.len(0)?, move |operands| {
        let numbers = operand(operands, 0).reals();
        let is_missing = |x: f64| x == missing || (x.is_nan() && missing.is_nan());
        let imputed = |(at, x): (usize, &f64)| {
            if is_missing(*x) { values[at % columns % values.len()] } else { *x }
        };
        Data::Real(numbers.iter().enumerate().map(imputed).collect())
    })
}

/// The columns of all inputs beside each other.
pub(super) fn feature_vectorizer(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.at_least(1)?;
    let mut columns = Vec::new();
    let [rows, _] = table(given)?;
    for input in 0..given.count() {
        match *given.sizes(input)? {
            [count] if rows == 1 => columns.push(count),
            [found, count] if found == rows => columns.push(count),
            _ => return Err(bad_sizes(given.sizes(input)?)),
        }
    }
    let all = columns.iter().sum::<usize>();
    Prepared::new(Element::F32, vec![rows, all], rows.saturating_mul(all), move |operands| {
        let numbers = (0..columns.len()).map(|input| operand(operands, input).reals());
        let numbers = numbers.collect::<Vec<_>>();
        let mut joined = Vec::with_capacity(rows * all);
        for row in 0..rows {
            for (numbers, count) in numbers.iter().zip(&columns) {
                joined.extend_from_slice(&numbers[row * count..(row + 1) * count]);
            }
        }
        Data::Real(joined)
    })
}

/// Chosen columns of the last dimension.
pub(super) fn array_feature_extractor(
    _: &Settings,
    given: &Facts<'_>,
) -> Result<Prepared, NodeRefused> {
    given.expect(2, 2)?;
    let sizes = given.sizes(0)?.to_vec();
    let Some((columns, outer)) = sizes.split_last() else { return Err(bad_sizes(&sizes)) };
    let (columns, wanted) = (*columns, given.len(1)?);
    if given.element(1)?.is_real() {
        return Err(NodeRefused::ElementType(1));
    }
    if let Ok(indices) = given.known(1) {
        let out = |index: &i64| usize::try_from(*index).map_or(true, |index| index >= columns);
        if indices.wholes().iter().any(out) {
            return Err(NodeRefused::Index(1));
        }
    }
    let output = if outer.is_empty() { vec![1, wanted] } else { [outer, &[wanted]].concat() };
    let rows = outer.iter().product::<usize>();
    let steps = rows.saturating_mul(wanted).saturating_mul(2);
    Prepared::new(given.element(0)?, output, steps, move |operands| {
        let indices = operand(operands, 1).wholes();
        let place = |row: usize, index: &i64| {
            let index = usize::try_from(*index).ok().filter(|index| *index < columns)?;
            Some(row * columns + index)
        };
        let places = (0..rows).flat_map(|row| indices.iter().map(move |index| place(row, index)));
        operand(operands, 0).data.taken(places)
    })
}

/// A number for each number, by a list of keys.
pub(super) fn label_encoder(
    settings: &Settings,
    given: &Facts<'_>,
) -> Result<Prepared, NodeRefused> {
    given.expect(1, 1)?;
    #[expect(clippy::cast_precision_loss, reason = "labels are small numbers")]
    let list = |part: &str| -> Result<Option<(bool, Vec<f64>)>, NodeRefused> {
        if let Some(list) = settings.integers(&format!("{part}_int64s"))? {
            return Ok(Some((false, list.iter().map(|x| *x as f64).collect())));
        }
        if let Some(list) = settings.floats(&format!("{part}_floats"))? {
            return Ok(Some((true, list)));
        }
        let tensor = settings.tensor(&format!("{part}_tensor"))?;
        Ok(tensor.map(|tensor| (tensor.element.is_real(), tensor.reals().into_owned())))
    };
    let keys = list("keys")?.ok_or(bad_value("keys_strings"))?.1;
    let (is_real, values) = list("values")?.ok_or(bad_value("values_strings"))?;
    if keys.len() != values.len() {
        return Err(bad_value("keys_int64s"));
    }
    #[expect(clippy::cast_precision_loss, reason = "labels are small numbers")]
    let default = match settings.tensor("default_tensor")? {
        Some(tensor) => tensor.reals().first().copied().unwrap_or(0.0),
        None if is_real => settings.float_or("default_float", -0.0)?,
        None => settings.integer_or("default_int64", -1)? as f64,
    };
    let to = match settings.tensor("values_tensor")? {
        Some(tensor) => tensor.element,
        None if is_real => Element::F32,
        None => Element::I64,
    };
    let steps = given.len(0)?.saturating_mul(keys.len().saturating_add(1));
    Prepared::new(to, given.sizes(0)?.to_vec(), steps, move |operands| {
        let numbers = operand(operands, 0).reals();
        let value = |x: &f64| {
            let same = |key: &f64| key == x || (key.is_nan() && x.is_nan());
            keys.iter().position(same).map_or(default, |place| values[place])
        };
        Data::Real(numbers.iter().map(value).collect())
    })
}

/// A flag for each category, beside each other.
pub(super) fn one_hot_encoder(
    settings: &Settings,
    given: &Facts<'_>,
) -> Result<Prepared, NodeRefused> {
    given.expect(1, 1)?;
    let categories = settings.integers("cats_int64s")?.ok_or(bad_value("cats_strings"))?.to_vec();
    if !settings.flag("zeros", true)? {
        return Err(bad_value("zeros"));
    }
    let sizes = [given.sizes(0)?, &[categories.len()]].concat();
    let steps = given.len(0)?.saturating_mul(categories.len());
    Prepared::new(Element::F32, sizes, steps, move |operands| {
        let numbers = operand(operands, 0).wholes();
        let flags = |x: &i64| {
            let flag = |category: &i64| if category == x { 1.0 } else { 0.0 };
            categories.iter().map(flag).collect::<Vec<f64>>()
        };
        Data::Real(numbers.iter().flat_map(flags).collect())
    })
}

/// The tensor from which a `ZipMap` would make a list of dictionaries.
pub(super) fn zip_map(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(1, 1)?;
    Prepared::new(given.element(0)?, given.sizes(0)?.to_vec(), 0, |operands| {
        operand(operands, 0).data.clone()
    })
}

/// Numbers of a tensor as a list; for tests and constants.
pub(super) fn numbers(tensor: Option<&Tensor>) -> Vec<f64> {
    tensor.map(|tensor| tensor.reals().into_owned()).unwrap_or_default()
}
