//! Building a graph from a file: names become values, functions and branches are put in place, and
//! what depends on constants alone is computed once.

mod loops;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Graph, Node, ValueId, Weight, last_uses};
use crate::{
    element::Element,
    inference::infer,
    label::Label,
    limits,
    onnx::{
        self, Attribute, Constant, Function, GraphParts, Opsets, Port, TensorBytes, WeightLocation,
    },
    op::{self, Attributes, Fact, Inputs, Operator, Plain, PlainOnly, Role, Settings},
    refusal::{ConstantRefused, ModelRefused, NodeId, NodeRefused, Part},
    shape::Shape,
    tensor::Tensor,
};

/// Domain of the operators of classical machine learning.
const ML: &[u8] = b"ai.onnx.ml";
/// Domain of ONNX Runtime's own operators, of which those of quantised models are known.
const CONTRIB: &[u8] = b"com.microsoft";

/// Numbers of rows for which a condition must be the same to count as known: the fewest and the
/// most of a batch.
const PROBED_ROWS: [usize; 2] = [1, limits::BATCH_ROWS];

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

    /// Adds initializers, which are decoded when they are first used.
    pub(super) fn initializers(
        &mut self,
        constants: &[TensorBytes<'a>],
    ) -> Result<(), ModelRefused> {
        let is_top = self.scopes.len() == 1;
        for (index, tensor) in constants.iter().enumerate() {
            let place =
                if is_top { WeightLocation::Initializer(index) } else { WeightLocation::Computed };
            let scope = self.scope();
            if scope.values.contains_key(tensor.name) && is_top {
                continue;
            }
            let taken = scope.pending.insert(tensor.name, (*tensor, place)).is_some();
            if taken || tensor.name.is_empty() {
                return Err(ModelRefused::NameTwice(Label::new(tensor.name)));
            }
        }
        Ok(())
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

    /// Adds an input bound to a tensor of each run.
    #[cfg(feature = "conformance")]
    pub(super) fn bind(&mut self, name: &'a [u8], fact: Fact) -> Result<ValueId, ModelRefused> {
        let value = self.define(name, None).ok_or(ModelRefused::NameTwice(Label::new(name)))?;
        self.inputs.push((value, fact));
        Ok(value)
    }

    /// Adds an input bound to a constant.
    #[cfg(feature = "conformance")]
    pub(super) fn bind_constant(
        &mut self,
        name: &'a [u8],
        tensor: Tensor,
    ) -> Result<(), ModelRefused> {
        let value = self.computed(tensor);
        self.fixed.retain(|fixed| *fixed != value);
        self.scope().values.insert(name, Some(value));
        Ok(())
    }

    fn unnamed(&mut self, known: Option<Fact>) -> ValueId {
        self.known.push(known);
        self.known.len() - 1
    }

    /// Gives a new value this name; `None` if the name is taken.
    fn define(&mut self, name: &'a [u8], known: Option<Fact>) -> Option<ValueId> {
        let value = self.unnamed(known);
        self.name(name, value).then_some(value)
    }

    /// Gives a value this name; false if the name is taken.
    fn name(&mut self, name: &'a [u8], value: ValueId) -> bool {
        let scope = self.scope();
        !name.is_empty()
            && !scope.pending.contains_key(name)
            && scope.values.insert(name, Some(value)).is_none()
    }

    /// A constant computed from others.
    fn computed(&mut self, tensor: Tensor) -> ValueId {
        let constant = match tensor.shape() {
            Some(shape) if tensor.element == Element::F32 => Constant::Real(shape, tensor.to_f32()),
            _ => Constant::Plain(tensor),
        };
        let value = self.constant(constant, WeightLocation::Computed);
        self.fixed.push(value);
        value
    }

    fn constant(&mut self, constant: Constant, place: WeightLocation) -> ValueId {
        match constant {
            Constant::Real(shape, elements) => {
                let fact = if elements.len() <= limits::KNOWN_ELEMENTS {
                    Fact::Known(Arc::new(Tensor::of_f32(shape, &elements)))
                } else {
                    Fact::Real(shape)
                };
                let value = self.unnamed(Some(fact));
                if place == WeightLocation::Computed {
                    self.fixed.push(value);
                }
                self.weights.push(Weight { value, place, shape, elements });
                value
            }
            Constant::Plain(tensor) => self.unnamed(Some(Fact::Known(Arc::new(tensor)))),
        }
    }

    /// Remembers whether a constant is finite.
    fn watch(&mut self, name: &[u8], value: ValueId) {
        let weight = self.weights.last().filter(|weight| weight.value == value);
        let place = weight.and_then(|weight| weight.elements.iter().position(|x| !x.is_finite()));
        if let Some(place) = place {
            self.not_finite.insert(value, (Label::new(name), place));
            self.fixed.push(value);
        }
    }

    /// The value of a name, if there is one; `None` inside for an input left out.
    fn find(&mut self, name: &[u8]) -> Result<Option<Option<ValueId>>, ModelRefused> {
        for index in (0..self.scopes.len()).rev() {
            let scope = &mut self.scopes[index];
            if let Some(value) = scope.values.get(name) {
                return Ok(Some(*value));
            }
            if let Some((name, (tensor, place))) = scope.pending.remove_entry(name) {
                let label = Label::new(name);
                let constant = tensor.decode()?;
                let constant =
                    constant.map_err(|reason| ModelRefused::Constant { name: label, reason })?;
                self.bounded(&constant)?;
                let value = self.constant(constant, place);
                self.watch(name, value);
                self.scopes[index].values.insert(name, Some(value));
                return Ok(Some(Some(value)));
            }
            if !scope.sees_outside {
                break;
            }
        }
        Ok(None)
    }

    /// Counts the elements of a constant that is held as a plain tensor.
    fn bounded(&mut self, constant: &Constant) -> Result<(), ModelRefused> {
        if let Constant::Plain(tensor) = constant {
            let limit = limits::PLAIN_ELEMENTS;
            let left = self.elements_left.checked_sub(tensor.len());
            self.elements_left =
                left.ok_or(ModelRefused::TooMany { part: Part::PlainConstants, limit })?;
        }
        Ok(())
    }

    /// The value of the graph's output of this name.
    pub(super) fn named(&mut self, name: &[u8]) -> Result<ValueId, ModelRefused> {
        self.find(name)?.flatten().ok_or(ModelRefused::Output(Label::new(name)))
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

    /// Facts of all values so far, for this many rows; `None` where they do not follow.
    fn probe(&self, rows: usize) -> Vec<Option<Fact>> {
        let mut facts = self.known.clone();
        for (value, fact) in &self.inputs {
            facts[*value] = Some(fact.clone());
        }
        if let Some(row) = self.row {
            let shape = Shape::new(&[&[rows], row.sizes()].concat());
            let input = self.known.iter().position(Option::is_none);
            if let (Some(input), true) = (input, self.inputs.is_empty()) {
                facts[input] = shape.map(Fact::Real);
            }
        }
        let mut left = limits::PLANNED_ELEMENTS;
        for node in &self.nodes {
            let inputs = node.inputs.iter().map(|input| input.and_then(|id| facts[id].clone()));
            let inputs = inputs.collect::<Vec<_>>();
            let given =
                node.inputs.iter().zip(&inputs).all(|(id, fact)| id.is_none() || fact.is_some());
            if given
                && let Ok(inferred) = infer(node.operator.as_ref(), node.plain.as_ref(), &inputs)
            {
                facts[node.output] = Some(inferred.fact(&inputs, &mut left).0);
            }
        }
        facts
    }

    /// Adds the nodes that some outputs need.
    pub(super) fn nodes_of(
        &mut self,
        nodes: &[onnx::Node<'a>],
        outputs: &[&'a [u8]],
        opsets: &Opsets<'a>,
    ) -> Result<(), ModelRefused> {
        self.block(nodes, outputs, &Frame { opsets, arguments: &[], depth: 0 })
    }

    fn block(
        &mut self,
        nodes: &[onnx::Node<'a>],
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

    fn node(&mut self, node: &onnx::Node<'a>, frame: &Frame<'_, 'a>) -> Result<(), ModelRefused> {
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

    /// The value a node's input names; `None` for one left out.
    fn operand(&mut self, name: &[u8], id: NodeId) -> Result<Option<ValueId>, ModelRefused> {
        if name.is_empty() {
            return Ok(None);
        }
        let reason = NodeRefused::UndefinedInput(Label::new(name));
        self.find(name)?.ok_or(ModelRefused::Node { node: id, reason })
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

    /// The result of a node that depends on constants alone, unless it is one with a kernel that
    /// works on weights of the file: those may be trained.
    fn folded(
        &mut self,
        operator: &dyn Operator,
        plain: Option<&Plain>,
        inputs: &[Option<ValueId>],
    ) -> Result<Option<Tensor>, NodeRefused> {
        let Some(plain) = plain else { return Ok(None) };
        let facts = inputs.iter().map(|input| input.and_then(|id| self.known[id].clone()));
        let facts = facts.collect::<Vec<_>>();
        if inputs.iter().zip(&facts).any(|(id, fact)| id.is_some() && fact.is_none()) {
            return Ok(None);
        }
        let computed = inputs.iter().flatten().any(|id| self.fixed.contains(id));
        let weights = facts.iter().flatten().any(|fact| fact.element() == Element::F32);
        if weights && !computed && operator.infer(&Inputs(&facts)).is_ok() {
            return Ok(None);
        }
        let facts = facts.into_iter().zip(inputs).map(|(fact, id)| match (fact, id) {
            (Some(Fact::Real(_)), Some(id)) => {
                let weight = self.weights.iter().find(|weight| weight.value == *id)?;
                let tensor = Tensor::of_f32(weight.shape, &weight.elements);
                Some(Fact::Known(Arc::new(tensor)))
            }
            (fact, _) => fact,
        });
        let facts = facts.collect::<Vec<_>>();
        let prepared = plain.prepare(&facts)?;
        let elements = prepared.sizes.iter().product::<usize>();
        if prepared.steps > self.steps_left || elements > self.elements_left {
            return Ok(None);
        }
        self.steps_left -= prepared.steps;
        self.folded_steps += prepared.steps;
        self.elements_left -= elements;
        let operands = facts.into_iter().map(|fact| match fact {
            Some(Fact::Known(tensor)) => Some(tensor),
            _ => None,
        });
        Ok(Some(prepared.run(&operands.collect::<Vec<_>>())))
    }

    fn constant_node(
        &mut self,
        node: &onnx::Node<'a>,
        attributes: Vec<(&'a [u8], Attribute<'a>)>,
        frame: &Frame<'_, 'a>,
        opset: i64,
    ) -> Result<(), ModelRefused> {
        let refused = |reason| ModelRefused::Node { node: node.id, reason };
        let output = node.outputs.first().copied().filter(|name| !name.is_empty());
        let output = output.ok_or(refused(NodeRefused::NoOutput))?;
        let constant = op::constant(Attributes::new(attributes, opset))?.map_err(refused)?;
        let place = match (frame.depth, usize::try_from(node.id.index)) {
            (0, Ok(index)) => WeightLocation::Node(index),
            _ => WeightLocation::Computed,
        };
        self.bounded(&constant)?;
        let value = self.constant(constant, place);
        self.watch(output, value);
        let twice = NodeRefused::OutputTwice(Label::new(output));
        if self.name(output, value) { Ok(()) } else { Err(refused(twice)) }
    }

    /// Puts the branch of an `If` in place whose condition is known before running.
    fn branch(
        &mut self,
        node: &onnx::Node<'a>,
        attributes: &[(&'a [u8], Attribute<'a>)],
        frame: &Frame<'_, 'a>,
    ) -> Result<(), ModelRefused> {
        let refused = |reason| ModelRefused::Node { node: node.id, reason };
        self.check_depth(frame)?;
        let name = node.inputs.first().copied().unwrap_or_default();
        let condition = self.operand(name, node.id)?;
        let condition = condition.ok_or(refused(NodeRefused::InputCount(0)))?;
        let taken = self.condition(condition).ok_or(refused(NodeRefused::Condition))?;
        let wanted: &[u8] = if taken { b"then_branch" } else { b"else_branch" };
        let graph = attributes.iter().find_map(|(name, attribute)| match attribute {
            Attribute::Graph(graph) if *name == wanted => Some(*graph),
            _ => None,
        });
        let missing = NodeRefused::AttributeMissing(Label::new(wanted));
        let parts = graph.ok_or(refused(missing))?.read()?;
        let depth = frame.depth + 1;
        let frame = Frame { opsets: frame.opsets, arguments: frame.arguments, depth };
        let outputs = parts.outputs.iter().map(|port| port.name).collect::<Vec<_>>();
        self.scopes.push(Scope { sees_outside: true, ..Scope::default() });
        let values = self.inside(&parts, &outputs, &frame, node.id)?;
        self.scopes.pop();
        self.hand_on(node, &values)
    }

    fn inside(
        &mut self,
        parts: &GraphParts<'a>,
        outputs: &[&'a [u8]],
        frame: &Frame<'_, 'a>,
        id: NodeId,
    ) -> Result<Vec<Option<ValueId>>, ModelRefused> {
        self.initializers(&parts.constants)?;
        self.block(&parts.nodes, outputs, frame)?;
        outputs.iter().map(|name| self.operand(name, id)).collect()
    }

    /// Gives a node's outputs the values made inside of it.
    fn hand_on(
        &mut self,
        node: &onnx::Node<'a>,
        values: &[Option<ValueId>],
    ) -> Result<(), ModelRefused> {
        for (name, value) in node.outputs.iter().zip(values) {
            let (false, Some(value)) = (name.is_empty(), value) else { continue };
            if !self.name(name, *value) {
                let reason = NodeRefused::OutputTwice(Label::new(name));
                return Err(ModelRefused::Node { node: node.id, reason });
            }
        }
        Ok(())
    }

    fn check_depth(&self, frame: &Frame<'_, 'a>) -> Result<(), ModelRefused> {
        if frame.depth < limits::NESTING {
            return Ok(());
        }
        Err(ModelRefused::TooMany { part: Part::Subgraphs, limit: limits::NESTING })
    }

    /// A condition, if it does not depend on the rows.
    fn condition(&mut self, value: ValueId) -> Option<bool> {
        let known = |fact: Option<&Fact>| match fact {
            Some(Fact::Known(tensor)) => tensor.wholes().first().map(|flag| *flag != 0),
            _ => None,
        };
        if let Some(flag) = known(self.known[value].as_ref()) {
            return Some(flag);
        }
        self.probes += 1;
        if self.probes > limits::CONDITIONS {
            return None;
        }
        let [fewest, most] = PROBED_ROWS.map(|rows| known(self.probe(rows)[value].as_ref()));
        fewest.filter(|flag| most == Some(*flag))
    }

    /// Puts a function of the file in place.
    fn call(
        &mut self,
        node: &onnx::Node<'a>,
        function: &Function<'a>,
        attributes: Vec<(&'a [u8], Attribute<'a>)>,
        frame: &Frame<'_, 'a>,
    ) -> Result<(), ModelRefused> {
        self.check_depth(frame)?;
        // Reading a function again and again is bounded as other work before running is.
        let bytes = u64::try_from(function.len()).unwrap_or(u64::MAX);
        let left = self.steps_left.checked_sub(bytes);
        let limit = limits::FUNCTIONS;
        self.steps_left = left.ok_or(ModelRefused::TooMany { part: Part::Functions, limit })?;
        let parts = function.parts()?;
        let mut scope = Scope::default();
        for (index, name) in parts.inputs.iter().enumerate() {
            let value = match node.inputs.get(index) {
                Some(given) => self.operand(given, node.id)?,
                None => None,
            };
            scope.values.insert(name, value);
        }
        let mut arguments = attributes;
        for (name, default) in parts.attributes {
            if !arguments.iter().any(|(given, _)| *given == name) {
                arguments.push((name, default));
            }
        }
        let frame = Frame { opsets: &parts.opsets, arguments: &arguments, depth: frame.depth + 1 };
        self.scopes.push(scope);
        self.block(&parts.nodes, &parts.outputs, &frame)?;
        let values = parts.outputs.iter().map(|name| self.operand(name, node.id));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        self.scopes.pop();
        self.hand_on(node, &values)
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

/// Attributes with the references to those of the function's call replaced.
fn resolved<'a>(
    attributes: &[(&'a [u8], Attribute<'a>)],
    arguments: &[(&'a [u8], Attribute<'a>)],
) -> Vec<(&'a [u8], Attribute<'a>)> {
    let resolve = |(name, attribute): &(&'a [u8], Attribute<'a>)| match attribute {
        Attribute::Reference(wanted) => {
            let found = arguments.iter().find(|(given, _)| given == wanted)?;
            Some((*name, found.1.clone()))
        }
        attribute => Some((*name, attribute.clone())),
    };
    attributes.iter().filter_map(resolve).collect()
}

/// Which nodes some outputs need.
pub(super) fn live<'a>(
    nodes: &[onnx::Node<'a>],
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
