//! The operators against ONNX's own test cases, and what those cases leave out against numbers
//! worked out by hand or by NumPy.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::{
    onnx::{Attribute, Message, Node, Numbers},
    refusal::Part,
};

/// Applies an operator to inputs: f32 with a shape, or whole numbers.
fn apply(
    operator: &dyn Operator,
    inputs: &[Option<(Fact, Vec<f32>)>],
) -> Result<(Shape, Vec<f32>), NodeRefused> {
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

mod published {
    //! `tests/onnx_cases.json`, which `onnx_cases.py` beside it takes from ONNX.

    use super::*;

    fn hex(text: &Value) -> Vec<u8> {
        let text = text.as_str().unwrap().as_bytes();
        let digit = |digit: u8| u8::try_from(char::from(digit).to_digit(16).unwrap()).unwrap();
        text.as_chunks::<2>().0.iter().map(|[high, low]| digit(*high) << 4 | digit(*low)).collect()
    }

    fn shape(tensor: &Value) -> Shape {
        let sizes = tensor["shape"].as_array().unwrap().iter().map(|size| size.as_i64().unwrap());
        Shape::from_i64(&sizes.collect::<Vec<_>>()).unwrap()
    }

    fn input(tensor: &Value) -> Option<(Fact, Vec<f32>)> {
        if tensor.is_null() {
            return None;
        }
        let (shape, data) = (shape(tensor), hex(&tensor["data"]));
        let reals = || data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        let longs = || data.as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b)).collect();
        Some(match tensor["type"].as_str().unwrap() {
            "f32" => (Fact::Real(shape), reals()),
            "i64" => (Fact::Whole { shape, numbers: longs() }, vec![]),
            _ => {
                let numbers = data.iter().copied().map(i64::from).collect();
                (Fact::Whole { shape, numbers }, vec![])
            }
        })
    }

    #[test]
    fn cases_are_answered_as_the_standard_says() {
        let file = include_str!("../../tests/onnx_cases.json");
        let cases: Value = serde_json::from_str(file).unwrap();
        let mut operators = BTreeSet::new();
        for case in cases.as_array().unwrap() {
            let name = case["name"].as_str().unwrap();
            let bytes = hex(&case["node"]);
            let node = Node::read(0, Message::new(&bytes, Part::Node)).unwrap();
            let attributes = Attributes::new(node.attributes, case["opset"].as_i64().unwrap());
            operators.insert(String::from_utf8(node.operator.to_vec()).unwrap());
            let (expected, elements) = input(&case["output"]).unwrap();
            if node.operator == b"Constant" {
                let constant = constant(attributes).unwrap().unwrap();
                assert_eq!(constant.numbers, Numbers::Real(elements), "{name}");
                continue;
            }
            let operator = parse(node.operator, attributes).expect(name);
            let inputs = case["inputs"].as_array().unwrap().iter().map(input).collect::<Vec<_>>();
            let (shape, found) = apply(operator.as_ref(), &inputs).expect(name);
            assert_eq!(Fact::Real(shape), expected, "{name}");
            assert_close(name, &found, &elements);
        }
        assert_eq!(operators.len(), 23, "all but Cast, whose published cases are of other types");
    }
}

/// An operator by name, attributes and opset.
fn operator(
    name: &str,
    attributes: &[(&'static str, Attribute<'static>)],
    opset: i64,
) -> Result<Box<dyn Operator>, NodeRefused> {
    let list = attributes.iter().map(|(name, value)| (name.as_bytes(), value.clone()));
    parse(name.as_bytes(), Attributes::new(list.collect(), opset))
}

fn real(sizes: &[usize], elements: &[f32]) -> Option<(Fact, Vec<f32>)> {
    Some((Fact::Real(Shape::new(sizes).unwrap()), elements.to_vec()))
}

/// 1, 2, 3, … in this shape.
fn counting(sizes: &[usize]) -> Option<(Fact, Vec<f32>)> {
    let count = u16::try_from(sizes.iter().product::<usize>()).unwrap();
    real(sizes, &(1..=count).map(f32::from).collect::<Vec<_>>())
}

fn whole(numbers: &[i64]) -> Option<(Fact, Vec<f32>)> {
    let shape = Shape::new(&[numbers.len()]).unwrap();
    Some((Fact::Whole { shape, numbers: numbers.into() }, vec![]))
}

fn integers(list: &[i64]) -> Attribute<'static> {
    Attribute::Integers(list.to_vec())
}

type Case<'a> = (
    &'a str,
    &'a [(&'static str, Attribute<'static>)],
    i64,
    &'a [Option<(Fact, Vec<f32>)>],
    &'a [f32],
);

#[test]
fn more_cases() {
    use Attribute::{Integer, Text};
    let third = 1.0 / 3.0;
    let cases: &[Case<'_>] = &[
        ("Cast", &[("to", Integer(1))], 13, &[counting(&[2])], &[1.0, 2.0]),
        // Before opset 13 the axis splits the dimensions in two.
        ("Softmax", &[], 11, &[real(&[1, 3, 1], &[5.0; 3])], &[third; 3]),
        ("Softmax", &[], 13, &[real(&[1, 3, 1], &[5.0; 3])], &[1.0; 3]),
        (
            "LogSoftmax",
            &[("axis", Integer(0))],
            11,
            &[real(&[2, 1], &[1.0; 2])],
            &[-0.693_147_2; 2],
        ),
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

#[test]
fn whole_numbers_are_known_before_anything_runs() {
    let facts = [whole(&[2]), whole(&[-1])].map(|input| input.map(|(fact, _)| fact));
    let fact = whole(&[2, -1]).unwrap().0;
    let axis = [("axis", Attribute::Integer(0))];
    assert_eq!(operator("Concat", &axis, 13).unwrap().infer(&Inputs(&facts)), Ok(fact.clone()));
    let facts = [Some(fact.clone())];
    for (name, attributes) in [("Identity", &[][..]), ("Cast", &[("to", Attribute::Integer(7))])] {
        let operator = operator(name, attributes, 13).unwrap();
        assert_eq!(operator.infer(&Inputs(&facts)), Ok(fact.clone()), "{name}");
    }
}

#[test]
fn attributes_that_are_not_supported_are_named() {
    use Attribute::{Float, Integer, Other, Text};
    use NodeRefused as Refused;
    let value = |name: &str| Refused::AttributeValue(name.into());
    let cases: &[(&str, &[(&'static str, Attribute<'static>)], NodeRefused)] = &[
        ("Gelu", &[], Refused::UnknownOperator),
        ("Add", &[("axis", Integer(1))], Refused::Attribute("axis".into())),
        ("Gemm", &[("alpha", Float(f32::NAN))], value("alpha")),
        ("Gemm", &[("transB", Integer(2))], value("transB")),
        ("Cast", &[], Refused::AttributeMissing("to".into())),
        ("Cast", &[("to", Integer(11))], value("to")),
        ("Concat", &[], Refused::AttributeMissing("axis".into())),
        ("Concat", &[("axis", Other)], value("axis")),
        ("Conv", &[("group", Integer(0))], value("group")),
        ("Conv", &[("auto_pad", Text(b"SOME"))], value("auto_pad")),
        ("Conv", &[("ceil_mode", Integer(1))], Refused::Attribute("ceil_mode".into())),
        ("MaxPool", &[("storage_order", Integer(1))], value("storage_order")),
        ("BatchNormalization", &[("training_mode", Integer(1))], value("training_mode")),
        ("BatchNormalization", &[("spatial", Integer(0))], value("spatial")),
    ];
    for (name, attributes, refused) in cases {
        assert_eq!(operator(name, attributes, 13).err(), Some(*refused), "{name}");
    }
}

#[test]
fn inputs_that_do_not_suit_are_refused() {
    use Attribute::Integer;
    use NodeRefused as Refused;
    let shape = |sizes: &[usize]| Shape::new(sizes).unwrap();
    let dropout = [counting(&[1]), None, whole(&[1])];
    let kernel = [("kernel_shape", integers(&[2, 2]))];
    let wide = [("kernel_shape", integers(&[3, 3])), ("pads", integers(&[3, 0, 0, 0]))];
    let huge = [("kernel_shape", integers(&[1 << 40, 1]))];
    let dilated = [("kernel_shape", integers(&[1, 1])), ("dilations", integers(&[2, 2]))];
    let image = [counting(&[1, 1, 2, 2])];
    let cases: &[(
        &str,
        &[(&'static str, Attribute<'static>)],
        &[Option<(Fact, Vec<f32>)>],
        NodeRefused,
    )] = &[
        ("Relu", &[], &[], Refused::InputCount(0)),
        ("Relu", &[], &[counting(&[1]), counting(&[1])], Refused::InputCount(2)),
        ("Relu", &[], &[None], Refused::InputCount(1)),
        ("Relu", &[], &[whole(&[1])], Refused::NotReal(0)),
        (
            "Add",
            &[],
            &[counting(&[2, 3]), counting(&[2])],
            Refused::Shapes(shape(&[2, 3]), shape(&[2])),
        ),
        (
            "MatMul",
            &[],
            &[counting(&[2]), counting(&[2, 1])],
            Refused::Shapes(shape(&[2]), shape(&[2, 1])),
        ),
        (
            "MatMul",
            &[],
            &[counting(&[2, 2]), counting(&[1, 2])],
            Refused::Shapes(shape(&[2, 2]), shape(&[1, 2])),
        ),
        (
            "Gemm",
            &[],
            &[counting(&[2, 2, 1]), counting(&[1, 2])],
            Refused::Shape(shape(&[2, 2, 1])),
        ),
        (
            "Gemm",
            &[],
            &[counting(&[2, 2]), counting(&[2, 1]), counting(&[2, 2])],
            Refused::Shapes(shape(&[2, 1]), shape(&[2, 2])),
        ),
        ("Reshape", &[], &[counting(&[4]), counting(&[1])], Refused::NotWhole(1)),
        ("Reshape", &[], &[counting(&[4]), whole(&[3])], Refused::Shape(shape(&[4]))),
        ("Reshape", &[], &[counting(&[4]), whole(&[-1, -1])], Refused::Shape(shape(&[4]))),
        (
            "Reshape",
            &[],
            &[counting(&[4]), whole(&[i64::MAX, i64::MAX, -1])],
            Refused::Shape(shape(&[4])),
        ),
        ("Reshape", &[], &[counting(&[4]), whole(&[1; 7])], Refused::Shape(shape(&[4]))),
        (
            "Transpose",
            &[("perm", integers(&[0, 0]))],
            &[counting(&[2, 2])],
            Refused::Shape(shape(&[2, 2])),
        ),
        ("Flatten", &[("axis", Integer(3))], &[counting(&[2, 2])], Refused::Shape(shape(&[2, 2]))),
        ("Softmax", &[("axis", Integer(2))], &[counting(&[2, 2])], Refused::Shape(shape(&[2, 2]))),
        (
            "Concat",
            &[("axis", Integer(1))],
            &[counting(&[2, 2]), counting(&[3, 2])],
            Refused::Shapes(shape(&[2, 2]), shape(&[3, 2])),
        ),
        ("Dropout", &[], &dropout, Refused::AttributeValue("training_mode".into())),
        ("MaxPool", &[], &image, Refused::AttributeMissing("kernel_shape".into())),
        (
            "MaxPool",
            &kernel,
            &[counting(&[1, 1, 1, 2, 2])],
            Refused::Shape(shape(&[1, 1, 1, 2, 2])),
        ),
        ("MaxPool", &kernel, &[counting(&[1, 1, 1, 2])], Refused::Shape(shape(&[1, 1, 1, 2]))),
        ("MaxPool", &wide, &image, Refused::Shape(shape(&[1, 1, 2, 2]))),
        ("MaxPool", &huge, &image, Refused::AttributeValue("kernel_shape".into())),
        ("AveragePool", &dilated, &image, Refused::AttributeValue("dilations".into())),
        (
            "Conv",
            &[],
            &[counting(&[1, 3, 2, 2]), counting(&[1, 2, 1, 1])],
            Refused::Shapes(shape(&[1, 3, 2, 2]), shape(&[1, 2, 1, 1])),
        ),
        (
            "Conv",
            &[],
            &[counting(&[1, 1, 2, 2]), counting(&[1, 1, 1, 1]), counting(&[2])],
            Refused::Shapes(shape(&[1, 1, 1, 1]), shape(&[2])),
        ),
        ("GlobalAveragePool", &[], &[counting(&[2, 2])], Refused::Shape(shape(&[2, 2]))),
        (
            "BatchNormalization",
            &[],
            &[counting(&[1, 2]), counting(&[2]), counting(&[2]), counting(&[2]), counting(&[3])],
            Refused::Shapes(shape(&[1, 2]), shape(&[3])),
        ),
    ];
    for (name, attributes, inputs, refused) in cases {
        let operator = operator(name, attributes, 13).unwrap();
        assert_eq!(apply(operator.as_ref(), inputs), Err(*refused), "{name}");
    }
}

mod windows {
    //! Every window that is accepted runs, and makes the shape that was inferred; `apply` checks.

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..<_>::default() })]
        #[test]
        fn inferred_shapes_are_those_made(
            image in prop::array::uniform2(1_usize..9),
            kernel in prop::array::uniform2(1_i64..5),
            strides in prop::array::uniform2(1_i64..4),
            dilations in prop::array::uniform2(1_i64..3),
            pads in prop::array::uniform4(0_i64..4),
            same in 0..4_usize,
            ceil in 0_i64..2,
            count in 0_i64..2,
        ) {
            let auto = [&b"NOTSET"[..], b"VALID", b"SAME_UPPER", b"SAME_LOWER"][same];
            let common = [
                ("strides", integers(&strides)),
                ("pads", integers(&pads)),
                ("auto_pad", Attribute::Text(auto)),
            ];
            let kernel_shape = ("kernel_shape", integers(&kernel));
            let dilations = ("dilations", integers(&dilations));
            let ceil = ("ceil_mode", Attribute::Integer(ceil));
            let count = ("count_include_pad", Attribute::Integer(count));
            let image = counting(&[2, 2, image[0], image[1]]);
            let [height, width] = kernel.map(|size| usize::try_from(size).unwrap());
            let weights = counting(&[3, 2, height, width]);
            for (name, more, inputs) in [
                ("Conv", vec![dilations.clone()], vec![image.clone(), weights]),
                ("MaxPool", vec![kernel_shape.clone(), dilations, ceil.clone()], vec![image.clone()]),
                ("AveragePool", vec![kernel_shape, ceil, count], vec![image]),
            ] {
                let operator = operator(name, &[&common[..], &more].concat(), 13).unwrap();
                if let Ok((shape, elements)) = apply(operator.as_ref(), &inputs) {
                    prop_assert_eq!(elements.len(), shape.elements());
                }
            }
        }
    }
}
