//! Operators that only move elements: each output element is one of the input's, or a constant.

use super::{
    Facts, Operands, Prepared, Settings, around, axes_of, axis_of, bad_sizes, operand, unsigned,
};
use crate::{
    op::attributes::bad_value,
    refusal::NodeRefused,
    tensor::{Data, Tensor, each_coordinate, strides},
};

/// Each output element is that of the first input at the place its coordinates give, or zero.
fn moved(
    given: &Facts<'_>,
    sizes: Vec<usize>,
    place: impl Fn(&[usize], Operands<'_>) -> Option<usize> + Send + Sync + 'static,
) -> Result<Prepared, NodeRefused> {
    let steps = sizes.iter().product::<usize>().saturating_mul(sizes.len() + 2);
    let output = sizes.clone();
    Prepared::new(given.element(0)?, sizes, steps, move |operands| {
        let mut places = Vec::with_capacity(output.iter().product());
        each_coordinate(&output, |at| places.push(place(at, operands)));
        operand(operands, 0).data.taken(places.into_iter())
    })
}

pub(super) fn transpose(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(1, 1)?;
    let sizes = given.sizes(0)?;
    let order = match settings.integers("perm")? {
        Some(order) => {
            let order = order.iter().map(|axis| axis_of(*axis, sizes.len()));
            order.collect::<Result<Vec<_>, _>>()?
        }
        None => (0..sizes.len()).rev().collect(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..sizes.len()) {
        return Err(bad_value("perm"));
    }
    let steps = strides(sizes);
    let steps = order.iter().map(|axis| steps[*axis]).collect::<Vec<_>>();
    moved(given, order.iter().map(|axis| sizes[*axis]).collect(), move |at, _| {
        Some(at.iter().zip(&steps).map(|(at, step)| at * step).sum())
    })
}

/// An index along a dimension; negative ones count from the end, and others are out of it.
pub(super) fn along(index: i64, size: usize) -> Option<usize> {
    let signed = i64::try_from(size).ok()?;
    let index = if index < 0 { index.checked_add(signed)? } else { index };
    usize::try_from(index).ok().filter(|index| *index < size)
}

/// Refuses indices that are known and out of range, or of no integer type.
fn check_indices(given: &Facts<'_>, input: usize, size: usize) -> Result<(), NodeRefused> {
    if given.element(input)?.is_real() {
        return Err(NodeRefused::ElementType(input));
    }
    match given.known(input) {
        Ok(tensor) if tensor.wholes().iter().any(|index| along(*index, size).is_none()) => {
            Err(NodeRefused::Index(input))
        }
        _ => Ok(()),
    }
}

pub(super) fn gather(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(2, 2)?;
    let (sizes, wanted) = (given.sizes(0)?.to_vec(), given.sizes(1)?.to_vec());
    let axis = axis_of(settings.integer_or("axis", 0)?, sizes.len())?;
    check_indices(given, 1, sizes[axis])?;
    let output = [&sizes[..axis], &wanted, &sizes[axis + 1..]].concat();
    let (steps, index_steps) = (strides(&sizes), strides(&wanted));
    let rank = wanted.len();
    moved(given, output, move |at, operands| {
        let place = at[axis..axis + rank].iter().zip(&index_steps).map(|(at, step)| at * step);
        let index = *operand(operands, 1).as_whole()?.get(place.sum::<usize>())?;
        let before = at[..axis].iter().zip(&steps).map(|(at, step)| at * step).sum::<usize>();
        let after = at[axis + rank..].iter().zip(&steps[axis + 1..]).map(|(at, step)| at * step);
        Some(before + along(index, sizes[axis])? * steps[axis] + after.sum::<usize>())
    })
}

pub(super) fn gather_elements(
    settings: &Settings,
    given: &Facts<'_>,
) -> Result<Prepared, NodeRefused> {
    given.expect(2, 2)?;
    let (sizes, wanted) = (given.sizes(0)?.to_vec(), given.sizes(1)?.to_vec());
    let axis = axis_of(settings.integer_or("axis", 0)?, sizes.len())?;
    let fits = wanted.len() == sizes.len()
        && (0..sizes.len()).all(|side| side == axis || wanted[side] <= sizes[side]);
    if !fits {
        return Err(bad_sizes(&wanted));
    }
    check_indices(given, 1, sizes[axis])?;
    let (steps, index_steps) = (strides(&sizes), strides(&wanted));
    moved(given, wanted, move |at, operands| {
        let place = at.iter().zip(&index_steps).map(|(at, step)| at * step).sum::<usize>();
        let index = along(*operand(operands, 1).as_whole()?.get(place)?, sizes[axis])?;
        let at = |side: usize| if side == axis { index } else { at[side] };
        Some((0..steps.len()).map(|side| at(side) * steps[side]).sum())
    })
}

pub(super) fn gather_nd(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(2, 2)?;
    let (sizes, wanted) = (given.sizes(0)?.to_vec(), given.sizes(1)?.to_vec());
    let batch = unsigned(settings.integer_or("batch_dims", 0)?)?;
    let Some((deep, outer)) = wanted.split_last() else { return Err(bad_sizes(&wanted)) };
    let deep = *deep;
    let fits = batch <= outer.len()
        && batch.saturating_add(deep) <= sizes.len()
        && sizes[..batch] == outer[..batch];
    if !fits || given.element(1)?.is_real() {
        return Err(NodeRefused::Shapes(sizes.as_slice().into(), wanted.as_slice().into()));
    }
    let output = [outer, &sizes[batch + deep..]].concat();
    let (steps, index_steps, rank) = (strides(&sizes), strides(&wanted), outer.len());
    moved(given, output, move |at, operands| {
        let start = at[..rank].iter().zip(&index_steps).map(|(at, step)| at * step).sum::<usize>();
        let indices = operand(operands, 1).as_whole()?.get(start..start + deep)?;
        let mut place = at[..batch].iter().zip(&steps).map(|(at, step)| at * step).sum::<usize>();
        for (side, index) in indices.iter().enumerate() {
            place += along(*index, sizes[batch + side])? * steps[batch + side];
        }
        let rest = at[rank..].iter().zip(&steps[batch + deep..]).map(|(at, step)| at * step);
        Some(place + rest.sum::<usize>())
    })
}

/// Where a slice begins along a dimension, its step, and how many elements it has.
fn sliced(size: usize, start: i64, end: i64, step: i64) -> Option<(i64, i64, usize)> {
    let size = i64::try_from(size).ok()?;
    let (least, most) = if step > 0 { (0, size) } else { (-1, size - 1) };
    let end_of = |at: i64| {
        let at = if at < 0 { at.saturating_add(size) } else { at };
        at.clamp(least, most)
    };
    // A start before the first element is the first one, also going down.
    let first = if start < 0 { start.saturating_add(size) } else { start };
    let start = first.clamp(0, if step > 0 { size } else { size - 1 }.max(0));
    let end = end_of(end);
    let span = if step > 0 { end - start } else { start - end };
    let count = u64::try_from(span).map_or(0, |span| span.div_ceil(step.unsigned_abs()));
    Some((start, step, usize::try_from(count).ok()?))
}

pub(super) fn slice(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let sizes = given.sizes(0)?.to_vec();
    let list = |input, name| -> Result<Option<Vec<i64>>, NodeRefused> {
        Ok(match settings.integers(name)? {
            Some(list) => Some(list.to_vec()),
            None => given.optional_integers(input)?.map(<[i64]>::to_vec),
        })
    };
    let missing = || NodeRefused::InputCount(given.count());
    let starts = list(1, "starts")?.ok_or_else(missing)?;
    let ends = list(2, "ends")?.ok_or_else(missing)?;
    let axes = list(3, "axes")?.unwrap_or_else(|| (0..starts.len()).map(|i| i as i64).collect());
    let steps = list(4, "steps")?.unwrap_or_else(|| vec![1; starts.len()]);
    let lengths = [ends.len(), axes.len(), steps.len()];
    if lengths != [starts.len(); 3] || steps.contains(&0) {
        return Err(bad_value("starts"));
    }
    axes_of(&axes, sizes.len())?;
    let mut parts = sizes.iter().map(|size| (0_i64, 1_i64, *size)).collect::<Vec<_>>();
    for (index, axis) in axes.iter().enumerate() {
        let axis = axis_of(*axis, sizes.len())?;
        let part = sliced(sizes[axis], starts[index], ends[index], steps[index]);
        parts[axis] = part.ok_or(NodeRefused::OutputShape)?;
    }
    let places = strides(&sizes);
    moved(given, parts.iter().map(|(_, _, count)| *count).collect(), move |at, _| {
        let mut place = 0;
        for (side, (start, step, _)) in parts.iter().enumerate() {
            let index = start + step * i64::try_from(at[side]).ok()?;
            place += usize::try_from(index).ok()? * places[side];
        }
        Some(place)
    })
}

pub(super) fn split(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(1, 2)?;
    let sizes = given.sizes(0)?.to_vec();
    let axis = axis_of(settings.integer_or("axis", 0)?, sizes.len())?;
    let stated = match settings.integers("split")? {
        Some(list) => Some(list.to_vec()),
        None => given.optional_integers(1)?.map(<[i64]>::to_vec),
    };
    let parts = match stated {
        Some(list) => list.into_iter().map(unsigned).collect::<Result<Vec<_>, _>>()?,
        None => {
            let wanted = i64::try_from(settings.outputs).unwrap_or(1);
            let count = unsigned(settings.integer_or("num_outputs", wanted)?)?;
            if count == 0 || count > crate::limits::NODE_OUTPUTS {
                return Err(bad_value("num_outputs"));
            }
            let each = sizes[axis].div_ceil(count);
            let part = |index: usize| sizes[axis].saturating_sub(index * each).min(each);
            (0..count).map(part).collect()
        }
    };
    let sum = parts.iter().try_fold(0_usize, |sum, part| sum.checked_add(*part));
    let wanted = *parts.get(settings.output).ok_or(bad_value("split"))?;
    if sum != Some(sizes[axis]) {
        return Err(bad_value("split"));
    }
    let first = parts[..settings.output].iter().sum::<usize>();
    let steps = strides(&sizes);
    let mut output = sizes;
    output[axis] = wanted;
    moved(given, output, move |at, _| {
        let place = at.iter().zip(&steps).map(|(at, step)| at * step).sum::<usize>();
        Some(place + first * steps[axis])
    })
}

pub(super) fn expand(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(2, 2)?;
    let sizes = given.sizes(0)?;
    let wanted = given.integers(1)?.iter().map(|size| unsigned(*size));
    let wanted = wanted.collect::<Result<Vec<_>, _>>()?;
    let output = super::binary::broadcast(&[sizes, &wanted]);
    let output =
        output.ok_or_else(|| NodeRefused::Shapes(sizes.into(), wanted.as_slice().into()))?;
    let steps = output.iter().product::<usize>().saturating_mul(output.len() + 2);
    let to = output.clone();
    Prepared::new(given.element(0)?, output, steps, move |operands| {
        super::binary::spread(operand(operands, 0), &to)
    })
}

pub(super) fn tile(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(2, 2)?;
    let sizes = given.sizes(0)?.to_vec();
    let times = given.integers(1)?;
    if times.len() != sizes.len() {
        return Err(bad_sizes(given.sizes(1)?));
    }
    let mut output = Vec::with_capacity(sizes.len());
    for (size, times) in sizes.iter().zip(times) {
        output.push(size.checked_mul(unsigned(*times)?).ok_or(NodeRefused::OutputShape)?);
    }
    let steps = strides(&sizes);
    moved(given, output, move |at, _| {
        Some((0..at.len()).map(|side| at[side] % sizes[side] * steps[side]).sum())
    })
}

/// What is read outside of a tensor that is padded.
#[derive(Clone, Copy, PartialEq)]
enum Beyond {
    Constant,
    Reflect,
    Edge,
    Wrap,
}

impl Beyond {
    /// The index read for one that may be outside.
    fn index(self, at: i64, size: usize) -> Option<usize> {
        let size = i64::try_from(size).ok().filter(|size| *size > 0)?;
        usize::try_from(match self {
            Self::Constant => Some(at).filter(|at| (0..size).contains(at))?,
            Self::Edge => at.clamp(0, size - 1),
            Self::Wrap => at.rem_euclid(size),
            Self::Reflect if size == 1 => 0,
            Self::Reflect => {
                let at = at.rem_euclid(2 * (size - 1));
                if at < size { at } else { 2 * (size - 1) - at }
            }
        })
        .ok()
    }
}

pub(super) fn pad(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(1, 4)?;
    let modes = [Beyond::Constant, Beyond::Reflect, Beyond::Edge, Beyond::Wrap];
    let mode = modes[settings.choice("mode", &["constant", "reflect", "edge", "wrap"])?];
    let sizes = given.sizes(0)?.to_vec();
    let pads = match settings.integers("pads")?.or(settings.integers("paddings")?) {
        Some(pads) => pads.to_vec(),
        None => given.integers(1)?.to_vec(),
    };
    let axes = match given.optional_integers(3)? {
        Some(axes) => {
            axes_of(axes, sizes.len())?;
            axes.iter().map(|axis| axis_of(*axis, sizes.len())).collect::<Result<Vec<_>, _>>()?
        }
        None => (0..sizes.len()).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(bad_value("pads"));
    }
    let stated = settings.float_or("value", 0.0)?;
    let (begins, ends) = pads.split_at(axes.len());
    let (mut output, mut offsets) = (sizes.clone(), vec![0_i64; sizes.len()]);
    for (index, axis) in axes.iter().enumerate() {
        let size = i64::try_from(sizes[*axis]).unwrap_or(i64::MAX);
        let padded = size.checked_add(begins[index]).and_then(|sum| sum.checked_add(ends[index]));
        output[*axis] = unsigned(padded.ok_or(NodeRefused::OutputShape)?)?;
        offsets[*axis] = begins[index];
    }
    let places = strides(&sizes);
    let element = given.element(0)?;
    let steps = output.iter().product::<usize>().saturating_mul(2 * (output.len() + 2));
    let to = output.clone();
    if given.has(2) && (given.element(2)? != element || given.len(2)? > 1) {
        return Err(NodeRefused::ElementType(2));
    }
    Prepared::new(element, output, steps, move |operands| {
        let mut found = Vec::with_capacity(to.iter().product());
        each_coordinate(&to, |at| {
            let place = (0..at.len()).map(|side| {
                let at = i64::try_from(at[side]).ok()?.saturating_sub(offsets[side]);
                Some(mode.index(at, sizes[side])? * places[side])
            });
            found.push(place.sum::<Option<usize>>());
        });
        let value = operands.get(2).and_then(Option::as_deref);
        filled(operand(operands, 0), &found, value, stated)
    })
}

/// The elements at some places; for `None`, the one of `value`, or `stated`.
fn filled(tensor: &Tensor, places: &[Option<usize>], value: Option<&Tensor>, stated: f64) -> Data {
    match &tensor.data {
        Data::Real(numbers) => {
            let value = value.and_then(|value| value.reals().first().copied()).unwrap_or(stated);
            Data::Real(places.iter().map(|at| at.map_or(value, |at| numbers[at])).collect())
        }
        Data::Whole(numbers) => {
            let value = value.and_then(|value| value.wholes().first().copied()).unwrap_or(0);
            Data::Whole(places.iter().map(|at| at.map_or(value, |at| numbers[at])).collect())
        }
    }
}

pub(super) fn concat(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.at_least(1)?;
    let (element, first) = (given.element(0)?, given.sizes(0)?.to_vec());
    let axis = axis_of(settings.integer_or("axis", 1)?, first.len())?;
    let mut output = first.clone();
    output[axis] = 0;
    let mut parts = Vec::new();
    for input in 0..given.count() {
        let sizes = given.sizes(input)?;
        let fits = sizes.len() == first.len()
            && (0..first.len()).all(|side| side == axis || sizes[side] == first[side]);
        if !fits {
            return Err(NodeRefused::Shapes(first.as_slice().into(), sizes.into()));
        }
        if given.element(input)? != element {
            return Err(NodeRefused::ElementType(input));
        }
        let [outer, along, inner] = around(sizes, axis);
        output[axis] += along;
        parts.push((outer, along * inner));
    }
    Prepared::new(element, output, 0, move |operands| {
        let outer = parts.first().map_or(0, |(outer, _)| *outer);
        let mut joined = operand(operands, 0).data.taken(std::iter::empty());
        for piece in 0..outer {
            for (input, (_, length)) in parts.iter().enumerate() {
                let range = piece * length..(piece + 1) * length;
                match (&mut joined, &operand(operands, input).data) {
                    (Data::Real(all), Data::Real(part)) => all.extend_from_slice(&part[range]),
                    (Data::Whole(all), Data::Whole(part)) => all.extend_from_slice(&part[range]),
                    _ => {}
                }
            }
        }
        joined
    })
}

pub(super) fn trilu(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(1, 2)?;
    let upper = settings.flag("upper", true)?;
    let sizes = given.sizes(0)?.to_vec();
    if sizes.len() < 2 {
        return Err(bad_sizes(&sizes));
    }
    let offset = given.optional_integers(1)?.and_then(|list| list.first().copied()).unwrap_or(0);
    let steps = strides(&sizes);
    moved(given, sizes.clone(), move |at, _| {
        let [row, column] = [at[at.len() - 2], at[at.len() - 1]].map(|at| at as i128);
        let beside = column - row - i128::from(offset);
        let kept = if upper { beside >= 0 } else { beside <= 0 };
        kept.then(|| at.iter().zip(&steps).map(|(at, step)| at * step).sum())
    })
}

/// The side of a block, and the sizes of images.
fn blocks(settings: &Settings, given: &Facts<'_>) -> Result<(usize, [usize; 4]), NodeRefused> {
    let block = unsigned(settings.integer_or("blocksize", 0)?)?;
    match *given.sizes(0)? {
        [n, c, h, w] if (1..=crate::limits::WINDOW).contains(&block) => Ok((block, [n, c, h, w])),
        _ => Err(bad_sizes(given.sizes(0)?)),
    }
}

pub(super) fn depth_to_space(
    settings: &Settings,
    given: &Facts<'_>,
) -> Result<Prepared, NodeRefused> {
    let (block, [n, c, h, w]) = blocks(settings, given)?;
    let depth_first = settings.choice("mode", &["DCR", "CRD"])? == 0;
    if c % (block * block) != 0 {
        return Err(bad_sizes(given.sizes(0)?));
    }
    let channels = c / (block * block);
    moved(given, vec![n, channels, h * block, w * block], move |at, _| {
        let inside = (at[2] % block) * block + at[3] % block;
        let channel =
            if depth_first { inside * channels + at[1] } else { at[1] * block * block + inside };
        Some(((at[0] * c + channel) * h + at[2] / block) * w + at[3] / block)
    })
}

pub(super) fn space_to_depth(
    settings: &Settings,
    given: &Facts<'_>,
) -> Result<Prepared, NodeRefused> {
    let (block, [n, c, h, w]) = blocks(settings, given)?;
    if h % block != 0 || w % block != 0 {
        return Err(bad_sizes(given.sizes(0)?));
    }
    moved(given, vec![n, c * block * block, h / block, w / block], move |at, _| {
        let (inside, channel) = (at[1] / c, at[1] % c);
        let (row, column) = (at[2] * block + inside / block, at[3] * block + inside % block);
        Some(((at[0] * c + channel) * h + row) * w + column)
    })
}

pub(super) fn reverse_sequence(
    settings: &Settings,
    given: &Facts<'_>,
) -> Result<Prepared, NodeRefused> {
    given.expect(2, 2)?;
    let sizes = given.sizes(0)?.to_vec();
    let batch = axis_of(settings.integer_or("batch_axis", 1)?, sizes.len())?;
    let time = axis_of(settings.integer_or("time_axis", 0)?, sizes.len())?;
    if given.len(1)? != sizes[batch] || batch == time || given.element(1)?.is_real() {
        return Err(bad_sizes(given.sizes(1)?));
    }
    let steps = strides(&sizes);
    moved(given, sizes.clone(), move |at, operands| {
        let length = *operand(operands, 1).as_whole()?.get(at[batch])?;
        let length = usize::try_from(length).ok()?;
        let place = at.iter().zip(&steps).map(|(at, step)| at * step).sum::<usize>();
        if at[time] >= length {
            return Some(place);
        }
        Some(place - at[time] * steps[time] + (length - 1 - at[time]) * steps[time])
    })
}
