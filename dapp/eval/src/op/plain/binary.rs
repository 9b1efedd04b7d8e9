//! Functions of elements of broadcast tensors.

use kernels::math::double as math;

use super::{Facts, Operands, Prepared, Settings, bad_sizes, operand, unary::FUNCTION};
use crate::{
    element::Element,
    op::attributes::bad_value,
    refusal::NodeRefused,
    tensor::{Data, Tensor, each_coordinate, strides},
};

/// The sizes that some broadcast to, as in NumPy.
pub(super) fn broadcast(all: &[&[usize]]) -> Option<Vec<usize>> {
    let rank = all.iter().map(|sizes| sizes.len()).max()?;
    let mut output = vec![1; rank];
    for sizes in all {
        for (slot, size) in output[rank - sizes.len()..].iter_mut().zip(*sizes) {
            *slot = match (*slot, *size) {
                (known, size) if known == size => known,
                (1, size) => size,
                (known, 1) => known,
                _ => return None,
            };
        }
    }
    Some(output)
}

/// A tensor's elements repeated to these sizes, which its own broadcast to.
pub(super) fn spread(tensor: &Tensor, output: &[usize]) -> Data {
    if tensor.sizes == output {
        return tensor.data.clone();
    }
    let lead = output.len() - tensor.sizes.len();
    let steps = strides(&tensor.sizes);
    let steps =
        tensor.sizes.iter().zip(steps).map(|(size, step)| if *size == 1 { 0 } else { step });
    let steps = steps.collect::<Vec<_>>();
    let mut places = Vec::with_capacity(output.iter().product());
    each_coordinate(output, |at| {
        places.push(Some(at[lead..].iter().zip(&steps).map(|(at, step)| at * step).sum()));
    });
    tensor.data.taken(places.into_iter())
}

/// The sizes all inputs broadcast to.
fn together(given: &Facts<'_>) -> Result<Vec<usize>, NodeRefused> {
    let all = (0..given.count()).map(|input| given.sizes(input)).collect::<Result<Vec<_>, _>>()?;
    broadcast(&all).ok_or_else(|| match all.as_slice() {
        [left, right, ..] => NodeRefused::Shapes((*left).into(), (*right).into()),
        _ => NodeRefused::InputCount(all.len()),
    })
}

fn reals(tensor: &Tensor, output: &[usize]) -> Vec<f64> {
    let data = spread(tensor, output);
    match data {
        Data::Real(numbers) => numbers,
        Data::Whole(_) => Tensor { data, ..tensor.clone() }.reals().into_owned(),
    }
}

fn wholes(tensor: &Tensor, output: &[usize]) -> Vec<i64> {
    match spread(tensor, output) {
        Data::Whole(numbers) => numbers,
        Data::Real(_) => Vec::new(),
    }
}

/// A function of floats, and if there is one, of integers.
#[derive(Clone, Copy)]
struct Pair {
    real: Option<fn(f64, f64) -> f64>,
    whole: Option<fn(i128, i128) -> i128>,
}

/// Folds all inputs, which are of one type, by a function of two.
fn folded(given: &Facts<'_>, pair: Pair) -> Result<Prepared, NodeRefused> {
    given.at_least(1)?;
    let (element, sizes) = (given.element(0)?, together(given)?);
    for input in 1..given.count() {
        if given.element(input)? != element {
            return Err(NodeRefused::ElementType(input));
        }
    }
    let steps = sizes.iter().product::<usize>().saturating_mul(given.count() * (sizes.len() + 2));
    let output = sizes.clone();
    let all = move |operands: Operands<'_>, rest: &mut dyn FnMut(&Tensor)| {
        operands.iter().skip(1).flatten().for_each(|operand| rest(operand));
    };
    match (element.is_real(), pair) {
        (true, Pair { real: Some(function), .. }) => {
            Prepared::new(element, sizes, steps, move |operands| {
                let mut numbers = reals(operand(operands, 0), &output);
                all(operands, &mut |next| {
                    for (slot, next) in numbers.iter_mut().zip(reals(next, &output)) {
                        *slot = element.rounded(function(*slot, next));
                    }
                });
                Data::Real(numbers)
            })
        }
        (false, Pair { whole: Some(function), .. }) => {
            Prepared::new(element, sizes, steps, move |operands| {
                let mut numbers = wholes(operand(operands, 0), &output);
                all(operands, &mut |next| {
                    for (slot, next) in numbers.iter_mut().zip(wholes(next, &output)) {
                        let result = function(element.widened(*slot), element.widened(next));
                        *slot = element.wrapped(result);
                    }
                });
                Data::Whole(numbers)
            })
        }
        _ => Err(NodeRefused::ElementType(0)),
    }
}

fn two(given: &Facts<'_>, pair: Pair) -> Result<Prepared, NodeRefused> {
    given.expect(2, 2)?;
    if given.element(0)? == Element::Bool {
        return Err(NodeRefused::ElementType(0));
    }
    folded(given, pair)
}

/// Declares operators of two operands.
macro_rules! pairs {
    ($($name:ident = $real:expr, $whole:expr;)*) => {
        $(pub(super) fn $name(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
            two(given, Pair { real: Some($real), whole: Some($whole) })
        })*
    };
}

pairs! {
    add = |x, y| x + y, |x, y| x + y;
    sub = |x, y| x - y, |x, y| x - y;
    mul = |x, y| x * y, i128::wrapping_mul;
    div = |x, y| x / y, |x, y| x.checked_div(y).unwrap_or(0);
}

/// Declares operators of any number of operands.
macro_rules! lists {
    ($($name:ident = $real:expr, $whole:expr;)*) => {
        $(pub(super) fn $name(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
            folded(given, Pair { real: Some($real), whole: Some($whole) })
        })*
    };
}

lists! {
    max = greater_of, i128::max;
    min = |x, y| -greater_of(-x, -y), i128::min;
    sum = |x, y| x + y, |x, y| x + y;
}

/// The greater number, or a NaN if one is.
pub(super) fn greater_of(x: f64, y: f64) -> f64 {
    if x.is_nan() || x >= y { x } else { y }
}

pub(super) fn mean(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.at_least(1)?;
    let (element, sizes) = (given.real(0)?, together(given)?);
    let steps = sizes.iter().product::<usize>().saturating_mul(given.count() * (sizes.len() + 2));
    let output = sizes.clone();
    #[expect(clippy::cast_precision_loss, reason = "few inputs")]
    let count = given.count() as f64;
    Prepared::new(element, sizes, steps, move |operands| {
        let mut sums = vec![0.0; output.iter().product()];
        for next in operands.iter().flatten() {
            sums.iter_mut().zip(reals(next, &output)).for_each(|(sum, next)| *sum += next);
        }
        Data::Real(sums.into_iter().map(|sum| sum / count).collect())
    })
}

/// The first to the power of the second, of the type of the first.
pub(super) fn pow(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(2, 2)?;
    let (element, sizes) = (given.element(0)?, together(given)?);
    let steps = sizes.iter().product::<usize>().saturating_mul(3 * FUNCTION);
    let output = sizes.clone();
    if element.is_real() || given.element(1)?.is_real() {
        return Prepared::new(element, sizes, steps, move |operands| {
            let [base, power] = [0, 1].map(|input| reals(operand(operands, input), &output));
            Data::Real(base.into_iter().zip(power).map(|(x, y)| math::pow(x, y)).collect())
        });
    }
    let of_power = given.element(1)?;
    Prepared::new(element, sizes, steps.saturating_mul(3), move |operands| {
        let [base, power] = [0, 1].map(|input| wholes(operand(operands, input), &output));
        let power_of = |(base, power): (i64, i64)| {
            element.wrapped(integer_power(element.widened(base), of_power.widened(power)))
        };
        Data::Whole(base.into_iter().zip(power).map(power_of).collect())
    })
}

/// A power modulo two to the 128th; with a negative exponent, cut off.
fn integer_power(base: i128, power: i128) -> i128 {
    if power < 0 {
        return match base {
            1 => 1,
            -1 => {
                if power % 2 == 0 {
                    1
                } else {
                    -1
                }
            }
            _ => 0,
        };
    }
    base.wrapping_pow(u32::try_from(power).unwrap_or(u32::MAX))
}

pub(super) fn modulo(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    if settings.flag("fmod", false)? {
        let whole = |x: i128, y: i128| x.checked_rem(y).unwrap_or(0);
        return two(given, Pair { real: Some(math::fmod), whole: Some(whole) });
    }
    let whole = |x: i128, y: i128| {
        let rest = x.checked_rem(y).unwrap_or(0);
        if rest != 0 && (rest < 0) != (y < 0) { rest + y } else { rest }
    };
    let real = |x: f64, y: f64| {
        let rest = math::fmod(x, y);
        if rest != 0.0 && (rest < 0.0) != (y < 0.0) { rest + y } else { rest }
    };
    two(given, Pair { real: Some(real), whole: Some(whole) })
}

pub(super) fn prelu(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(2, 2)?;
    if together(given)? != given.sizes(0)? {
        return Err(bad_sizes(given.sizes(1)?));
    }
    let real = |x: f64, slope: f64| if x < 0.0 { x * slope } else { x };
    let whole = |x: i128, slope: i128| if x < 0 { x * slope } else { x };
    two(given, Pair { real: Some(real), whole: Some(whole) })
}

/// A comparison; NaNs are neither less nor equal.
fn compared(
    given: &Facts<'_>,
    real: fn(&f64, &f64) -> bool,
    whole: fn(&i128, &i128) -> bool,
) -> Result<Prepared, NodeRefused> {
    given.expect(2, 2)?;
    let (element, sizes) = (given.element(0)?, together(given)?);
    if given.element(1)? != element {
        return Err(NodeRefused::ElementType(1));
    }
    let steps = sizes.iter().product::<usize>().saturating_mul(sizes.len() + 2);
    let output = sizes.clone();
    Prepared::new(Element::Bool, sizes, steps, move |operands| {
        let [left, right] = [0, 1].map(|input| operand(operands, input));
        Data::Whole(if element.is_real() {
            let pairs = reals(left, &output).into_iter().zip(reals(right, &output));
            pairs.map(|(x, y)| i64::from(real(&x, &y))).collect()
        } else {
            let pairs = wholes(left, &output).into_iter().zip(wholes(right, &output));
            pairs.map(|(x, y)| i64::from(whole(&element.widened(x), &element.widened(y)))).collect()
        })
    })
}

/// Declares comparisons.
macro_rules! comparisons {
    ($($name:ident = $compare:ident;)*) => {
        $(pub(super) fn $name(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
            compared(given, PartialOrd::$compare, PartialOrd::$compare)
        })*
    };
}

comparisons! {
    greater = gt;
    greater_or_equal = ge;
    less = lt;
    less_or_equal = le;
}

pub(super) fn equal(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    compared(given, PartialEq::eq, PartialEq::eq)
}

fn logic(given: &Facts<'_>, whole: fn(i128, i128) -> i128) -> Result<Prepared, NodeRefused> {
    given.expect(2, 2)?;
    if given.element(0)? != Element::Bool {
        return Err(NodeRefused::ElementType(0));
    }
    folded(given, Pair { real: None, whole: Some(whole) })
}

pub(super) fn and(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    logic(given, |x, y| x & y)
}

pub(super) fn or(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    logic(given, |x, y| x | y)
}

pub(super) fn xor(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    logic(given, |x, y| x ^ y)
}

pub(super) fn bitwise_and(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    two(given, Pair { real: None, whole: Some(|x, y| x & y) })
}

pub(super) fn bitwise_or(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    two(given, Pair { real: None, whole: Some(|x, y| x | y) })
}

pub(super) fn bitwise_xor(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    two(given, Pair { real: None, whole: Some(|x, y| x ^ y) })
}

pub(super) fn bit_shift(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let left = match settings.text("direction")? {
        Some("LEFT") => true,
        Some("RIGHT") => false,
        _ => return Err(bad_value("direction")),
    };
    let whole = if left {
        |x: i128, y: i128| if (0..64).contains(&y) { x << y } else { 0 }
    } else {
        |x: i128, y: i128| if (0..64).contains(&y) { x >> y } else { 0 }
    };
    two(given, Pair { real: None, whole: Some(whole) })
}

/// Of each pair of elements the first where a flag is set, else the second.
pub(super) fn choose(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(3, 3)?;
    let (element, sizes) = (given.element(1)?, together(given)?);
    if given.element(0)? != Element::Bool || given.element(2)? != element {
        return Err(NodeRefused::ElementType(0));
    }
    let steps = sizes.iter().product::<usize>().saturating_mul(3 * (sizes.len() + 2));
    let output = sizes.clone();
    Prepared::new(element, sizes, steps, move |operands| {
        let flags = wholes(operand(operands, 0), &output);
        let [yes, no] = [1, 2].map(|input| spread(operand(operands, input), &output));
        match (yes, no) {
            (Data::Real(yes), Data::Real(no)) => Data::Real(chosen(&flags, yes, no)),
            (Data::Whole(yes), Data::Whole(no)) => Data::Whole(chosen(&flags, yes, no)),
            (yes, _) => yes,
        }
    })
}

fn chosen<T>(flags: &[i64], yes: Vec<T>, no: Vec<T>) -> Vec<T> {
    let both = yes.into_iter().zip(no).zip(flags);
    both.map(|((yes, no), flag)| if *flag != 0 { yes } else { no }).collect()
}

/// Each element moved into a range, whose ends are inputs or, before opset 11, attributes.
pub(super) fn clip(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(1, 3)?;
    let element = given.element(0)?;
    for input in 1..3 {
        if given.has(input) && (given.len(input)? != 1 || given.element(input)? != element) {
            return Err(bad_sizes(given.sizes(input)?));
        }
    }
    let stated = [settings.float("min")?, settings.float("max")?];
    if !element.is_real() {
        return Prepared::new(element, given.sizes(0)?.to_vec(), given.len(0)?, move |operands| {
            let end = |input: usize| {
                let tensor = operands.get(input).and_then(Option::as_ref)?;
                tensor.wholes().first().map(|end| element.widened(*end))
            };
            let (least, most) = (end(1), end(2));
            let moved = |number: &i64| {
                let number = element.widened(*number);
                let number = least.map_or(number, |least| number.max(least));
                element.wrapped(most.map_or(number, |most| number.min(most)))
            };
            Data::Whole(operand(operands, 0).wholes().iter().map(moved).collect())
        });
    }
    Prepared::new(element, given.sizes(0)?.to_vec(), given.len(0)?, move |operands| {
        let end = |input: usize| {
            let tensor = operands.get(input).and_then(Option::as_ref);
            tensor.and_then(|tensor| tensor.reals().first().copied()).or(stated[input - 1])
        };
        let (least, most) = (end(1), end(2));
        let moved = |number: &f64| {
            let number =
                least.map_or(*number, |least| if *number < least { least } else { *number });
            most.map_or(number, |most| if number > most { most } else { number })
        };
        Data::Real(operand(operands, 0).reals().iter().map(moved).collect())
    })
}
