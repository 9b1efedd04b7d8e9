//! Weights as signed bytes: each large f32 initializer becomes integers and a scale, which a
//! `DequantizeLinear` multiplies when the file is read.

use super::{
    Constant, TensorBytes,
    patch::{Edit, put_bytes, put_integer, rewrite},
};
use crate::refusal::{ModelRefused, Part};

/// Fewest elements of an initializer that is worth a node of its own.
const ELEMENTS: usize = 64;

/// `TensorProto.DataType` of f32 and of signed bytes.
const FLOAT: u64 = 1;
const INT8: u64 = 3;

/// The file with its large f32 initializers as signed bytes; the inner `None` if it has none.
///
/// - Errors: the file is not a model
pub(crate) fn int8(file: &[u8]) -> Result<Option<Vec<u8>>, ModelRefused> {
    let mut changed = 0_usize;
    let file = rewrite(file, Part::Model, |number, field| match number {
        7 => graph(field.bytes(Part::Graph)?, &mut changed).map(Edit::Bytes),
        _ => Ok(Edit::Keep),
    })?;
    Ok((changed > 0).then_some(file))
}

fn graph(bytes: &[u8], changed: &mut usize) -> Result<Vec<u8>, ModelRefused> {
    let (mut nodes, mut scales) = (Vec::new(), Vec::new());
    let rest = rewrite(bytes, Part::Graph, |number, field| {
        if number != 5 {
            return Ok(Edit::Keep);
        }
        let tensor = TensorBytes::new(field.bytes(Part::Tensor)?)?;
        let Ok(Constant::Real(shape, elements)) = tensor.decode()? else { return Ok(Edit::Keep) };
        let longest = elements.iter().fold(0.0_f32, |longest, element| longest.max(element.abs()));
        if elements.len() < ELEMENTS || longest < f32::MIN_POSITIVE * 127.0 {
            return Ok(Edit::Keep);
        }
        let scale = longest / 127.0;
        let [whole, scale_name] = [&b"_int8"[..], b"_scale"].map(|end| [tensor.name, end].concat());
        let integers = elements.iter().map(|element| nearest(element / scale)).collect::<Vec<_>>();
        put_bytes(&mut scales, 5, &written(&scale_name, &[], FLOAT, &scale.to_le_bytes()));
        put_bytes(&mut nodes, 1, &dequantize(&whole, &scale_name, tensor.name));
        *changed += 1;
        Ok(Edit::Bytes(written(&whole, shape.sizes(), INT8, &integers)))
    })?;
    Ok([nodes, rest, scales].concat())
}

/// The nearest signed byte.
fn nearest(number: f32) -> u8 {
    #[expect(clippy::cast_possible_truncation, reason = "a whole number of at most 127")]
    let whole = number.round().clamp(-127.0, 127.0) as i8;
    whole.cast_unsigned()
}

fn written(name: &[u8], sizes: &[usize], data_type: u64, raw: &[u8]) -> Vec<u8> {
    let mut tensor = Vec::new();
    for size in sizes {
        put_integer(&mut tensor, 1, u64::try_from(*size).unwrap_or(u64::MAX));
    }
    put_integer(&mut tensor, 2, data_type);
    put_bytes(&mut tensor, 8, name);
    put_bytes(&mut tensor, 9, raw);
    tensor
}

fn dequantize(whole: &[u8], scale: &[u8], output: &[u8]) -> Vec<u8> {
    let mut node = Vec::new();
    put_bytes(&mut node, 1, whole);
    put_bytes(&mut node, 1, scale);
    put_bytes(&mut node, 2, output);
    put_bytes(&mut node, 4, b"DequantizeLinear");
    node
}
