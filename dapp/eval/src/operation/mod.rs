//! Operations on lists: what operators compute, and the gradients of what they compute.

mod arrange;
mod convolution;
mod elements;
mod pool;
mod product;

pub(crate) use arrange::{Concat, Permute};
pub(crate) use convolution::Convolution;
pub(crate) use elements::{Activation, Affine, Arithmetic, Broadcast, Relu, Softmax, Sqrt};
pub(crate) use pool::{AveragePool, MaxPool};
pub(crate) use product::{Product, Products};

#[cfg(all(test, feature = "train"))]
mod tests;
