//! Operations on lists: the computations of operators and their gradients.

mod arrange;
mod convolution;
mod elements;
mod pool;
mod product;

pub use arrange::{Concat, Permute};
pub use convolution::Convolution;
pub use elements::{Activation, Affine, Arithmetic, Broadcast, Relu, Softmax, Sqrt};
pub use pool::{AveragePool, MaxPool};
pub use product::{Product, Products};

#[cfg(all(test, feature = "gradients"))]
mod tests;
