//! Functions and branches, put in place of the nodes that call them.

use super::{Builder, Frame, Scope};
use crate::{
    graph::ValueId,
    label::Label,
    limits,
    onnx::{self, Attribute, Function, GraphParts},
    op::Fact,
    refusal::{ModelRefused, NodeId, NodeRefused, Part},
};

/// Numbers of rows for which a condition must be the same to count as known: the fewest and the
/// most of a batch.
const PROBED_ROWS: [usize; 2] = [1, limits::BATCH_ROWS];

impl<'a> Builder<'a> {
    /// Puts the branch of an `If` in place whose condition is known before running.
    pub(super) fn branch(
        &mut self,
        node: &onnx::NodeProto<'a>,
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

    pub(super) fn inside(
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
    pub(super) fn hand_on(
        &mut self,
        node: &onnx::NodeProto<'a>,
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

    pub(super) fn check_depth(&self, frame: &Frame<'_, 'a>) -> Result<(), ModelRefused> {
        if frame.depth < limits::NESTING {
            return Ok(());
        }
        Err(ModelRefused::TooMany { part: Part::Subgraphs, limit: limits::NESTING })
    }

    /// A condition, if it does not depend on the rows.
    pub(super) fn condition(&mut self, value: ValueId) -> Option<bool> {
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
    pub(super) fn call(
        &mut self,
        node: &onnx::NodeProto<'a>,
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
}

/// Attributes with the references to those of the function's call replaced.
pub(super) fn resolved<'a>(
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
