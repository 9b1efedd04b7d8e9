//! The same elements in other sizes, and sizes as numbers.

use super::{Facts, Prepared, Settings, axes_of, axis_of, bad_sizes, operand, unsigned};
use crate::{element::Element, refusal::NodeRefused, tensor::Data};

/// The same elements in other sizes.
fn reshaped(given: &Facts<'_>, sizes: Vec<usize>) -> Result<Prepared, NodeRefused> {
    let fits = crate::tensor::count(&sizes) == Some(given.len(0)?);
    if !fits {
        return Err(bad_sizes(given.sizes(0)?));
    }
    let element = given.element(0)?;
    Prepared::new(element, sizes, 0, |operands| operand(operands, 0).data.clone())
}

pub(super) fn reshape(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let zero_is_size = !settings.flag("allowzero", false)?;
    let wanted = match settings.integers("shape")? {
        Some(wanted) => wanted,
        None => given.integers(1)?,
    };
    let from = given.sizes(0)?;
    let mut sizes = Vec::with_capacity(wanted.len());
    for (index, size) in wanted.iter().enumerate() {
        sizes.push(match size {
            0 if zero_is_size => *from.get(index).ok_or_else(|| bad_sizes(from))?,
            -1 => 1,
            size => unsigned(*size)?,
        });
    }
    if let Some(open) = wanted.iter().position(|size| *size == -1) {
        let known = crate::tensor::count(&sizes).ok_or(NodeRefused::OutputShape)?;
        sizes[open] = given.len(0)?.checked_div(known).ok_or_else(|| bad_sizes(from))?;
    }
    reshaped(given, sizes)
}

pub(super) fn flatten(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(1, 1)?;
    let sizes = given.sizes(0)?;
    let axis = settings.integer_or("axis", 1)?;
    let axis = if usize::try_from(axis).is_ok_and(|axis| axis == sizes.len()) {
        sizes.len()
    } else {
        axis_of(axis, sizes.len())?
    };
    let (before, after) = sizes.split_at(axis);
    reshaped(given, vec![before.iter().product(), after.iter().product()])
}

/// Axes from the second input or, before opset 13, an attribute.
fn axes(settings: &Settings, given: &Facts<'_>) -> Result<Option<Vec<i64>>, NodeRefused> {
    Ok(match settings.integers("axes")? {
        Some(axes) => Some(axes.to_vec()),
        None => given.optional_integers(1)?.map(<[i64]>::to_vec),
    })
}

pub(super) fn squeeze(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(1, 2)?;
    let sizes = given.sizes(0)?;
    let axes = match axes(settings, given)? {
        Some(axes) => axes_of(&axes, sizes.len())?,
        None => (0..sizes.len()).filter(|side| sizes[*side] == 1).collect(),
    };
    if axes.iter().any(|axis| sizes[*axis] != 1) {
        return Err(bad_sizes(sizes));
    }
    let kept = (0..sizes.len()).filter(|side| !axes.contains(side)).map(|side| sizes[side]);
    reshaped(given, kept.collect())
}

pub(super) fn unsqueeze(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(1, 2)?;
    let sizes = given.sizes(0)?;
    let axes = axes(settings, given)?.ok_or(NodeRefused::AttributeMissing("axes".into()))?;
    let axes = axes_of(&axes, sizes.len() + axes.len())?;
    let mut rest = sizes.iter();
    let size = |side| if axes.contains(&side) { Some(1) } else { rest.next().copied() };
    reshaped(given, (0..sizes.len() + axes.len()).map_while(size).collect())
}

/// The sizes of the input as i64.
pub(super) fn shape(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(1, 1)?;
    let sizes = given.sizes(0)?;
    let rank = i64::try_from(sizes.len()).unwrap_or(0);
    let end = |name, default| -> Result<usize, NodeRefused> {
        let at = settings.integer_or(name, default)?;
        let at = if at < 0 { at.saturating_add(rank) } else { at };
        Ok(usize::try_from(at.clamp(0, rank)).unwrap_or(0))
    };
    let (start, end) = (end("start", 0)?, end("end", rank)?);
    known_list(sizes.get(start..end).unwrap_or_default())
}

fn known_list(sizes: &[usize]) -> Result<Prepared, NodeRefused> {
    let sizes = sizes.iter().map(|size| i64::try_from(*size).unwrap_or(i64::MAX));
    let sizes = sizes.collect::<Vec<_>>();
    let list =
        Prepared::new(Element::I64, vec![sizes.len()], 0, move |_| Data::Whole(sizes.clone()))?;
    Ok(list.ignoring_operands())
}

pub(super) fn size(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(1, 1)?;
    let size = i64::try_from(given.len(0)?).unwrap_or(i64::MAX);
    Ok(Prepared::new(Element::I64, Vec::new(), 0, move |_| Data::Whole(vec![size]))?
        .ignoring_operands())
}
