//! Reasons for refusing a model: comparable values that name the node, tensor or part of the file.

use std::fmt;

use market::{EvaluationError, Fault};
use thiserror::Error;

use crate::{
    label::Label,
    shape::{Shape, Sizes},
};

/// Reason why a file is not a model that can be evaluated; the checks run in about this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ModelRefused {
    /// The file is too large to be read.
    #[error("the file has {bytes} bytes; at most {limit} are allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The largest size allowed.
        limit: usize,
    },
    /// The bytes are not this part of an ONNX file.
    #[error("the bytes do not form {0}")]
    Malformed(Part),
    /// There is more of something than is allowed.
    #[error("more than {limit} of {part}")]
    TooMany {
        /// The kind of part.
        part: Part,
        /// The most allowed.
        limit: usize,
    },
    /// The file uses a feature that is not supported.
    #[error("{0} is not supported")]
    Unsupported(Part),
    /// The version of ONNX's operators is missing or not one of those supported.
    #[error("operator set {version} is not supported; export with one of 7 to 28")]
    Opset {
        /// The version; zero if the file names none.
        version: i64,
    },
    /// Two values of the graph have the same name.
    #[error("the name {0:?} is given twice")]
    NameTwice(Label),
    /// A weight cannot be used.
    #[error("constant {name:?}: {reason}")]
    Constant {
        /// The initializer.
        name: Label,
        /// The reason.
        reason: ConstantRefused,
    },
    /// A graph needs exactly one input and one output.
    #[error(
        "the graph has {inputs} inputs and {outputs} outputs; export with one input of all features"
    )]
    Ports {
        /// Inputs that are not initializers.
        inputs: usize,
        /// Outputs.
        outputs: usize,
    },
    /// The input is not a tensor of f32 with every dimension but the first fixed.
    #[error("input {0:?} is not f32 [rows, fixed sizes …]")]
    Input(Label),
    /// No node computes the output, or it is not one list of numbers for each row.
    #[error("output {0:?} is not f32 [rows, numbers]")]
    Output(Label),
    /// A node cannot be evaluated.
    #[error("{node}: {reason}")]
    Node {
        /// The node.
        node: NodeId,
        /// The reason.
        reason: NodeRefused,
    },
    /// A single step needs too much memory.
    #[error("{rows} rows at once need {bytes} bytes of memory; at most {limit} are allowed")]
    Memory {
        /// Rows of the step.
        rows: usize,
        /// Peak bytes of live tensors.
        bytes: usize,
        /// The most allowed.
        limit: usize,
    },
    /// A single row needs too much work.
    #[error("a row costs more operations than {limit}")]
    CostLimitExceeded {
        /// The most allowed.
        limit: u64,
    },
}

/// A node of a model's graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeId {
    /// Index in the file, counted from zero.
    pub index: u32,
    /// Operator.
    pub operator: Label,
    /// Name in the file, often empty.
    pub name: Label,
}

impl fmt::Display for NodeId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "node {} ({} {:?})", self.index, self.operator, self.name)
    }
}

/// Reason why a node cannot be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NodeRefused {
    /// Not one of the supported operators.
    #[error("unknown operator")]
    UnknownOperator,
    /// Not an operator of the standard.
    #[error("operators of domain {0:?} are not supported")]
    Domain(Label),
    /// An attribute the operator does not have in the supported versions.
    #[error("attribute {0:?} is not supported")]
    Attribute(Label),
    /// The attribute's type or value is not supported.
    #[error("this value of attribute {0:?} is not supported")]
    AttributeValue(Label),
    /// A required attribute is missing.
    #[error("attribute {0:?} is missing")]
    AttributeMissing(Label),
    /// Too few or too many inputs.
    #[error("{0} inputs are too few or too many")]
    InputCount(usize),
    /// An input that no earlier node computes: a dangling or cyclic edge.
    #[error("nothing before it makes its input {0:?}")]
    UndefinedInput(Label),
    /// The node's output has the name of another value.
    #[error("its output name {0:?} is given twice")]
    OutputTwice(Label),
    /// The node has no output.
    #[error("it has no output")]
    NoOutput,
    /// An input must be a tensor of f32.
    #[error("input {0} is not a tensor of f32")]
    NotReal(usize),
    /// An input must be whole numbers fixed in the file.
    #[error("input {0} is not a constant of whole numbers")]
    NotWhole(usize),
    /// An input has an element type that the operator does not take.
    #[error("the element type of input {0} does not suit it")]
    ElementType(usize),
    /// An input decides the output's shape, and must be known before running.
    #[error("input {0} decides a shape, so it must be a constant; export with fixed shapes")]
    NotKnown(usize),
    /// An `If` whose condition depends on the rows.
    #[error("its condition is not known before running; export with a fixed condition")]
    Condition,
    /// A support vector machine of two classes whose scores are of the wrong classes.
    #[error(
        "its scores of two classes are each of the other class; export it with probabilities \
         (probability=True), or with labels that are numbers"
    )]
    Inverted,
    /// A constant index is out of range.
    #[error("input {0} has an index out of range")]
    Index(usize),
    /// The `Constant` node's tensor cannot be used.
    #[error("{0}")]
    Constant(#[from] ConstantRefused),
    /// The operator is undefined or unsupported for this shape.
    #[error("input shape {0} does not suit it")]
    Shape(Sizes),
    /// Two inputs' shapes are incompatible.
    #[error("shapes {0} and {1} do not fit together")]
    Shapes(Sizes, Sizes),
    /// The output would be empty or too large.
    #[error("its output is empty, or larger than allowed")]
    OutputShape,
    /// Its cost overflows.
    #[error("its cost is beyond counting")]
    Cost,
}

impl NodeRefused {
    /// A refusal of an unsuitable shape.
    pub(crate) fn shape(shape: Shape) -> Self {
        Self::Shape(shape.into())
    }

    /// A refusal of incompatible shapes.
    pub(crate) fn shapes(one: Shape, other: Shape) -> Self {
        Self::Shapes(one.into(), other.into())
    }
}

/// Reason why a constant tensor cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ConstantRefused {
    /// Dimensions that are too large, empty or too many.
    #[error("its shape is empty, or larger than allowed")]
    Shape,
    /// A type that is not of numbers, by its number in the standard.
    #[error("data type {0} is not supported; export it as numbers")]
    DataType(i64),
    /// The number of elements differs from that of the shape.
    #[error("its data do not match its shape")]
    Length,
    /// The data is in another file.
    #[error("its data is in another file: `deml model pack` puts it into one")]
    External,
    /// A weight is a NaN or infinite.
    #[error("element {0} is not a finite number")]
    NotFinite(usize),
    /// Too many numbers of a type other than f32.
    #[error("it has too many numbers that are not f32")]
    WholeNumbers,
}

/// Parts of an ONNX file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the ONNX specification")]
pub enum Part {
    Model,
    OpsetImport,
    Functions,
    TrainingInfo,
    Graph,
    Nodes,
    Node,
    NodeInputs,
    NodeOutputs,
    Attributes,
    Attribute,
    Subgraphs,
    Initializers,
    Tensor,
    PlainConstants,
    SparseTensors,
    Ports,
    ValueInfo,
    Dimensions,
    ListElements,
}

impl fmt::Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Model => "an ONNX model",
            Self::OpsetImport => "operator set imports",
            Self::Functions => "model functions",
            Self::TrainingInfo => "training information",
            Self::Graph => "a graph",
            Self::Nodes => "nodes",
            Self::Node => "a node",
            Self::NodeInputs => "inputs of a node",
            Self::NodeOutputs => "outputs of a node",
            Self::Attributes => "attributes of a node",
            Self::Attribute => "an attribute",
            Self::Subgraphs => "a graph inside a node",
            Self::Initializers => "initializers",
            Self::Tensor => "a tensor",
            Self::PlainConstants => "constant numbers that are not f32",
            Self::SparseTensors => "sparse tensors",
            Self::Ports => "inputs and outputs of the graph",
            Self::ValueInfo => "an input or output of the graph",
            Self::Dimensions => "dimensions",
            Self::ListElements => "numbers in a list",
        })
    }
}

impl From<ModelRefused> for EvaluationError {
    fn from(refused: ModelRefused) -> Self {
        let node = match refused {
            ModelRefused::Node { node, .. } => Some(node.index),
            _ => None,
        };
        Self { fault: fault(refused), node }
    }
}

/// The market's fault for a refusal.
fn fault(refused: ModelRefused) -> Fault {
    match refused {
        ModelRefused::TooLarge { .. }
        | ModelRefused::Malformed(_)
        | ModelRefused::TooMany { .. } => Fault::MalformedModel,
        ModelRefused::Opset { .. } => Fault::UnknownOperator,
        ModelRefused::Unsupported(_) => Fault::UnsupportedUse,
        ModelRefused::NameTwice(_) | ModelRefused::Ports { .. } => Fault::BadGraph,
        ModelRefused::Constant { reason, .. } => fault_of_constant(reason),
        ModelRefused::Input(_)
        | ModelRefused::Output(_)
        | ModelRefused::Memory { .. }
        | ModelRefused::CostLimitExceeded { .. } => Fault::BadShape,
        ModelRefused::Node { reason, .. } => fault_of_node(reason),
    }
}

fn fault_of_node(reason: NodeRefused) -> Fault {
    match reason {
        NodeRefused::UnknownOperator | NodeRefused::Domain(_) => Fault::UnknownOperator,
        NodeRefused::Attribute(_)
        | NodeRefused::AttributeValue(_)
        | NodeRefused::AttributeMissing(_)
        | NodeRefused::NotReal(_)
        | NodeRefused::NotWhole(_)
        | NodeRefused::ElementType(_)
        | NodeRefused::NotKnown(_)
        | NodeRefused::Inverted
        | NodeRefused::Condition => Fault::UnsupportedUse,
        NodeRefused::InputCount(_)
        | NodeRefused::UndefinedInput(_)
        | NodeRefused::OutputTwice(_)
        | NodeRefused::NoOutput => Fault::BadGraph,
        NodeRefused::Constant(reason) => fault_of_constant(reason),
        NodeRefused::Shape(_)
        | NodeRefused::Index(_)
        | NodeRefused::Shapes(..)
        | NodeRefused::OutputShape
        | NodeRefused::Cost => Fault::BadShape,
    }
}

fn fault_of_constant(reason: ConstantRefused) -> Fault {
    match reason {
        ConstantRefused::NotFinite(_) => Fault::WeightNotFinite,
        ConstantRefused::Shape => Fault::BadShape,
        ConstantRefused::DataType(_)
        | ConstantRefused::External
        | ConstantRefused::WholeNumbers => Fault::UnsupportedUse,
        ConstantRefused::Length => Fault::MalformedModel,
    }
}
