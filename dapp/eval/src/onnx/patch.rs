//! Rewriting a model file with other weights; everything else stays byte for byte.

use std::collections::BTreeMap;

use prost::encoding::{WireType, encode_key, encode_varint};

use super::{
    file::WeightLocation,
    wire::{Field, Message},
};
use crate::{
    refusal::{ModelRefused, Part},
    shape::Shape,
};

/// New weights by their location in the file.
pub(crate) type Weights = BTreeMap<WeightLocation, (Shape, Vec<f32>)>;

/// What becomes of a field.
pub(super) enum Edit {
    Keep,
    Drop,
    /// It holds these bytes instead.
    Bytes(Vec<u8>),
}

impl From<Option<Vec<u8>>> for Edit {
    fn from(bytes: Option<Vec<u8>>) -> Self {
        bytes.map_or(Self::Keep, Self::Bytes)
    }
}

/// The file with these weights in place of its own.
pub(crate) fn with_weights(file: &[u8], weights: &Weights) -> Result<Vec<u8>, ModelRefused> {
    rewrite(file, Part::Model, |number, field| match number {
        7 => graph(field.bytes(Part::Graph)?, weights).map(Edit::Bytes),
        _ => Ok(Edit::Keep),
    })
}

fn graph(bytes: &[u8], weights: &Weights) -> Result<Vec<u8>, ModelRefused> {
    let (mut nodes, mut initializers) = (0_usize, 0_usize);
    rewrite(bytes, Part::Graph, |number, field| match number {
        1 => {
            let weight = weights.get(&WeightLocation::Node(nodes));
            nodes += 1;
            let Some((shape, elements)) = weight else { return Ok(Edit::Keep) };
            constant_node(field.bytes(Part::Node)?, *shape, elements).map(Edit::Bytes)
        }
        5 => {
            let weight = weights.get(&WeightLocation::Initializer(initializers));
            initializers += 1;
            let Some((shape, elements)) = weight else { return Ok(Edit::Keep) };
            let name = super::tensor::TensorBytes::new(field.bytes(Part::Tensor)?)?.name;
            Ok(Edit::Bytes(tensor(name, *shape, elements)))
        }
        _ => Ok(Edit::Keep),
    })
}

/// A `Constant` node whose one attribute is this tensor, however it was written before.
fn constant_node(bytes: &[u8], shape: Shape, elements: &[f32]) -> Result<Vec<u8>, ModelRefused> {
    let mut attribute = Vec::new();
    put_bytes(&mut attribute, 1, b"value");
    put_bytes(&mut attribute, 5, &tensor(b"", shape, elements));
    // `AttributeProto.AttributeType.TENSOR`.
    put_integer(&mut attribute, 20, 4);
    rewrite(bytes, Part::Node, |number, _| Ok((number == 5).then(|| attribute.clone()).into()))
}

/// A `TensorProto` of f32.
fn tensor(name: &[u8], shape: Shape, elements: &[f32]) -> Vec<u8> {
    let mut tensor = Vec::new();
    for size in shape.sizes() {
        put_integer(&mut tensor, 1, u64::try_from(*size).unwrap_or(u64::MAX));
    }
    // `TensorProto.DataType.FLOAT`.
    put_integer(&mut tensor, 2, 1);
    if !name.is_empty() {
        put_bytes(&mut tensor, 8, name);
    }
    let raw = elements.iter().flat_map(|element| element.to_le_bytes()).collect::<Vec<_>>();
    put_bytes(&mut tensor, 9, &raw);
    tensor
}

/// Copies a message, with each field as `edit` says.
pub(super) fn rewrite<'a>(
    bytes: &'a [u8],
    part: Part,
    mut edit: impl FnMut(u32, Field<'a>) -> Result<Edit, ModelRefused>,
) -> Result<Vec<u8>, ModelRefused> {
    let mut written = Vec::with_capacity(bytes.len());
    let mut message = Message::new(bytes, part);
    loop {
        let before = message.rest();
        let Some(field) = message.next() else { return Ok(written) };
        let (number, field) = field?;
        match edit(number, field)? {
            Edit::Drop => {}
            Edit::Bytes(new) => put_bytes(&mut written, number, &new),
            Edit::Keep => {
                let (copied, _) = before.split_at(before.len() - message.rest().len());
                written.extend_from_slice(copied);
            }
        }
    }
}

pub(super) fn put_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(u64::try_from(bytes.len()).unwrap_or(u64::MAX), out);
    out.extend_from_slice(bytes);
}

pub(super) fn put_integer(out: &mut Vec<u8>, number: u32, value: u64) {
    encode_key(number, WireType::Varint, out);
    encode_varint(value, out);
}
