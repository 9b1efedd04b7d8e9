//! Tensors made of numbers alone: filled, counted up, flags.

use super::{Facts, Prepared, Settings, axis_of, bad_sizes, index::along, operand, unsigned};
use crate::{
    element::Element,
    op::attributes::bad_value,
    refusal::NodeRefused,
    tensor::{Data, each_coordinate, strides},
};

/// A tensor of a known shape, filled with one number.
pub(super) fn constant_of_shape(
    settings: &Settings,
    given: &Facts<'_>,
) -> Result<Prepared, NodeRefused> {
    given.expect(1, 1)?;
    let sizes = given.integers(0)?.iter().map(|size| unsigned(*size));
    let sizes = sizes.collect::<Result<Vec<_>, _>>()?;
    let count = crate::tensor::count(&sizes).ok_or(NodeRefused::OutputShape)?;
    let (element, value) = match settings.tensor("value")? {
        Some(tensor) if tensor.len() == 1 => (tensor.element, tensor.data.clone()),
        Some(_) => return Err(bad_value("value")),
        None => (Element::F32, Data::Real(vec![0.0])),
    };
    Prepared::new(element, sizes, count, move |_| value.taken((0..count).map(|_| Some(0))))
}

pub(super) fn range(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(3, 3)?;
    let element = given.element(0)?;
    let ends = [0, 1, 2].map(|input| given.known(input).cloned());
    let [start, end, step] = ends;
    let ends = [start?, end?, step?];
    if ends.iter().any(|end| end.len() != 1 || end.element != element) {
        return Err(NodeRefused::ElementType(0));
    }
    let [start, end, step] = ends.clone().map(|end| end.reals()[0]);
    if step == 0.0 || !(start.is_finite() && end.is_finite() && step.is_finite()) {
        return Err(NodeRefused::OutputShape);
    }
    let count = ((end - start) / step).ceil().max(0.0);
    if count > crate::limits::DIMENSION as f64 {
        return Err(NodeRefused::OutputShape);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded above")]
    let count = count as usize;
    Prepared::new(element, vec![count], count, move |_| {
        let [start, _, step] = &ends;
        match (&start.data, &step.data) {
            (Data::Whole(start), Data::Whole(step)) => {
                let number = |index: usize| {
                    let index = i64::try_from(index).unwrap_or(0);
                    start[0].wrapping_add(index.wrapping_mul(step[0]))
                };
                Data::Whole((0..count).map(number).collect())
            }
            (start, step) => {
                let first = |data: &Data| match data {
                    Data::Real(numbers) => numbers[0],
                    Data::Whole(_) => 0.0,
                };
                let (start, step) = (first(start), first(step));
                #[expect(clippy::cast_precision_loss, reason = "fewer than 2²⁴")]
                Data::Real((0..count).map(|index| start + index as f64 * step).collect())
            }
        }
    })
}

pub(super) fn one_hot(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(3, 3)?;
    let sizes = given.sizes(0)?.to_vec();
    let depth = given.known(1)?;
    let depth = unsigned(*depth.wholes().first().ok_or(NodeRefused::NotKnown(1))?)?;
    let axis = axis_of(settings.integer_or("axis", -1)?, sizes.len() + 1)?;
    if given.len(2)? != 2 || depth == 0 {
        return Err(bad_sizes(given.sizes(2)?));
    }
    let mut output = sizes.clone();
    output.insert(axis, depth);
    let (steps, to) = (strides(&sizes), output.clone());
    let work = output.iter().product::<usize>().saturating_mul(output.len() + 2);
    Prepared::new(given.element(2)?, output, work, move |operands| {
        let indices = operand(operands, 0).wholes();
        let mut places = Vec::new();
        each_coordinate(&to, |at| {
            let others = at[..axis].iter().chain(&at[axis + 1..]);
            let place = others.zip(&steps).map(|(at, step)| at * step).sum::<usize>();
            let hot = along(indices[place], depth) == Some(at[axis]);
            places.push(Some(usize::from(hot)));
        });
        operand(operands, 2).data.taken(places.into_iter())
    })
}

pub(super) fn eye_like(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(1, 1)?;
    let &[rows, columns] = given.sizes(0)? else { return Err(bad_sizes(given.sizes(0)?)) };
    let element = match settings.integer("dtype")? {
        Some(number) => Element::from_onnx(number).ok_or(bad_value("dtype"))?,
        None => given.element(0)?,
    };
    let offset = settings.integer_or("k", 0)?;
    let steps = rows.saturating_mul(columns);
    let prepared = Prepared::new(element, vec![rows, columns], steps, move |_| {
        let mut flags = Vec::with_capacity(rows * columns);
        each_coordinate(&[rows, columns], |at| {
            let [row, column] = [at[0], at[1]].map(|at| i64::try_from(at).unwrap_or(0));
            flags.push(i64::from(row.checked_add(offset) == Some(column)));
        });
        Data::Whole(flags)
    })?;
    Ok(prepared.ignoring_operands())
}
