//! Functions of lists of elements along dimensions.

use kernels::math::double as math;

use super::{Facts, Prepared, Settings, axes_of, axis_of, bad_sizes, operand, unary::FUNCTION};
use crate::{
    element::Element,
    op::attributes::bad_value,
    refusal::NodeRefused,
    tensor::{Data, each_coordinate, strides},
};

/// The places of the elements of each list along some dimensions; lists and their elements in
/// row-major order.
pub(super) fn lists(sizes: &[usize], axes: &[usize]) -> Vec<Vec<usize>> {
    let steps = strides(sizes);
    let places = |sides: &[usize]| {
        let lengths = sides.iter().map(|side| sizes[*side]).collect::<Vec<_>>();
        let mut places = Vec::new();
        each_coordinate(&lengths, |at| {
            places.push(at.iter().zip(sides).map(|(at, side)| at * steps[*side]).sum::<usize>());
        });
        places
    };
    let kept = (0..sizes.len()).filter(|side| !axes.contains(side)).collect::<Vec<_>>();
    let inside = places(axes);
    let starts = places(&kept);
    let list = |start: usize| inside.iter().map(|place| start + place).collect();
    starts.into_iter().map(list).collect()
}

/// The elements at some places.
pub(super) fn picked<T: Copy>(numbers: &[T], places: &[usize]) -> Vec<T> {
    places.iter().map(|place| numbers[*place]).collect()
}

/// The dimensions of a reduction, and the sizes that are left.
type Reduced = (Vec<usize>, Vec<usize>);

/// What a reduction is over; `None` if it changes nothing.
fn reduced(settings: &Settings, given: &Facts<'_>) -> Result<Option<Reduced>, NodeRefused> {
    given.expect(1, 2)?;
    let sizes = given.sizes(0)?;
    let axes = match settings.integers("axes")? {
        Some(axes) => axes.to_vec(),
        None => given.optional_integers(1)?.unwrap_or_default().to_vec(),
    };
    let keeps = settings.flag("keepdims", true)?;
    let axes = match (axes.is_empty(), settings.flag("noop_with_empty_axes", false)?) {
        (true, true) => return Ok(None),
        (true, false) => (0..sizes.len()).collect(),
        (false, _) => axes_of(&axes, sizes.len())?,
    };
    let side = |side: usize| match (axes.contains(&side), keeps) {
        (false, _) => Some(sizes[side]),
        (true, true) => Some(1),
        (true, false) => None,
    };
    let output = (0..sizes.len()).filter_map(side).collect();
    Ok(Some((axes, output)))
}

/// A reduction of floats, and if there is one, of integers.
fn reduce(
    settings: &Settings,
    given: &Facts<'_>,
    real: fn(&[f64]) -> f64,
    whole: Option<fn(&[i128]) -> i128>,
) -> Result<Prepared, NodeRefused> {
    let element = given.element(0)?;
    let sizes = given.sizes(0)?.to_vec();
    let (axes, output) = match reduced(settings, given)? {
        Some(found) => found,
        None => (Vec::new(), sizes.clone()),
    };
    let steps = given.len(0)?.saturating_mul(2 * FUNCTION);
    if element.is_real() {
        return Prepared::new(element, output, steps, move |operands| {
            let numbers = operand(operands, 0).reals();
            let result = |list: Vec<usize>| real(&picked(&numbers, &list));
            Data::Real(lists(&sizes, &axes).into_iter().map(result).collect())
        });
    }
    let whole = whole.ok_or(NodeRefused::ElementType(0))?;
    Prepared::new(element, output, steps, move |operands| {
        let numbers = operand(operands, 0).wholes();
        let result = |list: Vec<usize>| {
            let list = list.iter().map(|place| element.widened(numbers[*place]));
            element.wrapped(whole(&list.collect::<Vec<_>>()))
        };
        Data::Whole(lists(&sizes, &axes).into_iter().map(result).collect())
    })
}

/// Declares reductions.
macro_rules! reductions {
    ($($name:ident = $real:expr, $whole:expr;)*) => {
        $(pub(super) fn $name(
            settings: &Settings,
            given: &Facts<'_>,
        ) -> Result<Prepared, NodeRefused> {
            reduce(settings, given, $real, $whole)
        })*
    };
}

reductions! {
    sum = sum_of, Some(|list| list.iter().sum());
    mean = mean_of, Some(|list| {
        list.iter().sum::<i128>() / i128::try_from(list.len().max(1)).unwrap_or(1)
    });
    prod = |list| list.iter().fold(1.0, |product, x| product * x), Some(|list| {
        list.iter().fold(1, |product: i128, x| product.wrapping_mul(*x))
    });
    max = greatest, Some(|list| list.iter().copied().max().unwrap_or(i128::from(i64::MIN)));
    min = |list| -list.iter().map(|x| -x).fold(f64::NEG_INFINITY, super::binary::greater_of),
        Some(|list| list.iter().copied().min().unwrap_or(i128::from(i64::MAX)));
    l1 = |list| list.iter().fold(0.0, |sum, x| sum + x.abs()),
        Some(|list| list.iter().map(|x| x.abs()).sum());
    l2 = |list| math::sqrt(squares(list)), Some(|list| {
        whole_squares(list).cast_unsigned().isqrt().cast_signed()
    });
    sum_square = squares, Some(whole_squares);
    log_sum = |list| math::log(sum_of(list)), None;
    log_sum_exp = log_sum_exp_of, None;
}

pub(super) fn sum_of(list: &[f64]) -> f64 {
    list.iter().fold(0.0, |sum, x| sum + x)
}

#[expect(clippy::cast_precision_loss, reason = "shorter than 2⁵³")]
pub(super) fn mean_of(list: &[f64]) -> f64 {
    sum_of(list) / list.len() as f64
}

fn whole_squares(list: &[i128]) -> i128 {
    list.iter().fold(0, |sum: i128, x| sum.wrapping_add(x.wrapping_mul(*x)))
}

fn squares(list: &[f64]) -> f64 {
    list.iter().fold(0.0, |sum, x| sum + x * x)
}

pub(super) fn greatest(list: &[f64]) -> f64 {
    list.iter().copied().fold(f64::NEG_INFINITY, super::binary::greater_of)
}

fn log_sum_exp_of(list: &[f64]) -> f64 {
    let greatest = greatest(list);
    if !greatest.is_finite() {
        return greatest;
    }
    greatest + math::log(list.iter().fold(0.0, |sum, x| sum + math::exp(x - greatest)))
}

/// Mean and variance of a list, the variance as the mean square of the distances.
pub(super) fn moments(list: &[f64]) -> (f64, f64) {
    let mean = mean_of(list);
    let distances = list.iter().map(|x| (x - mean) * (x - mean)).collect::<Vec<_>>();
    (mean, mean_of(&distances))
}

/// Changes each list along some dimensions.
pub(super) fn along_lists(
    given: &Facts<'_>,
    axes: Vec<usize>,
    change: impl Fn(&[f64]) -> Vec<f64> + Send + Sync + 'static,
) -> Result<Prepared, NodeRefused> {
    let (element, sizes) = (given.real(0)?, given.sizes(0)?.to_vec());
    let steps = given.len(0)?.saturating_mul(3 * FUNCTION);
    Prepared::new(element, sizes.clone(), steps, move |operands| {
        let mut numbers = operand(operands, 0).reals().into_owned();
        for list in lists(&sizes, &axes) {
            for (place, number) in list.iter().zip(change(&picked(&numbers, &list))) {
                numbers[*place] = number;
            }
        }
        Data::Real(numbers)
    })
}

/// The dimensions of a softmax, whose meaning changed with opset 13.
pub(super) fn softmax_axes(
    settings: &Settings,
    given: &Facts<'_>,
) -> Result<Vec<usize>, NodeRefused> {
    given.expect(1, 1)?;
    let rank = given.sizes(0)?.len();
    if settings.opset < 13 {
        let axis = axis_of(settings.integer_or("axis", 1)?, rank)?;
        return Ok((axis..rank).collect());
    }
    Ok(vec![axis_of(settings.integer_or("axis", -1)?, rank)?])
}

pub(super) fn softmax_of(list: &[f64]) -> Vec<f64> {
    let greatest = greatest(list);
    let powers = list.iter().map(|x| math::exp(x - greatest)).collect::<Vec<_>>();
    let sum = sum_of(&powers);
    powers.into_iter().map(|power| power / sum).collect()
}

pub(super) fn log_softmax_of(list: &[f64]) -> Vec<f64> {
    let total = log_sum_exp_of(list);
    list.iter().map(|x| x - total).collect()
}

pub(super) fn softmax(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    along_lists(given, softmax_axes(settings, given)?, softmax_of)
}

pub(super) fn log_softmax(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    along_lists(given, softmax_axes(settings, given)?, log_softmax_of)
}

/// Each channel's mean or greatest element over all of its image, keeping the dimensions.
fn global(
    given: &Facts<'_>,
    function: impl Fn(&[f64]) -> f64 + Send + Sync + 'static,
) -> Result<Prepared, NodeRefused> {
    given.expect(1, 1)?;
    let (element, sizes) = (given.real(0)?, given.sizes(0)?.to_vec());
    if sizes.len() < 2 {
        return Err(bad_sizes(&sizes));
    }
    let output = sizes.iter().enumerate().map(|(side, size)| if side < 2 { *size } else { 1 });
    let axes = (2..sizes.len()).collect::<Vec<_>>();
    Prepared::new(element, output.collect(), given.len(0)?.saturating_mul(4), move |operands| {
        let numbers = operand(operands, 0).reals();
        let result = |list: Vec<usize>| function(&picked(&numbers, &list));
        Data::Real(lists(&sizes, &axes).into_iter().map(result).collect())
    })
}

pub(super) fn global_average(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    global(given, mean_of)
}

pub(super) fn global_max(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    global(given, greatest)
}

/// The root of the sum of powers.
pub(super) fn power_norm(power: f64) -> impl Fn(&[f64]) -> f64 + Send + Sync + 'static {
    move |list| {
        if power == 2.0 {
            return math::sqrt(squares(list));
        }
        if power == 1.0 {
            return list.iter().fold(0.0, |sum, x| sum + x.abs());
        }
        math::pow(list.iter().fold(0.0, |sum, x| sum + math::pow(x.abs(), power)), 1.0 / power)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a small whole number")]
pub(super) fn power_of(settings: &Settings) -> Result<f64, NodeRefused> {
    let power = settings.integer_or("p", 2)?;
    if (1..=64).contains(&power) { Ok(power as f64) } else { Err(bad_value("p")) }
}

pub(super) fn global_lp(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    global(given, power_norm(power_of(settings)?))
}

pub(super) fn lp_normalization(
    settings: &Settings,
    given: &Facts<'_>,
) -> Result<Prepared, NodeRefused> {
    given.expect(1, 1)?;
    let axis = axis_of(settings.integer_or("axis", -1)?, given.sizes(0)?.len())?;
    let norm = power_norm(power_of(settings)?);
    along_lists(given, vec![axis], move |list| {
        let norm = norm(list);
        list.iter().map(|x| if norm == 0.0 { 0.0 } else { x / norm }).collect()
    })
}

pub(super) fn mean_variance_normalization(
    settings: &Settings,
    given: &Facts<'_>,
) -> Result<Prepared, NodeRefused> {
    given.expect(1, 1)?;
    let axes = settings.integers("axes")?.unwrap_or(&[0, 2, 3]);
    let axes = axes_of(axes, given.sizes(0)?.len())?;
    along_lists(given, axes, |list| {
        let (mean, variance) = moments(list);
        let root = math::sqrt(variance) + 1e-9;
        list.iter().map(|x| (x - mean) / root).collect()
    })
}

/// The coordinates of the elements that are not zero; their number must be known before running.
pub(super) fn non_zero(_: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(1, 1)?;
    let tensor = given.known(0)?;
    let numbers = tensor.reals();
    let (mut found, mut place) = (vec![Vec::new(); tensor.sizes.len()], 0);
    each_coordinate(&tensor.sizes, |at| {
        if numbers[place] != 0.0 {
            for (list, at) in found.iter_mut().zip(at) {
                list.push(i64::try_from(*at).unwrap_or(0));
            }
        }
        place += 1;
    });
    let count = found.first().map_or(usize::from(numbers.iter().any(|x| *x != 0.0)), Vec::len);
    let numbers = found.concat();
    Prepared::new(Element::I64, vec![tensor.sizes.len(), count], place, move |_| {
        Data::Whole(numbers.clone())
    })
}
