//! ONNX's own operator cases, `tests/onnx_cases.json`, each turned into a model: the case's first
//! tensor is the row, the others are constants.

use prost::encoding::{decode_key, decode_varint};
use serde_json::Value;

use super::{Case, INPUT, OUTPUT, boxed};
use crate::onnx::{bytes, initializer, model_at, node, tensor};

pub(super) fn cases() -> Vec<Case> {
    let cases: Value = serde_json::from_str(include_str!("../../onnx_cases.json")).unwrap();
    cases.as_array().unwrap().iter().map(case).collect()
}

fn case(case: &Value) -> Case {
    let text = hex(&case["node"]);
    let (names, output) = ports(&text);
    let tensors = case["inputs"].as_array().unwrap();
    let real = tensors.iter().position(|tensor| tensor["type"] == "f32");
    let mut parts = vec![bytes(1, &text), node("Identity", &[&output], OUTPUT, &[])];
    let (mut sizes, mut rows) = (vec![1], vec![0.0]);
    for (index, (tensor, name)) in tensors.iter().zip(&names).enumerate() {
        if Some(index) == real {
            (sizes, rows) = (integers(&tensor["shape"]), reals(&tensor["data"]));
            parts.insert(0, node("Identity", &[INPUT], name, &[]));
        } else if !tensor.is_null() {
            parts.push(constant(name, tensor));
        }
    }
    let opset = case["opset"].as_i64().unwrap();
    let name = format!("onnx/{}", case["name"].as_str().unwrap());
    Case { name, model: model_at(opset, &boxed(&sizes, &parts)), rows }
}

/// The names of a node's inputs and of its first output: fields 1 and 2 of a message whose fields
/// all have lengths.
fn ports(mut text: &[u8]) -> (Vec<String>, String) {
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    while !text.is_empty() {
        let (field, _) = decode_key(&mut text).unwrap();
        let length = usize::try_from(decode_varint(&mut text).unwrap()).unwrap();
        let (content, rest) = text.split_at(length);
        text = rest;
        let name = || String::from_utf8(content.to_vec()).unwrap();
        match field {
            1 => inputs.push(name()),
            2 => outputs.push(name()),
            _ => {}
        }
    }
    (inputs, outputs.swap_remove(0))
}

fn constant(name: &str, value: &Value) -> Vec<u8> {
    let kind = match value["type"].as_str().unwrap() {
        "f32" => 1,
        "i64" => 7,
        kind => panic!("a tensor of {kind}"),
    };
    initializer(name, &tensor(&integers(&value["shape"]), kind, &hex(&value["data"])))
}

fn integers(list: &Value) -> Vec<i64> {
    list.as_array().unwrap().iter().map(|size| size.as_i64().unwrap()).collect()
}

fn reals(data: &Value) -> Vec<f32> {
    hex(data).as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

fn hex(text: &Value) -> Vec<u8> {
    let digits = text.as_str().unwrap().as_bytes().as_chunks::<2>().0;
    let byte = |digits: &[u8; 2]| u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap();
    digits.iter().map(byte).collect()
}
