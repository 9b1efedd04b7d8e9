//! The one place that chooses the tensor library's backend, and how our shapes meet its tensors.

use std::sync::{Arc, OnceLock};

use burn::tensor::{Device, Tensor, TensorData};

use crate::{kernel::Arranged, shape::Shape};

/// Where tensors live and are computed on.
#[expect(deprecated, reason = "the user's choice; the next releases of burn leave it out")]
pub(crate) fn device() -> Device {
    Device::ndarray()
}

/// A tensor of f32 whose number of dimensions is known only at run time.
///
/// The tensor library has the number of dimensions in its types; so the elements are held as one
/// row-major list, which an operator sees as a tensor of the dimensions it needs. That is free, as
/// long as the list is nobody else's, and keeps every operand in the layout its arithmetic is
/// stated for.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    elements: Elements,
    shape: Shape,
}

#[derive(Clone, Debug)]
enum Elements {
    /// A list, shared by clones.
    List(Arc<List>),
    /// A tensor whose gradients are recorded.
    Tracked(Tensor<1>),
}

#[derive(Debug)]
struct List {
    numbers: Vec<f32>,
    /// Of a constant, how the kernel that used it first has arranged it.
    arranged: Option<OnceLock<Arranged>>,
}

impl Array {
    /// An array of these elements; as many as the shape has.
    pub(crate) fn new(numbers: Vec<f32>, shape: Shape) -> Self {
        let list = List { numbers, arranged: None };
        Self { elements: Elements::List(Arc::new(list)), shape }
    }

    /// An array that is used again and again: a kernel that arranges it keeps that.
    pub(crate) fn constant(numbers: Vec<f32>, shape: Shape) -> Self {
        let list = List { numbers, arranged: Some(OnceLock::new()) };
        Self { elements: Elements::List(Arc::new(list)), shape }
    }

    /// The array a tensor holds, read in row-major order as `shape`.
    pub(crate) fn of<const D: usize>(tensor: Tensor<D>, shape: Shape) -> Self {
        if tensor.is_autodiff() {
            let flat = tensor.reshape([shape.elements()]);
            return Self { elements: Elements::Tracked(flat), shape };
        }
        Self::new(elements_of(tensor), shape)
    }

    /// The shape.
    pub(crate) const fn shape(&self) -> Shape {
        self.shape
    }

    /// The same elements in another shape of as many elements.
    pub(crate) fn reshaped(self, shape: Shape) -> Self {
        Self { elements: self.elements, shape }
    }

    /// The elements as one list.
    pub(crate) fn flat(self) -> Tensor<1> {
        match self.elements {
            Elements::Tracked(tensor) => tensor,
            Elements::List(list) => {
                let numbers = owned(list);
                let size = numbers.len();
                Tensor::from_data(TensorData::new(numbers, [size]), &device())
            }
        }
    }

    /// The elements seen in these dimensions, of as many elements.
    pub(crate) fn view<const D: usize>(self, sizes: [usize; D]) -> Tensor<D> {
        self.flat().reshape(sizes)
    }

    /// The elements in row-major order; nothing when their gradients are recorded.
    pub(crate) fn numbers(&self) -> Option<&[f32]> {
        match &self.elements {
            Elements::List(list) => Some(&list.numbers),
            Elements::Tracked(_) => None,
        }
    }

    /// The elements in row-major order.
    pub(crate) fn into_elements(self) -> Vec<f32> {
        match self.elements {
            Elements::List(list) => owned(list),
            Elements::Tracked(tensor) => elements_of(tensor),
        }
    }

    /// Applies a function to the whole list, or another where gradients are recorded.
    pub(crate) fn map(
        self,
        exact: impl FnOnce(&mut [f32]),
        tracked: impl FnOnce(Tensor<1>) -> Tensor<1>,
    ) -> Self {
        let shape = self.shape;
        match self.elements {
            Elements::Tracked(tensor) => Self::of(tracked(tensor), shape),
            Elements::List(list) => {
                let mut numbers = owned(list);
                exact(&mut numbers);
                Self::new(numbers, shape)
            }
        }
    }

    /// What `arrange` makes of the elements of a constant, made once; nothing when this is none, or
    /// it is kept arranged otherwise.
    pub(crate) fn arranged(&self, arrange: impl FnOnce(&[f32]) -> Arranged) -> Option<&Arranged> {
        match &self.elements {
            Elements::List(list) => {
                list.arranged.as_ref().map(|kept| kept.get_or_init(|| arrange(&list.numbers)))
            }
            Elements::Tracked(_) => None,
        }
    }
}

/// A list's elements, copied only when they are shared.
fn owned(list: Arc<List>) -> Vec<f32> {
    Arc::try_unwrap(list).map_or_else(|list| list.numbers.clone(), |list| list.numbers)
}

/// A tensor's elements in row-major order.
pub(crate) fn elements_of<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec::<f32>().expect("all our tensors are of f32")
}
