//! Building a graph from a file: names become values, functions and branches are put in place, and
//! what depends on constants alone is computed once.

mod folding;
mod inline;
mod loops;
mod names;

use std::collections::{BTreeMap, BTreeSet};

use self::inline::resolved;
use super::{Graph, Node, ValueId, Weight, last_uses};
use crate::{
    element::Element,
    label::Label,
    limits,
    onnx::{self, Attribute, Function, Opsets, Port, TensorBytes, WeightLocation},
    op::{self, Attributes, Fact, Operator, Plain, PlainOnly, Role, Settings},
    refusal::{ConstantRefused, ModelRefused, NodeId, NodeRefused, Part},
    shape::Shape,
};

/// Domain of the operators of classical machine learning.
const ML: &[u8] = b"ai.onnx.ml";
/// Domain of ONNX Runtime's own operators, of which those of quantised models are known.
const CONTRIB: &[u8] = b"com.microsoft";

/// A graph being built: names on the left, values on the right.
pub(super) struct Builder<'a> {
    functions: Vec<Function<'a>>,
    scopes: Vec<Scope<'a>>,
    known: Vec<Option<Fact>>,
    weights: Vec<Weight>,
    nodes: Vec<Node>,
    /// Facts of the inputs of a run, for a number of rows if there is a row.
    inputs: Vec<(ValueId, Fact)>,
    row: Option<Shape>,
    /// Constants with an element that is not finite, and the first such element.
    not_finite: BTreeMap<ValueId, (Label, usize)>,
    fixed: Vec<ValueId>,
    steps_left: u64,
    folded_steps: u64,
    elements_left: usize,
    nodes_read: usize,
    probes: usize,
    /// Nodes inside of all `Scan`s, for each of their outputs.
    inner_nodes: usize,
    /// What is in the way so far, if the rest is still to be read.
    pub(super) obstacles: Option<Vec<ModelRefused>>,
}

/// The names of a graph, function or branch.
#[derive(Default)]
struct Scope<'a> {
    values: BTreeMap<&'a [u8], Option<ValueId>>,
    /// Initializers that nothing has used yet.
    pending: BTreeMap<&'a [u8], (TensorBytes<'a>, WeightLocation)>,
    /// Whether the names of the scope outside are seen.
    sees_outside: bool,
}

/// What holds for all nodes of a graph or function.
struct Frame<'f, 'a> {
    opsets: &'f Opsets<'a>,
    /// Attributes of the function's call.
    arguments: &'f [(&'a [u8], Attribute<'a>)],
    depth: usize,
}

impl<'a> Builder<'a> {
    pub(super) fn new(file_bytes: usize, functions: Vec<Function<'a>>) -> Self {
        let [any, each] = limits::FOLDING_STEPS;
        let bytes = u64::try_from(file_bytes).unwrap_or(u64::MAX);
        Self {
            functions,
            scopes: vec![Scope::default()],
            known: Vec::new(),
            weights: Vec::new(),
            nodes: Vec::new(),
            inputs: Vec::new(),
            row: None,
            not_finite: BTreeMap::new(),
            fixed: Vec::new(),
            steps_left: bytes.saturating_mul(each).saturating_add(any),
            folded_steps: 0,
            elements_left: limits::PLAIN_ELEMENTS,
            nodes_read: 0,
            probes: 0,
            inner_nodes: 0,
            obstacles: None,
        }
    }

    fn scope(&mut self) -> &mut Scope<'a> {
        self.scopes.last_mut().expect("there is always the graph's own scope")
    }

    /// The input that is not an initializer, and the name of the output that is evaluated: of
    /// several, probabilities before labels; `rank` counts them from the best.
    pub(super) fn ports(
        &self,
        inputs: &[Port<'a>],
        outputs: &[Port<'a>],
        rank: usize,
    ) -> Result<(Port<'a>, &'a [u8]), ModelRefused> {
        let pending = &self.scopes[0].pending;
        let mut free = inputs.iter().filter(|port| !pending.contains_key(port.name));
        let order = |port: &&Port<'a>| match Element::from_onnx(port.element) {
            Some(element) if element.is_real() => match &port.rest {
                Some(rest) if rest.is_empty() => 2,
                _ => 0,
            },
            // A `ZipMap` makes a sequence, whose tensor is evaluated.
            None if port.element == 0 => 1,
            None => 4,
            Some(_) => 3,
        };
        let mut ranked = outputs.iter().collect::<Vec<_>>();
        ranked.sort_by_key(order);
        let output = ranked.get(rank);
        match (free.next(), free.count(), output) {
            (Some(port), 0, Some(output)) => Ok((port.clone(), output.name)),
            (first, rest, _) => {
                let inputs = usize::from(first.is_some()) + rest;
                Err(ModelRefused::Ports { inputs, outputs: outputs.len() })
            }
        }
    }

    /// Adds the input: rows of f32, cast to the type the file declares.
    pub(super) fn input(&mut self, port: &Port<'a>, row: Shape) -> Result<ValueId, ModelRefused> {
        let element = Element::from_onnx(port.element);
        let element = element.ok_or(ModelRefused::Input(Label::new(port.name)))?;
        let refused = || ModelRefused::NameTwice(Label::new(port.name));
        self.row = Some(row);
        if element == Element::F32 {
            return self.define(port.name, None).ok_or_else(refused);
        }
        let input = self.unnamed(None);
        let id = NodeId { index: 0, operator: "Cast".into(), name: Label::new(port.name) };
        let cast = cast_to(port.element).ok_or(ModelRefused::Input(Label::new(port.name)))?;
        let output = self.define(port.name, None).ok_or_else(refused)?;
        self.nodes.push(Node::plain(id, cast, vec![Some(input)], output));
        Ok(input)
    }

    /// The value of the output, cast to f32 if it is of another type.
    pub(super) fn output(&mut self, name: &[u8]) -> Result<ValueId, ModelRefused> {
        let output = self.named(name)?;
        if !self.nodes.iter().any(|node| node.plain.is_some()) {
            return Ok(output);
        }
        let facts = self.probe(1);
        match facts.get(output).and_then(Option::as_ref) {
            Some(fact) if fact.element() != Element::F32 => {
                let id = NodeId { index: 0, operator: "Cast".into(), name: Label::new(name) };
                let cast = cast_to(1).ok_or(ModelRefused::Output(Label::new(name)))?;
                let cast_output = self.unnamed(None);
                self.nodes.push(Node::plain(id, cast, vec![Some(output)], cast_output));
                Ok(cast_output)
            }
            _ => Ok(output),
        }
    }

    /// Adds the nodes that some outputs need.
    pub(super) fn nodes_of(
        &mut self,
        nodes: &[onnx::NodeProto<'a>],
        outputs: &[&'a [u8]],
        opsets: &Opsets<'a>,
    ) -> Result<(), ModelRefused> {
        self.block(nodes, outputs, &Frame { opsets, arguments: &[], depth: 0 })
    }

    fn block(
        &mut self,
        nodes: &[onnx::NodeProto<'a>],
        outputs: &[&'a [u8]],
        frame: &Frame<'_, 'a>,
    ) -> Result<(), ModelRefused> {
        let live = live(nodes, outputs)?;
        for (node, live) in nodes.iter().zip(live) {
            if !live {
                continue;
            }
            match (self.node(node, frame), &mut self.obstacles) {
                (Ok(()), _) => {}
                (Err(refused @ ModelRefused::Node { .. }), Some(found)) => {
                    found.push(refused);
                    for name in &node.outputs {
                        self.define(name, None);
                    }
                }
                (Err(refused), _) => return Err(refused),
            }
        }
        Ok(())
    }

    fn node(
        &mut self,
        node: &onnx::NodeProto<'a>,
        frame: &Frame<'_, 'a>,
    ) -> Result<(), ModelRefused> {
        let id = node.id;
        let refused = |reason| ModelRefused::Node { node: id, reason };
        self.nodes_read += 1;
        if self.nodes_read > limits::NODES_READ {
            return Err(ModelRefused::TooMany { part: Part::Nodes, limit: limits::NODES_READ });
        }
        let attributes = resolved(&node.attributes, frame.arguments);
        let is_call = |function: &&Function<'a>| {
            (function.domain, function.name) == (node.domain, node.operator)
        };
        if let Some(function) = self.functions.iter().find(is_call).cloned() {
            return self.call(node, &function, attributes, frame);
        }
        let standard = onnx::is_standard(node.domain);
        if !standard && ![ML, CONTRIB].contains(&node.domain) {
            return Err(refused(NodeRefused::Domain(Label::new(node.domain))));
        }
        let opset = frame.opsets.standard()?;
        match node.operator {
            b"Constant" if standard => return self.constant_node(node, attributes, frame, opset),
            b"If" if standard => return self.branch(node, &attributes, frame),
            b"Loop" if standard => return self.repeat(node, &attributes, frame),
            b"Scan" if standard && opset > 8 => {
                return self.scan(node, &attributes, frame, opset);
            }
            _ => {}
        }
        if node.outputs.iter().all(|name| name.is_empty()) {
            return Err(refused(NodeRefused::NoOutput));
        }
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for name in &node.inputs {
            inputs.push(self.operand(name, id)?);
        }
        while inputs.last() == Some(&None) {
            inputs.pop();
        }
        for (index, output) in node.outputs.iter().enumerate() {
            if output.is_empty() {
                continue;
            }
            let outputs = [index, node.outputs.len()];
            let settings = Settings::new(&attributes, opset, outputs).map_err(refused);
            let plain = settings.map(|settings| {
                let listed = settings.numbers().saturating_mul(limits::LISTED_STEPS);
                let listed = if index == 0 { listed } else { 0 };
                self.folded_steps = self.folded_steps.saturating_add(listed);
                let name = if standard { b"" } else { node.domain };
                Plain::new(name, node.operator, settings)
            });
            let native = (standard && index == 0)
                .then(|| op::parse(node.operator, Attributes::new(attributes.clone(), opset)));
            let Some((operator, plain)) =
                operator_of(native, plain, index).map_err(|reason| match reason {
                    Either::Model(reason) => reason,
                    Either::Node(reason) => refused(reason),
                })?
            else {
                // Such an output is not computed; its users find it undefined.
                continue;
            };
            self.add(id, operator, plain, &inputs, output)?;
        }
        Ok(())
    }

    /// Adds a node, or what it computes if it depends on constants alone.
    fn add(
        &mut self,
        id: NodeId,
        operator: Box<dyn Operator>,
        plain: Option<Plain>,
        inputs: &[Option<ValueId>],
        name: &'a [u8],
    ) -> Result<(), ModelRefused> {
        let refused = |reason| ModelRefused::Node { node: id, reason };
        let twice = refused(NodeRefused::OutputTwice(Label::new(name)));
        if let Some(tensor) =
            self.folded(operator.as_ref(), plain.as_ref(), inputs).map_err(refused)?
        {
            let value = self.computed(tensor);
            return if self.name(name, value) { Ok(()) } else { Err(twice) };
        }
        for (slot, input) in inputs.iter().enumerate() {
            let watched = input.and_then(|input| self.not_finite.get(&input));
            if let Some((name, place)) = watched.copied()
                && operator.role(slot) == Role::Weight
                && !operator.is_plain_only()
            {
                let reason = ConstantRefused::NotFinite(place);
                return Err(ModelRefused::Constant { name, reason });
            }
        }
        if self.nodes.len() >= limits::NODES {
            return Err(ModelRefused::TooMany { part: Part::Nodes, limit: limits::NODES });
        }
        let output = self.define(name, None).ok_or(twice)?;
        let inputs = inputs.to_vec();
        self.nodes.push(Node { id, operator, plain, inputs, output });
        Ok(())
    }

    /// The graph of what the output needs.
    pub(super) fn finish(
        self,
        row: Shape,
        fixed_rows: Option<usize>,
        input: ValueId,
        output: ValueId,
    ) -> (Graph, Vec<Weight>) {
        let Self { known, nodes, weights, fixed, folded_steps, .. } = self;
        let mut needed = vec![false; known.len()];
        needed[output] = true;
        for node in nodes.iter().rev() {
            if needed[node.output] {
                node.inputs.iter().flatten().for_each(|input| needed[*input] = true);
            }
        }
        let nodes = nodes.into_iter().filter(|node| needed[node.output]).collect::<Vec<_>>();
        let weights = weights.into_iter().filter(|weight| needed[weight.value]).collect();
        let last_use = last_uses(&nodes, known.len());
        let mut uses = vec![0; known.len()];
        for input in nodes.iter().flat_map(|node| &node.inputs).flatten() {
            uses[*input] += 1;
        }
        let single_rows = fixed_rows == Some(1);
        let graph = Graph {
            row,
            single_rows,
            fixed_rows,
            input,
            output,
            nodes,
            known,
            last_use,
            uses,
            folded_steps,
            fixed,
        };
        (graph, weights)
    }
}

/// A refusal of the model or of a node.
enum Either {
    Model(ModelRefused),
    Node(NodeRefused),
}

/// An operator with a kernel or its stand-in, and its plain form.
type Forms = (Box<dyn Operator>, Option<Plain>);

/// The forms an operator has; `None` if it does not compute this output.
fn operator_of(
    native: Option<Result<Box<dyn Operator>, NodeRefused>>,
    plain: Result<Option<Result<Plain, NodeRefused>>, ModelRefused>,
    output: usize,
) -> Result<Option<Forms>, Either> {
    let unknown = NodeRefused::UnknownOperator;
    match (native, plain) {
        (Some(Ok(operator)), plain) => {
            Ok(Some((operator, plain.ok().flatten().and_then(Result::ok))))
        }
        (_, Ok(Some(Ok(plain)))) => Ok(Some((Box::new(PlainOnly), Some(plain)))),
        (Some(Err(reason)), _) if reason != unknown => Err(Either::Node(reason)),
        (_, Ok(Some(Err(reason)))) => Err(Either::Node(reason)),
        (_, Err(reason)) => Err(Either::Model(reason)),
        (_, Ok(None)) if output > 0 => Ok(None),
        (_, Ok(None)) => Err(Either::Node(unknown)),
    }
}

/// The plain form of a cast.
fn cast_to(element: i64) -> Option<Plain> {
    let attributes = [(&b"to"[..], Attribute::Integer(element))];
    let settings = Settings::new(&attributes, *limits::OPSET_RANGE.end(), [0, 1]).ok()?;
    Plain::new(b"", b"Cast", settings)?.ok()
}

/// Which nodes some outputs need.
pub(super) fn live<'a>(
    nodes: &[onnx::NodeProto<'a>],
    outputs: &[&'a [u8]],
) -> Result<Vec<bool>, ModelRefused> {
    let mut wanted = outputs.iter().copied().collect::<BTreeSet<_>>();
    let mut live = vec![false; nodes.len()];
    for (node, live) in nodes.iter().zip(&mut live).rev() {
        let named = |name: &&[u8]| !name.is_empty() && wanted.contains(*name);
        let has_output = node.outputs.iter().any(|name| !name.is_empty());
        if has_output && !node.outputs.iter().any(|name| named(&&**name)) {
            continue;
        }
        *live = true;
        wanted.extend(&node.inputs);
        for (_, attribute) in &node.attributes {
            if let Attribute::Graph(graph) = attribute {
                wanted.extend(graph.names(0)?);
            }
        }
    }
    Ok(live)
}
