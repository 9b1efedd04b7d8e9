//! `Constant`: a tensor, number or list fixed in the file. It takes no part in running: the graph
//! treats it as an initializer.

use super::attributes::{Attributes, bad_value};
use crate::{
    element::Element,
    label::Label,
    onnx::{Attribute, Constant},
    refusal::{ConstantRefused, ModelRefused, NodeRefused},
    shape::Shape,
    tensor::{Data, Tensor},
};

/// The tensor given by a `Constant` node.
///
/// - Errors: the outer one if the file is malformed, the inner one if the node cannot be used
pub(crate) fn constant(
    mut attributes: Attributes<'_>,
) -> Result<Result<Constant, NodeRefused>, ModelRefused> {
    let Some((name, attribute)) = attributes.only() else {
        return Ok(Err(NodeRefused::AttributeMissing("value".into())));
    };
    let constant = match (name, attribute) {
        (b"value", Attribute::Tensor(tensor)) => tensor.decode()?,
        (b"value_float", Attribute::Float(number)) => real(Shape::SCALAR, vec![number]),
        (b"value_floats", Attribute::Floats(numbers)) => {
            list(numbers.len()).and_then(|shape| real(shape, numbers))
        }
        (b"value_int", Attribute::Integer(number)) => whole(Shape::SCALAR, vec![number]),
        (b"value_ints", Attribute::Integers(numbers)) => {
            list(numbers.len()).and_then(|shape| whole(shape, numbers))
        }
        (b"value" | b"value_float" | b"value_floats" | b"value_int" | b"value_ints", _) => {
            return Ok(Err(bad_value(Label::new(name).as_str())));
        }
        (name, _) => return Ok(Err(NodeRefused::Attribute(Label::new(name)))),
    };
    Ok(constant.map_err(NodeRefused::Constant))
}

fn list(length: usize) -> Result<Shape, ConstantRefused> {
    Shape::new(&[length]).ok_or(ConstantRefused::Shape)
}

fn real(shape: Shape, numbers: Vec<f32>) -> Result<Constant, ConstantRefused> {
    Ok(Constant::Real(shape, numbers))
}

fn whole(shape: Shape, numbers: Vec<i64>) -> Result<Constant, ConstantRefused> {
    let sizes = shape.sizes().to_vec();
    Ok(Constant::Plain(Tensor::new(Element::I64, sizes, Data::Whole(numbers))))
}
