//! ONNX files: from untrusted bytes to a checked list of nodes and constants, and back with other
//! weights.
//!
//! Nothing is decoded into owned structures before it is counted: the file is walked in place, only
//! as deep as the format needs, and every list has a bound in `limits`.

mod file;
#[cfg(feature = "train")]
mod int8;
#[cfg(feature = "train")]
mod names;
#[cfg(feature = "train")]
mod pack;
#[cfg(feature = "train")]
mod patch;
mod places;
mod tensor;
mod wire;

pub(crate) use file::{
    Attribute, BatchSize, File, Function, GraphBytes, GraphParts, NodeProto, Opsets, Port,
    WeightLocation, is_standard,
};
#[cfg(feature = "train")]
pub(crate) use int8::int8;
#[cfg(feature = "train")]
pub(crate) use names::names;
#[cfg(feature = "train")]
pub(crate) use pack::pack;
#[cfg(feature = "train")]
pub use pack::{Beside, Read};
#[cfg(feature = "train")]
pub(crate) use patch::{Weights, with_weights};
pub(crate) use places::places;
pub(crate) use tensor::{Constant, TensorBytes};
#[cfg(test)]
pub(crate) use wire::Message;
