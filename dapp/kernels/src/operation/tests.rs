//! Gradients agree with finite differences.

use super::{
    Activation, Affine, Arithmetic, AveragePool, Broadcast, Concat, Convolution, MaxPool, Permute,
    Product, Products, Relu, Softmax, Sqrt,
};
use crate::{
    Counting, Geometry, RightShape,
    extension::{Backward, List, Operation},
};

/// Step of the finite differences.
const STEP: f32 = 1.0 / 256.0;

/// Compares each operand's gradient with the change of a weighted sum of the output when all its
/// elements move a little, each by its own amount.
fn check(operation: &dyn Operation, sizes: &[usize], least: f32) {
    let mut random = fastrand::Rng::with_seed(7);
    let mut numbers = |size: usize, least: f32, most: f32| {
        let number = |_| least + (most - least) * random.f32();
        (0..size).map(number).collect::<Vec<_>>()
    };
    let operands = sizes.iter().map(|size| numbers(*size, least, 1.5)).collect::<Vec<_>>();
    let run = |operands: &[Vec<f32>]| {
        operation.run(operands.iter().map(|operand| List::new(operand.clone())).collect())
    };
    let output = run(&operands);
    let weights = numbers(output.len(), -1.0, 1.0);
    let loss = |output: &[f32]| {
        output.iter().zip(&weights).map(|(y, w)| f64::from(*y) * f64::from(*w)).sum::<f64>()
    };
    let lists = operands.iter().map(Vec::as_slice).collect::<Vec<_>>();
    let wanted = vec![true; operands.len()];
    let known = Backward { operands: &lists, output: &output, gradient: &weights, wanted: &wanted };
    let gradients = operation.gradients(&known);
    assert_eq!(gradients.len(), operands.len());
    for (index, gradient) in gradients.iter().enumerate() {
        let ways = numbers(operands[index].len(), -1.0, 1.0);
        let moved = |sign: f32| {
            let mut operands = operands.clone();
            let slots = operands[index].iter_mut().zip(&ways);
            slots.for_each(|(number, way)| *number += sign * STEP * way);
            loss(&run(&operands))
        };
        let found = (moved(1.0) - moved(-1.0)) / f64::from(2.0 * STEP);
        let expected = loss_along(gradient, &ways);
        let size = gradient.iter().map(|g| f64::from(*g).abs()).sum::<f64>();
        assert!(
            (found - expected).abs() <= 0.01 * size.max(0.1),
            "{operation:?}, operand {index}: {found} {expected}"
        );
    }
}

fn loss_along(gradient: &[f32], ways: &[f32]) -> f64 {
    gradient.iter().zip(ways).map(|(g, way)| f64::from(*g) * f64::from(*way)).sum()
}

fn geometry(image: [usize; 2], kernel: [usize; 2], stride: usize, padding: usize) -> Geometry {
    let output_size = [0, 1].map(|side| (image[side] + 2 * padding - kernel[side]) / stride + 1);
    let (stride, dilation, padding) = ([stride; 2], [1; 2], [padding; 2]);
    Geometry { image, kernel, stride, dilation, padding, output_size }
}

#[test]
fn of_products() {
    for transposed in [false, true] {
        let shape = RightShape { inner: 5, columns: 3, transposed };
        check(&Product { shape, packed: None }, &[4 * 5, 5 * 3], -1.5);
        check(&Product { shape, packed: None }, &[4 * 5, 5 * 3, 3], -1.5);
    }
    let shape = RightShape { inner: 5, columns: 3, transposed: false };
    let pairs = vec![[0, 0], [1, 0], [0, 1], [1, 1]];
    check(&Products { shape, rows: 2, pairs }, &[2 * 2 * 5, 2 * 5 * 3], -1.5);
}

#[test]
fn of_convolutions() {
    for (groups, filters, stride, padding) in
        [(1, 4, 1, 0), (1, 3, 2, 1), (2, 4, 1, 1), (4, 4, 2, 0)]
    {
        let geometry = geometry([6, 5], [3, 2], stride, padding);
        let convolution = Convolution { geometry, filters, groups, packed: None, fused: false };
        let weights = filters * 4 / groups * 6;
        check(&convolution, &[2 * 4 * 30, weights], -1.5);
        check(&convolution, &[2 * 4 * 30, weights, filters], -1.5);
    }
}

#[test]
fn of_pools() {
    for (stride, padding) in [(2, 0), (1, 1)] {
        let geometry = geometry([6, 4], [2, 2], stride, padding);
        check(&MaxPool(geometry), &[2 * 24], -1.5);
        let padded = [6, 4].map(|side| side + 2 * padding);
        for (padding, is_uneven) in [(false, false), (true, false), (false, true)] {
            let counting = Counting { padding, padded, is_uneven };
            check(&AveragePool { geometry, counting }, &[2 * 24], -1.5);
        }
    }
}

#[test]
fn of_elements() {
    check(&Relu, &[64], -1.5);
    check(&Activation::Sigmoid, &[64], -1.5);
    check(&Activation::Tanh, &[64], -1.5);
    check(&Sqrt { epsilon: 0.25 }, &[64], 0.5);
    check(&Affine { inner: 4 }, &[2 * 3 * 4, 3, 3], -1.5);
    check(&Permute { sizes: vec![2, 3, 4], order: vec![2, 0, 1] }, &[24], -1.5);
    check(&Concat { pieces: 2 }, &[8, 4, 6], -1.5);
    for logarithm in [false, true] {
        check(&Softmax { sizes: [2, 5, 3], logarithm }, &[30], -1.5);
    }
    for arithmetic in [Arithmetic::Add, Arithmetic::Sub, Arithmetic::Mul, Arithmetic::Div] {
        check(&Broadcast(arithmetic), &[24, 6], 0.5);
    }
}
