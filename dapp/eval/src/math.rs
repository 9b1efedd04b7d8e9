//! Transcendental functions, each from one implementation on every target: the `libm` crate,
//! never the C library, whose bits differ between systems.
//!
//! The tensor library calls the C library's functions, so its own are used only where no bit is
//! promised: on tensors that record gradients, while a client trains.

use burn::tensor::{Tensor, TensorData, activation};

use crate::backend::elements_of;

/// Hyperbolic tangent.
pub(crate) fn tanh(tensor: Tensor<1>) -> Tensor<1> {
    map(tensor, libm::tanhf, activation::tanh)
}

/// `1 / (1 + exp(−x))`, in exactly these steps.
pub(crate) fn sigmoid(tensor: Tensor<1>) -> Tensor<1> {
    map(tensor, |x| 1.0 / (1.0 + libm::expf(-x)), activation::sigmoid)
}

/// Square root; IEEE 754 fixes its bits.
pub(crate) fn sqrt(tensor: Tensor<1>) -> Tensor<1> {
    map(tensor, libm::sqrtf, Tensor::sqrt)
}

/// `exp(x − m) / Σ exp(x − m)` along the middle dimension, with m its greatest element and the sum
/// taken in index order.
pub(crate) fn softmax(tensor: Tensor<3>) -> Tensor<3> {
    along_middle(tensor, softmax_of, |tensor| activation::softmax(tensor, 1))
}

/// `(x − m) − ln Σ exp(x − m)` along the middle dimension, as [`softmax`].
pub(crate) fn log_softmax(tensor: Tensor<3>) -> Tensor<3> {
    along_middle(tensor, log_softmax_of, |tensor| activation::log_softmax(tensor, 1))
}

/// Applies `exact` to each element, or `tracked` where gradients are recorded.
fn map(tensor: Tensor<1>, exact: fn(f32) -> f32, tracked: fn(Tensor<1>) -> Tensor<1>) -> Tensor<1> {
    if tensor.is_autodiff() {
        return tracked(tensor);
    }
    let device = tensor.device();
    let mut elements = elements_of(tensor);
    for element in &mut elements {
        *element = exact(*element);
    }
    let size = elements.len();
    Tensor::from_data(TensorData::new(elements, [size]), &device)
}

/// Applies `exact` to each list along the middle dimension, or `tracked` to the whole where
/// gradients are recorded.
fn along_middle(
    tensor: Tensor<3>,
    exact: fn(&mut [f32]),
    tracked: fn(Tensor<3>) -> Tensor<3>,
) -> Tensor<3> {
    if tensor.is_autodiff() {
        return tracked(tensor);
    }
    let (device, sizes) = (tensor.device(), tensor.dims());
    let [_, along, inner] = sizes;
    let mut elements = elements_of(tensor);
    let mut list = vec![0.0; along];
    for block in elements.chunks_exact_mut(along * inner) {
        for start in 0..inner {
            for (slot, element) in list.iter_mut().zip(block.iter().skip(start).step_by(inner)) {
                *slot = *element;
            }
            exact(&mut list);
            for (slot, element) in list.iter().zip(block.iter_mut().skip(start).step_by(inner)) {
                *element = *slot;
            }
        }
    }
    Tensor::from_data(TensorData::new(elements, sizes), &device)
}

fn softmax_of(list: &mut [f32]) {
    let greatest = greatest(list);
    let mut sum = 0.0;
    for element in &mut *list {
        *element = libm::expf(*element - greatest);
        sum += *element;
    }
    for element in list {
        *element /= sum;
    }
}

fn log_softmax_of(list: &mut [f32]) {
    let greatest = greatest(list);
    let mut sum = 0.0;
    for element in &mut *list {
        *element -= greatest;
        sum += libm::expf(*element);
    }
    let log_sum = libm::logf(sum);
    for element in list {
        *element -= log_sum;
    }
}

fn greatest(list: &[f32]) -> f32 {
    list.iter().copied().fold(f32::NEG_INFINITY, |most, x| if x > most { x } else { most })
}
