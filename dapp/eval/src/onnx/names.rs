//! The names that weights have in a file, for people who choose among them.

use std::collections::BTreeMap;

use super::{file::WeightLocation, wire::Message};
use crate::refusal::{ModelRefused, Part};

/// The name of each initializer, and of each node's first output.
pub(crate) fn names(file: &[u8]) -> Result<BTreeMap<WeightLocation, String>, ModelRefused> {
    let mut names = BTreeMap::new();
    let (mut nodes, mut initializers) = (0_usize, 0_usize);
    for field in Message::new(file, Part::Model) {
        let (7, graph) = field? else { continue };
        for field in graph.message(Part::Graph)? {
            let (place, name) = match field? {
                (1, node) => {
                    nodes += 1;
                    let name = text(node.message(Part::Node)?, 2, Part::Node)?;
                    (WeightLocation::Node(nodes - 1), name)
                }
                (5, tensor) => {
                    initializers += 1;
                    let name = text(tensor.message(Part::Tensor)?, 8, Part::Tensor)?;
                    (WeightLocation::Initializer(initializers - 1), name)
                }
                _ => continue,
            };
            names.insert(place, name);
        }
    }
    Ok(names)
}

/// The first text of this number in a message.
fn text(message: Message<'_>, number: u32, part: Part) -> Result<String, ModelRefused> {
    for field in message {
        let (found, field) = field?;
        if found == number {
            return Ok(String::from_utf8_lossy(field.bytes(part)?).into_owned());
        }
    }
    Ok(String::new())
}
