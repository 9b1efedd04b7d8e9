//! Tensors of a safetensors file, of any type of numbers.

use safetensors::{Dtype, SafeTensors};

use super::{
    Array,
    element::{ElementType, elements},
};
use crate::refused::ReadRefused;

/// The tensors and their names, in alphabetical order.
///
/// - Errors: `Malformed`, also for types of less than a byte
pub(super) fn read(bytes: &[u8]) -> Result<Vec<(String, Array)>, ReadRefused> {
    let malformed = |why: String| ReadRefused::Malformed { format: "safetensors", why };
    let file = SafeTensors::deserialize(bytes).map_err(|why| malformed(why.to_string()))?;
    let mut tensors = file.tensors();
    tensors.sort_by(|(one, _), (other, _)| one.cmp(other));
    let array = |(name, tensor): (String, safetensors::tensor::TensorView<'_>)| {
        let kind = kind(tensor.dtype());
        let elements = kind.and_then(|(kind, size)| elements(kind, size, false, tensor.data()));
        let elements = elements.ok_or_else(|| {
            malformed(format!("tensor {name:?} is of type {:?}: save it as F32", tensor.dtype()))
        })?;
        Ok((name, Array { shape: tensor.shape().to_vec(), elements }))
    };
    tensors.into_iter().map(array).collect()
}

const fn kind(dtype: Dtype) -> Option<(ElementType, usize)> {
    Some(match dtype {
        Dtype::F16 => (ElementType::Float, 2),
        Dtype::BF16 => (ElementType::BrainFloat, 2),
        Dtype::F32 => (ElementType::Float, 4),
        Dtype::F64 => (ElementType::Float, 8),
        Dtype::I8 => (ElementType::Signed, 1),
        Dtype::I16 => (ElementType::Signed, 2),
        Dtype::I32 => (ElementType::Signed, 4),
        Dtype::I64 => (ElementType::Signed, 8),
        Dtype::U8 | Dtype::BOOL => (ElementType::Unsigned, 1),
        Dtype::U16 => (ElementType::Unsigned, 2),
        Dtype::U32 => (ElementType::Unsigned, 4),
        Dtype::U64 => (ElementType::Unsigned, 8),
        _ => return None,
    })
}
