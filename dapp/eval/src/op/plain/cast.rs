//! Changes of the element type.

use super::{Facts, Prepared, Settings, operand};
use crate::{element::Element, op::attributes::bad_value, refusal::NodeRefused, tensor::Data};

/// The input as another type: floats are rounded or cut off, integers wrap.
fn cast_to(to: Element, settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let saturate = settings.flag("saturate", true)?;
    let from = given.element(0)?;
    Prepared::new(to, given.sizes(0)?.to_vec(), given.len(0)?, move |operands| {
        let tensor = operand(operands, 0);
        match (&tensor.data, to.is_real()) {
            (_, true) => Data::Real(tensor.reals().iter().map(|x| to.cast(*x, saturate)).collect()),
            (Data::Real(numbers), false) => {
                Data::Whole(numbers.iter().map(|number| cut(to, *number)).collect())
            }
            (Data::Whole(numbers), false) => Data::Whole(
                numbers.iter().map(|number| to.wrapped(from.widened(*number))).collect(),
            ),
        }
    })
}

/// A float as an integer, its fraction cut off; for a flag, whether it is not zero.
pub(super) fn cut(to: Element, number: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "saturates at 128 bits")]
    match to {
        Element::Bool => i64::from(number != 0.0),
        _ => to.wrapped(number as i128),
    }
}

pub(super) fn cast(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(1, 1)?;
    let to = settings.integer("to")?.ok_or(NodeRefused::AttributeMissing("to".into()))?;
    if settings.text("round_mode")?.is_some_and(|mode| mode != "up") {
        return Err(bad_value("round_mode"));
    }
    cast_to(Element::from_onnx(to).ok_or(bad_value("to"))?, settings, given)
}

pub(super) fn cast_like(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(2, 2)?;
    cast_to(given.element(1)?, settings, given)
}

/// The bits of each element, read as another type of as many bits.
pub(super) fn bit_cast(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(1, 1)?;
    let to = settings.integer("to")?.ok_or(NodeRefused::AttributeMissing("to".into()))?;
    let (from, to) = (given.element(0)?, Element::from_onnx(to).ok_or(bad_value("to"))?);
    let known =
        |element: Element| !element.is_real() || matches!(element, Element::F32 | Element::F64);
    if from.bits() != to.bits() || !known(from) || !known(to) || to == Element::Bool {
        return Err(bad_value("to"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "an f32 is in these bits")]
    let bits = move |number: f64| match from {
        Element::F32 => i128::from((number as f32).to_bits()),
        _ => i128::from(number.to_bits()),
    };
    Prepared::new(to, given.sizes(0)?.to_vec(), given.len(0)?, move |operands| {
        let all = match &operand(operands, 0).data {
            Data::Real(numbers) => numbers.iter().map(|number| bits(*number)).collect::<Vec<_>>(),
            Data::Whole(numbers) => numbers.iter().map(|number| from.widened(*number)).collect(),
        };
        if to.is_real() {
            let mask = (1_i128 << to.bits()) - 1;
            let real = |bits: i128| to.real(u64::try_from(bits & mask).unwrap_or_default());
            Data::Real(all.into_iter().map(real).collect())
        } else {
            Data::Whole(all.into_iter().map(|bits| to.wrapped(bits)).collect())
        }
    })
}
