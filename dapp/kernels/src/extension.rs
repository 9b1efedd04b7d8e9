//! Our operations as operations of the tensor library's CPU backend.
//!
//! The library supports foreign kernels through a trait over its backends. Here that trait has one
//! method per number of operands, and the computation is an [`Operation`]: it maps lists of numbers
//! to a list and, where gradients are recorded, computes the gradients of its operands. So
//! evaluation and training run the same kernels.

#![expect(deprecated, reason = "the user's choice; the next releases of burn leave it out")]

#[cfg(feature = "gradients")]
mod autodiff;

use std::{fmt::Debug, sync::Arc};

use burn::{
    backend::{Backend, NdArray, backend_extension, tensor::FloatTensor},
    tensor::Tensor,
};

/// A tensor as the backend represents it.
type Primitive = FloatTensor<NdArray>;

/// A computation of one list of numbers, in row-major order, from some others.
pub trait Operation: Debug + Send + Sync + 'static {
    /// The output's elements.
    fn run(&self, operands: Vec<List>) -> Vec<f32>;

    /// What the gradients are computed from beside the output's; the rest is not kept for them.
    #[cfg(feature = "gradients")]
    fn uses(&self) -> Uses {
        Uses { operands: true, output: true }
    }

    /// The gradient of each operand; may be empty for an operand whose gradient is not wanted.
    #[cfg(feature = "gradients")]
    fn gradients(&self, known: &Backward<'_>) -> Vec<Vec<f32>>;
}

/// What an operation's gradients are computed from.
#[cfg(feature = "gradients")]
#[derive(Clone, Copy, Debug)]
pub struct Uses {
    /// Whether the operands.
    pub operands: bool,
    /// Whether the output.
    pub output: bool,
}

#[cfg(feature = "gradients")]
impl Uses {
    /// The operands alone.
    pub const OPERANDS: Self = Self { operands: true, output: false };
    /// The output alone.
    pub const OUTPUT: Self = Self { operands: false, output: true };
}

/// The inputs of an operation's backward pass.
#[cfg(feature = "gradients")]
#[derive(Clone, Copy)]
pub struct Backward<'a> {
    /// The operands, if they are used.
    pub operands: &'a [&'a [f32]],
    /// The output, if it is used.
    pub output: &'a [f32],
    /// The output's gradient.
    pub gradient: &'a [f32],
    /// Which operands need a gradient.
    pub wanted: &'a [bool],
}

/// An operand's elements.
#[derive(Clone, Debug)]
pub struct List(Primitive);

impl Default for List {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl List {
    /// A tensor's elements.
    ///
    /// - Panics: if gradients are recorded
    pub fn of(tensor: Tensor<1>) -> Self {
        Self(tensor.try_into_primitive::<NdArray>().expect("no gradients are recorded"))
    }

    /// A list of these elements.
    pub fn new(numbers: Vec<f32>) -> Self {
        Self(tensor(numbers))
    }

    /// The list as a tensor.
    pub fn into_tensor(self) -> Tensor<1> {
        Tensor::from_primitive::<NdArray>(self.0)
    }

    /// The elements, to be read.
    ///
    /// - Panics: if they are not in row-major order, as all lists of our arrays are
    pub fn numbers(&self) -> &[f32] {
        let Primitive::F32(storage) = &self.0 else { panic!("all our tensors are of f32") };
        storage.view().to_slice().expect("a list of one dimension lies together")
    }

    /// The elements, to be changed; copied only if they are shared.
    pub fn into_numbers(self) -> Vec<f32> {
        let Primitive::F32(storage) = self.0 else { panic!("all our tensors are of f32") };
        let array = storage.into_shared().into_owned();
        let size = array.len();
        match array.into_raw_vec_and_offset() {
            (numbers, None | Some(0)) if numbers.len() == size => numbers,
            (numbers, first) => numbers[first.unwrap_or(0)..][..size].to_vec(),
        }
    }
}

/// Operations of the tensor library's backend beside its own.
#[backend_extension(NdArray, Autodiff: cfg(feature = "gradients"))]
pub trait Extension: Backend {
    /// An operation of one operand.
    fn of_one(operation: Arc<dyn Operation>, first: FloatTensor<Self>) -> FloatTensor<Self>;

    /// An operation of two operands.
    fn of_two(
        operation: Arc<dyn Operation>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// An operation of three operands.
    fn of_three(
        operation: Arc<dyn Operation>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        third: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

impl Extension for NdArray {
    fn of_one(operation: Arc<dyn Operation>, first: FloatTensor<Self>) -> FloatTensor<Self> {
        tensor(operation.run(vec![List(first)]))
    }

    fn of_two(
        operation: Arc<dyn Operation>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        tensor(operation.run([first, second].map(List).into()))
    }

    fn of_three(
        operation: Arc<dyn Operation>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        third: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        tensor(operation.run([first, second, third].map(List).into()))
    }
}

/// A list as the backend's tensor of one dimension; nothing is copied.
fn tensor(numbers: Vec<f32>) -> Primitive {
    Primitive::from(ndarray::Array1::from_vec(numbers).into_dyn().into_shared())
}
