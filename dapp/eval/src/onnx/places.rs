//! Where the f32 weights lie in a file: a delta of them changes these bytes in place.

use std::{collections::BTreeMap, ops::Range};

use super::{file::WeightLocation, wire::Message};
use crate::refusal::{ModelRefused, Part};

/// The bytes of each f32 constant whose numbers lie together in the file, little-endian.
///
/// - Errors: the file is not a model
pub(crate) fn places(file: &[u8]) -> Result<BTreeMap<WeightLocation, Range<usize>>, ModelRefused> {
    let mut places = BTreeMap::new();
    let (mut nodes, mut initializers) = (0_usize, 0_usize);
    for field in Message::new(file, Part::Model) {
        let (7, graph) = field? else { continue };
        for field in graph.message(Part::Graph)? {
            let (place, numbers) = match field? {
                (1, node) => {
                    nodes += 1;
                    let numbers = constant(node.message(Part::Node)?)?;
                    (WeightLocation::Node(nodes - 1), numbers)
                }
                (5, tensor) => {
                    initializers += 1;
                    let numbers = numbers(tensor.message(Part::Tensor)?)?;
                    (WeightLocation::Initializer(initializers - 1), numbers)
                }
                _ => continue,
            };
            if let Some(numbers) = numbers {
                let start = numbers.as_ptr().addr() - file.as_ptr().addr();
                places.insert(place, start..start + numbers.len());
            }
        }
    }
    Ok(places)
}

/// The numbers of a `Constant` node's tensor.
fn constant(node: Message<'_>) -> Result<Option<&[u8]>, ModelRefused> {
    for field in node {
        let (5, attribute) = field? else { continue };
        for field in attribute.message(Part::Node)? {
            if let (5, tensor) = field? {
                return numbers(tensor.message(Part::Tensor)?);
            }
        }
    }
    Ok(None)
}

/// The bytes of a tensor's f32 numbers; `None` if it has others, or none that lie together.
fn numbers(tensor: Message<'_>) -> Result<Option<&[u8]>, ModelRefused> {
    let (mut is_float, mut found) = (false, None);
    for field in tensor {
        match field? {
            // `TensorProto.DataType.FLOAT`.
            (2, field) => is_float = field.integer(Part::Tensor)? == 1,
            // Numbers as a packed list, or as raw data.
            (4 | 9, super::wire::Field::Bytes(bytes)) => found = Some(bytes),
            _ => {}
        }
    }
    Ok(found.filter(|bytes| is_float && bytes.len().is_multiple_of(size_of::<f32>())))
}
