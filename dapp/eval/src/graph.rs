//! A model's graph: nodes in the order they run, with values identified by number.

#[cfg(feature = "conformance")]
use crate::tensor::Tensor;
use crate::{
    label::Label,
    limits,
    onnx::{BatchSize, File, Port, WeightLocation},
    op::{Fact, Operator, Plain, PlainOnly, Role},
    refusal::{ModelRefused, NodeId},
    shape::Shape,
};

mod builder;
mod shown;

use builder::Builder;

/// The number of a value: the input, a constant or a node's output.
pub(crate) type ValueId = usize;

/// A graph with one input and one output.
pub(crate) struct Graph {
    /// Shape of a row of the input.
    pub(crate) row: Shape,
    /// Whether the file fixes the batch at a single row.
    #[cfg_attr(
        not(feature = "train"),
        expect(dead_code, reason = "only training makes batches of its own")
    )]
    pub(crate) single_rows: bool,
    /// Rows of a batch, if the file fixes them.
    pub(crate) fixed_rows: Option<usize>,
    pub(crate) input: ValueId,
    pub(crate) output: ValueId,
    pub(crate) nodes: Vec<Node>,
    /// Facts about each value that follow from the file alone.
    pub(crate) known: Vec<Option<Fact>>,
    /// The last node that uses each value; `None` if no node does.
    pub(crate) last_use: Vec<Option<usize>>,
    /// Number of uses of each value by nodes.
    pub(crate) uses: Vec<usize>,
    /// Elementary steps taken to compute with constants as the file was read.
    pub(crate) folded_steps: u64,
    /// Constants that training leaves alone: computed from others, or not finite.
    fixed: Vec<ValueId>,
}

/// A node of the graph.
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) operator: Box<dyn Operator>,
    /// What computes the output where the operator has no kernel for its inputs.
    pub(crate) plain: Option<Plain>,
    /// The values it uses; `None` for an optional input left out.
    pub(crate) inputs: Vec<Option<ValueId>>,
    pub(crate) output: ValueId,
}

/// An f32 constant and its location in the file.
pub(crate) struct Weight {
    pub(crate) value: ValueId,
    #[cfg_attr(
        not(feature = "train"),
        expect(dead_code, reason = "only training writes weights back")
    )]
    pub(crate) place: WeightLocation,
    pub(crate) shape: Shape,
    pub(crate) elements: Vec<f32>,
}

/// An input of a graph that is bound to a tensor, for checking operators.
#[cfg(feature = "conformance")]
pub(crate) struct Bound {
    pub(crate) tensor: Tensor,
    /// Whether it is a constant, rather than given to each run.
    pub(crate) constant: bool,
}

/// A graph whose inputs are bound: the graph, its weights, and the inputs of each run.
#[cfg(feature = "conformance")]
pub(crate) struct BoundGraph {
    pub(crate) graph: Graph,
    pub(crate) weights: Vec<Weight>,
    pub(crate) inputs: Vec<(ValueId, Tensor)>,
}

impl Graph {
    /// Reads a model file into its graph and the weights the graph works with.
    pub(crate) fn read(bytes: &[u8]) -> Result<(Self, Vec<Weight>), ModelRefused> {
        let file = File::read(bytes)?;
        Self::of_output(bytes.len(), &file, 0)
    }

    /// As [`read`](Self::read), with the next best of several outputs: labels, of a classifier
    /// whose probabilities cannot be evaluated.
    ///
    /// - Errors: there is no such output, or as for the best
    pub(crate) fn read_next(bytes: &[u8]) -> Result<(Self, Vec<Weight>), ModelRefused> {
        let file = File::read(bytes)?;
        Self::of_output(bytes.len(), &file, 1)
    }

    /// Reads a model file as far as possible: the graph of what is understood, and what is not.
    pub(crate) fn examined(bytes: &[u8]) -> Result<(Self, Vec<ModelRefused>), ModelRefused> {
        let File { opsets, graph, functions } = File::read(bytes)?;
        let mut builder = Builder::new(bytes.len(), functions);
        builder.obstacles = Some(Vec::new());
        builder.initializers(&graph.constants)?;
        let (port, output) = builder.ports(&graph.inputs, &graph.outputs, 0)?;
        let (row, fixed_rows) = row_of(&port)?;
        let input = builder.input(&port, row)?;
        builder.nodes_of(&graph.nodes, &[output], &opsets)?;
        let output = builder.named(output)?;
        let found = builder.obstacles.take().unwrap_or_default();
        Ok((builder.finish(row, fixed_rows, input, output).0, found))
    }

    /// The file with everything in it, and without what its evaluation does not need; `read` reads
    /// data beside the file.
    #[cfg(feature = "train")]
    pub(crate) fn pack(
        bytes: &[u8],
        rank: usize,
        read: crate::onnx::Read<'_>,
    ) -> Result<Vec<u8>, ModelRefused> {
        let File { graph, functions, .. } = File::read(bytes)?;
        let mut builder = Builder::new(bytes.len(), functions);
        builder.initializers(&graph.constants)?;
        let (_, output) = builder.ports(&graph.inputs, &graph.outputs, rank)?;
        crate::onnx::pack(bytes, output, builder::live, read)
    }

    fn of_output(
        bytes: usize,
        file: &File<'_>,
        rank: usize,
    ) -> Result<(Self, Vec<Weight>), ModelRefused> {
        let File { opsets, graph, functions } = file;
        let mut builder = Builder::new(bytes, functions.clone());
        builder.initializers(&graph.constants)?;
        let (port, output) = builder.ports(&graph.inputs, &graph.outputs, rank)?;
        let (row, fixed_rows) = row_of(&port)?;
        let input = builder.input(&port, row)?;
        builder.nodes_of(&graph.nodes, &[output], opsets)?;
        let output = builder.output(output)?;
        Ok(builder.finish(row, fixed_rows, input, output))
    }

    /// Reads a model file with its inputs bound to tensors; `output` is the index of an output.
    #[cfg(feature = "conformance")]
    pub(crate) fn bound(
        bytes: &[u8],
        given: &[Bound],
        output: usize,
    ) -> Result<BoundGraph, ModelRefused> {
        let File { opsets, graph, functions } = File::read(bytes)?;
        let mut builder = Builder::new(bytes.len() + (1 << 16), functions);
        let mut inputs = Vec::new();
        for (port, Bound { tensor, constant }) in graph.inputs.iter().zip(given) {
            if *constant {
                builder.bind_constant(port.name, tensor.clone())?;
            } else {
                let shape = tensor.shape().ok_or(ModelRefused::Input(Label::new(port.name)))?;
                let value = builder.bind(port.name, Fact::of(tensor.element, shape))?;
                inputs.push((value, tensor.clone()));
            }
        }
        builder.initializers(&graph.constants)?;
        let name = graph.outputs.get(output).map_or(&b""[..], |port| port.name);
        builder.nodes_of(&graph.nodes, &[name], &opsets)?;
        let output = builder.named(name)?;
        let input = inputs.first().map_or(output, |(value, _)| *value);
        let (graph, weights) = builder.finish(Shape::SCALAR, None, input, output);
        Ok(BoundGraph { graph, weights, inputs })
    }

    /// The node that computes a value, and its index, looking through those that only rearrange.
    #[cfg(feature = "train")]
    pub(crate) fn maker(&self, mut value: ValueId) -> Option<(usize, &Node)> {
        for (index, node) in self.nodes.iter().enumerate().rev() {
            if node.output != value {
                continue;
            }
            match (node.operator.role(0), node.inputs.first()) {
                (Role::Arranged, Some(Some(input))) => value = *input,
                _ => return Some((index, node)),
            }
        }
        None
    }

    /// For each value, whether a trainer may change it: weights, and rearranged weights.
    pub(crate) fn trainable(&self) -> Vec<bool> {
        let mut trainable = vec![false; self.known.len()];
        // Gradients reach a value through operators with kernels only.
        let mut reached = vec![false; self.known.len()];
        reached[self.output] = true;
        for node in self.nodes.iter().rev() {
            if !reached[node.output] || node.is_plain_only() {
                continue;
            }
            for (slot, input) in node.inputs.iter().enumerate() {
                let Some(input) = *input else { continue };
                reached[input] = true;
                trainable[input] |= match node.operator.role(slot) {
                    Role::Fixed => false,
                    Role::Weight => true,
                    Role::Arranged => trainable[node.output],
                };
            }
        }
        for value in &self.fixed {
            trainable[*value] = false;
        }
        trainable
    }
}

impl Node {
    /// Whether the operator has no kernel, whatever its inputs.
    pub(crate) fn is_plain_only(&self) -> bool {
        self.operator.is_plain_only()
    }

    /// A node whose operator has no kernel.
    fn plain(id: NodeId, plain: Plain, inputs: Vec<Option<ValueId>>, output: ValueId) -> Self {
        Self { id, operator: Box::new(PlainOnly), plain: Some(plain), inputs, output }
    }
}

/// Shape of a row of the input, and the rows of a batch if they are fixed.
fn row_of(port: &Port<'_>) -> Result<(Shape, Option<usize>), ModelRefused> {
    let fixed_rows = match port.batch {
        BatchSize::Free => Some(None),
        BatchSize::Fixed(rows) => {
            usize::try_from(rows).ok().filter(|rows| *rows <= limits::FIXED_ROWS).map(Some)
        }
        BatchSize::Missing => None,
    };
    let row = port.rest.as_deref().and_then(Shape::from_i64);
    let row = row.filter(|row| row.rank() < limits::RANK);
    match (fixed_rows, row) {
        (Some(fixed_rows), Some(row)) => Ok((row, fixed_rows)),
        _ => Err(ModelRefused::Input(Label::new(port.name))),
    }
}

fn last_uses(nodes: &[Node], values: usize) -> Vec<Option<usize>> {
    let mut last_use = vec![None; values];
    for (index, node) in nodes.iter().enumerate() {
        for input in node.inputs.iter().flatten() {
            last_use[*input] = Some(index);
        }
    }
    last_use
}
