//! What is known before a run: facts of values, and constants computed once.

use std::sync::Arc;

use super::{Builder, Frame};
use crate::{
    element::Element,
    graph::ValueId,
    inference::infer,
    label::Label,
    limits,
    onnx::{self, Attribute, WeightLocation},
    op::{self, Attributes, Fact, Inputs, Operator, Plain},
    refusal::{ModelRefused, NodeRefused},
    shape::Shape,
    tensor::Tensor,
};

impl<'a> Builder<'a> {
    /// Facts of all values so far, for this many rows; `None` where they do not follow.
    pub(super) fn probe(&self, rows: usize) -> Vec<Option<Fact>> {
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

    /// The result of a node that depends on constants alone, unless it is one with a kernel that
    /// works on weights of the file: those may be trained.
    pub(super) fn folded(
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
        let steps = prepared.steps();
        if steps > self.steps_left || elements > self.elements_left {
            return Ok(None);
        }
        self.steps_left -= steps;
        self.folded_steps += steps;
        self.elements_left -= elements;
        let operands = facts.into_iter().map(|fact| match fact {
            Some(Fact::Known(tensor)) => Some(tensor),
            _ => None,
        });
        Ok(Some(prepared.run(&operands.collect::<Vec<_>>())))
    }

    pub(super) fn constant_node(
        &mut self,
        node: &onnx::NodeProto<'a>,
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
}
