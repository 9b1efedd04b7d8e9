//! Operations on lists: the computations of operators and their gradients.

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
