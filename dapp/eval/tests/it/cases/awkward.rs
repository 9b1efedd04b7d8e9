//! Products, convolutions and other operators over awkward shapes and numbers: sizes that fill no
//! tile, zeros of both signs, subnormal numbers, infinities and NaNs.

use super::{
    Case, INPUT, OUTPUT, boxed,
    numbers::{FILLS, Fill, Numbers},
};
use crate::onnx::{
    float_attribute, integer_attribute, integers_attribute, model, node, port, weights,
};

pub(super) fn cases() -> Vec<Case> {
    let groups =
        [products(), gemms(), live_products(), convolutions(), functions(), windows(), pairs()];
    groups.into_iter().flatten().collect()
}

/// `x` [rows, inner] times a weight.
fn products() -> Vec<Case> {
    let sizes = [
        [1, 1, 1],
        [3, 2, 5],
        [70, 13, 17],
        [65, 257, 9],
        [5, 784, 10],
        [33, 300, 33],
        [2, 1_030, 3],
    ];
    let product = |[rows, inner, columns]: [usize; 3], fill| {
        let mut numbers = seeded(rows + inner * columns);
        let weight = numbers.weights(inner * columns, fill);
        let parts = [
            node("MatMul", &["x", "w"], "y", &[]),
            weights("w", &[size(inner), size(columns)], &weight),
            port(11, "x", 1, &[-1, size(inner)]),
            port(12, "y", 1, &[-1, size(columns)]),
        ];
        let name = format!("product/{rows}x{inner}x{columns}/{fill:?}");
        Case { name, model: model(&parts), rows: numbers.rows(rows * inner, fill) }
    };
    each(&sizes, product)
}

/// `Gemm` with each attribute; the first factor is [4, 7] or its transpose.
fn gemms() -> Vec<Case> {
    type Gemm<'a> = (&'a str, &'a [Vec<u8>], [i64; 2], [i64; 2], &'a [i64]);
    let (alpha, beta) = (float_attribute("alpha", 0.3), float_attribute("beta", -2.5));
    let (trans_a, trans_b) = (integer_attribute("transA", 1), integer_attribute("transB", 1));
    let all = [alpha.clone(), beta.clone(), trans_a.clone(), trans_b.clone()];
    let gemms: [Gemm<'_>; 6] = [
        ("no bias", &[], [4, 7], [7, 19], &[]),
        ("bias", &[], [4, 7], [7, 19], &[19]),
        ("transB", &[trans_b], [4, 7], [19, 7], &[19]),
        ("transA", &[trans_a], [7, 4], [7, 19], &[4, 1]),
        ("alpha and beta", &[alpha, beta], [4, 7], [7, 19], &[4, 19]),
        ("all", &all, [7, 4], [19, 7], &[1]),
    ];
    let gemm = |(name, attributes, left, right, bias): Gemm<'_>, fill| {
        let mut numbers = seeded(name.len());
        let mut inputs = vec![INPUT, "w"];
        let mut parts = vec![weights("w", &right, &numbers.weights(volume(&right), fill))];
        if !bias.is_empty() {
            inputs.push("b");
            parts.push(weights("b", bias, &numbers.weights(volume(bias), fill)));
        }
        parts.insert(0, node("Gemm", &inputs, OUTPUT, attributes));
        let name = format!("gemm/{name}/{fill:?}");
        Case { name, model: model(&boxed(&left, &parts)), rows: numbers.rows(3 * 28, fill) }
    };
    each(&gemms, gemm)
}

/// Products of two factors that both come from the row: the right one may also be infinite, which
/// turns the whole product into NaNs.
fn live_products() -> Vec<Case> {
    let shapes: [[&[i64]; 2]; 4] = [
        [&[5, 6], &[6, 5]],
        [&[3, 10], &[10, 3]],
        [&[2, 3, 5], &[2, 5, 3]],
        [&[3, 2, 5], &[1, 5, 6]],
    ];
    let product = |[left, right]: [&[i64]; 2], fill| {
        let parts = [
            node("Reshape", &[INPUT, "left"], "a", &[]),
            node("Reshape", &[INPUT, "right"], "b", &[]),
            node("MatMul", &["a", "b"], OUTPUT, &[]),
            crate::onnx::whole("left", left),
            crate::onnx::whole("right", right),
        ];
        let name = format!("product of rows/{left:?}x{right:?}/{fill:?}");
        let rows = seeded(left.len()).rows(4 * 30, fill);
        Case { name, model: model(&boxed(&[30], &parts)), rows }
    };
    each(&shapes, product)
}

/// A convolution: image [c, h, w], filters, kernel, strides, padding, dilations, groups, rows.
type Convolution<'a> = (&'a [i64], i64, &'a [i64], &'a [i64], &'a [i64], &'a [i64], i64, usize);

fn convolutions() -> Vec<Case> {
    let convolutions: [Convolution<'_>; 10] = [
        (&[1, 28, 28], 6, &[5, 5], &[1, 1], &[0, 0, 0, 0], &[1, 1], 1, 2),
        (&[6, 12, 12], 16, &[5, 5], &[1, 1], &[0, 0, 0, 0], &[1, 1], 1, 2),
        (&[3, 7, 5], 4, &[3, 3], &[2, 2], &[1, 1, 1, 1], &[1, 1], 1, 3),
        (&[4, 9, 9], 6, &[3, 2], &[1, 1], &[0, 1, 2, 1], &[2, 1], 2, 3),
        (&[2, 5, 5], 3, &[1, 1], &[1, 1], &[0, 0, 0, 0], &[1, 1], 1, 66),
        (&[5, 6, 6], 5, &[3, 3], &[1, 1], &[1, 1, 1, 1], &[1, 1], 5, 3),
        (&[3, 8, 8], 25, &[3, 3], &[1, 1], &[1, 1, 1, 1], &[1, 1], 1, 3),
        (&[2, 3, 3], 2, &[3, 3], &[1, 1], &[0, 0, 0, 0], &[1, 1], 1, 5),
        (&[2, 19], 3, &[4], &[3], &[2, 1], &[1], 1, 4),
        (&[1, 4, 50], 7, &[2, 7], &[1, 3], &[1, 0, 0, 5], &[1, 2], 1, 2),
    ];
    each(&convolutions, convolution)
}

fn convolution(
    (image, filters, kernel, strides, pads, dilations, groups, rows): Convolution<'_>,
    fill: Fill,
) -> Case {
    let mut numbers = seeded(volume(image) + volume(kernel));
    let sizes = [&[filters, image[0] / groups], kernel].concat();
    let attributes = [
        integers_attribute("strides", strides),
        integers_attribute("pads", pads),
        integers_attribute("dilations", dilations),
        integer_attribute("group", groups),
    ];
    let mut parts = vec![
        node("Conv", &["x", "w", "b"], "z", &attributes),
        node("Flatten", &["z"], "y", &[]),
        weights("w", &sizes, &numbers.weights(volume(&sizes), fill)),
        weights("b", &[filters], &numbers.weights(volume(&[filters]), fill)),
        port(11, "x", 1, &[&[-1], image].concat()),
        port(12, "y", 1, &[-1, -1]),
    ];
    if fill == Fill::Sparse {
        parts[0] = node("Conv", &["x", "w"], "z", &attributes);
    }
    let name = format!(
        "convolution/{image:?}, {filters} of {kernel:?}, {strides:?} {pads:?} {dilations:?} \
         {groups}/{fill:?}"
    );
    Case { name, model: model(&parts), rows: numbers.rows(rows * volume(image), fill) }
}

/// Functions of one tensor [5, 31].
fn functions() -> Vec<Case> {
    let function = |operator, fill| {
        let parts = [node(operator, &["x"], "y", &[]), port(11, "x", 1, &[-1, 31])];
        let parts = [&parts[..], &[port(12, "y", 1, &[-1, 31])]].concat();
        let rows = seeded(31).rows(67 * 31, fill);
        Case { name: format!("{operator}/{fill:?}"), model: model(&parts), rows }
    };
    each(&["Relu", "Sigmoid", "Tanh", "Softmax", "LogSoftmax"], function)
}

/// Operators on images [3, 7, 9].
fn windows() -> Vec<Case> {
    let pads = |kernel: &[i64], pads: &[i64]| {
        [integers_attribute("kernel_shape", kernel), integers_attribute("pads", pads)]
    };
    let counted = [&pads(&[2, 5], &[1, 2, 0, 4])[..], &[integer_attribute("count_include_pad", 1)]];
    let strides = [&pads(&[3, 2], &[2, 1, 1, 0])[..], &[integers_attribute("strides", &[2, 3])]];
    let (counted, strides) = (counted.concat(), strides.concat());
    let halves = integers_attribute("strides", &[2, 2]);
    let halves = [integers_attribute("kernel_shape", &[2, 2]), halves];
    let images: [(&str, &[Vec<u8>], usize); 7] = [
        ("MaxPool", &halves, 0),
        ("MaxPool", &strides, 0),
        ("AveragePool", &halves, 0),
        ("AveragePool", &strides, 0),
        ("AveragePool", &counted, 0),
        ("GlobalAveragePool", &[], 0),
        ("BatchNormalization", &[], 4),
    ];
    let names = ["scale", "bias", "mean", "variance"];
    let window =
        |(place, (operator, attributes, constants)): (usize, (&str, &[Vec<u8>], usize)), fill| {
            let mut numbers = seeded(place);
            let names = &names[..constants];
            let mut parts = vec![
                node(operator, &[&["x"], names].concat(), "z", attributes),
                node("Flatten", &["z"], "y", &[]),
                port(11, "x", 1, &[-1, 3, 7, 9]),
                port(12, "y", 1, &[-1, -1]),
            ];
            parts.extend(names.iter().map(|name| weights(name, &[3], &numbers.weights(3, fill))));
            let rows = numbers.rows(4 * 3 * 7 * 9, fill);
            Case { name: format!("{operator} {place}/{fill:?}"), model: model(&parts), rows }
        };
    each(&images.into_iter().enumerate().collect::<Vec<_>>(), window)
}

/// Two tensors that both come from the row, one of them broadcast.
fn pairs() -> Vec<Case> {
    let pair = |operator, fill| {
        let parts = [
            node("Reshape", &[INPUT, "column"], "a", &[]),
            node("Transpose", &["a"], "b", &[]),
            node(operator, &["a", "b"], OUTPUT, &[]),
            crate::onnx::whole("column", &[40, 1]),
        ];
        let rows = seeded(40).rows(3 * 40, fill);
        Case { name: format!("{operator}/{fill:?}"), model: model(&boxed(&[40], &parts)), rows }
    };
    each(&["Add", "Sub", "Mul", "Div"], pair)
}

/// A case of each of these with each kind of numbers.
fn each<T: Copy>(things: &[T], case: impl Fn(T, Fill) -> Case) -> Vec<Case> {
    let fills = |thing: &T| FILLS.map(|fill| case(*thing, fill));
    things.iter().flat_map(fills).collect()
}

fn seeded(seed: usize) -> Numbers {
    Numbers::seeded(u32::try_from(seed).unwrap())
}

fn volume(sizes: &[i64]) -> usize {
    usize::try_from(sizes.iter().product::<i64>()).unwrap()
}

fn size(size: usize) -> i64 {
    i64::try_from(size).unwrap()
}
