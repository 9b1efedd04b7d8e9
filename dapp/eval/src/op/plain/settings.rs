//! A node's attributes, decoded and owned.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    label::Label,
    onnx::Attribute,
    op::attributes::bad_value,
    refusal::NodeRefused,
    tensor::{Shared, Tensor},
};

/// An attribute's value.
#[derive(Clone, Debug)]
enum Value {
    Float(f64),
    Integer(i64),
    Text(Vec<u8>),
    Floats(Vec<f64>),
    Integers(Vec<i64>),
    Tensor(Shared),
    Texts(Vec<Box<[u8]>>),
    /// A type that no operator here takes.
    Other,
}

/// Attributes of a node, which of its outputs is wanted, and the version of its operator.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    values: BTreeMap<Vec<u8>, Value>,
    /// Version of the operator set the node is of.
    pub(crate) opset: i64,
    /// The output wanted, of those of the node.
    pub(crate) output: usize,
    /// Number of outputs of the node.
    pub(crate) outputs: usize,
}

impl Settings {
    /// The attributes of a node; those without an effect on inference are left out.
    pub(crate) fn new(
        list: &[(&[u8], Attribute<'_>)],
        opset: i64,
        [output, outputs]: [usize; 2],
    ) -> Result<Self, NodeRefused> {
        let mut values = BTreeMap::new();
        for (name, attribute) in list {
            let value = match attribute {
                Attribute::Float(number) => Value::Float(f64::from(*number)),
                Attribute::Integer(number) => Value::Integer(*number),
                Attribute::Text(text) => Value::Text(text.to_vec()),
                Attribute::Floats(numbers) => {
                    Value::Floats(numbers.iter().map(|number| f64::from(*number)).collect())
                }
                Attribute::Integers(numbers) => Value::Integers(numbers.clone()),
                Attribute::Texts(texts) => {
                    Value::Texts(texts.iter().map(|text| Box::from(*text)).collect())
                }
                Attribute::Tensor(tensor) => match tensor.decode() {
                    Ok(Ok(constant)) => Value::Tensor(Arc::new(constant.into_tensor())),
                    Ok(Err(reason)) => return Err(NodeRefused::Constant(reason)),
                    Err(_) => return Err(bad_value(Label::new(name).as_str())),
                },
                _ => Value::Other,
            };
            values.insert(name.to_vec(), value);
        }
        Ok(Self { values, opset, output, outputs })
    }

    /// The same for another output.
    pub(super) fn with_output(self, output: usize) -> Self {
        Self { output, ..self }
    }

    /// The same in another version of the operator set.
    pub(super) fn with_opset(self, opset: i64) -> Self {
        Self { opset, ..self }
    }

    /// Numbers in list attributes.
    pub(crate) fn numbers(&self) -> u64 {
        let lengths = self.values.values().map(|value| match value {
            Value::Floats(numbers) => numbers.len(),
            Value::Integers(numbers) => numbers.len(),
            Value::Texts(texts) => texts.len(),
            Value::Tensor(tensor) => tensor.len(),
            _ => 0,
        });
        u64::try_from(lengths.sum::<usize>()).unwrap_or(u64::MAX)
    }

    /// Refuses attributes that are none of these.
    pub(super) fn expect(&self, known: &[&str]) -> Result<(), NodeRefused> {
        let is_known = |name: &[u8]| known.iter().any(|known| known.as_bytes() == name);
        match self.values.keys().find(|name| !is_known(name)) {
            Some(name) => Err(NodeRefused::Attribute(Label::new(name))),
            None => Ok(()),
        }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name.as_bytes())
    }

    /// Whether there is an attribute of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// An integer, if given.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, NodeRefused> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Integer(number)) => Ok(Some(*number)),
            Some(_) => Err(bad_value(name)),
        }
    }

    /// An integer, `default` if missing.
    pub(super) fn integer_or(&self, name: &str, default: i64) -> Result<i64, NodeRefused> {
        Ok(self.integer(name)?.unwrap_or(default))
    }

    /// A flag, `default` if missing.
    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool, NodeRefused> {
        Ok(self.integer(name)?.map_or(default, |number| number != 0))
    }

    /// A number, if given.
    pub(super) fn float(&self, name: &str) -> Result<Option<f64>, NodeRefused> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Float(number)) => Ok(Some(*number)),
            Some(_) => Err(bad_value(name)),
        }
    }

    /// A number, `default` if missing.
    pub(super) fn float_or(&self, name: &str, default: f64) -> Result<f64, NodeRefused> {
        Ok(self.float(name)?.unwrap_or(default))
    }

    /// A text, if given.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, NodeRefused> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Text(text)) => {
                std::str::from_utf8(text).map(Some).map_err(|_| bad_value(name))
            }
            Some(_) => Err(bad_value(name)),
        }
    }

    /// A list of texts, if given.
    pub(super) fn texts(&self, name: &str) -> Result<Option<&[Box<[u8]>]>, NodeRefused> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Texts(texts)) => Ok(Some(texts)),
            Some(_) => Err(bad_value(name)),
        }
    }

    /// The place of a text among these; the first if missing.
    pub(super) fn choice(&self, name: &str, of: &[&str]) -> Result<usize, NodeRefused> {
        let Some(text) = self.text(name)? else { return Ok(0) };
        of.iter().position(|known| *known == text).ok_or(bad_value(name))
    }

    /// A list of integers, if given.
    pub(crate) fn integers(&self, name: &str) -> Result<Option<&[i64]>, NodeRefused> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Integers(numbers)) => Ok(Some(numbers)),
            Some(_) => Err(bad_value(name)),
        }
    }

    /// A list of numbers, if given as floats or as a tensor of them.
    pub(super) fn floats(&self, name: &str) -> Result<Option<Vec<f64>>, NodeRefused> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Floats(numbers)) => Ok(Some(numbers.clone())),
            Some(Value::Tensor(tensor)) => Ok(Some(tensor.reals().into_owned())),
            Some(_) => Err(bad_value(name)),
        }
    }

    /// A tensor, if given.
    pub(super) fn tensor(&self, name: &str) -> Result<Option<&Tensor>, NodeRefused> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Tensor(tensor)) => Ok(Some(tensor)),
            Some(_) => Err(bad_value(name)),
        }
    }
}
