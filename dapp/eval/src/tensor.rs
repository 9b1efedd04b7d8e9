//! Tensors of any element type as plain lists: constants of a file, and what operators without a
//! kernel work on.

use std::{borrow::Cow, sync::Arc};

use crate::{element::Element, limits, shape::Shape};

/// A tensor; unlike a [`Shape`], it may be empty.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) element: Element,
    pub(crate) sizes: Vec<usize>,
    pub(crate) data: Data,
}

/// Elements in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    /// Of a float type, each exact in f64.
    Real(Vec<f64>),
    /// Of an integer type or bool, as [`Element::wrapped`] stores them.
    Whole(Vec<i64>),
}

/// Number of elements of these sizes; `None` if that is more than a tensor may have.
pub(crate) fn count(sizes: &[usize]) -> Option<usize> {
    if sizes.len() > limits::PLAIN_RANK || sizes.iter().any(|size| *size > limits::DIMENSION) {
        return None;
    }
    let product = sizes.iter().try_fold(1_usize, |product, size| product.checked_mul(*size))?;
    (product <= limits::ELEMENTS).then_some(product)
}

impl Tensor {
    /// Results of an operator, rounded or wrapped to the element type; as many as the sizes hold.
    pub(crate) fn new(element: Element, sizes: Vec<usize>, data: Data) -> Self {
        let data = match data {
            Data::Real(mut numbers) if element.is_real() => {
                numbers.iter_mut().for_each(|number| *number = element.rounded(*number));
                Data::Real(numbers)
            }
            Data::Whole(mut numbers) if !element.is_real() => {
                let (least, most) = element.range();
                let least = i64::try_from(least).unwrap_or(i64::MIN);
                let most = i64::try_from(most).unwrap_or(i64::MAX);
                // Most fit already; wrapping them would take as long again as computing them.
                for number in numbers.iter_mut().filter(|number| !(least..=most).contains(number)) {
                    *number = element.wrapped(element.widened(*number));
                }
                Data::Whole(numbers)
            }
            Data::Real(numbers) => {
                #[expect(clippy::cast_possible_truncation, reason = "saturates, as stated")]
                let whole = |number: f64| element.wrapped(number as i128);
                Data::Whole(numbers.into_iter().map(whole).collect())
            }
            #[expect(clippy::cast_precision_loss, reason = "rounded to the nearest")]
            Data::Whole(numbers) => Data::Real(
                numbers.into_iter().map(|number| element.rounded(number as f64)).collect(),
            ),
        };
        Self { element, sizes, data }
    }

    /// A tensor of f32.
    pub(crate) fn of_f32(shape: Shape, numbers: &[f32]) -> Self {
        let data = Data::Real(numbers.iter().map(|number| f64::from(*number)).collect());
        Self { element: Element::F32, sizes: shape.sizes().to_vec(), data }
    }

    /// The elements as f32, of a tensor of that type.
    #[expect(clippy::cast_possible_truncation, reason = "each number is an f32")]
    pub(crate) fn to_f32(&self) -> Vec<f32> {
        self.reals().iter().map(|number| *number as f32).collect()
    }

    /// Its shape; `None` if it is empty or has too many dimensions.
    pub(crate) fn shape(&self) -> Option<Shape> {
        Shape::new(&self.sizes)
    }

    /// Number of elements.
    pub(crate) const fn len(&self) -> usize {
        self.data.len()
    }

    /// The elements as f64; integers are rounded to the nearest.
    #[expect(clippy::cast_precision_loss, reason = "rounded to the nearest")]
    pub(crate) fn reals(&self) -> Cow<'_, [f64]> {
        match &self.data {
            Data::Real(numbers) => Cow::Borrowed(numbers),
            Data::Whole(numbers) => {
                let real = |number: &i64| self.element.widened(*number) as f64;
                Cow::Owned(numbers.iter().map(real).collect())
            }
        }
    }

    /// The elements as stored integers; floats are cut off.
    pub(crate) fn wholes(&self) -> Cow<'_, [i64]> {
        match &self.data {
            Data::Whole(numbers) => Cow::Borrowed(numbers),
            #[expect(clippy::cast_possible_truncation, reason = "cut off, as stated")]
            Data::Real(numbers) => {
                Cow::Owned(numbers.iter().map(|number| *number as i64).collect())
            }
        }
    }

    /// The stored integers, if it is of an integer type or bool.
    pub(crate) fn as_whole(&self) -> Option<&[i64]> {
        match &self.data {
            Data::Whole(numbers) => Some(numbers),
            Data::Real(_) => None,
        }
    }
}

impl Data {
    /// Number of elements.
    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::Real(numbers) => numbers.len(),
            Self::Whole(numbers) => numbers.len(),
        }
    }

    /// Adds the elements of another list of the same kind.
    pub(crate) fn append(&mut self, other: &Self) {
        match (self, other) {
            (Self::Real(list), Self::Real(more)) => list.extend(more),
            (Self::Whole(list), Self::Whole(more)) => list.extend(more),
            _ => unreachable!("both are of one element type"),
        }
    }

    /// As many elements as stated, with zeros for those missing: a tensor always has all its
    /// elements.
    pub(crate) fn resized(mut self, count: usize) -> Self {
        match &mut self {
            Self::Real(numbers) => numbers.resize(count, 0.0),
            Self::Whole(numbers) => numbers.resize(count, 0),
        }
        self
    }

    /// The elements at these places; zero for `None`.
    pub(crate) fn taken(&self, places: impl Iterator<Item = Option<usize>>) -> Self {
        let at = |place: Option<usize>| place.filter(|place| *place < self.len());
        match self {
            Self::Real(numbers) => {
                Self::Real(places.map(|place| at(place).map_or(0.0, |at| numbers[at])).collect())
            }
            Self::Whole(numbers) => {
                Self::Whole(places.map(|place| at(place).map_or(0, |at| numbers[at])).collect())
            }
        }
    }
}

/// What a tensor shared by several nodes is held by.
pub(crate) type Shared = Arc<Tensor>;

/// Distance in the row-major list between neighbours along each dimension.
pub(crate) fn strides(sizes: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; sizes.len()];
    for index in (1..sizes.len()).rev() {
        strides[index - 1] = strides[index] * sizes[index];
    }
    strides
}

/// All coordinates of these sizes in row-major order, passed one by one.
pub(crate) fn each_coordinate(sizes: &[usize], mut visit: impl FnMut(&[usize])) {
    if sizes.contains(&0) {
        return;
    }
    let mut at = vec![0; sizes.len()];
    loop {
        visit(&at);
        let Some(next) = (0..sizes.len()).rev().find(|side| at[*side] + 1 < sizes[*side]) else {
            return;
        };
        at[next] += 1;
        at[next + 1..].fill(0);
    }
}
