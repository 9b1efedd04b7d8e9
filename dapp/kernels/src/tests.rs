//! The kernels agree bit for bit with a slow and plain implementation of the rule of arithmetic.

use std::sync::OnceLock;

use proptest::prelude::*;

use super::{
    integer::{Columns, Rows, byte_product},
    *,
};

/// Numbers of many magnitudes, whose sums depend on the order and on each rounding, with this
/// percentage of zeros of either sign, clustered as in images, and some denormals.
fn numbers(count: usize, zeros: u32, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    let mut zero = false;
    let number = std::iter::repeat_with(|| {
        if next() % 4 == 0 {
            zero = next() % 100 < zeros;
        }
        let mantissa = f32::from(u16::try_from(next() & 0xffff).unwrap()) / 65_536.0 - 0.5;
        match next() % 64 {
            0 => mantissa * f32::MIN_POSITIVE,
            _ if zero => 0.0_f32.copysign(mantissa),
            magnitude => mantissa * f32::from(1_u16 << (magnitude % 16)),
        }
    });
    number.take(count).collect()
}

/// The bits, as the rule shows them.
fn bits(elements: &[f32]) -> Vec<u32> {
    let bits = |element: &f32| if element.is_nan() { 0x7fc0_0000 } else { element.to_bits() };
    elements.iter().map(bits).collect()
}

/// One output: the terms in order, then the bias.
fn output(terms: impl Iterator<Item = (f32, f32)>, bias: Option<f32>) -> f32 {
    let mut sum = 0.0_f32;
    for (left, right) in terms {
        sum = left.mul_add(right, sum);
    }
    match bias {
        Some(bias) if bias != 0.0 => sum + bias,
        _ => sum + 0.0,
    }
}

fn plain_product(left: &[f32], right: &[f32], shape: RightShape, bias: Option<&[f32]>) -> Vec<f32> {
    let RightShape { inner, columns, transposed } = shape;
    let mut product = Vec::new();
    for row in 0..left.len() / inner {
        for column in 0..columns {
            let right = |index: usize| {
                right[if transposed { column * inner + index } else { index * columns + column }]
            };
            let terms = (0..inner).map(|index| (left[row * inner + index], right(index)));
            product.push(output(terms, bias.map(|bias| bias[column])));
        }
    }
    or_nans(right, product)
}

fn plain_convolution(
    images: &[f32],
    weights: &[f32],
    [count, filters, groups, depth]: [usize; 4],
    bias: Option<&[f32]>,
    geometry: &Geometry,
) -> Vec<f32> {
    let Geometry { image: [height, width], kernel, stride, dilation, padding, output_size } =
        *geometry;
    let mut convolved = Vec::new();
    for (image, filter) in (0..count).flat_map(|i| (0..filters).map(move |f| (i, f))) {
        let group = filter / (filters / groups);
        for (row, column) in
            (0..output_size[0]).flat_map(|r| (0..output_size[1]).map(move |c| (r, c)))
        {
            let mut terms = Vec::new();
            for channel in 0..depth {
                for (high, wide) in (0..kernel[0]).flat_map(|h| (0..kernel[1]).map(move |w| (h, w)))
                {
                    let y = (row * stride[0] + high * dilation[0]).checked_sub(padding[0]);
                    let x = (column * stride[1] + wide * dilation[1]).checked_sub(padding[1]);
                    let pixel = match (y, x) {
                        (Some(y), Some(x)) if y < height && x < width => {
                            let plane = (image * groups + group) * depth + channel;
                            images[(plane * height + y) * width + x]
                        }
                        _ => 0.0,
                    };
                    let tap = (filter * depth + channel) * kernel[0] + high;
                    terms.push((pixel, weights[tap * kernel[1] + wide]));
                }
            }
            convolved.push(output(terms.into_iter(), bias.map(|bias| bias[filter])));
        }
    }
    or_nans(weights, convolved)
}

/// The outputs, or as many NaNs if an element of the right factor is infinite or a NaN.
fn or_nans(right: &[f32], mut outputs: Vec<f32>) -> Vec<f32> {
    if right.iter().any(|factor| factor.is_infinite() || factor.is_nan()) {
        outputs.fill(f32::NAN);
    }
    outputs
}

fn plain_max_pool(images: &[f32], geometry: &Geometry) -> Vec<f32> {
    let Geometry { image: [height, width], kernel, stride, dilation, padding, output_size } =
        *geometry;
    let mut greatest = Vec::new();
    for plane in 0..images.len() / (height * width) {
        for output in 0..output_size[0] * output_size[1] {
            let mut seen = f32::NAN;
            for tap in 0..kernel[0] * kernel[1] {
                let [row, column] = [
                    output / output_size[1] * stride[0] + tap / kernel[1] * dilation[0],
                    output % output_size[1] * stride[1] + tap % kernel[1] * dilation[1],
                ];
                let row = row.checked_sub(padding[0]).filter(|row| *row < height);
                let column = column.checked_sub(padding[1]).filter(|column| *column < width);
                if let (Some(row), Some(column)) = (row, column) {
                    let element = images[(plane * height + row) * width + column];
                    if seen.is_nan() || element > seen {
                        seen = element;
                    }
                }
            }
            greatest.push(if seen == 0.0 { 0.0 } else { seen });
        }
    }
    greatest
}

/// A right factor of these numbers, cached as a constant's or not.
fn right<'a>(numbers: &'a [f32], packed: &'a OnceLock<Packed>, constant: bool) -> RightOperand<'a> {
    RightOperand { numbers, packed: constant.then_some(packed) }
}

fn check_product(rows: usize, shape: RightShape, zeros: u32, seed: u32, spoilt: bool) {
    let RightShape { inner, columns, .. } = shape;
    let left = numbers(rows * inner, zeros, seed);
    let mut right = numbers(inner * columns, 10, seed + 1);
    if spoilt {
        right[seed as usize % (inner * columns)] = f32::INFINITY;
        right[seed as usize / 7 % (inner * columns)] = f32::NAN;
    }
    let bias = numbers(columns, 50, seed + 2);
    let bias = (!seed.is_multiple_of(3)).then_some(&bias[..]);
    let packed = OnceLock::new();
    let factor = self::right(&right, &packed, seed.is_multiple_of(2));
    let found = product_with(&left, factor, shape, bias);
    let expected = plain_product(&left, &right, shape, bias);
    assert_eq!(bits(&found), bits(&expected), "{rows} {shape:?} {zeros} {seed} {spoilt}");
}

fn check_convolution(
    [count, filters, groups, depth]: [usize; 4],
    geometry: &Geometry,
    zeros: u32,
    seed: u32,
    spoilt: bool,
) {
    let [height, width] = geometry.image;
    let images = numbers(count * groups * depth * height * width, zeros, seed);
    let [high, wide] = geometry.kernel;
    let mut weights = numbers(filters * depth * high * wide, 10, seed + 1);
    if spoilt {
        let index = seed as usize % weights.len();
        weights[index] = f32::NEG_INFINITY;
    }
    let mut bias = numbers(filters, 50, seed + 2);
    if spoilt && seed.is_multiple_of(5) {
        bias[0] = f32::INFINITY;
    }
    let bias = (!seed.is_multiple_of(3)).then_some(&bias[..]);
    let packed = OnceLock::new();
    let factor = right(&weights, &packed, seed.is_multiple_of(2));
    let found = convolution_with(&images, factor, [filters, groups], bias, geometry);
    let sizes = [count, filters, groups, depth];
    let mut expected = plain_convolution(&images, &weights, sizes, bias, geometry);
    let case = format!("{sizes:?} {geometry:?} {zeros} {seed} {spoilt}");
    assert_eq!(bits(&found), bits(&expected), "{case}");
    if geometry.output_size.iter().all(|side| *side > 1) {
        let found = fused_convolution_with(&images, factor, [filters, groups], bias, geometry);
        relu(&mut expected);
        let expected = plain_max_pool(&expected, &Geometry::two_by_two(geometry.output_size));
        assert_eq!(bits(&found), bits(&expected), "fused {case}");
    }
}

/// The window over an image padded at both ends.
fn geometry(
    image: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    [padding, ends]: [[usize; 2]; 2],
) -> Option<Geometry> {
    let mut output_size = [0; 2];
    for side in 0..2 {
        let room = image[side] + padding[side] + ends[side];
        let room = room.checked_sub((kernel[side] - 1) * dilation[side] + 1)?;
        output_size[side] = room / stride[side] + 1;
    }
    Some(Geometry { image, kernel, stride, dilation, padding, output_size })
}

#[test]
fn products_follow_the_rule() {
    for (seed, zeros) in (0..).zip([0, 30, 50, 80, 100]) {
        for [rows, inner, columns] in
            [[1, 700, 1], [5, 256, 3], [9, 257, 17], [64, 30, 10], [24, 784, 31], [3, 1, 16]]
        {
            for transposed in [false, true] {
                let shape = RightShape { inner, columns, transposed };
                check_product(rows, shape, zeros, seed, false);
                check_product(rows, shape, zeros, seed, true);
            }
        }
    }
}

#[test]
fn convolutions_follow_the_rule() {
    for (seed, zeros) in (0..).zip([0, 30, 50, 80, 100]) {
        for (sizes, image, kernel) in [
            ([2, 6, 1, 1], [28, 28], [5, 5]),
            ([1, 16, 1, 6], [12, 12], [5, 5]),
            ([1, 9, 1, 3], [9, 11], [3, 3]),
            ([2, 5, 1, 2], [6, 6], [3, 3]),
            ([1, 17, 1, 4], [3, 3], [3, 3]),
            ([1, 7, 1, 9], [5, 9], [1, 1]),
        ] {
            let geometry = geometry(image, kernel, [1; 2], [1; 2], [[0; 2]; 2]).unwrap();
            check_convolution(sizes, &geometry, zeros, seed, false);
            check_convolution(sizes, &geometry, zeros, seed, true);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..<_>::default() })]

    #[test]
    fn any_product_follows_the_rule(
        rows in 1_usize..20,
        inner in 1_usize..40,
        columns in 1_usize..40,
        transposed: bool,
        zeros in 0_u32..101,
        seed in 0_u32..1_000,
        spoilt: bool,
    ) {
        check_product(rows, RightShape { inner, columns, transposed }, zeros, seed, spoilt);
    }

    #[test]
    fn any_convolution_follows_the_rule(
        sizes in [1_usize..3, 1..8, 1..3, 1..4],
        image in prop::array::uniform2(1_usize..20),
        kernel in prop::array::uniform2(1_usize..7),
        stride in prop::array::uniform2(1_usize..4),
        dilation in prop::array::uniform2(1_usize..4),
        padding in prop::array::uniform2(prop::array::uniform2(0_usize..4)),
        zeros in 0_u32..101,
        seed in 0_u32..1_000,
        spoilt: bool,
    ) {
        if let Some(geometry) = geometry(image, kernel, stride, dilation, padding) {
            let [count, filters, groups, depth] = sizes;
            let sizes = [count, filters * groups, groups, depth];
            check_convolution(sizes, &geometry, zeros, seed, spoilt);
        }
    }

    #[test]
    fn any_pool_follows_the_rule(
        image in prop::array::uniform2(1_usize..9),
        kernel in prop::array::uniform2(1_usize..4),
        stride in prop::array::uniform2(1_usize..4),
        dilation in prop::array::uniform2(1_usize..3),
        padding in prop::array::uniform2(prop::array::uniform2(0_usize..2)),
        seed in 0_u32..1_000,
    ) {
        let Some(geometry) = geometry(image, kernel, stride, dilation, padding) else {
            return Ok(());
        };
        let mut images = numbers(2 * image[0] * image[1], 40, seed);
        let spoilt = seed as usize % images.len();
        images[spoilt] = f32::NAN;
        let expected = plain_max_pool(&images, &geometry);
        prop_assert_eq!(bits(&max_pool(&images, &geometry)), bits(&expected));
    }
}

#[test]
fn a_relu_makes_every_zero_positive_and_keeps_a_nan() {
    let mut elements =
        [-1.0, -0.0, 0.0, 2.0, f32::NEG_INFINITY, f32::INFINITY, f32::NAN, -f32::NAN];
    relu(&mut elements);
    let nan = 0x7fc0_0000;
    let infinity = f32::INFINITY.to_bits();
    assert_eq!(bits(&elements), [0, 0, 0, 2.0_f32.to_bits(), 0, infinity, nan, nan]);
}

/// `Σ (left − its zero) · (right − its zero)`, one by one.
fn plain_byte_product(left: Rows<'_>, right: &Columns<'_>) -> Vec<i64> {
    let zero = |zeros: &[u8], at: usize| i64::from(zeros[at % zeros.len()]);
    let mut sums = Vec::new();
    for (row, bytes) in left.bytes.chunks_exact(right.inner.len()).enumerate() {
        for (column, offset) in right.columns.iter().enumerate() {
            let terms = bytes.iter().zip(right.inner).map(|(byte, inner)| {
                let other = i64::from(right.bytes[inner + offset]);
                (i64::from(*byte) - zero(left.zeros, row)) * (other - zero(right.zeros, column))
            });
            sums.push(terms.sum());
        }
    }
    sums
}

proptest! {
    #[test]
    fn products_of_bytes_are_exact(
        [rows, inner, columns] in [1..10_usize, 1..150_usize, 1..30_usize],
        seed: u32,
        each: bool,
        most: bool,
        turned: bool,
    ) {
        let mut state = seed;
        let mut bytes = |count: usize| -> Vec<u8> {
            let next = std::iter::repeat_with(|| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if most { 255 } else { (state >> 24) as u8 }
            });
            next.take(count).collect()
        };
        let (left, right) = (bytes(rows * inner), bytes(inner * columns));
        let (of_rows, of_columns) =
            (bytes(if each { rows } else { 1 }), bytes(if each { columns } else { 1 }));
        let steps = if turned { [1, inner] } else { [columns, 1] };
        let inner: Vec<usize> = (0..inner).map(|index| index * steps[0]).collect();
        let columns: Vec<usize> = (0..columns).map(|index| index * steps[1]).collect();
        let left = Rows { bytes: &left, zeros: &of_rows };
        let right =
            Columns { bytes: &right, inner: &inner, columns: &columns, zeros: &of_columns };
        let mut sums = vec![7; rows * columns.len()];
        byte_product(left, &right, &mut sums);
        prop_assert_eq!(sums, plain_byte_product(left, &right));
    }
}
