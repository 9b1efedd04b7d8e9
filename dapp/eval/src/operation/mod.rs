//! Operations on lists: what operators compute, and the gradients of what they compute.

mod arrange;
mod convolution;
mod elements;
mod pool;
mod product;

pub(crate) use arrange::{Join, Permute};
pub(crate) use convolution::Convolution;
pub(crate) use elements::{Affine, Along, Arithmetic, Curve, Rectify, Repeated, Root};
pub(crate) use pool::{AveragePool, MaxPool};
pub(crate) use product::{Product, Products};

#[cfg(all(test, feature = "train"))]
mod tests;
