//! The parts of an ONNX file that matter here: nodes, constants, inputs and outputs, each bounded
//! in number before it is stored.

use super::{
    tensor::TensorBytes,
    wire::{Field, Message, push},
};
use crate::{
    label::Label,
    limits,
    refusal::{ModelRefused, NodeId, Part},
};

/// Location of a constant in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum WeightLocation {
    /// The initializer of this index.
    Initializer(usize),
    /// The `Constant` node of this index among the nodes.
    Node(usize),
    /// Nowhere: computed from constants, or in a function or branch.
    Computed,
}

/// An ONNX file, its names borrowed from the bytes it was read from.
pub(crate) struct File<'a> {
    /// Imported operator sets by domain.
    pub(crate) opsets: Opsets<'a>,
    pub(crate) graph: GraphParts<'a>,
    /// Functions the file defines, of which only those that are called are read.
    pub(crate) functions: Vec<Function<'a>>,
}

/// Imported operator sets: domains and versions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Opsets<'a>(Vec<(&'a [u8], i64)>);

/// The parts of a graph.
#[derive(Default)]
pub(crate) struct GraphParts<'a> {
    pub(crate) nodes: Vec<NodeProto<'a>>,
    /// Initializers by name.
    pub(crate) constants: Vec<TensorBytes<'a>>,
    pub(crate) inputs: Vec<Port<'a>>,
    pub(crate) outputs: Vec<Port<'a>>,
}

/// A graph inside of a node, not read yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GraphBytes<'a>(&'a [u8]);

/// A function of a file, its nodes not read yet.
#[derive(Clone, Debug)]
pub(crate) struct Function<'a> {
    pub(crate) domain: &'a [u8],
    pub(crate) name: &'a [u8],
    bytes: &'a [u8],
}

/// The parts of a function.
#[derive(Default)]
pub(crate) struct FunctionParts<'a> {
    pub(crate) opsets: Opsets<'a>,
    pub(crate) inputs: Vec<&'a [u8]>,
    pub(crate) outputs: Vec<&'a [u8]>,
    pub(crate) nodes: Vec<NodeProto<'a>>,
    /// Default values of attributes.
    pub(crate) attributes: Vec<(&'a [u8], Attribute<'a>)>,
}

/// A node; names of absent optional inputs and outputs are empty.
pub(crate) struct NodeProto<'a> {
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
    Graph(GraphBytes<'a>),
    /// The attribute of this name of the function call that the node is in.
    Reference(&'a [u8]),
    Texts(Vec<&'a [u8]>),
    /// A type that no supported operator takes.
    Other,
}

/// A declared input or output of the graph.
#[derive(Clone, Debug)]
pub(crate) struct Port<'a> {
    pub(crate) name: &'a [u8],
    /// `TensorProto.DataType`; zero if it is not a tensor, or that is not said.
    pub(crate) element: i64,
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
        let mut opsets = Opsets::default();
        let mut functions = Vec::new();
        for field in Message::new(bytes, Part::Model) {
            match field? {
                (7, _) if graph.is_some() => return Err(ModelRefused::Malformed(Part::Model)),
                (7, field) => graph = Some(GraphBytes(field.bytes(Part::Graph)?)),
                (8, field) => opsets.read(field.message(Part::OpsetImport)?)?,
                (20, _) => return Err(ModelRefused::Unsupported(Part::TrainingInfo)),
                (25, field) => {
                    let function = Function::read(field.bytes(Part::Functions)?)?;
                    push(&mut functions, function, limits::FUNCTIONS, Part::Functions)?;
                }
                _ => {}
            }
        }
        opsets.standard()?;
        let graph = graph.ok_or(ModelRefused::Malformed(Part::Model))?.read()?;
        Ok(Self { opsets, graph, functions })
    }
}

impl<'a> GraphBytes<'a> {
    /// The parts of the graph.
    pub(crate) fn read(self) -> Result<GraphParts<'a>, ModelRefused> {
        let mut parts = GraphParts::default();
        let mut numbers = 0;
        for field in Message::new(self.0, Part::Graph) {
            match field? {
                (1, field) => {
                    let index = u32::try_from(parts.nodes.len()).unwrap_or(u32::MAX);
                    let node = NodeProto::read(index, field.message(Part::Node)?)?;
                    numbers += node.listed();
                    if numbers > limits::LISTS_LENGTH {
                        let limit = limits::LISTS_LENGTH;
                        return Err(ModelRefused::TooMany { part: Part::ListElements, limit });
                    }
                    push(&mut parts.nodes, node, limits::NODES, Part::Nodes)?;
                }
                (5, field) => {
                    let tensor = TensorBytes::new(field.bytes(Part::Tensor)?)?;
                    push(&mut parts.constants, tensor, limits::CONSTANTS, Part::Initializers)?;
                }
                (11, field) => {
                    let port = Port::read(field.message(Part::ValueInfo)?)?;
                    push(&mut parts.inputs, port, limits::PORTS, Part::Ports)?;
                }
                (12, field) => {
                    let port = Port::read(field.message(Part::ValueInfo)?)?;
                    push(&mut parts.outputs, port, limits::PORTS, Part::Ports)?;
                }
                (15, _) => return Err(ModelRefused::Unsupported(Part::SparseTensors)),
                _ => {}
            }
        }
        Ok(parts)
    }

    /// All names that the graph's nodes and outputs use, those of graphs inside of them included.
    pub(crate) fn names(self, depth: usize) -> Result<Vec<&'a [u8]>, ModelRefused> {
        if depth > limits::NESTING {
            let limit = limits::NESTING;
            return Err(ModelRefused::TooMany { part: Part::Subgraphs, limit });
        }
        let parts = self.read()?;
        let mut names = parts.outputs.iter().map(|port| port.name).collect::<Vec<_>>();
        for node in parts.nodes {
            for (_, attribute) in &node.attributes {
                if let Attribute::Graph(graph) = attribute {
                    names.extend(graph.names(depth + 1)?);
                }
            }
            names.extend(node.inputs);
        }
        Ok(names)
    }
}

impl<'a> Function<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, ModelRefused> {
        let mut function = Self { domain: &[], name: &[], bytes };
        for field in Message::new(bytes, Part::Functions) {
            match field? {
                (1, field) => function.name = field.bytes(Part::Functions)?,
                (10, field) => function.domain = field.bytes(Part::Functions)?,
                _ => {}
            }
        }
        Ok(function)
    }

    /// Bytes of the function.
    pub(crate) const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The parts of the function.
    pub(crate) fn parts(&self) -> Result<FunctionParts<'a>, ModelRefused> {
        let part = Part::Functions;
        let mut parts = FunctionParts::default();
        for field in Message::new(self.bytes, part) {
            match field? {
                (4, field) => {
                    push(&mut parts.inputs, field.bytes(part)?, limits::NODE_INPUTS, part)?;
                }
                (5, field) => {
                    push(&mut parts.outputs, field.bytes(part)?, limits::NODE_OUTPUTS, part)?;
                }
                (7, field) => {
                    let index = u32::try_from(parts.nodes.len()).unwrap_or(u32::MAX);
                    let node = NodeProto::read(index, field.message(Part::Node)?)?;
                    push(&mut parts.nodes, node, limits::NODES, Part::Nodes)?;
                }
                (9, field) => parts.opsets.read(field.message(Part::OpsetImport)?)?,
                (11, field) => {
                    let attribute = Attribute::read(field.message(Part::Attribute)?)?;
                    push(&mut parts.attributes, attribute, limits::ATTRIBUTES, Part::Attributes)?;
                }
                _ => {}
            }
        }
        parts.opsets.standard()?;
        Ok(parts)
    }
}

impl<'a> Opsets<'a> {
    /// Adds an import; a domain may be imported again in the same version.
    fn read(&mut self, import: Message<'a>) -> Result<(), ModelRefused> {
        let (domain, version) = opset_import(import)?;
        let domain = if is_standard(domain) { &b""[..] } else { domain };
        if self.0.contains(&(domain, version)) {
            return Ok(());
        }
        if domain.is_empty() && self.of(domain).is_some() {
            return Err(ModelRefused::Malformed(Part::OpsetImport));
        }
        push(&mut self.0, (domain, version), limits::OPSETS, Part::OpsetImport)
    }

    fn of(&self, domain: &[u8]) -> Option<i64> {
        self.0.iter().find(|(known, _)| *known == domain).map(|(_, version)| *version)
    }

    /// The version of the standard's operators. A file that imports another domain alone may still
    /// use them, in the latest version.
    pub(crate) fn standard(&self) -> Result<i64, ModelRefused> {
        let latest = if self.0.is_empty() { 0 } else { *limits::OPSET_RANGE.end() };
        let version = self.of(b"").unwrap_or(latest);
        if limits::OPSET_RANGE.contains(&version) {
            Ok(version)
        } else {
            Err(ModelRefused::Opset { version })
        }
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

impl<'a> NodeProto<'a> {
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

    /// Numbers in its list attributes.
    fn listed(&self) -> usize {
        let lengths = self.attributes.iter().map(|(_, attribute)| match attribute {
            Attribute::Floats(numbers) => numbers.len(),
            Attribute::Integers(numbers) => numbers.len(),
            Attribute::Texts(texts) => texts.len(),
            _ => 0,
        });
        lengths.sum()
    }
}

impl<'a> Attribute<'a> {
    /// Reads an attribute of the kind given by its `type`.
    fn read(attribute: Message<'a>) -> Result<(&'a [u8], Self), ModelRefused> {
        let (mut name, mut kind) = (&[][..], 0);
        let (mut float, mut integer, mut text) = (0.0, 0, &[][..]);
        let (mut floats, mut integers) = (Vec::new(), Vec::new());
        let mut tensor = TensorBytes::default();
        let mut texts = Vec::new();
        let (mut graph, mut reference) = (GraphBytes(&[]), None);
        for field in attribute {
            match field? {
                (1, field) => name = field.bytes(Part::Attribute)?,
                (2, field) => float = field.float(Part::Attribute)?,
                (3, field) => integer = field.integer(Part::Attribute)?,
                (4, field) => text = field.bytes(Part::Attribute)?,
                (5, field) => tensor = TensorBytes::new(field.bytes(Part::Tensor)?)?,
                (6, field) => graph = GraphBytes(field.bytes(Part::Graph)?),
                (9, field) => {
                    let text = field.bytes(Part::Attribute)?;
                    push(&mut texts, text, limits::LIST_LENGTH, Part::ListElements)?;
                }
                (21, field) => reference = Some(field.bytes(Part::Attribute)?),
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
            _ if reference.is_some_and(|name| !name.is_empty()) => {
                Self::Reference(reference.unwrap_or_default())
            }
            1 => Self::Float(float),
            2 => Self::Integer(integer),
            3 => Self::Text(text),
            4 => Self::Tensor(tensor),
            5 => Self::Graph(graph),
            6 => Self::Floats(floats),
            7 => Self::Integers(integers),
            8 => Self::Texts(texts),
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
        Ok(Self { name, element, batch, rest })
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
                    push(sizes, size, limits::PLAIN_RANK, Part::Dimensions)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}
