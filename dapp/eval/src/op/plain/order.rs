//! Which elements are greatest, and sums of all that come before.

use std::cmp::Ordering;

use super::{
    Facts, Prepared, Settings, around, axis_of, bad_sizes, operand,
    reduce::{along_lists, lists, picked, softmax_axes},
    unsigned,
};
use crate::{
    element::Element,
    refusal::NodeRefused,
    tensor::{Data, Tensor},
};

pub(super) fn hardmax(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    along_lists(given, softmax_axes(settings, given)?, |list| {
        let first = extreme(list, false, |x, y| x > y);
        (0..list.len()).map(|index| if index == first { 1.0 } else { 0.0 }).collect()
    })
}

/// Index of the element that beats all others; of equals, the first or the last.
fn extreme<T: Copy>(list: &[T], last: bool, beats: impl Fn(T, T) -> bool) -> usize {
    let mut best = 0;
    for index in 1..list.len() {
        let found = beats(list[index], list[best]);
        if found || (last && !beats(list[best], list[index])) {
            best = index;
        }
    }
    best
}

fn arg_extreme(
    settings: &Settings,
    given: &Facts<'_>,
    greater: bool,
) -> Result<Prepared, NodeRefused> {
    given.expect(1, 1)?;
    let (element, sizes) = (given.element(0)?, given.sizes(0)?.to_vec());
    let axis = axis_of(settings.integer_or("axis", 0)?, sizes.len())?;
    let last = settings.flag("select_last_index", false)?;
    let mut output = sizes.clone();
    if settings.flag("keepdims", true)? {
        output[axis] = 1;
    } else {
        output.remove(axis);
    }
    if sizes[axis] == 0 {
        return Err(bad_sizes(&sizes));
    }
    Prepared::new(Element::I64, output, given.len(0)?.saturating_mul(4), move |operands| {
        let tensor = operand(operands, 0);
        let index = |list: Vec<usize>| {
            let found = if element.is_real() {
                let list = picked(&tensor.reals(), &list);
                extreme(&list, last, |x, y| if greater { x > y } else { x < y })
            } else {
                let list = picked(&tensor.wholes(), &list);
                let list = list.into_iter().map(|x| element.widened(x)).collect::<Vec<_>>();
                extreme(&list, last, |x, y| if greater { x > y } else { x < y })
            };
            i64::try_from(found).unwrap_or(0)
        };
        Data::Whole(lists(&sizes, &[axis]).into_iter().map(index).collect())
    })
}

pub(super) fn arg_max(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    arg_extreme(settings, given, true)
}

pub(super) fn arg_min(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    arg_extreme(settings, given, false)
}

/// Sums or products of all elements up to each.
fn cumulated(
    settings: &Settings,
    given: &Facts<'_>,
    start: i128,
    real: fn(f64, f64) -> f64,
    whole: fn(i128, i128) -> i128,
) -> Result<Prepared, NodeRefused> {
    given.expect(2, 2)?;
    let (element, sizes) = (given.element(0)?, given.sizes(0)?.to_vec());
    let axis = *given.integers(1)?.first().ok_or(NodeRefused::NotKnown(1))?;
    let axis = axis_of(axis, sizes.len())?;
    let exclusive = settings.flag("exclusive", false)?;
    let reverse = settings.flag("reverse", false)?;
    let steps = given.len(0)?.saturating_mul(3);
    Prepared::new(element, sizes.clone(), steps, move |operands| {
        let mut data = operand(operands, 0).data.clone();
        for mut list in lists(&sizes, &[axis]) {
            if reverse {
                list.reverse();
            }
            match &mut data {
                Data::Real(numbers) => {
                    #[expect(clippy::cast_precision_loss, reason = "zero or one")]
                    let first = start as f64;
                    run_along(numbers, &list, first, exclusive, real);
                }
                Data::Whole(numbers) => {
                    let add = |x: i64, y: i64| {
                        element.wrapped(whole(element.widened(x), element.widened(y)))
                    };
                    run_along(numbers, &list, element.wrapped(start), exclusive, add);
                }
            }
        }
        data
    })
}

fn run_along<T: Copy>(
    numbers: &mut [T],
    list: &[usize],
    start: T,
    exclusive: bool,
    combine: impl Fn(T, T) -> T,
) {
    let mut total = start;
    for place in list {
        let next = combine(total, numbers[*place]);
        numbers[*place] = if exclusive { total } else { next };
        total = next;
    }
}

pub(super) fn cum_sum(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    cumulated(settings, given, 0, |x, y| x + y, |x, y| x + y)
}

pub(super) fn cum_prod(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    cumulated(settings, given, 1, |x, y| x * y, i128::wrapping_mul)
}

/// The greatest or least elements along a dimension, and where they are.
pub(super) fn top_k(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(1, 2)?;
    let (element, sizes) = (given.element(0)?, given.sizes(0)?.to_vec());
    let axis = axis_of(settings.integer_or("axis", -1)?, sizes.len())?;
    let wanted = match settings.integer("k")? {
        Some(wanted) => wanted,
        None => *given.integers(1)?.first().ok_or(NodeRefused::NotKnown(1))?,
    };
    let (wanted, largest) = (unsigned(wanted)?, settings.flag("largest", true)?);
    if wanted > sizes[axis] {
        return Err(bad_sizes(&sizes));
    }
    let mut output = sizes.clone();
    output[axis] = wanted;
    let indices = settings.output == 1;
    let [outer, length, inner] = around(&sizes, axis);
    let levels = usize::try_from(length.max(2).ilog2()).unwrap_or(64) + 1;
    let steps = given.len(0)?.saturating_mul(3 * levels);
    let element_of_output = if indices { Element::I64 } else { element };
    Prepared::new(element_of_output, output, steps, move |operands| {
        let tensor = operand(operands, 0);
        let mut places = vec![0; outer * wanted * inner];
        for (index, list) in lists(&sizes, &[axis]).into_iter().enumerate() {
            let sorted = sorted_indices(tensor, &list, largest);
            let (before, after) = (index / inner, index % inner);
            for (rank, found) in sorted.into_iter().take(wanted).enumerate() {
                let place = if indices { found } else { list[found] };
                places[(before * wanted + rank) * inner + after] = place;
            }
        }
        if indices {
            let whole = |place: usize| i64::try_from(place).unwrap_or(0);
            return Data::Whole(places.into_iter().map(whole).collect());
        }
        tensor.data.taken(places.into_iter().map(Some))
    })
}

/// Indices into a list, its greatest or least element first; of equals the first.
pub(super) fn sorted_indices(tensor: &Tensor, list: &[usize], largest: bool) -> Vec<usize> {
    let mut indices = (0..list.len()).collect::<Vec<_>>();
    let compare = |left: usize, right: usize| match &tensor.data {
        Data::Real(numbers) => {
            let (left, right) = (numbers[list[left]], numbers[list[right]]);
            left.partial_cmp(&right).unwrap_or(Ordering::Equal)
        }
        Data::Whole(numbers) => {
            let wide = |index: usize| tensor.element.widened(numbers[list[index]]);
            wide(left).cmp(&wide(right))
        }
    };
    // Not a comparison that sorting may panic on: NaNs equal everything, so merge by hand.
    let before = |left: usize, right: usize| match compare(left, right) {
        Ordering::Less => !largest,
        Ordering::Greater => largest,
        Ordering::Equal => left < right,
    };
    merge_sort(&mut indices, &before);
    indices
}

fn merge_sort(list: &mut [usize], before: &impl Fn(usize, usize) -> bool) {
    if list.len() < 2 {
        return;
    }
    let middle = list.len() / 2;
    merge_sort(&mut list[..middle], before);
    merge_sort(&mut list[middle..], before);
    let (left, right) = (list[..middle].to_vec(), list[middle..].to_vec());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    for slot in list {
        let from_right = match (left.peek(), right.peek()) {
            (Some(left), Some(right)) => before(*right, *left),
            (None, _) => true,
            (_, None) => false,
        };
        let next = if from_right { right.next() } else { left.next() };
        *slot = next.unwrap_or(*slot);
    }
}
