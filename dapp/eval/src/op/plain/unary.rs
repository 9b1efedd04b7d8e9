//! Functions of one element.

use kernels::math::double as math;

use super::{Facts, Operands, Prepared, Settings, operand};
use crate::{element::Element, op::attributes::bad_value, refusal::NodeRefused, tensor::Data};

/// Steps that a transcendental function counts as.
pub(super) const FUNCTION: usize = 8;

/// Applies a function to each element of a tensor of floats.
fn each(
    given: &Facts<'_>,
    function: impl Fn(f64) -> f64 + Send + Sync + 'static,
) -> Result<Prepared, NodeRefused> {
    given.expect(1, 1)?;
    let element = given.real(0)?;
    let steps = given.len(0)?.saturating_mul(FUNCTION);
    Prepared::new(element, given.sizes(0)?.to_vec(), steps, move |operands| {
        Data::Real(operand(operands, 0).reals().iter().map(|number| function(*number)).collect())
    })
}

/// Applies a function to each element of a tensor of floats, or another to each integer.
fn either(
    given: &Facts<'_>,
    real: fn(f64) -> f64,
    whole: fn(i128) -> i128,
) -> Result<Prepared, NodeRefused> {
    given.expect(1, 1)?;
    let element = given.element(0)?;
    if element.is_real() {
        return each(given, real);
    }
    if element == Element::Bool {
        return Err(NodeRefused::ElementType(0));
    }
    Prepared::new(element, given.sizes(0)?.to_vec(), given.len(0)?, move |operands| {
        mapped(element, operands, whole)
    })
}

fn mapped(element: Element, operands: Operands<'_>, whole: impl Fn(i128) -> i128) -> Data {
    let numbers = operand(operands, 0).wholes();
    let change = |number: &i64| element.wrapped(whole(element.widened(*number)));
    Data::Whole(numbers.iter().map(change).collect())
}

/// Declares operators that are one function.
macro_rules! functions {
    ($($name:ident = $function:expr;)*) => {
        $(pub(super) fn $name(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
            each(given, $function)
        })*
    };
}

functions! {
    acos = math::acos;
    acosh = math::acosh;
    asin = math::asin;
    asinh = math::asinh;
    atan = math::atan;
    atanh = math::atanh;
    ceil = math::ceil;
    cos = math::cos;
    cosh = math::cosh;
    erf = math::erf;
    exp = math::exp;
    floor = math::floor;
    log = math::log;
    reciprocal = |x| 1.0 / x;
    round = math::rint;
    sigmoid = sigmoid_of;
    sin = math::sin;
    sinh = math::sinh;
    softplus = softplus_of;
    softsign = |x| x / (1.0 + x.abs());
    sqrt = math::sqrt;
    tan = math::tan;
    tanh = math::tanh;
    mish = |x| x * math::tanh(softplus_of(x));
    hard_swish = |x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0);
}

/// `1 / (1 + exp(−x))`.
pub(super) fn sigmoid_of(x: f64) -> f64 {
    1.0 / (1.0 + math::exp(-x))
}

fn softplus_of(x: f64) -> f64 {
    if x > 0.0 { x + math::log1p(math::exp(-x)) } else { math::log1p(math::exp(x)) }
}

pub(super) fn abs(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    either(given, f64::abs, i128::abs)
}

pub(super) fn neg(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    either(given, |x| -x, |x| -x)
}

pub(super) fn relu(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    either(given, |x| if x <= 0.0 { 0.0 } else { x }, |x| x.max(0))
}

pub(super) fn sign(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    either(
        given,
        |x| {
            if x > 0.0 {
                1.0
            } else if x < 0.0 {
                -1.0
            } else {
                x
            }
        },
        i128::signum,
    )
}

pub(super) fn identity(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.at_least(1)?;
    Prepared::new(given.element(0)?, given.sizes(0)?.to_vec(), 0, |operands| {
        operand(operands, 0).data.clone()
    })
}

/// The input, or a mask that keeps everything.
pub(super) fn dropout(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(1, 3)?;
    let training = given.optional_integers(2)?.is_some_and(|flags| flags.contains(&1));
    let drops = given.optional_reals(1)?.is_none_or(|ratio| ratio != [0.0]);
    if training && drops {
        return Err(bad_value("training_mode"));
    }
    if settings.output == 0 {
        return identity(settings, given);
    }
    let count = given.len(0)?;
    let all = move |_: Operands<'_>| Data::Whole(vec![1; count]);
    Ok(Prepared::new(Element::Bool, given.sizes(0)?.to_vec(), count, all)?.ignoring_operands())
}

pub(super) fn not(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(1, 1)?;
    if given.element(0)? != Element::Bool {
        return Err(NodeRefused::ElementType(0));
    }
    Prepared::new(Element::Bool, given.sizes(0)?.to_vec(), 0, |operands| {
        mapped(Element::Bool, operands, |flag| i128::from(flag == 0))
    })
}

pub(super) fn bitwise_not(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(1, 1)?;
    if given.element(0)?.is_real() || given.element(0)? == Element::Bool {
        return Err(NodeRefused::ElementType(0));
    }
    either(given, |x| x, |x| !x)
}

fn flags(
    given: &Facts<'_>,
    test: impl Fn(f64) -> bool + Send + Sync + 'static,
) -> Result<Prepared, NodeRefused> {
    given.expect(1, 1)?;
    given.real(0)?;
    Prepared::new(Element::Bool, given.sizes(0)?.to_vec(), given.len(0)?, move |operands| {
        let numbers = operand(operands, 0).reals();
        Data::Whole(numbers.iter().map(|number| i64::from(test(*number))).collect())
    })
}

pub(super) fn is_nan(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    flags(given, f64::is_nan)
}

pub(super) fn is_inf(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let negative = settings.flag("detect_negative", true)?;
    let positive = settings.flag("detect_positive", true)?;
    flags(given, move |x| x.is_infinite() && if x > 0.0 { positive } else { negative })
}

pub(super) fn leaky_relu(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let alpha = settings.float_or("alpha", f64::from(0.01_f32))?;
    each(given, move |x| if x < 0.0 { alpha * x } else { x })
}

pub(super) fn elu(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let alpha = settings.float_or("alpha", 1.0)?;
    each(given, move |x| if x < 0.0 { alpha * math::expm1(x) } else { x })
}

pub(super) fn celu(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let alpha = settings.float_or("alpha", 1.0)?;
    each(given, move |x| if x < 0.0 { alpha * math::expm1(x / alpha) } else { x })
}

pub(super) fn selu(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let alpha = settings.float_or("alpha", f64::from(1.673_263_2_f32))?;
    let gamma = settings.float_or("gamma", f64::from(1.050_701_f32))?;
    each(given, move |x| gamma * if x > 0.0 { x } else { alpha * math::expm1(x) })
}

pub(super) fn gelu(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    if settings.choice("approximate", &["none", "tanh"])? == 0 {
        return each(given, |x| 0.5 * x * (1.0 + math::erf(x * std::f64::consts::FRAC_1_SQRT_2)));
    }
    let root = math::sqrt(std::f64::consts::FRAC_2_PI);
    each(given, move |x| 0.5 * x * (1.0 + math::tanh(root * (x + 0.044_715 * x * x * x))))
}

pub(super) fn swish(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let alpha = settings.float_or("alpha", 1.0)?;
    each(given, move |x| x * sigmoid_of(alpha * x))
}

pub(super) fn hard_sigmoid(
    settings: &Settings,
    given: &Facts<'_>,
) -> Result<Prepared, NodeRefused> {
    let alpha = settings.float_or("alpha", f64::from(0.2_f32))?;
    let beta = settings.float_or("beta", 0.5)?;
    each(given, move |x| (alpha * x + beta).clamp(0.0, 1.0))
}

pub(super) fn thresholded_relu(
    settings: &Settings,
    given: &Facts<'_>,
) -> Result<Prepared, NodeRefused> {
    let alpha = settings.float_or("alpha", 1.0)?;
    each(given, move |x| if x > alpha { x } else { 0.0 })
}

pub(super) fn shrink(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let (bias, bound) = (settings.float_or("bias", 0.0)?, settings.float_or("lambd", 0.5)?);
    each(given, move |x| {
        if x < -bound {
            x + bias
        } else if x > bound {
            x - bias
        } else {
            0.0
        }
    })
}

pub(super) fn affine(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let (alpha, beta) = (settings.float_or("alpha", 1.0)?, settings.float_or("beta", 0.0)?);
    each(given, move |x| alpha * x + beta)
}
