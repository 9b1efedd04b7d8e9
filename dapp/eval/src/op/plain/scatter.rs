//! Elements of a tensor replaced by, or combined with, updates at given places.

use super::{Facts, Prepared, Settings, axis_of, operand};
use crate::{
    element::Element,
    op::attributes::bad_value,
    refusal::NodeRefused,
    tensor::{Data, Tensor, each_coordinate, strides},
};

/// What becomes of an element and its update.
#[derive(Clone, Copy)]
enum Combine {
    Replace,
    Add,
    Mul,
    Max,
    Min,
}

impl Combine {
    fn parse(settings: &Settings) -> Result<Self, NodeRefused> {
        let all = [Self::Replace, Self::Add, Self::Mul, Self::Max, Self::Min];
        Ok(all[settings.choice("reduction", &["none", "add", "mul", "max", "min"])?])
    }

    fn reals(self, old: f64, new: f64) -> f64 {
        match self {
            Self::Replace => new,
            Self::Add => old + new,
            Self::Mul => old * new,
            Self::Max => super::binary::greater_of(old, new),
            Self::Min => -super::binary::greater_of(-old, -new),
        }
    }

    fn wholes(self, old: i128, new: i128) -> i128 {
        match self {
            Self::Replace => new,
            Self::Add => old + new,
            Self::Mul => old.wrapping_mul(new),
            Self::Max => old.max(new),
            Self::Min => old.min(new),
        }
    }

    /// Combines elements of `data` with updates; each pair is a place and the update's.
    fn apply(
        self,
        element: Element,
        data: &Tensor,
        updates: &Tensor,
        pairs: &[[usize; 2]],
    ) -> Data {
        match (&data.data, &updates.data) {
            (Data::Real(numbers), Data::Real(updates)) => {
                let mut numbers = numbers.clone();
                for [place, update] in pairs {
                    numbers[*place] =
                        element.rounded(self.reals(numbers[*place], updates[*update]));
                }
                Data::Real(numbers)
            }
            (Data::Whole(numbers), Data::Whole(updates)) => {
                let mut numbers = numbers.clone();
                for [place, update] in pairs {
                    let (old, new) =
                        (element.widened(numbers[*place]), element.widened(updates[*update]));
                    numbers[*place] = element.wrapped(self.wholes(old, new));
                }
                Data::Whole(numbers)
            }
            (data, _) => data.clone(),
        }
    }
}

fn index_along(index: i64, size: usize) -> Option<usize> {
    let signed = i64::try_from(size).ok()?;
    let index = if index < 0 { index.checked_add(signed)? } else { index };
    usize::try_from(index).ok().filter(|index| *index < size)
}

/// Refuses tensors whose types do not fit together.
fn check(given: &Facts<'_>) -> Result<(), NodeRefused> {
    given.expect(3, 3)?;
    if given.element(1)?.is_real() {
        return Err(NodeRefused::ElementType(1));
    }
    if given.element(2)? != given.element(0)? {
        return Err(NodeRefused::ElementType(2));
    }
    Ok(())
}

pub(super) fn elements(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    check(given)?;
    let (sizes, wanted) = (given.sizes(0)?.to_vec(), given.sizes(1)?.to_vec());
    let axis = axis_of(settings.integer_or("axis", 0)?, sizes.len())?;
    let fits = wanted == given.sizes(2)?
        && wanted.len() == sizes.len()
        && (0..sizes.len()).all(|side| side == axis || wanted[side] <= sizes[side]);
    if !fits {
        return Err(NodeRefused::Shapes(sizes.as_slice().into(), wanted.as_slice().into()));
    }
    let (combine, element) = (Combine::parse(settings)?, given.element(0)?);
    let steps = given.len(1)?.saturating_mul(sizes.len() + 4);
    Prepared::new(element, sizes.clone(), steps, move |operands| {
        let indices = operand(operands, 1).wholes();
        let (places, mut pairs, mut turn) = (strides(&sizes), Vec::new(), 0);
        each_coordinate(&wanted, |at| {
            if let Some(index) = index_along(indices[turn], sizes[axis]) {
                let at = |side: usize| if side == axis { index } else { at[side] };
                pairs.push([(0..places.len()).map(|side| at(side) * places[side]).sum(), turn]);
            }
            turn += 1;
        });
        combine.apply(element, operand(operands, 0), operand(operands, 2), &pairs)
    })
}

pub(super) fn nd(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    check(given)?;
    let (sizes, wanted) = (given.sizes(0)?.to_vec(), given.sizes(1)?.to_vec());
    let Some((deep, outer)) = wanted.split_last() else { return Err(bad_value("indices")) };
    let deep = *deep;
    let fits = deep <= sizes.len()
        && given.sizes(2)? == [outer, sizes.get(deep..).unwrap_or_default()].concat();
    if !fits {
        return Err(NodeRefused::Shapes(sizes.as_slice().into(), wanted.as_slice().into()));
    }
    let (combine, element) = (Combine::parse(settings)?, given.element(0)?);
    let inner = sizes[deep..].iter().product::<usize>();
    let count = outer.iter().product::<usize>();
    let steps = given.len(2)?.saturating_mul(4);
    Prepared::new(element, sizes.clone(), steps, move |operands| {
        let indices = operand(operands, 1).wholes();
        let (places, mut pairs) = (strides(&sizes), Vec::new());
        for update in 0..count {
            let list = &indices[update * deep..(update + 1) * deep];
            let place = list
                .iter()
                .enumerate()
                .map(|(side, index)| Some(index_along(*index, sizes[side])? * places[side]));
            if let Some(place) = place.sum::<Option<usize>>() {
                pairs.extend((0..inner).map(|at| [place + at, update * inner + at]));
            }
        }
        combine.apply(element, operand(operands, 0), operand(operands, 2), &pairs)
    })
}
