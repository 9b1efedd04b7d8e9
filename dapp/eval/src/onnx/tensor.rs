//! Constant tensors of a file: types, sizes and values checked before they are copied.

use super::wire::{Field, Message};
use crate::{
    element::Element,
    limits,
    refusal::{ConstantRefused, ModelRefused, Part},
    shape::Shape,
    tensor::{Data, Tensor, count},
};

/// A constant of the graph.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Constant {
    /// Of f32, not empty.
    Real(Shape, Vec<f32>),
    /// Anything else.
    Plain(Tensor),
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
        let mut data = Stored::default();
        for field in Message::new(self.bytes, Part::Tensor) {
            match field? {
                (1, field) => field.integers(&mut sizes, limits::PLAIN_RANK, Part::Dimensions)?,
                (2, field) => data_type = field.integer(Part::Tensor)?,
                (4, field) => field.floats(&mut data.floats, limits::ELEMENTS, Part::Tensor)?,
                (5 | 7 | 11, field) => {
                    field.integers(&mut data.integers, limits::PLAIN_ELEMENTS, Part::Tensor)?;
                }
                (10, field) => {
                    field.doubles(&mut data.doubles, limits::PLAIN_ELEMENTS, Part::Tensor)?;
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
        Ok(Constant::new(&sizes, data_type, data))
    }
}

/// The fields of a `TensorProto` that may hold elements.
#[derive(Default)]
struct Stored<'a> {
    floats: Vec<f32>,
    integers: Vec<i64>,
    doubles: Vec<f64>,
    raw: Option<&'a [u8]>,
}

impl Constant {
    fn new(sizes: &[i64], data_type: i64, data: Stored<'_>) -> Result<Self, ConstantRefused> {
        let sizes = sizes.iter().map(|size| usize::try_from(*size).ok());
        let sizes = sizes.collect::<Option<Vec<_>>>().ok_or(ConstantRefused::Shape)?;
        let elements = count(&sizes).ok_or(ConstantRefused::Shape)?;
        let element = Element::from_onnx(data_type).ok_or(ConstantRefused::DataType(data_type))?;
        if element == Element::F32
            && let Some(shape) = Shape::new(&sizes)
        {
            return Ok(Self::Real(shape, reals(data, elements)?));
        }
        if elements > limits::PLAIN_ELEMENTS {
            return Err(ConstantRefused::WholeNumbers);
        }
        let numbers = match data.raw {
            Some(raw) => from_raw(element, raw, elements)?,
            None => from_lists(element, data),
        };
        if numbers.len() != elements {
            return Err(ConstantRefused::Length);
        }
        Ok(Self::Plain(Tensor::new(element, sizes, numbers)))
    }

    /// The constant as a plain tensor.
    pub(crate) fn into_tensor(self) -> Tensor {
        match self {
            Self::Real(shape, numbers) => Tensor::of_f32(shape, &numbers),
            Self::Plain(tensor) => tensor,
        }
    }
}

fn reals(data: Stored<'_>, elements: usize) -> Result<Vec<f32>, ConstantRefused> {
    let numbers = match data.raw {
        Some(raw) if raw.len() == elements * size_of::<f32>() => {
            raw.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
        }
        Some(_) => return Err(ConstantRefused::Length),
        None => data.floats,
    };
    if numbers.len() == elements { Ok(numbers) } else { Err(ConstantRefused::Length) }
}

/// Elements stored as little-endian bytes; those of fewer than eight bits lie together in a byte,
/// the first in its lowest bits.
fn from_raw(element: Element, raw: &[u8], elements: usize) -> Result<Data, ConstantRefused> {
    let bits = element.bits();
    if raw.len() != (elements * bits).div_ceil(8) {
        return Err(ConstantRefused::Length);
    }
    let stored =
        |index: usize| u64::from(raw[index * bits / 8] >> (index * bits % 8)) & ((1 << bits) - 1);
    let little = |bytes: &[u8]| bytes.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte));
    Ok(match bits {
        ..8 => decoded(element, (0..elements).map(stored)),
        8 => decoded(element, raw.iter().map(|byte| u64::from(*byte))),
        _ => decoded(element, raw.chunks_exact(bits / 8).map(little)),
    })
}

fn decoded(element: Element, bits: impl Iterator<Item = u64>) -> Data {
    if element.is_real() {
        Data::Real(bits.map(|bits| element.real(bits)).collect())
    } else {
        Data::Whole(bits.map(|bits| element.whole(bits)).collect())
    }
}

/// Elements stored as lists; narrow floats are stored as the integers that their bits are.
fn from_lists(element: Element, data: Stored<'_>) -> Data {
    let Stored { floats, integers, doubles, .. } = data;
    match element {
        Element::F32 => Data::Real(floats.into_iter().map(f64::from).collect()),
        Element::F64 => Data::Real(doubles),
        // Two, or four, lie together in each stored integer.
        _ if element.bits() < 8 => {
            let parts = 8 / element.bits();
            let mask = (1 << element.bits()) - 1;
            let bits = integers.iter().flat_map(|stored| {
                let stored = stored.cast_unsigned();
                (0..parts).map(move |part| stored >> (part * element.bits()) & mask)
            });
            decoded(element, bits)
        }
        _ => decoded(element, integers.into_iter().map(i64::cast_unsigned)),
    }
}
