//! Constant tensors of a file: types, sizes and values checked before they are copied.

use std::sync::Arc;

use super::wire::{Field, Message};
use crate::{
    limits,
    refusal::{ConstantRefused, ModelRefused, Part},
    shape::Shape,
};

/// `TensorProto.DataType` of the types that are supported.
mod data_type {
    pub(super) const FLOAT: i64 = 1;
    pub(super) const INT32: i64 = 6;
    pub(super) const INT64: i64 = 7;
    pub(super) const BOOL: i64 = 9;
}

/// A constant of the graph.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Constant {
    pub(crate) shape: Shape,
    pub(crate) numbers: Numbers,
}

/// A constant's elements in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Numbers {
    /// Weights; all finite.
    Real(Vec<f32>),
    /// Shapes and flags.
    Whole(Arc<[i64]>),
}

/// A `TensorProto` as stored in the file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TensorBytes<'a> {
    pub(crate) name: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> TensorBytes<'a> {
    /// Finds the tensor's name and leaves the rest for [`Self::decode`].
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, ModelRefused> {
        let mut name = &[][..];
        for field in Message::new(bytes, Part::Tensor) {
            if let (8, field) = field? {
                name = field.bytes(Part::Tensor)?;
            }
        }
        Ok(Self { name, bytes })
    }

    /// The tensor's elements.
    ///
    /// - Errors: the outer one if the bytes are not a tensor, the inner one if the tensor cannot be
    ///   used
    pub(crate) fn decode(self) -> Result<Result<Constant, ConstantRefused>, ModelRefused> {
        let mut sizes = Vec::new();
        let mut data_type = 0;
        let mut external = false;
        // Each element takes four bytes of the file or at least one, and the file is bounded.
        let mut data = Data::default();
        for field in Message::new(self.bytes, Part::Tensor) {
            match field? {
                (1, field) => field.integers(&mut sizes, limits::RANK, Part::Dimensions)?,
                (2, field) => data_type = field.integer(Part::Tensor)?,
                (4, field) => field.floats(&mut data.floats, limits::ELEMENTS, Part::Tensor)?,
                (5 | 7, field) => {
                    field.integers(&mut data.integers, limits::WHOLE_ELEMENTS, Part::Tensor)?;
                }
                (9, field) => data.raw = Some(field.bytes(Part::Tensor)?),
                (13, _) => external = true,
                (14, Field::Varint(location)) => external |= location != 0,
                _ => {}
            }
        }
        if external {
            return Ok(Err(ConstantRefused::External));
        }
        let shape = Shape::from_i64(&sizes).ok_or(ConstantRefused::Shape);
        Ok(shape.and_then(|shape| Constant::new(shape, data_type, data)))
    }
}

/// The fields of a `TensorProto` that may hold elements.
#[derive(Default)]
struct Data<'a> {
    floats: Vec<f32>,
    integers: Vec<i64>,
    raw: Option<&'a [u8]>,
}

impl Constant {
    fn new(shape: Shape, data_type: i64, data: Data<'_>) -> Result<Self, ConstantRefused> {
        let numbers = match data_type {
            data_type::FLOAT => Numbers::Real(reals(data, shape.elements())?),
            data_type::INT64 | data_type::INT32 | data_type::BOOL => {
                if shape.elements() > limits::WHOLE_ELEMENTS {
                    return Err(ConstantRefused::WholeNumbers);
                }
                Numbers::Whole(whole_numbers(data, data_type)?.into())
            }
            other => return Err(ConstantRefused::DataType(other)),
        };
        let found = match &numbers {
            Numbers::Real(numbers) => numbers.len(),
            Numbers::Whole(numbers) => numbers.len(),
        };
        if found != shape.elements() {
            return Err(ConstantRefused::Length);
        }
        Ok(Self { shape, numbers })
    }
}

fn reals(data: Data<'_>, elements: usize) -> Result<Vec<f32>, ConstantRefused> {
    let numbers = match data.raw {
        Some(raw) if raw.len() == elements * size_of::<f32>() => {
            raw.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
        }
        Some(_) => return Err(ConstantRefused::Length),
        None => data.floats,
    };
    match numbers.iter().position(|number| !number.is_finite()) {
        Some(index) => Err(ConstantRefused::NotFinite(index)),
        None => Ok(numbers),
    }
}

fn whole_numbers(data: Data<'_>, data_type: i64) -> Result<Vec<i64>, ConstantRefused> {
    let Some(raw) = data.raw else { return Ok(data.integers) };
    if raw.len() > limits::WHOLE_ELEMENTS * size_of::<i64>() {
        return Err(ConstantRefused::Length);
    }
    let (numbers, rest): (Vec<i64>, usize) = match data_type {
        data_type::INT64 => {
            let (chunks, rest) = raw.as_chunks::<8>();
            (chunks.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect(), rest.len())
        }
        data_type::INT32 => {
            let (chunks, rest) = raw.as_chunks::<4>();
            (chunks.iter().map(|bytes| i32::from_le_bytes(*bytes).into()).collect(), rest.len())
        }
        _ => (raw.iter().copied().map(i64::from).collect(), 0),
    };
    if rest == 0 { Ok(numbers) } else { Err(ConstantRefused::Length) }
}
