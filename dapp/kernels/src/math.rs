//! Transcendental functions, each from one implementation on every target: the `libm` crate,
//! never the C library, whose bits differ between systems.

/// The same functions of f64, and those that f32 has no use for.
pub mod double {
    pub use libm::{
        acos, acosh, asin, asinh, atan, atanh, ceil, cos, cosh, erf, exp, expm1, floor, fmod, log,
        log1p, pow, rint, sin, sinh, sqrt, tan, tanh,
    };
}

/// Hyperbolic tangent.
pub fn tanh(x: f32) -> f32 {
    libm::tanhf(x)
}

/// `1 / (1 + exp(−x))`, in exactly these steps.
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + libm::expf(-x))
}

/// Applies a function to each list along the middle of three dimensions.
pub fn along_middle(elements: &mut [f32], [_, along, inner]: [usize; 3], change: fn(&mut [f32])) {
    let mut list = vec![0.0; along];
    for block in elements.chunks_exact_mut(along * inner) {
        for start in 0..inner {
            for (slot, element) in list.iter_mut().zip(block.iter().skip(start).step_by(inner)) {
                *slot = *element;
            }
            change(&mut list);
            for (slot, element) in list.iter().zip(block.iter_mut().skip(start).step_by(inner)) {
                *element = *slot;
            }
        }
    }
}

/// `exp(x − m) / Σ exp(x − m)` of a list, with m its greatest element and the sum taken in index
/// order.
pub fn softmax(list: &mut [f32]) {
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

/// `(x − m) − ln Σ exp(x − m)` of a list, as [`softmax`].
pub fn log_softmax(list: &mut [f32]) {
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

/// `ln(1 + exp x)`, exact where the exponential overflows or vanishes.
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
}
