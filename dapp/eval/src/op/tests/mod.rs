//! The operators against ONNX's own test cases and, for what those leave out, against numbers
//! worked out by hand or by NumPy.

mod published;
mod refusals;
mod windows;

use std::{f32::consts::LN_2, sync::Arc};

use super::*;
use crate::{
    onnx::Attribute,
    tensor::{Data, Tensor},
};

/// An input given to an operator: f32 with a shape, whole numbers, or `None`.
type Given = Option<(Fact, Vec<f32>)>;

/// An attribute by name.
type Named = (&'static str, Attribute<'static>);

/// Applies an operator to inputs.
fn apply(operator: &dyn Operator, inputs: &[Given]) -> Result<(Shape, Vec<f32>), NodeRefused> {
    let facts = inputs.iter().map(|input| input.as_ref().map(|(fact, _)| fact.clone()));
    let facts = facts.collect::<Vec<_>>();
    let facts = Inputs(&facts);
    let fact = operator.infer(&facts)?;
    let Fact::Real(shape) = fact else { panic!("whole numbers are not run") };
    operator.cost(&facts, shape).expect("a cost");
    let operands = inputs.iter().map(|input| match input {
        Some((Fact::Real(shape), elements)) => Some(Array::new(elements.clone(), *shape)),
        _ => None,
    });
    let output = operator.run(Operands(operands.collect()), shape);
    assert_eq!(output.shape(), shape);
    Ok((shape, output.into_elements()))
}

fn assert_close(name: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        let near = (found - expected).abs() <= 1e-5 * (1.0 + expected.abs());
        assert!(near, "{name} [{place}]: {found} {expected}");
    }
}

/// An operator by name, attributes and opset.
fn operator(
    name: &str,
    attributes: &[Named],
    opset: i64,
) -> Result<Box<dyn Operator>, NodeRefused> {
    let list = attributes.iter().map(|(name, value)| (name.as_bytes(), value.clone()));
    parse(name.as_bytes(), Attributes::new(list.collect(), opset))
}

fn real(sizes: &[usize], elements: &[f32]) -> Given {
    Some((Fact::Real(Shape::new(sizes).unwrap()), elements.to_vec()))
}

/// 1, 2, 3, … in this shape.
fn counting(sizes: &[usize]) -> Given {
    let count = u16::try_from(sizes.iter().product::<usize>()).unwrap();
    real(sizes, &(1..=count).map(f32::from).collect::<Vec<_>>())
}

/// Whole numbers that are known.
fn known(shape: Shape, numbers: Vec<i64>) -> Fact {
    let sizes = shape.sizes().to_vec();
    Fact::Known(Arc::new(Tensor::new(Element::I64, sizes, Data::Whole(numbers))))
}

fn whole(numbers: &[i64]) -> Given {
    let shape = Shape::new(&[numbers.len()]).unwrap();
    Some((known(shape, numbers.to_vec()), vec![]))
}

fn integers(list: &[i64]) -> Attribute<'static> {
    Attribute::Integers(list.to_vec())
}

/// Operator, attributes, opset, inputs, expected elements.
type Case<'a> = (&'a str, &'a [Named], i64, &'a [Given], &'a [f32]);

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn more_cases() {
    use Attribute::{Integer, Text};
    let third = 1.0 / 3.0;
    let cases: &[Case<'_>] = &[
        ("Cast", &[("to", Integer(1))], 13, &[counting(&[2])], &[1.0, 2.0]),
        // Before opset 13 the axis splits the dimensions in two.
        ("Softmax", &[], 11, &[real(&[1, 3, 1], &[5.0; 3])], &[third; 3]),
        ("Softmax", &[], 13, &[real(&[1, 3, 1], &[5.0; 3])], &[1.0; 3]),
        ("LogSoftmax", &[("axis", Integer(0))], 11, &[real(&[2, 1], &[1.0; 2])], &[-LN_2; 2]),
        // Two groups of one channel each, and a dilated window; by NumPy.
        (
            "Conv",
            &[("group", Integer(2))],
            11,
            &[
                counting(&[1, 2, 2, 2]),
                real(&[2, 1, 2, 2], &[1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0]),
                real(&[2], &[0.5, -0.5]),
            ],
            &[5.5, 25.5],
        ),
        (
            "Conv",
            &[("dilations", integers(&[2])), ("pads", integers(&[1, 0]))],
            11,
            &[counting(&[1, 1, 4]), real(&[1, 1, 2], &[1.0, 10.0])],
            &[20.0, 31.0, 42.0],
        ),
        (
            "Conv",
            &[("auto_pad", Text(b"SAME_LOWER")), ("strides", integers(&[1, 1]))],
            11,
            &[counting(&[1, 1, 2, 2]), real(&[1, 1, 2, 2], &[1.0; 4])],
            &[1.0, 3.0, 4.0, 10.0],
        ),
        (
            "MaxPool",
            &[("kernel_shape", integers(&[2])), ("strides", integers(&[2]))],
            11,
            &[counting(&[1, 2, 4])],
            &[2.0, 4.0, 6.0, 8.0],
        ),
        (
            "AveragePool",
            &[
                ("kernel_shape", integers(&[3])),
                ("pads", integers(&[1, 0])),
                ("count_include_pad", Integer(1)),
            ],
            11,
            &[real(&[1, 1, 3], &[3.0, 6.0, 9.0])],
            &[3.0, 6.0],
        ),
        (
            "Reshape",
            &[],
            13,
            &[counting(&[2, 3]), whole(&[0, -1, 1])],
            &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        ),
        (
            "Transpose",
            &[("perm", integers(&[0, 2, 1]))],
            13,
            &[counting(&[1, 2, 3])],
            &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0],
        ),
        ("Dropout", &[], 13, &[counting(&[2]), real(&[], &[0.5]), whole(&[0])], &[1.0, 2.0]),
        (
            "MatMul",
            &[],
            13,
            &[counting(&[2, 1, 2]), real(&[2, 2, 1], &[1.0, 1.0, 2.0, 2.0])],
            &[3.0, 14.0],
        ),
        ("Relu", &[], 13, &[real(&[3], &[-1.0, -0.0, 2.0])], &[0.0, 0.0, 2.0]),
        ("Tanh", &[], 13, &[real(&[2], &[1e30, -0.5])], &[1.0, -0.462_117_16]),
        ("Sigmoid", &[], 13, &[real(&[2], &[-200.0, 200.0])], &[0.0, 1.0]),
    ];
    for (name, attributes, opset, inputs, expected) in cases {
        let operator = operator(name, attributes, *opset).unwrap();
        let (_, found) = apply(operator.as_ref(), inputs).expect(name);
        assert_close(name, &found, expected);
    }
}
