//! The one place that chooses the tensor library's backend, and how our shapes meet its tensors.

use burn::tensor::{Device, Tensor, TensorData};

use crate::shape::Shape;

/// Where tensors live and are computed on.
#[expect(deprecated, reason = "the user's choice; the next releases of burn leave it out")]
pub(crate) fn device() -> Device {
    Device::ndarray()
}

/// A tensor of f32 whose number of dimensions is known only at run time.
///
/// The tensor library has the number of dimensions in its types; so the elements are held as one
/// row-major list, which an operator views in the dimensions it needs. That is free, and keeps
/// every operand in the layout its arithmetic is stated for.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    flat: Tensor<1>,
    shape: Shape,
}

impl Array {
    /// An array of these elements; as many as the shape has.
    pub(crate) fn new(elements: Vec<f32>, shape: Shape) -> Self {
        let size = elements.len();
        Self { flat: Tensor::from_data(TensorData::new(elements, [size]), &device()), shape }
    }

    /// The array a tensor holds, read in row-major order as `shape`.
    pub(crate) fn of<const D: usize>(tensor: Tensor<D>, shape: Shape) -> Self {
        Self { flat: tensor.reshape([shape.elements()]), shape }
    }

    /// The shape.
    pub(crate) const fn shape(&self) -> Shape {
        self.shape
    }

    /// The same elements in another shape of as many elements.
    pub(crate) fn reshaped(self, shape: Shape) -> Self {
        Self { flat: self.flat, shape }
    }

    /// The elements as one list.
    pub(crate) fn flat(self) -> Tensor<1> {
        self.flat
    }

    /// The elements seen in these dimensions, of as many elements.
    pub(crate) fn view<const D: usize>(self, sizes: [usize; D]) -> Tensor<D> {
        self.flat.reshape(sizes)
    }

    /// The elements in row-major order.
    pub(crate) fn into_elements(self) -> Vec<f32> {
        elements_of(self.flat)
    }
}

/// A tensor's elements in row-major order.
pub(crate) fn elements_of<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec::<f32>().expect("all our tensors are of f32")
}
