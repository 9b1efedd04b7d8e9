//! A writer of ONNX files, field by field, so that tests can also write what no exporter would.

use prost::encoding::{WireType, encode_key, encode_varint};

/// A field of bytes: a string or a message.
pub(crate) fn bytes(number: u32, bytes: &[u8]) -> Vec<u8> {
    let mut field = Vec::new();
    encode_key(number, WireType::LengthDelimited, &mut field);
    encode_varint(bytes.len() as u64, &mut field);
    field.extend_from_slice(bytes);
    field
}

/// An integer field.
pub(crate) fn integer(number: u32, value: i64) -> Vec<u8> {
    let mut field = Vec::new();
    encode_key(number, WireType::Varint, &mut field);
    encode_varint(value.cast_unsigned(), &mut field);
    field
}

/// A float attribute's field.
pub(crate) fn float(number: u32, value: f32) -> Vec<u8> {
    let mut field = Vec::new();
    encode_key(number, WireType::ThirtyTwoBit, &mut field);
    field.extend_from_slice(&value.to_le_bytes());
    field
}

/// A float attribute.
pub(crate) fn float_attribute(name: &str, value: f32) -> Vec<u8> {
    bytes(5, &[bytes(1, name.as_bytes()), float(2, value), integer(20, 1)].concat())
}

/// A list attribute.
pub(crate) fn integers_attribute(name: &str, values: &[i64]) -> Vec<u8> {
    let values = values.iter().flat_map(|value| integer(8, *value)).collect::<Vec<_>>();
    bytes(5, &[bytes(1, name.as_bytes()), values, integer(20, 7)].concat())
}

/// An integer attribute.
pub(crate) fn integer_attribute(name: &str, value: i64) -> Vec<u8> {
    bytes(5, &[bytes(1, name.as_bytes()), integer(3, value), integer(20, 2)].concat())
}

/// A node with attributes made by the functions above.
pub(crate) fn node(
    operator: &str,
    inputs: &[&str],
    output: &str,
    attributes: &[Vec<u8>],
) -> Vec<u8> {
    let inputs = inputs.iter().flat_map(|input| bytes(1, input.as_bytes())).collect::<Vec<_>>();
    let name = bytes(3, format!("the {operator}").as_bytes());
    let operator = bytes(4, operator.as_bytes());
    bytes(1, &[inputs, bytes(2, output.as_bytes()), name, operator, attributes.concat()].concat())
}

/// A `TensorProto` without a name.
pub(crate) fn tensor(sizes: &[i64], data_type: i64, raw: &[u8]) -> Vec<u8> {
    let sizes = sizes.iter().flat_map(|size| integer(1, *size)).collect::<Vec<_>>();
    [sizes, integer(2, data_type), bytes(9, raw)].concat()
}

/// An initializer.
pub(crate) fn initializer(name: &str, tensor: &[u8]) -> Vec<u8> {
    bytes(5, &[tensor, &bytes(8, name.as_bytes())].concat())
}

/// An initializer of f32.
pub(crate) fn weights(name: &str, sizes: &[i64], elements: &[f32]) -> Vec<u8> {
    let raw = elements.iter().flat_map(|element| element.to_le_bytes()).collect::<Vec<_>>();
    initializer(name, &tensor(sizes, 1, &raw))
}

/// An initializer of i64.
pub(crate) fn whole(name: &str, numbers: &[i64]) -> Vec<u8> {
    let raw = numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>();
    initializer(name, &tensor(&[numbers.len() as i64], 7, &raw))
}

/// An input (field 11) or output (field 12) of this type; a size of −1 is symbolic, of 0 absent.
pub(crate) fn port(field: u32, name: &str, element: i64, sizes: &[i64]) -> Vec<u8> {
    let sizes = sizes.iter().flat_map(|size| {
        bytes(
            1,
            &match size {
                -1 => bytes(2, b"rows"),
                0 => vec![],
                size => integer(1, *size),
            },
        )
    });
    let sizes = bytes(2, &sizes.collect::<Vec<_>>());
    let kind = bytes(2, &bytes(1, &[integer(1, element), sizes].concat()));
    bytes(field, &[bytes(1, name.as_bytes()), kind].concat())
}

/// Input `x` of f32 with these sizes, and output `y`.
pub(crate) fn ports(sizes: &[i64]) -> Vec<u8> {
    [port(11, "x", 1, sizes), port(12, "y", 1, &[-1, -1])].concat()
}

/// A model of these parts of a graph, at opset 17.
pub(crate) fn model(parts: &[Vec<u8>]) -> Vec<u8> {
    model_at(17, parts)
}

/// A model of these parts of a graph.
pub(crate) fn model_at(opset: i64, parts: &[Vec<u8>]) -> Vec<u8> {
    let import = bytes(8, &integer(2, opset));
    [integer(1, 8), bytes(7, &parts.concat()), import].concat()
}
