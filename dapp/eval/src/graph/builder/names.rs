//! Names and the values they stand for.

use std::sync::Arc;

use super::Builder;
use crate::{
    element::Element,
    graph::{ValueId, Weight},
    label::Label,
    limits,
    onnx::{Constant, TensorBytes, WeightLocation},
    op::Fact,
    refusal::{ModelRefused, NodeId, NodeRefused, Part},
    tensor::Tensor,
};

impl<'a> Builder<'a> {
    /// Adds initializers, which are decoded when they are first used.
    pub(in crate::graph) fn initializers(
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

    /// Adds an input bound to a tensor of each run.
    #[cfg(feature = "conformance")]
    pub(in crate::graph) fn bind(
        &mut self,
        name: &'a [u8],
        fact: Fact,
    ) -> Result<ValueId, ModelRefused> {
        let value = self.define(name, None).ok_or(ModelRefused::NameTwice(Label::new(name)))?;
        self.inputs.push((value, fact));
        Ok(value)
    }

    /// Adds an input bound to a constant.
    #[cfg(feature = "conformance")]
    pub(in crate::graph) fn bind_constant(
        &mut self,
        name: &'a [u8],
        tensor: Tensor,
    ) -> Result<(), ModelRefused> {
        let value = self.computed(tensor);
        self.fixed.retain(|fixed| *fixed != value);
        self.scope().values.insert(name, Some(value));
        Ok(())
    }

    pub(super) fn unnamed(&mut self, known: Option<Fact>) -> ValueId {
        self.known.push(known);
        self.known.len() - 1
    }

    /// Gives a new value this name; `None` if the name is taken.
    pub(super) fn define(&mut self, name: &'a [u8], known: Option<Fact>) -> Option<ValueId> {
        let value = self.unnamed(known);
        self.name(name, value).then_some(value)
    }

    /// Gives a value this name; false if the name is taken.
    pub(super) fn name(&mut self, name: &'a [u8], value: ValueId) -> bool {
        let scope = self.scope();
        !name.is_empty()
            && !scope.pending.contains_key(name)
            && scope.values.insert(name, Some(value)).is_none()
    }

    /// A constant computed from others.
    pub(super) fn computed(&mut self, tensor: Tensor) -> ValueId {
        let constant = match tensor.shape() {
            Some(shape) if tensor.element == Element::F32 => Constant::Real(shape, tensor.to_f32()),
            _ => Constant::Plain(tensor),
        };
        let value = self.constant(constant, WeightLocation::Computed);
        self.fixed.push(value);
        value
    }

    pub(super) fn constant(&mut self, constant: Constant, place: WeightLocation) -> ValueId {
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
    pub(super) fn watch(&mut self, name: &[u8], value: ValueId) {
        let weight = self.weights.last().filter(|weight| weight.value == value);
        let place = weight.and_then(|weight| weight.elements.iter().position(|x| !x.is_finite()));
        if let Some(place) = place {
            self.not_finite.insert(value, (Label::new(name), place));
            self.fixed.push(value);
        }
    }

    /// The value of a name, if there is one; `None` inside for an input left out.
    pub(super) fn find(&mut self, name: &[u8]) -> Result<Option<Option<ValueId>>, ModelRefused> {
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

    /// Counts the elements of a constant that is held as a plain tensor, and the steps of reading
    /// them.
    pub(super) fn bounded(&mut self, constant: &Constant) -> Result<(), ModelRefused> {
        if let Constant::Plain(tensor) = constant {
            let limit = limits::PLAIN_ELEMENTS;
            let left = self.elements_left.checked_sub(tensor.len());
            self.elements_left =
                left.ok_or(ModelRefused::TooMany { part: Part::PlainConstants, limit })?;
            let at_once = if tensor.element.bits() == 8 { limits::BYTES_READ_AT_ONCE } else { 1 };
            let steps = u64::try_from(tensor.len().div_ceil(at_once)).unwrap_or(u64::MAX);
            self.folded_steps = self.folded_steps.saturating_add(steps);
        }
        Ok(())
    }

    /// The value of the graph's output of this name.
    pub(in crate::graph) fn named(&mut self, name: &[u8]) -> Result<ValueId, ModelRefused> {
        self.find(name)?.flatten().ok_or(ModelRefused::Output(Label::new(name)))
    }

    /// The value a node's input names; `None` for one left out.
    pub(super) fn operand(
        &mut self,
        name: &[u8],
        id: NodeId,
    ) -> Result<Option<ValueId>, ModelRefused> {
        if name.is_empty() {
            return Ok(None);
        }
        let reason = NodeRefused::UndefinedInput(Label::new(name));
        self.find(name)?.ok_or(ModelRefused::Node { node: id, reason })
    }
}
