//! The parts of an ONNX file that matter here: nodes, constants, inputs and outputs, each bounded
//! in number before it is stored.

use super::{
    tensor::{Constant, TensorBytes},
    wire::{Field, Message, push},
};
use crate::{
    label::Label,
    limits,
    refusal::{ModelRefused, NodeId, Part},
};

/// `TensorProto.DataType.FLOAT`.
const FLOAT: i64 = 1;

/// An ONNX file, its names borrowed from the bytes it was read from.
pub(crate) struct File<'a> {
    /// Version of the standard's operators.
    pub(crate) opset: i64,
    pub(crate) nodes: Vec<Node<'a>>,
    /// Initializers by name.
    pub(crate) constants: Vec<(&'a [u8], Constant)>,
    pub(crate) inputs: Vec<Port<'a>>,
    pub(crate) outputs: Vec<Port<'a>>,
}

/// A node; names of absent optional inputs and outputs are empty.
pub(crate) struct Node<'a> {
    pub(crate) id: NodeId,
    pub(crate) domain: &'a [u8],
    pub(crate) operator: &'a [u8],
    pub(crate) inputs: Vec<&'a [u8]>,
    pub(crate) outputs: Vec<&'a [u8]>,
    pub(crate) attributes: Vec<(&'a [u8], Attribute<'a>)>,
}

/// A node's attribute.
#[derive(Clone, Debug)]
pub(crate) enum Attribute<'a> {
    Float(f32),
    Integer(i64),
    Text(&'a [u8]),
    Tensor(TensorBytes<'a>),
    Floats(Vec<f32>),
    Integers(Vec<i64>),
    /// A type that no supported operator takes.
    Other,
}

/// A declared input or output of the graph.
#[derive(Debug)]
pub(crate) struct Port<'a> {
    pub(crate) name: &'a [u8],
    /// Whether it is a tensor of f32.
    pub(crate) real: bool,
    /// The first size, that of the batch.
    pub(crate) batch: BatchSize,
    /// The sizes after the batch's; `None` if one of them is not fixed.
    pub(crate) rest: Option<Vec<i64>>,
}

/// The number of rows in a batch, as declared by a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BatchSize {
    /// Any number.
    Free,
    /// This number.
    Fixed(i64),
    /// There is no dimension for rows.
    Missing,
}

impl<'a> File<'a> {
    /// Reads a model file.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, ModelRefused> {
        if bytes.len() > limits::MODEL_BYTES {
            let limit = limits::MODEL_BYTES;
            return Err(ModelRefused::TooLarge { bytes: bytes.len(), limit });
        }
        let mut graph = None;
        let mut opsets = Vec::new();
        for field in Message::new(bytes, Part::Model) {
            match field? {
                (7, _) if graph.is_some() => return Err(ModelRefused::Malformed(Part::Model)),
                (7, field) => graph = Some(field.message(Part::Graph)?),
                (8, field) => {
                    let import = opset_import(field.message(Part::OpsetImport)?)?;
                    push(&mut opsets, import, limits::OPSETS, Part::OpsetImport)?;
                }
                (20, _) => return Err(ModelRefused::Unsupported(Part::TrainingInfo)),
                (25, _) => return Err(ModelRefused::Unsupported(Part::Functions)),
                _ => {}
            }
        }
        let mut file = Self {
            opset: standard_opset(&opsets)?,
            nodes: Vec::new(),
            constants: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
        };
        file.read_graph(graph.ok_or(ModelRefused::Malformed(Part::Model))?)?;
        Ok(file)
    }

    fn read_graph(&mut self, graph: Message<'a>) -> Result<(), ModelRefused> {
        for field in graph {
            match field? {
                (1, field) => {
                    let index = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
                    let node = Node::read(index, field.message(Part::Node)?)?;
                    push(&mut self.nodes, node, limits::NODES, Part::Nodes)?;
                }
                (5, field) => {
                    let tensor = TensorBytes::new(field.bytes(Part::Tensor)?)?;
                    let name = Label::new(tensor.name);
                    let constant = tensor
                        .decode()?
                        .map_err(|reason| ModelRefused::Constant { name, reason })?;
                    let named = (tensor.name, constant);
                    push(&mut self.constants, named, limits::CONSTANTS, Part::Initializers)?;
                }
                (11, field) => {
                    let port = Port::read(field.message(Part::ValueInfo)?)?;
                    push(&mut self.inputs, port, limits::PORTS, Part::Ports)?;
                }
                (12, field) => {
                    let port = Port::read(field.message(Part::ValueInfo)?)?;
                    push(&mut self.outputs, port, limits::PORTS, Part::Ports)?;
                }
                (15, _) => return Err(ModelRefused::Unsupported(Part::SparseTensors)),
                _ => {}
            }
        }
        Ok(())
    }
}

fn opset_import<'a>(import: Message<'a>) -> Result<(&'a [u8], i64), ModelRefused> {
    let (mut domain, mut version) = (&[][..], 0);
    for field in import {
        match field? {
            (1, field) => domain = field.bytes(Part::OpsetImport)?,
            (2, field) => version = field.integer(Part::OpsetImport)?,
            _ => {}
        }
    }
    Ok((domain, version))
}

/// Whether a domain is that of the standard's operators.
pub(crate) fn is_standard(domain: &[u8]) -> bool {
    matches!(domain, b"" | b"ai.onnx")
}

/// The imported version of the standard's operators; other imports are unused and harmless.
fn standard_opset(opsets: &[(&[u8], i64)]) -> Result<i64, ModelRefused> {
    let mut versions = opsets.iter().filter(|(domain, _)| is_standard(domain));
    let version = versions.next().map_or(0, |(_, version)| *version);
    if versions.next().is_some() {
        return Err(ModelRefused::Malformed(Part::OpsetImport));
    }
    if !limits::OPSET_RANGE.contains(&version) {
        return Err(ModelRefused::Opset { version });
    }
    Ok(version)
}

impl<'a> Node<'a> {
    pub(crate) fn read(index: u32, node: Message<'a>) -> Result<Self, ModelRefused> {
        let mut name = &[][..];
        let mut read = Self {
            id: NodeId { index, operator: Label::new(b""), name: Label::new(b"") },
            domain: &[],
            operator: &[],
            inputs: Vec::new(),
            outputs: Vec::new(),
            attributes: Vec::new(),
        };
        for field in node {
            match field? {
                (1, field) => {
                    let input = field.bytes(Part::Node)?;
                    push(&mut read.inputs, input, limits::NODE_INPUTS, Part::NodeInputs)?;
                }
                (2, field) => {
                    let output = field.bytes(Part::Node)?;
                    push(&mut read.outputs, output, limits::NODE_OUTPUTS, Part::NodeOutputs)?;
                }
                (3, field) => name = field.bytes(Part::Node)?,
                (4, field) => read.operator = field.bytes(Part::Node)?,
                (5, field) => {
                    let attribute = Attribute::read(field.message(Part::Attribute)?)?;
                    push(&mut read.attributes, attribute, limits::ATTRIBUTES, Part::Attributes)?;
                }
                (7, field) => read.domain = field.bytes(Part::Node)?,
                _ => {}
            }
        }
        read.id.operator = Label::new(read.operator);
        read.id.name = Label::new(name);
        Ok(read)
    }
}

impl<'a> Attribute<'a> {
    /// Reads an attribute of the kind given by its `type`.
    fn read(attribute: Message<'a>) -> Result<(&'a [u8], Self), ModelRefused> {
        let (mut name, mut kind) = (&[][..], 0);
        let (mut float, mut integer, mut text) = (0.0, 0, &[][..]);
        let (mut floats, mut integers) = (Vec::new(), Vec::new());
        let mut tensor = TensorBytes::default();
        for field in attribute {
            match field? {
                (1, field) => name = field.bytes(Part::Attribute)?,
                (2, field) => float = field.float(Part::Attribute)?,
                (3, field) => integer = field.integer(Part::Attribute)?,
                (4, field) => text = field.bytes(Part::Attribute)?,
                (5, field) => tensor = TensorBytes::new(field.bytes(Part::Tensor)?)?,
                (6 | 11, _) => return Err(ModelRefused::Unsupported(Part::Subgraphs)),
                (7, field) => {
                    field.floats(&mut floats, limits::LIST_LENGTH, Part::ListElements)?;
                }
                (8, field) => {
                    field.integers(&mut integers, limits::LIST_LENGTH, Part::ListElements)?;
                }
                (20, field) => kind = field.integer(Part::Attribute)?,
                (22 | 23, _) => return Err(ModelRefused::Unsupported(Part::SparseTensors)),
                _ => {}
            }
        }
        // `AttributeProto.AttributeType`.
        let attribute = match kind {
            1 => Self::Float(float),
            2 => Self::Integer(integer),
            3 => Self::Text(text),
            4 => Self::Tensor(tensor),
            6 => Self::Floats(floats),
            7 => Self::Integers(integers),
            _ => Self::Other,
        };
        Ok((name, attribute))
    }
}

impl<'a> Port<'a> {
    fn read(info: Message<'a>) -> Result<Self, ModelRefused> {
        let mut name = &[][..];
        let (mut element, mut sizes) = (0, Vec::new());
        for field in info {
            match field? {
                (1, field) => name = field.bytes(Part::ValueInfo)?,
                (2, field) => {
                    for field in field.message(Part::ValueInfo)? {
                        if let (1, field) = field? {
                            tensor_type(field.message(Part::ValueInfo)?, &mut element, &mut sizes)?;
                        }
                    }
                }
                _ => {}
            }
        }
        let batch = match sizes.first() {
            None => BatchSize::Missing,
            Some(None | Some(..=0)) => BatchSize::Free,
            Some(Some(size)) => BatchSize::Fixed(*size),
        };
        let rest = sizes.get(1..).unwrap_or_default().iter().copied().collect();
        Ok(Self { name, real: element == FLOAT, batch, rest })
    }
}

/// Reads `TypeProto.Tensor`: the element type and the sizes, `None` for those not fixed.
fn tensor_type(
    tensor: Message<'_>,
    element: &mut i64,
    sizes: &mut Vec<Option<i64>>,
) -> Result<(), ModelRefused> {
    for field in tensor {
        match field? {
            (1, field) => *element = field.integer(Part::ValueInfo)?,
            (2, field) => {
                for field in field.message(Part::ValueInfo)? {
                    let (1, dimension) = field? else { continue };
                    let mut size = None;
                    for field in dimension.message(Part::ValueInfo)? {
                        if let (1, Field::Varint(value)) = field? {
                            size = Some(value.cast_signed());
                        }
                    }
                    push(sizes, size, limits::RANK, Part::Dimensions)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}
