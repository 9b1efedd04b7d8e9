//! `tests/onnx_cases.json`, which `onnx_cases.py` beside it extracts from ONNX.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::{
    onnx::{Constant, Message, NodeProto},
    refusal::Part,
};

fn hex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap().as_bytes();
    let digit = |digit: u8| u8::try_from(char::from(digit).to_digit(16).unwrap()).unwrap();
    text.as_chunks::<2>().0.iter().map(|[high, low]| digit(*high) << 4 | digit(*low)).collect()
}

fn shape(tensor: &Value) -> Shape {
    let sizes = tensor["shape"].as_array().unwrap().iter().map(|size| size.as_i64().unwrap());
    Shape::from_i64(&sizes.collect::<Vec<_>>()).unwrap()
}

fn input(tensor: &Value) -> Given {
    if tensor.is_null() {
        return None;
    }
    let (shape, data) = (shape(tensor), hex(&tensor["data"]));
    let reals = || data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    let longs = || data.as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b)).collect();
    Some(match tensor["type"].as_str().unwrap() {
        "f32" => (Fact::Real(shape), reals()),
        "i64" => (known(shape, longs()), vec![]),
        _ => {
            let numbers = data.iter().copied().map(i64::from).collect();
            (known(shape, numbers), vec![])
        }
    })
}

#[test]
fn cases_are_answered_as_the_standard_says() {
    let file = include_str!("../../../tests/onnx_cases.json");
    let cases: Value = serde_json::from_str(file).unwrap();
    let mut operators = BTreeSet::new();
    for case in cases.as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let bytes = hex(&case["node"]);
        let node = NodeProto::read(0, Message::new(&bytes, Part::Node)).unwrap();
        let attributes = Attributes::new(node.attributes, case["opset"].as_i64().unwrap());
        operators.insert(String::from_utf8(node.operator.to_vec()).unwrap());
        let (expected, elements) = input(&case["output"]).unwrap();
        if node.operator == b"Constant" {
            let constant = constant(attributes).unwrap().unwrap();
            let Fact::Real(shape) = expected else { panic!("{name} is of f32") };
            assert_eq!(constant, Constant::Real(shape, elements), "{name}");
            continue;
        }
        let operator = parse(node.operator, attributes).expect(name);
        let inputs = case["inputs"].as_array().unwrap().iter().map(input).collect::<Vec<_>>();
        let (shape, found) = apply(operator.as_ref(), &inputs).expect(name);
        assert_eq!(Fact::Real(shape), expected, "{name}");
        assert_close(name, &found, &elements);
    }
    let script = include_str!("../../../tests/onnx_cases.py");
    let list = script.split_once("OPERATORS = \"\"\"").unwrap().1.split_once("\"\"\"").unwrap().0;
    // The published cases of Cast are of other types.
    let listed = list.split_whitespace().filter(|name| *name != "Cast").map(str::to_owned);
    assert_eq!(operators, listed.collect(), "onnx_cases.json is stale: run onnx_cases.py");
}
