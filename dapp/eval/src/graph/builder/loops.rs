//! Graphs inside of a node that run several times: the nodes of a `Loop` are put in place as often
//! as it runs, those of a `Scan` become one computation.

use std::{collections::BTreeMap, mem, sync::Arc};

use super::{Builder, Frame, Scope};
use crate::{
    element::Element,
    graph::{Node, ValueId},
    label::Label,
    limits,
    onnx::{self, Attribute, GraphParts},
    op::{Body, BodyNode, Fact, Plain, Settings},
    refusal::{ModelRefused, NodeRefused, Part},
    tensor::{Data, Tensor},
};

/// Steps that reading a node once more counts as.
const READING_STEPS: u64 = 64;

/// The attributes of a node.
type Attributes<'a> = [(&'a [u8], Attribute<'a>)];

/// The graph in a node's attribute `body`.
fn body<'a>(attributes: &Attributes<'a>) -> Result<onnx::GraphBytes<'a>, NodeRefused> {
    let graph = attributes.iter().find_map(|(name, attribute)| match attribute {
        Attribute::Graph(graph) if *name == b"body" => Some(*graph),
        _ => None,
    });
    graph.ok_or_else(|| NodeRefused::AttributeMissing(Label::new(b"body")))
}

impl<'a> Builder<'a> {
    /// The values of a body's outputs, its inputs being these.
    fn run_body(
        &mut self,
        parts: &GraphParts<'a>,
        inputs: &[ValueId],
        frame: &Frame<'_, 'a>,
        node: &onnx::NodeProto<'a>,
    ) -> Result<Vec<ValueId>, ModelRefused> {
        let refused = |reason| ModelRefused::Node { node: node.id, reason };
        let names = parts.inputs.iter().map(|port| port.name).zip(inputs);
        let values = names.map(|(name, value)| (name, Some(*value))).collect::<BTreeMap<_, _>>();
        if values.len() != inputs.len() || parts.inputs.len() != inputs.len() {
            return Err(refused(NodeRefused::InputCount(inputs.len())));
        }
        let frame =
            Frame { opsets: frame.opsets, arguments: frame.arguments, depth: frame.depth + 1 };
        let outputs = parts.outputs.iter().map(|port| port.name).collect::<Vec<_>>();
        self.scopes.push(Scope { values, sees_outside: true, ..Scope::default() });
        let values = self.inside(parts, &outputs, &frame, node.id);
        self.scopes.pop();
        values?.into_iter().map(|value| value.ok_or(refused(NodeRefused::NoOutput))).collect()
    }

    /// Puts the nodes of a `Loop` in place as often as it runs, which must be known.
    pub(super) fn repeat(
        &mut self,
        node: &onnx::NodeProto<'a>,
        attributes: &Attributes<'a>,
        frame: &Frame<'_, 'a>,
    ) -> Result<(), ModelRefused> {
        let refused = |reason| ModelRefused::Node { node: node.id, reason };
        self.check_depth(frame)?;
        let parts = body(attributes).map_err(refused)?.read()?;
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for name in &node.inputs {
            inputs.push(self.operand(name, node.id)?);
        }
        let input = |index: usize| inputs.get(index).copied().flatten();
        let most = match input(0).map(|value| self.known[value].clone()) {
            None => None,
            Some(Some(Fact::Known(count))) => count.wholes().first().copied(),
            Some(_) => return Err(refused(NodeRefused::NotKnown(0))),
        };
        let mut condition = input(1);
        let mut states = inputs.iter().skip(2).copied().collect::<Option<Vec<_>>>();
        let states = states.as_mut().ok_or(refused(NodeRefused::InputCount(inputs.len())))?;
        let lists = parts.outputs.len().checked_sub(1 + states.len());
        let mut made = vec![Vec::new(); lists.ok_or(refused(NodeRefused::NoOutput))?];
        let mut times = 0;
        while most.is_none_or(|most| times < most) {
            match condition.map(|condition| self.condition(condition)) {
                None if most.is_none() => return Err(refused(NodeRefused::Condition)),
                Some(None) => return Err(refused(NodeRefused::Condition)),
                Some(Some(false)) => break,
                None | Some(Some(true)) => {}
            }
            let nodes = u64::try_from(parts.nodes.len()).unwrap_or(u64::MAX);
            let steps = nodes.saturating_add(1).saturating_mul(READING_STEPS);
            let left = self.steps_left.checked_sub(steps);
            let limit = limits::NODES_READ;
            self.steps_left = left.ok_or(ModelRefused::TooMany { part: Part::Nodes, limit })?;
            self.folded_steps = self.folded_steps.saturating_add(steps);
            let number = |element, number| Tensor::new(element, vec![], Data::Whole(vec![number]));
            let (time, goes_on) = (number(Element::I64, times), number(Element::Bool, 1));
            let first = [self.computed(time), self.computed(goes_on)];
            let values = self.run_body(&parts, &[&first[..], states].concat(), frame, node)?;
            let count = states.len();
            condition = values.first().copied();
            states.copy_from_slice(&values[1..=count]);
            made.iter_mut().zip(&values[1 + count..]).for_each(|(list, value)| list.push(*value));
            times += 1;
        }
        let mut values = states.iter().map(|value| Some(*value)).collect::<Vec<_>>();
        for list in &made {
            let is_used = node.outputs.get(values.len()).is_some_and(|name| !name.is_empty());
            values.push(if is_used { Some(self.stacked(list, node)?) } else { None });
        }
        self.hand_on(node, &values)
    }

    /// Values of one shape as the elements of a list.
    fn stacked(
        &mut self,
        list: &[ValueId],
        node: &onnx::NodeProto<'a>,
    ) -> Result<ValueId, ModelRefused> {
        let refused = |reason| ModelRefused::Node { node: node.id, reason };
        if list.is_empty() {
            return Err(refused(NodeRefused::OutputShape));
        }
        let plain = |name: &[u8], attributes: &Attributes<'_>| {
            let settings = Settings::new(attributes, *limits::OPSET_RANGE.end(), [0, 1]);
            let plain = settings.map(|settings| Plain::new(b"", name, settings));
            plain.and_then(|plain| plain.unwrap_or(Err(NodeRefused::UnknownOperator)))
        };
        let rows = plain(b"Unsqueeze", &[(b"axes", Attribute::Integers(vec![0]))]);
        let rows = rows.map_err(refused)?;
        let joined = plain(b"Concat", &[(b"axis", Attribute::Integer(0))]).map_err(refused)?;
        let mut parts = Vec::with_capacity(list.len());
        for value in list {
            let part = self.unnamed(None);
            self.push(Node::plain(node.id, rows.clone(), vec![Some(*value)], part))?;
            parts.push(Some(part));
        }
        let output = self.unnamed(None);
        self.push(Node::plain(node.id, joined, parts, output))?;
        Ok(output)
    }

    fn push(&mut self, node: Node) -> Result<(), ModelRefused> {
        if self.nodes.len() >= limits::NODES {
            return Err(ModelRefused::TooMany { part: Part::Nodes, limit: limits::NODES });
        }
        self.nodes.push(node);
        Ok(())
    }

    /// Adds a `Scan` as one node for each of its outputs.
    pub(super) fn scan(
        &mut self,
        node: &onnx::NodeProto<'a>,
        attributes: &Attributes<'a>,
        frame: &Frame<'_, 'a>,
        opset: i64,
    ) -> Result<(), ModelRefused> {
        let refused = |reason| ModelRefused::Node { node: node.id, reason };
        self.check_depth(frame)?;
        let parts = body(attributes).map_err(refused)?.read()?;
        let settings = Settings::new(attributes, opset, [0, 1]).map_err(refused)?;
        let lists = scanned(&settings).map_err(refused)?;
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for name in &node.inputs {
            let input = self.operand(name, node.id)?;
            inputs.push(input.ok_or(refused(NodeRefused::InputCount(node.inputs.len())))?);
        }
        let states = inputs.len().checked_sub(lists);
        let states = states.ok_or(refused(NodeRefused::InputCount(inputs.len())))?;
        let local = inputs.iter().map(|_| self.unnamed(None)).collect::<Vec<_>>();
        let outside = mem::take(&mut self.nodes);
        let outputs = self.run_body(&parts, &local, frame, node);
        let nodes = mem::replace(&mut self.nodes, outside);
        let outputs = outputs?;
        if outputs.len() < states {
            return Err(refused(NodeRefused::NoOutput));
        }
        let body = numbered(nodes, states, lists, &local, &outputs, &mut inputs);
        let body = Arc::new(body.map_err(refused)?);
        let inputs = inputs.into_iter().map(Some).collect::<Vec<_>>();
        for (index, name) in node.outputs.iter().enumerate() {
            if name.is_empty() {
                continue;
            }
            let twice = NodeRefused::OutputTwice(Label::new(name));
            let output = self.define(name, None).ok_or(refused(twice))?;
            // Each output plans and runs the body for itself.
            self.inner_nodes += body.nodes.len();
            if self.inner_nodes > limits::NODES {
                return Err(ModelRefused::TooMany { part: Part::Nodes, limit: limits::NODES });
            }
            let plain = Plain::scan(Arc::clone(&body), index, settings.clone());
            self.push(Node::plain(node.id, plain, inputs.clone(), output))?;
        }
        Ok(())
    }
}

/// The number of lists that a `Scan` goes through; from first to last, along their first dimension.
fn scanned(settings: &Settings) -> Result<usize, NodeRefused> {
    let missing = NodeRefused::AttributeMissing(Label::new(b"num_scan_inputs"));
    let count = settings.integer("num_scan_inputs")?.ok_or(missing)?;
    let names =
        ["scan_input_axes", "scan_input_directions", "scan_output_axes", "scan_output_directions"];
    for name in names {
        if settings.integers(name)?.unwrap_or_default().iter().any(|number| *number != 0) {
            return Err(NodeRefused::AttributeValue(Label::new(name.as_bytes())));
        }
    }
    let count = usize::try_from(count).ok().filter(|count| *count > 0);
    count.ok_or(NodeRefused::AttributeValue(Label::new(b"num_scan_inputs")))
}

/// The nodes of a `Scan` with its values numbered anew; what they use from outside is added to the
/// inputs.
fn numbered(
    nodes: Vec<Node>,
    states: usize,
    lists: usize,
    local: &[ValueId],
    outputs: &[ValueId],
    inputs: &mut Vec<ValueId>,
) -> Result<Body, NodeRefused> {
    let made = nodes.iter().map(|node| node.output).collect::<Vec<_>>();
    let mut numbers =
        local.iter().enumerate().map(|(at, id)| (*id, at)).collect::<BTreeMap<_, _>>();
    let used = nodes.iter().flat_map(|node| node.inputs.iter().flatten()).chain(outputs);
    let is_made = made.iter().copied().collect::<std::collections::BTreeSet<_>>();
    for value in used {
        if !is_made.contains(value) && !numbers.contains_key(value) {
            numbers.insert(*value, inputs.len());
            inputs.push(*value);
        }
    }
    let values = inputs.len() + made.len();
    numbers.extend(made.iter().enumerate().map(|(at, id)| (*id, inputs.len() + at)));
    let node = |node: Node| {
        let inputs = node.inputs.iter().map(|input| input.map(|id| numbers[&id])).collect();
        let plain = node.plain.ok_or(NodeRefused::UnknownOperator)?;
        Ok(BodyNode { plain, inputs, output: numbers[&node.output] })
    };
    let outputs = outputs.iter().map(|output| numbers[output]).collect();
    let nodes = nodes.into_iter().map(node).collect::<Result<_, NodeRefused>>()?;
    Ok(Body { nodes, states, lists, values, outputs })
}
