//! A node's attributes, taken one by one; any that is left over is refused.

use crate::{label::Label, onnx::Attribute, refusal::NodeRefused};

/// The attributes of a node and the version of its operator.
pub(crate) struct Attributes<'a> {
    list: Vec<(&'a [u8], Attribute<'a>)>,
    opset: i64,
}

impl<'a> Attributes<'a> {
    /// Attributes by name, for an operator of this version of the standard.
    pub(crate) const fn new(list: Vec<(&'a [u8], Attribute<'a>)>, opset: i64) -> Self {
        Self { list, opset }
    }

    /// Version of the standard's operators.
    pub(crate) const fn opset(&self) -> i64 {
        self.opset
    }

    /// Refuses an attribute that was not taken.
    pub(crate) fn finish(self) -> Result<(), NodeRefused> {
        match self.list.first() {
            Some((name, _)) => Err(NodeRefused::Attribute(Label::new(name))),
            None => Ok(()),
        }
    }

    /// Takes an integer.
    pub(crate) fn integer(&mut self, name: &str) -> Result<Option<i64>, NodeRefused> {
        match self.take(name) {
            None => Ok(None),
            Some(Attribute::Integer(value)) => Ok(Some(value)),
            Some(_) => Err(bad_value(name)),
        }
    }

    /// Takes a flag, false if missing.
    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, NodeRefused> {
        match self.integer(name)? {
            None | Some(0) => Ok(false),
            Some(1) => Ok(true),
            Some(_) => Err(bad_value(name)),
        }
    }

    /// Takes a finite float, `default` if missing.
    pub(crate) fn float(&mut self, name: &str, default: f32) -> Result<f32, NodeRefused> {
        match self.take(name) {
            None => Ok(default),
            Some(Attribute::Float(value)) if value.is_finite() => Ok(value),
            Some(_) => Err(bad_value(name)),
        }
    }

    /// Takes a list of integers.
    pub(crate) fn integers(&mut self, name: &str) -> Result<Option<Vec<i64>>, NodeRefused> {
        match self.take(name) {
            None => Ok(None),
            Some(Attribute::Integers(values)) => Ok(Some(values)),
            Some(_) => Err(bad_value(name)),
        }
    }

    /// Takes a string.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<&'a [u8]>, NodeRefused> {
        match self.take(name) {
            None => Ok(None),
            Some(Attribute::Text(value)) => Ok(Some(value)),
            Some(_) => Err(bad_value(name)),
        }
    }

    /// Takes the one attribute left, whatever its name.
    pub(crate) fn only(&mut self) -> Option<(&'a [u8], Attribute<'a>)> {
        if self.list.len() == 1 { self.list.pop() } else { None }
    }

    fn take(&mut self, name: &str) -> Option<Attribute<'a>> {
        let index = self.list.iter().position(|(found, _)| *found == name.as_bytes())?;
        Some(self.list.remove(index).1)
    }
}

/// The refusal of an attribute's value.
pub(super) fn bad_value(name: &str) -> NodeRefused {
    NodeRefused::AttributeValue(name.into())
}
