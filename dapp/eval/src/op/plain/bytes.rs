//! Sums of products of integers less their zero points. Where both factors have at most eight bits,
//! a kernel computes three of them at a time.

use kernels::integer::{self, Columns, Rows};

use super::{
    Facts,
    product::{Matrices, add_product, wholes_of},
    window::Filters,
};
use crate::{
    cost::{self, Cost},
    element::Element,
    refusal::NodeRefused,
    tensor::{Data, Tensor, each_coordinate, strides},
};

/// A factor and its zero points: one, or one for each row of a left factor, each column of a right
/// one, or each filter.
pub(super) type Shifted<'a> = (&'a Tensor, Option<&'a Tensor>);

/// Inputs: those of a factor and of its zero points.
pub(super) type Inputs = (usize, usize);

/// A factor as bytes: its integers and zero points, less the least integer of their type.
struct Factor {
    bytes: Vec<u8>,
    zeros: Vec<u8>,
}

impl Factor {
    /// `numbers` are integers of this type.
    fn new(element: Element, numbers: &[i64], zeros: Option<&Tensor>) -> Self {
        let (least, _) = element.range();
        let byte = |number: &i64| u8::try_from(i128::from(*number) - least).unwrap_or(u8::MAX);
        let zeros = zeros.map(|zeros| zeros.wholes().iter().map(byte).collect());
        let zeros = zeros.unwrap_or_else(|| vec![byte(&0)]);
        Self { bytes: numbers.iter().map(byte).collect(), zeros }
    }
}

/// Whether a factor is of an integer type of at most eight bits, and its zero points as well.
fn is_of_bytes(given: &Facts<'_>, (factor, zeros): Inputs) -> bool {
    let Ok(element) = given.element(factor) else { return false };
    let is_narrow = !element.is_real() && element != Element::Bool && element.bits() <= 8;
    is_narrow && (!given.has(zeros) || given.element(zeros) == Ok(element))
}

/// A factor's integers less its zero points, each of which holds for the elements that `index`
/// gives its index.
fn shifted((tensor, zeros): Shifted<'_>, index: impl Fn(usize) -> usize) -> Vec<i64> {
    let zeros = zeros.map_or_else(|| vec![0], |zeros| zeros.wholes().into_owned());
    let zero = |at: usize| if zeros.len() == 1 { zeros[0] } else { zeros[index(at)] };
    tensor.wholes().iter().enumerate().map(|(at, x)| x.wrapping_sub(zero(at))).collect()
}

/// A product of integer matrices.
pub(super) struct IntegerProduct {
    matrices: Matrices,
    is_of_bytes: bool,
}

impl IntegerProduct {
    pub(super) fn new(matrices: Matrices, given: &Facts<'_>, factors: [Inputs; 2]) -> Self {
        let is_of_bytes = factors.into_iter().all(|factor| is_of_bytes(given, factor));
        Self { matrices, is_of_bytes }
    }

    /// The sizes of the product, the steps, and what the kernel costs.
    pub(super) fn plan(&self) -> Result<(Vec<usize>, usize, Cost), NodeRefused> {
        let Matrices { rows, inner, columns, .. } = self.matrices;
        let output = self.matrices.output.clone();
        if !self.is_of_bytes {
            return Ok((output, self.matrices.products(), Cost::default()));
        }
        let outer = self.matrices.outer.iter().product();
        let cost = cost::byte_product(outer, rows, inner, columns).ok_or(NodeRefused::Cost)?;
        Ok((output, 0, cost))
    }

    /// The sums, modulo two to the 64th.
    pub(super) fn sums(&self, [left, right]: [Shifted<'_>; 2]) -> Vec<i64> {
        let matrices = &self.matrices;
        if self.is_of_bytes {
            let factor = |(tensor, zeros): Shifted<'_>, is_right| {
                let numbers = wholes_of(matrices.spread(tensor, is_right));
                Factor::new(tensor.element, &numbers, zeros)
            };
            return matrices.multiply_bytes(&factor(left, false), &factor(right, true));
        }
        let factor = |factor: Shifted<'_>, is_right: bool| {
            let of = factor.0;
            let columns = of.sizes.last().copied().unwrap_or(1).max(1);
            let index = |at: usize| if is_right { at % columns } else { at / columns };
            let data = Data::Whole(shifted(factor, index));
            let tensor = Tensor { element: Element::I64, sizes: of.sizes.clone(), data };
            wholes_of(matrices.spread(&tensor, is_right))
        };
        matrices.multiply(&factor(left, false), &factor(right, true), add_product)
    }
}

impl Matrices {
    fn multiply_bytes(&self, left: &Factor, right: &Factor) -> Vec<i64> {
        let Self { rows, inner, columns, .. } = *self;
        let mut output = vec![0; self.outer.iter().product::<usize>() * rows * columns];
        if output.is_empty() || inner == 0 {
            return output;
        }
        let of_inner = (0..inner).map(|index| index * columns).collect::<Vec<_>>();
        let of_columns = (0..columns).collect::<Vec<_>>();
        let slots = output.chunks_exact_mut(rows * columns);
        let lefts = left.bytes.chunks_exact(rows * inner);
        let rights = right.bytes.chunks_exact(inner * columns);
        for (slots, (left_bytes, bytes)) in slots.zip(lefts.zip(rights)) {
            let left = Rows { bytes: left_bytes, zeros: &left.zeros };
            let (inner, columns, zeros) = (&of_inner[..], &of_columns[..], &right.zeros[..]);
            integer::byte_product(left, &Columns { bytes, inner, columns, zeros }, slots);
        }
        output
    }
}

/// A convolution of integer images with integer weights.
pub(super) struct IntegerConvolution {
    filters: Filters,
    is_of_bytes: bool,
}

impl IntegerConvolution {
    pub(super) fn new(filters: Filters, given: &Facts<'_>, factors: [Inputs; 2]) -> Self {
        let is_of_bytes = factors.into_iter().all(|factor| is_of_bytes(given, factor));
        Self { filters, is_of_bytes }
    }

    /// The steps, what the kernel costs, and the elements that it holds.
    pub(super) fn plan(&self) -> Result<(usize, Cost, usize), NodeRefused> {
        let Filters { window, images, groups, depth, filters } = &self.filters;
        if !self.is_of_bytes {
            return Ok((self.filters.products().saturating_mul(2), Cost::default(), 0));
        }
        let padded = window.padded().iter().product::<usize>();
        let (inner, channels) = (depth * window.taps(), depth * groups);
        let held = channels.checked_mul(padded).and_then(|pixels| pixels.checked_add(inner));
        let held = held.ok_or(NodeRefused::Cost)?;
        let products = images.saturating_mul(*groups);
        let cost = cost::byte_product(products, filters / groups, inner, window.positions());
        let cost =
            cost.and_then(|cost| cost.plus(cost::packed_bytes(&[*images, channels, padded])?));
        Ok((0, cost.ok_or(NodeRefused::Cost)?, held))
    }

    /// The sums, modulo two to the 64th.
    pub(super) fn sums(&self, [images, weights]: [Shifted<'_>; 2]) -> Vec<i64> {
        if !self.is_of_bytes {
            let each = (weights.0.len() / self.filters.filters.max(1)).max(1);
            let (images, weights) = (shifted(images, |_| 0), shifted(weights, |at| at / each));
            return self.filters.convolve(&images, &weights, add_product);
        }
        let factor =
            |(tensor, zeros): Shifted<'_>| Factor::new(tensor.element, &tensor.wholes(), zeros);
        self.filters.convolve_bytes(&factor(images), &factor(weights))
    }
}

impl Filters {
    /// Images are padded with their zero point, so that padding adds nothing.
    fn convolve_bytes(&self, images: &Factor, weights: &Factor) -> Vec<i64> {
        let Self { window, groups, depth, .. } = self;
        let padded = window.padded();
        let (steps, pixels) = (strides(&padded), padded.iter().product::<usize>());
        let (in_group, positions) = (self.filters / groups, window.positions());
        let mut columns = Vec::with_capacity(positions);
        each_coordinate(&window.output, |at| columns.push(window.corner(at, &steps)));
        let mut inner = Vec::with_capacity(depth * window.taps());
        for channel in 0..*depth {
            each_coordinate(&window.kernel, |tap| {
                inner.push(channel * pixels + window.reach(tap, &steps));
            });
        }
        let mut output = vec![0; self.images * self.filters * positions];
        let image_len = depth * groups * window.image.iter().product::<usize>();
        if output.is_empty() || inner.is_empty() || image_len == 0 {
            return output;
        }
        let mut plane = vec![images.zeros[0]; depth * groups * pixels];
        let slots = output.chunks_exact_mut(self.filters * positions);
        for (slots, image) in slots.zip(images.bytes.chunks_exact(image_len)) {
            window.pad(image, &steps, pixels, &mut plane);
            for (group, slots) in slots.chunks_exact_mut(in_group * positions).enumerate() {
                let of_group = |all: &'_ [u8], each: usize| all[group * each..][..each].to_vec();
                let left = of_group(&weights.bytes, in_group * inner.len());
                let one = weights.zeros.len() == 1;
                let zeros =
                    if one { weights.zeros.clone() } else { of_group(&weights.zeros, in_group) };
                let bytes = &plane[group * depth * pixels..];
                let (inner, columns) = (&inner[..], &columns[..]);
                let right = Columns { bytes, inner, columns, zeros: &images.zeros };
                integer::byte_product(Rows { bytes: &left, zeros: &zeros }, &right, slots);
            }
        }
        output
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{limits, onnx::Attribute, op::Settings};

    /// Integers of a type, its least and greatest among them.
    fn tensor(element: Element, sizes: &[usize], seed: i64) -> Tensor {
        let (least, most) = element.range();
        let (least, span) = (i64::try_from(least).unwrap(), i64::try_from(most - least).unwrap());
        let count = i64::try_from(sizes.iter().product::<usize>()).unwrap();
        let number = |at: i64| match at % 7 {
            0 => least,
            1 => least + span,
            _ => least + (at * 7_919 + seed * 104_729) % (span + 1),
        };
        let data = Data::Whole((0..count).map(number).collect());
        Tensor { element, sizes: sizes.to_vec(), data }
    }

    const TYPES: [Element; 4] = [Element::U8, Element::I8, Element::U4, Element::I4];

    #[test]
    fn the_kernel_s_products_are_those_one_by_one() {
        let shapes: [[&[usize]; 2]; 5] = [
            [&[1, 1], &[1, 1]],
            [&[5, 70], &[70, 13]],
            [&[3, 2, 5, 33], &[33, 12]],
            [&[4, 40], &[2, 40, 3]],
            [&[9], &[9, 2]],
        ];
        for (index, [left, right]) in shapes.into_iter().enumerate() {
            let (of_left, of_right) = (TYPES[index % 4], TYPES[(index + 1) % 4]);
            let matrices = || Matrices::new(left, right).unwrap();
            let each = |size: usize| if size > 1 && index % 2 == 1 { vec![size] } else { vec![] };
            let zeros = [
                tensor(of_left, &if left.len() == 2 { each(left[0]) } else { vec![] }, 3),
                tensor(of_right, &if right.len() == 2 { each(right[1]) } else { vec![1] }, 5),
            ];
            let (left, right) = (tensor(of_left, left, 1), tensor(of_right, right, 2));
            let sums = |is_of_bytes| {
                let product = IntegerProduct { matrices: matrices(), is_of_bytes };
                product.sums([(&left, Some(&zeros[0])), (&right, Some(&zeros[1]))])
            };
            assert_eq!(sums(true), sums(false), "{left:?} {right:?}");
        }
    }

    #[test]
    fn the_kernel_s_convolutions_are_those_one_by_one() {
        type Attributes = &'static [(&'static str, &'static [i64])];
        let cases: [([&[usize]; 2], Attributes); 5] = [
            ([&[2, 3, 9, 7], &[4, 3, 3, 3]], &[("pads", &[1, 2, 0, 1])]),
            ([&[1, 4, 8, 8], &[4, 1, 3, 3]], &[("strides", &[2, 2]), ("pads", &[1, 1, 1, 1])]),
            ([&[1, 2, 30], &[6, 2, 5]], &[("dilations", &[3]), ("pads", &[4, 2])]),
            ([&[1, 2, 4, 5, 6], &[2, 2, 2, 3, 1]], &[("strides", &[1, 2, 3])]),
            ([&[3, 1, 1, 1], &[1, 1, 5, 5]], &[("pads", &[7, 2, 7, 2]), ("strides", &[6, 1])]),
        ];
        for (index, ([images, weights], attributes)) in cases.into_iter().enumerate() {
            let groups = i64::try_from(images[1] / weights[1]).unwrap();
            let mut list = vec![(&b"group"[..], Attribute::Integer(groups))];
            for (name, numbers) in attributes {
                list.push((name.as_bytes(), Attribute::Integers(numbers.to_vec())));
            }
            let settings = Settings::new(&list, *limits::OPSET_RANGE.end(), [0, 1]).unwrap();
            let filters = Filters::new(&settings, images, weights).unwrap();
            let (of_images, of_weights) = (TYPES[index % 4], TYPES[(index + 1) % 4]);
            let each = if index % 2 == 0 { vec![weights[0]] } else { vec![] };
            let zeros = [tensor(of_images, &[], 4), tensor(of_weights, &each, 6)];
            let (images, weights) = (tensor(of_images, images, 1), tensor(of_weights, weights, 2));
            let sums = |is_of_bytes| {
                let convolution = IntegerConvolution { filters: filters.clone(), is_of_bytes };
                convolution.sums([(&images, Some(&zeros[0])), (&weights, Some(&zeros[1]))])
            };
            assert_eq!(sums(true), sums(false), "{attributes:?}");
        }
    }
}
