//! Quantised numbers: integers with a scale and a zero point.

use kernels::math::double as math;

use super::{
    Facts, Prepared, Settings, axis_of, bad_sizes,
    bytes::{IntegerConvolution, IntegerProduct},
    operand,
    product::Matrices,
    unsigned,
    window::Filters,
};
use crate::{
    element::Element,
    op::attributes::bad_value,
    refusal::NodeRefused,
    tensor::{Data, Tensor, each_coordinate, strides},
};

/// Which of its scales each element of a tensor has.
#[derive(Clone)]
struct Scales {
    sizes: Vec<usize>,
    /// The sizes of the scales, one per dimension of the tensor, and the elements that share one.
    of: Vec<usize>,
    block: Vec<usize>,
}

impl Scales {
    /// One scale for all, one per index along an axis, or one per block along it.
    fn new(settings: &Settings, given: &Facts<'_>) -> Result<Self, NodeRefused> {
        let (sizes, scales) = (given.sizes(0)?.to_vec(), given.sizes(1)?);
        let rank = sizes.len();
        if given.len(1)? == 1 && scales.len() <= 1 {
            return Ok(Self { of: vec![1; rank], block: sizes.clone(), sizes });
        }
        let axis = axis_of(settings.integer_or("axis", 1)?, rank)?;
        let block = unsigned(settings.integer_or("block_size", 0)?)?;
        if block > 0 {
            let fits = scales.len() == rank
                && (0..rank).all(|side| {
                    let expected =
                        if side == axis { sizes[side].div_ceil(block) } else { sizes[side] };
                    scales[side] == expected
                });
            if !fits {
                return Err(bad_sizes(scales));
            }
            let blocks = (0..rank).map(|side| if side == axis { block } else { 1 }).collect();
            return Ok(Self { of: scales.to_vec(), block: blocks, sizes });
        }
        if scales != [sizes[axis]] {
            return Err(bad_sizes(scales));
        }
        let of = (0..rank).map(|side| if side == axis { sizes[side] } else { 1 }).collect();
        let block = (0..rank).map(|side| if side == axis { 1 } else { sizes[side] }).collect();
        Ok(Self { sizes, of, block })
    }

    /// The index of each element's scale.
    fn indices(&self) -> Vec<usize> {
        let (steps, mut indices) = (strides(&self.of), Vec::new());
        each_coordinate(&self.sizes, |at| {
            let place = (0..at.len()).map(|side| at[side] / self.block[side].max(1) * steps[side]);
            indices.push(place.sum());
        });
        indices
    }
}

/// `round(x / scale) + zero`, ties to even, moved into the range of the type.
pub(super) fn quantised(to: Element, number: f64, scale: f64, zero: f64) -> f64 {
    if to.is_real() {
        return to.cast(number / scale + zero, true);
    }
    let (least, most) = to.range();
    #[expect(clippy::cast_precision_loss, reason = "types of at most 32 bits")]
    let (least, most) = (least as f64, most as f64);
    (math::rint(number / scale) + zero).clamp(least, most)
}

pub(super) fn as_data(to: Element, numbers: Vec<f64>) -> Data {
    if to.is_real() {
        return Data::Real(numbers);
    }
    #[expect(clippy::cast_possible_truncation, reason = "in the range of the type")]
    Data::Whole(numbers.into_iter().map(|number| number as i64).collect())
}

pub(super) fn is_narrow(element: Element) -> bool {
    element.bits() <= 32 && !matches!(element, Element::F32 | Element::Bool)
}

pub(super) fn quantize(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(2, 3)?;
    let scales = Scales::new(settings, given)?;
    let stated = Element::from_onnx(settings.integer_or("output_dtype", 0)?);
    let to = match (given.has(2), stated) {
        (true, _) => given.element(2)?,
        (false, stated) => stated.unwrap_or(Element::U8),
    };
    let precision = Element::from_onnx(settings.integer_or("precision", 0)?);
    let precision = precision.unwrap_or(given.element(1)?);
    if !is_narrow(to) || (given.has(2) && given.len(2)? != given.len(1)?) {
        return Err(NodeRefused::ElementType(2));
    }
    let steps = given.len(0)?.saturating_mul(6);
    Prepared::new(to, given.sizes(0)?.to_vec(), steps, move |operands| {
        let [numbers, scale] = [0, 1].map(|input| operand(operands, input).reals());
        let zeros = operands.get(2).and_then(Option::as_deref).map(Tensor::reals);
        let zero = |index: usize| zeros.as_ref().map_or(0.0, |zeros| zeros[index]);
        let each = numbers.iter().zip(scales.indices());
        let quantise = |(number, index): (&f64, usize)| {
            let ratio = precision.rounded(number / scale[index]);
            quantised(to, ratio, 1.0, zero(index))
        };
        as_data(to, each.map(quantise).collect())
    })
}

pub(super) fn dequantize(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(2, 3)?;
    let scales = Scales::new(settings, given)?;
    let to = match Element::from_onnx(settings.integer_or("output_dtype", 0)?) {
        Some(to) => to,
        None => given.real(1)?,
    };
    if given.has(2) && given.len(2)? != given.len(1)? {
        return Err(bad_sizes(given.sizes(2)?));
    }
    let steps = given.len(0)?.saturating_mul(4);
    Prepared::new(to, given.sizes(0)?.to_vec(), steps, move |operands| {
        let [numbers, scale] = [0, 1].map(|input| operand(operands, input).reals());
        let zeros = operands.get(2).and_then(Option::as_deref).map(Tensor::reals);
        let zero = |index: usize| zeros.as_ref().map_or(0.0, |zeros| zeros[index]);
        let each = numbers.iter().zip(scales.indices());
        Data::Real(each.map(|(x, index)| (x - zero(index)) * scale[index]).collect())
    })
}

/// Bytes with the scale and zero point that the range of the tensor needs: the three outputs.
pub(super) fn dynamic(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(1, 1)?;
    let element = given.real(0)?;
    let (to, sizes) = match settings.output {
        0 => (Element::U8, given.sizes(0)?.to_vec()),
        1 => (element, Vec::new()),
        _ => (Element::U8, Vec::new()),
    };
    let output = settings.output;
    Prepared::new(to, sizes, given.len(0)?.saturating_mul(8), move |operands| {
        let numbers = operand(operands, 0).reals();
        let most = numbers.iter().fold(0.0_f64, |most, x| most.max(*x));
        let least = numbers.iter().fold(0.0_f64, |least, x| least.min(*x));
        let scale = element.rounded((most - least) / 255.0);
        let zero = math::rint(element.rounded(-least / scale).clamp(0.0, 255.0));
        match output {
            0 => {
                let ratios = numbers.iter().map(|x| element.rounded(x / scale));
                let bytes = ratios.map(|ratio| quantised(Element::U8, ratio, 1.0, zero));
                as_data(Element::U8, bytes.collect())
            }
            1 => Data::Real(vec![scale]),
            _ => as_data(Element::U8, vec![zero]),
        }
    })
}

/// Where the zero points and scales of a factor are: one for all, or one per row or column.
#[derive(Clone, Copy)]
enum Each {
    One,
    Row,
    Column,
}

fn each(given: &Facts<'_>, input: usize, factor: usize, right: bool) -> Result<Each, NodeRefused> {
    if !given.has(input) || given.len(input)? == 1 {
        return Ok(Each::One);
    }
    let sizes = given.sizes(factor)?;
    let side = if right { sizes.last() } else { sizes.iter().nth_back(1) };
    let fits = side == Some(&given.len(input)?) && sizes.len() == 2;
    match (fits, right) {
        (true, true) => Ok(Each::Column),
        (true, false) => Ok(Each::Row),
        _ => Err(bad_sizes(given.sizes(input)?)),
    }
}

pub(super) fn mat_mul_integer(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(2, 4)?;
    let (left, right) = (given.sizes(0)?, given.sizes(1)?);
    let matrices = Matrices::new(left, right);
    let matrices = matrices.ok_or_else(|| NodeRefused::Shapes(left.into(), right.into()))?;
    each(given, 2, 0, false)?;
    each(given, 3, 1, true)?;
    if (0..2).any(|input| given.element(input).is_ok_and(Element::is_real)) {
        return Err(NodeRefused::ElementType(0));
    }
    let product = IntegerProduct::new(matrices, given, [(0, 2), (1, 3)]);
    let (output, steps, kernels) = product.plan()?;
    let prepared = Prepared::new(Element::I32, output, steps, move |operands| {
        let zeros = |input: usize| operands.get(input).and_then(Option::as_deref);
        let factor = |input: usize| (operand(operands, input), zeros(input + 2));
        Data::Whole(product.sums([factor(0), factor(1)]))
    })?;
    Ok(prepared.with_kernels(kernels))
}

/// A product of quantised factors, quantised: the inputs are each factor's integers, scale and zero
/// point, and the output's scale and zero point.
pub(super) fn q_linear_mat_mul(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(8, 8)?;
    let (left, right) = (given.sizes(0)?, given.sizes(3)?);
    let matrices = Matrices::new(left, right);
    let matrices = matrices.ok_or_else(|| NodeRefused::Shapes(left.into(), right.into()))?;
    each(given, 2, 0, false)?;
    each(given, 5, 3, true)?;
    let of_scales = [each(given, 1, 0, false)?, each(given, 4, 3, true)?];
    let to = given.element(7)?;
    if !is_narrow(to) || given.len(6)? != 1 || given.len(7)? != 1 {
        return Err(NodeRefused::ElementType(7));
    }
    let product = IntegerProduct::new(matrices, given, [(0, 2), (3, 5)]);
    let (output, steps, kernels) = product.plan()?;
    let columns = output.last().copied().unwrap_or(1).max(1);
    let prepared = Prepared::new(to, output, steps, move |operands| {
        let factor = |input: usize| {
            (operand(operands, input), operands.get(input + 2).and_then(Option::as_deref))
        };
        let sums = product.sums([factor(0), factor(3)]);
        let [left, right, scale, zero] = [1, 4, 6, 7].map(|input| operand(operands, input).reals());
        let of = |scales: &[f64], kind: Each, index: usize| match kind {
            Each::One => scales[0],
            Each::Row => scales[index / columns],
            Each::Column => scales[index % columns],
        };
        #[expect(clippy::cast_precision_loss, reason = "sums of products of bytes")]
        let quantise = |(index, sum): (usize, i64)| {
            let factor = of(&left, of_scales[0], index) * of(&right, of_scales[1], index);
            quantised(to, sum as f64 * (factor / scale[0]), 1.0, zero[0])
        };
        as_data(to, sums.into_iter().enumerate().map(quantise).collect())
    })?;
    Ok(prepared.with_kernels(kernels))
}

/// A convolution of quantised images and weights, quantised.
pub(super) fn q_linear_conv(
    settings: &Settings,
    given: &Facts<'_>,
) -> Result<Prepared, NodeRefused> {
    given.expect(8, 9)?;
    let filters = Filters::new(settings, given.sizes(0)?, given.sizes(3)?)?;
    let sizes = filters.sizes();
    let count = sizes[1];
    let per_filter = |input: usize| given.len(input).is_ok_and(|len| len == 1 || len == count);
    let ones = [1, 2, 6, 7].iter().all(|input| given.len(*input).is_ok_and(|len| len == 1));
    let to = given.element(7)?;
    if !ones || !per_filter(4) || !per_filter(5) || !is_narrow(to) {
        return Err(bad_value("scale"));
    }
    if given.has(8) && given.len(8)? != count {
        return Err(bad_sizes(given.sizes(8)?));
    }
    let positions = sizes[2..].iter().product::<usize>();
    let convolution = IntegerConvolution::new(filters, given, [(0, 2), (3, 5)]);
    let (steps, kernels, held) = convolution.plan()?;
    let prepared = Prepared::new(to, sizes, steps, move |operands| {
        let factor = |input: usize| (operand(operands, input), Some(operand(operands, input + 2)));
        let mut sums = convolution.sums([factor(0), factor(3)]);
        let bias =
            operands.get(8).and_then(Option::as_deref).map(|bias| bias.wholes().into_owned());
        let [of_image, of_weight, scale, zero] =
            [1, 4, 6, 7].map(|input| operand(operands, input).reals());
        let mut numbers = Vec::with_capacity(sums.len());
        for (index, sum) in sums.iter_mut().enumerate() {
            let filter = index / positions.max(1) % count;
            *sum = sum.wrapping_add(bias.as_ref().map_or(0, |bias| bias[filter]));
            let of_weight = if of_weight.len() == 1 { of_weight[0] } else { of_weight[filter] };
            #[expect(clippy::cast_precision_loss, reason = "sums of products of bytes")]
            let number = *sum as f64 * (of_image[0] * of_weight / scale[0]);
            numbers.push(quantised(to, number, 1.0, zero[0]));
        }
        as_data(to, numbers)
    })?;
    Ok(prepared.with_kernels(kernels).holding(held))
}
