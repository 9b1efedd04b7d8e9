//! A model's graph: nodes in the order they run, with values identified by number.

use std::collections::BTreeMap;

use crate::{
    label::Label,
    onnx::{self, BatchSize, Constant, File, Numbers, Port},
    op::{self, Attributes, Fact, Operator, Role},
    refusal::{ModelRefused, NodeId, NodeRefused},
    shape::Shape,
};

/// The number of a value: the input, a constant or a node's output.
pub(crate) type ValueId = usize;

/// A graph with one input and one output.
pub(crate) struct Graph {
    /// Shape of a row of the input.
    pub(crate) row: Shape,
    /// Whether the file fixes the batch at a single row.
    pub(crate) single_rows: bool,
    pub(crate) input: ValueId,
    pub(crate) output: ValueId,
    pub(crate) nodes: Vec<Node>,
    /// Facts about each value that follow from the file alone.
    pub(crate) known: Vec<Option<Fact>>,
    /// The last node that uses each value; `None` if no node does.
    pub(crate) last_use: Vec<Option<usize>>,
    /// Number of uses of each value by nodes.
    pub(crate) uses: Vec<usize>,
}

/// A node of the graph.
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) operator: Box<dyn Operator>,
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

/// Location of a constant in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum WeightLocation {
    /// The initializer of this index.
    Initializer(usize),
    /// The `Constant` node of this index among the nodes.
    Node(usize),
}

/// A graph being built: names on the left, values on the right.
#[derive(Default)]
struct Builder<'a> {
    values: BTreeMap<&'a [u8], ValueId>,
    known: Vec<Option<Fact>>,
    weights: Vec<Weight>,
    nodes: Vec<Node>,
}

impl Graph {
    /// Reads a model file into its graph and the weights the graph works with.
    pub(crate) fn read(bytes: &[u8]) -> Result<(Self, Vec<Weight>), ModelRefused> {
        let file = File::read(bytes)?;
        let mut builder = Builder::default();
        for (index, (name, constant)) in file.constants.into_iter().enumerate() {
            builder
                .constant(name, constant, WeightLocation::Initializer(index))
                .ok_or_else(|| ModelRefused::NameTwice(Label::new(name)))?;
        }
        let (port, output) = builder.ports(file.inputs, &file.outputs)?;
        let input = builder
            .define(port.name, None)
            .ok_or_else(|| ModelRefused::NameTwice(Label::new(port.name)))?;
        for node in file.nodes {
            builder.node(node, file.opset)?;
        }
        let refused = ModelRefused::Output(Label::new(output));
        let output = *builder.values.get(output).ok_or(refused)?;
        let (row, single_rows) = row_of(&port)?;
        let last_use = last_uses(&builder.nodes, builder.known.len());
        let mut uses = vec![0; builder.known.len()];
        for input in builder.nodes.iter().flat_map(|node| &node.inputs).flatten() {
            uses[*input] += 1;
        }
        let Builder { known, nodes, weights, .. } = builder;
        Ok((Self { row, single_rows, input, output, nodes, known, last_use, uses }, weights))
    }

    /// The node that computes a value, and its index, looking through those that only rearrange.
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
        for node in self.nodes.iter().rev() {
            for (slot, input) in node.inputs.iter().enumerate() {
                let Some(input) = *input else { continue };
                trainable[input] |= match node.operator.role(slot) {
                    Role::Fixed => false,
                    Role::Weight => true,
                    Role::Arranged => trainable[node.output],
                };
            }
        }
        trainable
    }
}

impl<'a> Builder<'a> {
    /// Gives a new value this name; `None` if the name is taken.
    fn define(&mut self, name: &'a [u8], known: Option<Fact>) -> Option<ValueId> {
        let value = self.known.len();
        if name.is_empty() || self.values.insert(name, value).is_some() {
            return None;
        }
        self.known.push(known);
        Some(value)
    }

    fn constant(
        &mut self,
        name: &'a [u8],
        constant: Constant,
        place: WeightLocation,
    ) -> Option<()> {
        let Constant { shape, numbers } = constant;
        match numbers {
            Numbers::Real(elements) => {
                let value = self.define(name, Some(Fact::Real(shape)))?;
                self.weights.push(Weight { value, place, shape, elements });
            }
            Numbers::Whole(numbers) => {
                self.define(name, Some(Fact::Whole { shape, numbers }))?;
            }
        }
        Some(())
    }

    /// The one input that is not an initializer, and the name of the one output.
    fn ports(
        &self,
        inputs: Vec<Port<'a>>,
        outputs: &[Port<'a>],
    ) -> Result<(Port<'a>, &'a [u8]), ModelRefused> {
        let mut free = inputs.into_iter().filter(|port| !self.values.contains_key(port.name));
        match (free.next(), free.count(), outputs) {
            (Some(port), 0, [output]) => Ok((port, output.name)),
            (first, rest, outputs) => {
                let inputs = usize::from(first.is_some()) + rest;
                Err(ModelRefused::Ports { inputs, outputs: outputs.len() })
            }
        }
    }

    fn node(&mut self, node: onnx::Node<'a>, opset: i64) -> Result<(), ModelRefused> {
        let id = node.id;
        let refused = |reason| ModelRefused::Node { node: id, reason };
        if !onnx::is_standard(node.domain) {
            return Err(refused(NodeRefused::Domain(Label::new(node.domain))));
        }
        let attributes = Attributes::new(node.attributes, opset);
        // Further outputs, such as a mask, are not computed; their users find them undefined.
        let output = node.outputs.first().copied().filter(|name| !name.is_empty());
        let output = output.ok_or(refused(NodeRefused::NoOutput))?;
        let twice = refused(NodeRefused::OutputTwice(Label::new(output)));
        if node.operator == b"Constant" {
            let constant = op::constant(attributes)?.map_err(refused)?;
            let place = WeightLocation::Node(usize::try_from(id.index).unwrap_or(usize::MAX));
            return self.constant(output, constant, place).ok_or(twice);
        }
        let operator = op::parse(node.operator, attributes).map_err(refused)?;
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for name in node.inputs {
            let undefined = || refused(NodeRefused::UndefinedInput(Label::new(name)));
            inputs.push(match name {
                b"" => None,
                name => Some(*self.values.get(name).ok_or_else(undefined)?),
            });
        }
        while inputs.last() == Some(&None) {
            inputs.pop();
        }
        let output = self.define(output, None).ok_or(twice)?;
        self.nodes.push(Node { id, operator, inputs, output });
        Ok(())
    }
}

/// Shape of a row of the input, and whether the batch is fixed at a single row.
fn row_of(port: &Port<'_>) -> Result<(Shape, bool), ModelRefused> {
    let single_rows = match port.batch {
        BatchSize::Free => Some(false),
        BatchSize::Fixed(1) => Some(true),
        BatchSize::Fixed(_) | BatchSize::Missing => None,
    };
    let row = port.rest.as_deref().and_then(Shape::from_i64);
    match (port.real, single_rows, row) {
        (true, Some(single_rows), Some(row)) => Ok((row, single_rows)),
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
