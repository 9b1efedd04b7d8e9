//! Conversion between our shapes and the tensor library's tensors, whose backend `extension`
//! chooses.

use std::sync::{Arc, OnceLock};

use burn::{backend::Dispatch, tensor::Tensor};

use kernels::{
    Packed,
    extension::{Extension as _, List, Operation},
};

use crate::shape::Shape;

/// A tensor of f32 whose number of dimensions is known only at run time.
///
/// The tensor library encodes the number of dimensions in its types, so the elements are held as
/// one row-major list, which an operator views as a tensor of the dimensions it needs. The view is
/// free while the list is not shared, and keeps every operand in the layout its arithmetic is
/// stated for.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    elements: Tensor<1>,
    shape: Shape,
    /// Cache for the packed form of a constant, filled by the first kernel that packs it.
    packed: Option<Arc<OnceLock<Packed>>>,
}

impl Array {
    /// An array of these elements; as many as the shape has.
    pub(crate) fn new(numbers: Vec<f32>, shape: Shape) -> Self {
        Self::flattened(List::new(numbers).into_tensor(), shape)
    }

    /// An array that is used repeatedly: a kernel that packs it keeps the packed form.
    pub(crate) fn constant(numbers: Vec<f32>, shape: Shape) -> Self {
        Self { packed: Some(Arc::default()), ..Self::new(numbers, shape) }
    }

    /// The array a tensor holds, read in row-major order as `shape`.
    pub(crate) fn of<const D: usize>(tensor: Tensor<D>, shape: Shape) -> Self {
        Self::flattened(tensor.reshape([shape.elements()]), shape)
    }

    /// The array a list holds, read in row-major order as `shape`.
    pub(crate) const fn flattened(elements: Tensor<1>, shape: Shape) -> Self {
        Self { elements, shape, packed: None }
    }

    /// The shape.
    pub(crate) const fn shape(&self) -> Shape {
        self.shape
    }

    /// The same elements in another shape of as many elements.
    pub(crate) fn reshaped(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    /// The elements as one list.
    pub(crate) fn flat(self) -> Tensor<1> {
        self.elements
    }

    /// The elements viewed in these dimensions, which hold equally many.
    pub(crate) fn view<const D: usize>(self, sizes: [usize; D]) -> Tensor<D> {
        self.elements.reshape(sizes)
    }

    /// The elements in row-major order.
    pub(crate) fn into_elements(self) -> Vec<f32> {
        if self.is_recorded() {
            elements_of(self.elements)
        } else {
            List::of(self.elements).into_numbers()
        }
    }

    /// The same, taking part in a computation whose gradients are recorded.
    pub(crate) fn recorded(self) -> Self {
        #[cfg(feature = "train")]
        if !self.is_recorded() {
            return Self { elements: self.elements.autodiff(), ..self };
        }
        self
    }

    /// Whether gradients are recorded.
    pub(crate) fn is_recorded(&self) -> bool {
        self.elements.is_autodiff()
    }

    /// Cache for the packed form of this constant; `None` if the array is not a constant.
    pub(crate) fn packed(&self) -> Option<Arc<OnceLock<Packed>>> {
        self.packed.clone()
    }
}

/// A tensor's elements in row-major order.
pub(crate) fn elements_of<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec::<f32>().expect("all our tensors are of f32")
}

/// The result of an operation on one to three operands.
pub(crate) fn compute<const N: usize>(
    operation: impl Operation,
    operands: [Array; N],
    output: Shape,
) -> Array {
    let operation = Arc::new(operation);
    let mut operands = operands.into_iter().map(|operand| operand.flat().into_dispatch());
    let mut next = || operands.next();
    let computed = match (next(), next(), next()) {
        (Some(first), None, None) => Dispatch::of_one(operation, first),
        (Some(first), Some(second), None) => Dispatch::of_two(operation, first, second),
        (Some(first), Some(second), Some(third)) => {
            Dispatch::of_three(operation, first, second, third)
        }
        _ => unreachable!("operations have one to three operands"),
    };
    Array::flattened(Tensor::from_dispatch(computed), output)
}
