//! Normalisations: elements shifted and scaled by the moments of the lists they are in.

use kernels::math::double as math;

use super::{
    Facts, Prepared, Settings, axis_of, bad_sizes,
    binary::{broadcast, spread},
    operand,
    product::reals_of,
    reduce::{lists, moments, picked},
    unary::FUNCTION,
    unsigned,
};
use crate::{
    element::Element,
    op::attributes::bad_value,
    refusal::NodeRefused,
    tensor::{Data, each_coordinate, strides},
};

/// Each list from an axis on, shifted to mean zero and scaled to variance one, then by the second
/// input and shifted by the third. Further outputs are the means and the inverse deviations.
pub(super) fn layer(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(2, 3)?;
    let (element, sizes) = (given.real(0)?, given.sizes(0)?.to_vec());
    let axis = axis_of(settings.integer_or("axis", -1)?, sizes.len())?;
    let epsilon = settings.float_or("epsilon", f64::from(1e-5_f32))?;
    let steps = given.len(0)?.saturating_mul(FUNCTION);
    let axes = (axis..sizes.len()).collect::<Vec<_>>();
    if settings.output > 0 {
        let output = (0..sizes.len()).map(|side| if side < axis { sizes[side] } else { 1 });
        let mean_wanted = settings.output == 1;
        let stash = Element::from_onnx(settings.integer_or("stash_type", 1)?);
        let stash = stash.ok_or(bad_value("stash_type"))?;
        return Prepared::new(stash, output.collect(), steps, move |operands| {
            let numbers = operand(operands, 0).reals();
            let moment = |list: Vec<usize>| {
                let (mean, variance) = moments(&picked(&numbers, &list));
                if mean_wanted { mean } else { 1.0 / math::sqrt(variance + epsilon) }
            };
            Data::Real(lists(&sizes, &axes).into_iter().map(moment).collect())
        });
    }
    scaled(given, sizes, axes, element, steps, move |list| {
        let (mean, variance) = moments(list);
        let root = math::sqrt(variance + epsilon);
        list.iter().map(|x| (x - mean) / root).collect()
    })
}

/// Each list from an axis on, divided by the root of its mean square, then scaled.
pub(super) fn rms(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(2, 2)?;
    let (element, sizes) = (given.real(0)?, given.sizes(0)?.to_vec());
    let axis = axis_of(settings.integer_or("axis", -1)?, sizes.len())?;
    let epsilon = settings.float_or("epsilon", f64::from(1e-5_f32))?;
    let steps = given.len(0)?.saturating_mul(FUNCTION);
    let axes = (axis..sizes.len()).collect::<Vec<_>>();
    scaled(given, sizes, axes, element, steps, move |list| {
        let squares = list.iter().map(|x| x * x).collect::<Vec<_>>();
        let root = math::sqrt(super::reduce::mean_of(&squares) + epsilon);
        list.iter().map(|x| x / root).collect()
    })
}

/// Lists normalised by a function, then scaled by the second and shifted by the third input, which
/// broadcast to the first.
fn scaled(
    given: &Facts<'_>,
    sizes: Vec<usize>,
    axes: Vec<usize>,
    element: Element,
    steps: usize,
    normalise: impl Fn(&[f64]) -> Vec<f64> + Send + Sync + 'static,
) -> Result<Prepared, NodeRefused> {
    for input in 1..given.count() {
        if given.has(input) && broadcast(&[&sizes, given.sizes(input)?]).as_ref() != Some(&sizes) {
            return Err(bad_sizes(given.sizes(input)?));
        }
    }
    let output = sizes.clone();
    Prepared::new(element, output, steps, move |operands| {
        let mut numbers = operand(operands, 0).reals().into_owned();
        for list in lists(&sizes, &axes) {
            for (place, number) in list.iter().zip(normalise(&picked(&numbers, &list))) {
                numbers[*place] = number;
            }
        }
        let factors = reals_of(spread(operand(operands, 1), &sizes));
        numbers.iter_mut().zip(factors).for_each(|(number, factor)| *number *= factor);
        if let Some(shift) = operands.get(2).and_then(Option::as_deref) {
            let shifts = reals_of(spread(shift, &sizes));
            numbers.iter_mut().zip(shifts).for_each(|(number, shift)| *number += shift);
        }
        Data::Real(numbers)
    })
}

/// Groups of channels of each image normalised, then each channel scaled and shifted.
fn grouped(settings: &Settings, given: &Facts<'_>, groups: usize) -> Result<Prepared, NodeRefused> {
    given.expect(3, 3)?;
    let (element, sizes) = (given.real(0)?, given.sizes(0)?.to_vec());
    let epsilon = settings.float_or("epsilon", f64::from(1e-5_f32))?;
    let &[images, channels, ref image @ ..] = sizes.as_slice() else {
        return Err(bad_sizes(&sizes));
    };
    let fits = groups > 0
        && channels.is_multiple_of(groups)
        && (1..3).all(|input| given.len(input).is_ok_and(|len| len == channels || len == groups));
    if !fits {
        return Err(bad_sizes(given.sizes(1)?));
    }
    let (plane, per_group) = (image.iter().product::<usize>(), channels / groups);
    let (count, steps) = (images * groups, given.len(0)?.saturating_mul(FUNCTION));
    Prepared::new(element, sizes, steps, move |operands| {
        let mut numbers = operand(operands, 0).reals().into_owned();
        let [scale, shift] = [1, 2].map(|input| operand(operands, input).reals());
        // Before opset 21, there is one number for each group.
        let of = |list: &[f64], channel: usize| {
            if list.len() == channels { list[channel] } else { list[channel / per_group] }
        };
        for group in 0..count {
            let first = group * per_group * plane;
            let list = &mut numbers[first..first + per_group * plane];
            let (mean, variance) = moments(list);
            let root = math::sqrt(variance + epsilon);
            for (index, number) in list.iter_mut().enumerate() {
                let channel = group % groups * per_group + index / plane.max(1);
                *number = (*number - mean) / root * of(&scale, channel) + of(&shift, channel);
            }
        }
        Data::Real(numbers)
    })
}

pub(super) fn instance(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let channels = *given.sizes(0)?.get(1).ok_or(NodeRefused::InputCount(0))?;
    grouped(settings, given, channels)
}

pub(super) fn group(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    grouped(settings, given, unsigned(settings.integer_or("num_groups", 0)?)?)
}

/// In inference: each channel scaled and shifted by its statistics.
pub(super) fn batch(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(5, 5)?;
    if settings.flag("training_mode", false)? || settings.integer_or("spatial", 1)? != 1 {
        return Err(bad_value("training_mode"));
    }
    let (element, sizes) = (given.real(0)?, given.sizes(0)?.to_vec());
    let epsilon = settings.float_or("epsilon", f64::from(1e-5_f32))?;
    let channels = *sizes.get(1).ok_or_else(|| bad_sizes(&sizes))?;
    if (1..5).any(|input| given.sizes(input).is_ok_and(|sizes| sizes != [channels])) {
        return Err(bad_sizes(&sizes));
    }
    let plane = sizes[2..].iter().product::<usize>();
    Prepared::new(element, sizes, given.len(0)?.saturating_mul(FUNCTION), move |operands| {
        let mut numbers = operand(operands, 0).reals().into_owned();
        let [scale, bias, mean, variance] =
            [1, 2, 3, 4].map(|input| operand(operands, input).reals());
        for (index, number) in numbers.iter_mut().enumerate() {
            let channel = index / plane % channels;
            let root = math::sqrt(variance[channel] + epsilon);
            *number = (*number - mean[channel]) / root * scale[channel] + bias[channel];
        }
        Data::Real(numbers)
    })
}

/// Each element divided by a power of the squares in the channels beside it.
pub(super) fn local_response(
    settings: &Settings,
    given: &Facts<'_>,
) -> Result<Prepared, NodeRefused> {
    given.expect(1, 1)?;
    let (element, sizes) = (given.real(0)?, given.sizes(0)?.to_vec());
    let size = settings.integer("size")?.ok_or(NodeRefused::AttributeMissing("size".into()))?;
    let size = unsigned(size)?;
    let alpha = settings.float_or("alpha", f64::from(1e-4_f32))?;
    let beta = settings.float_or("beta", 0.75)?;
    let bias = settings.float_or("bias", 1.0)?;
    if sizes.len() < 2 || size == 0 || size > crate::limits::WINDOW {
        return Err(bad_sizes(&sizes));
    }
    let steps = given.len(0)?.saturating_mul(3 * FUNCTION + size);
    Prepared::new(element, sizes.clone(), steps, move |operands| {
        let numbers = operand(operands, 0).reals();
        let (places, mut result) = (strides(&sizes), Vec::with_capacity(numbers.len()));
        #[expect(clippy::cast_precision_loss, reason = "a window is small")]
        let each = alpha / size as f64;
        each_coordinate(&sizes, |at| {
            let place = at.iter().zip(&places).map(|(at, step)| at * step).sum::<usize>();
            let first = at[1].saturating_sub((size - 1) / 2);
            let last = (at[1] + size / 2).min(sizes[1] - 1);
            let start = place - at[1] * places[1];
            let squares = (first..=last).map(|channel| numbers[start + channel * places[1]]);
            let sum = squares.fold(0.0, |sum, x| sum + x * x);
            result.push(numbers[place] / math::pow(bias + each * sum, beta));
        });
        Data::Real(result)
    })
}
