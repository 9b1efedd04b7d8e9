//! Convolutions of any number of dimensions, plain, of integers and transposed.

use super::{
    Facts, Prepared, Settings, bad_sizes,
    bytes::IntegerConvolution,
    operand, unsigned,
    window::{Filters, list, pads},
};
use crate::{
    element::Element,
    limits,
    op::attributes::bad_value,
    refusal::NodeRefused,
    tensor::{Data, each_coordinate, strides},
};

pub(super) fn conv(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(2, 3)?;
    let filters = Filters::new(settings, given.sizes(0)?, given.sizes(1)?)?;
    if given.has(2) && given.sizes(2)? != [filters.filters] {
        return Err(bad_sizes(given.sizes(2)?));
    }
    let (element, steps) = (given.real(0)?, filters.products().saturating_mul(2));
    Prepared::new(element, filters.sizes(), steps, move |operands| {
        let [images, weights] = [0, 1].map(|input| operand(operands, input).reals());
        let mut sums = filters.convolve(&images, &weights, |sum, x, y| sum + x * y);
        if let Some(bias) = operands.get(2).and_then(Option::as_deref) {
            add_bias(&mut sums, &bias.reals(), filters.window.positions());
        }
        Data::Real(sums)
    })
}

fn add_bias(sums: &mut [f64], bias: &[f64], positions: usize) {
    for (index, plane) in sums.chunks_exact_mut(positions.max(1)).enumerate() {
        plane.iter_mut().for_each(|sum| *sum += bias[index % bias.len()]);
    }
}

/// A convolution of integers less their zero points, as i32.
pub(super) fn conv_integer(
    settings: &Settings,
    given: &Facts<'_>,
) -> Result<Prepared, NodeRefused> {
    given.expect(2, 4)?;
    let filters = Filters::new(settings, given.sizes(0)?, given.sizes(1)?)?;
    let zeros = [2, 3].map(|input| given.has(input).then(|| given.len(input)).transpose());
    let [of_images, of_weights] = zeros;
    if of_images?.is_some_and(|count| count != 1)
        || of_weights?.is_some_and(|count| count != 1 && count != filters.filters)
    {
        return Err(bad_sizes(given.sizes(1)?));
    }
    if given.element(0)?.is_real() || given.element(1)?.is_real() {
        return Err(NodeRefused::ElementType(0));
    }
    let sizes = filters.sizes();
    let convolution = IntegerConvolution::new(filters, given, [(0, 2), (1, 3)]);
    let (steps, kernels, held) = convolution.plan()?;
    let prepared = Prepared::new(Element::I32, sizes, steps, move |operands| {
        let zeros = |input: usize| operands.get(input).and_then(Option::as_deref);
        let factor = |input: usize| (operand(operands, input), zeros(input + 2));
        Data::Whole(convolution.sums([factor(0), factor(1)]))
    })?;
    Ok(prepared.with_kernels(kernels).holding(held))
}

/// The transposed convolution: each pixel adds its multiple of the kernel to the output.
pub(super) fn conv_transpose(
    settings: &Settings,
    given: &Facts<'_>,
) -> Result<Prepared, NodeRefused> {
    given.expect(2, 3)?;
    let (images, weights) = (given.sizes(0)?, given.sizes(1)?);
    let refused = || NodeRefused::Shapes(images.into(), weights.into());
    let groups = unsigned(settings.integer_or("group", 1)?)?;
    let (&[n, channels, ref image @ ..], &[depth, in_group, ref kernel @ ..]) = (images, weights)
    else {
        return Err(refused());
    };
    let fits = groups > 0
        && channels == depth
        && channels.is_multiple_of(groups)
        && image.len() == kernel.len()
        && !image.is_empty();
    if !fits {
        return Err(refused());
    }
    let (rank, image, kernel) = (image.len(), image.to_vec(), kernel.to_vec());
    let (stride, dilation) = (list(settings, "strides", rank)?, list(settings, "dilations", rank)?);
    let (begin, output) = transposed_size(settings, &image, &kernel, &stride, &dilation)?;
    if given.has(2) && given.len(2)? != in_group * groups {
        return Err(bad_sizes(given.sizes(2)?));
    }
    let filters = in_group * groups;
    let sizes = [&[n, filters], output.as_slice()].concat();
    let taps = kernel.iter().product::<usize>();
    let pixels = image.iter().product::<usize>();
    let steps =
        [n, channels, in_group, taps, 3].iter().fold(pixels, |all, size| all.saturating_mul(*size));
    let element = given.real(0)?;
    let per_group = channels / groups;
    Prepared::new(element, sizes, steps, move |operands| {
        let [numbers, weights] = [0, 1].map(|input| operand(operands, input).reals());
        let (places, to) = (strides(&output), output.iter().product::<usize>());
        let mut sums = vec![0.0; n * filters * to];
        let mut pixel = 0;
        each_coordinate(&image, |position| {
            let mut tap = 0;
            each_coordinate(&kernel, |at| {
                let place = (0..rank).map(|side| {
                    let place = position[side] * stride[side] + at[side] * dilation[side];
                    let place = place.checked_sub(begin[side])?;
                    (place < output[side]).then(|| place * places[side])
                });
                if let Some(place) = place.sum::<Option<usize>>() {
                    for from in 0..n * channels {
                        let (image, channel) = (from / channels, from % channels);
                        let number = numbers[from * pixels + pixel];
                        let first = image * filters + channel / per_group * in_group;
                        for filter in 0..in_group {
                            let weight = weights[(channel * in_group + filter) * taps + tap];
                            sums[(first + filter) * to + place] += number * weight;
                        }
                    }
                }
                tap += 1;
            });
            pixel += 1;
        });
        if let Some(bias) = operands.get(2).and_then(Option::as_deref) {
            add_bias(&mut sums, &bias.reals(), to);
        }
        Data::Real(sums)
    })
}

/// Padding at the beginnings, and the output's size, of a transposed convolution.
fn transposed_size(
    settings: &Settings,
    image: &[usize],
    kernel: &[usize],
    stride: &[usize],
    dilation: &[usize],
) -> Result<(Vec<usize>, Vec<usize>), NodeRefused> {
    let rank = image.len();
    let [mut begin, mut end] = pads(settings, rank)?;
    let more = match settings.integers("output_padding")? {
        Some(list) if list.len() == rank => list.to_vec(),
        Some(_) => return Err(bad_value("output_padding")),
        None => vec![0; rank],
    };
    let stated = settings.integers("output_shape")?;
    let automatic = settings.text("auto_pad")?.unwrap_or("NOTSET");
    let mut output = Vec::with_capacity(rank);
    for side in 0..rank {
        let more = unsigned(more[side])?;
        let full = (image[side].max(1) - 1) * stride[side]
            + more
            + (kernel[side] - 1) * dilation[side]
            + 1;
        let wanted = match (stated, automatic) {
            (Some(list), _) => {
                let tail = list.len().checked_sub(rank).ok_or(bad_value("output_shape"))?;
                Some(unsigned(list[tail + side])?)
            }
            (None, "SAME_UPPER" | "SAME_LOWER") => Some(image[side] * stride[side]),
            (None, "VALID") => Some(full),
            (None, "NOTSET") => None,
            _ => return Err(bad_value("auto_pad")),
        };
        if let Some(wanted) = wanted {
            let total = full.saturating_sub(wanted);
            let (less, rest) = (total / 2, total - total / 2);
            (begin[side], end[side]) =
                if automatic == "SAME_UPPER" { (less, rest) } else { (rest, less) };
        }
        let size = wanted.or_else(|| full.checked_sub(begin[side] + end[side]));
        let size = size.filter(|size| (1..=limits::DIMENSION).contains(size));
        output.push(size.ok_or(NodeRefused::OutputShape)?);
    }
    Ok((begin, output))
}
