//! Shapes: at most six dimensions, none of them zero, with a bounded number of elements.

use std::fmt;

use crate::limits;

/// The dimensions of a tensor, outermost first; no dimensions for a single number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    sizes: [usize; limits::RANK],
    rank: usize,
}

impl Shape {
    /// The shape of a single number.
    pub const SCALAR: Self = Self { sizes: [1; limits::RANK], rank: 0 };

    /// A shape of these sizes; `None` if there are too many, one is zero or too large, or their
    /// product is.
    #[must_use]
    pub fn new(sizes: &[usize]) -> Option<Self> {
        let mut shape = Self::SCALAR;
        shape.sizes.get_mut(..sizes.len())?.copy_from_slice(sizes);
        shape.rank = sizes.len();
        let mut elements = 1_usize;
        for &size in sizes {
            if !(1..=limits::DIMENSION).contains(&size) {
                return None;
            }
            elements = elements.checked_mul(size).filter(|product| *product <= limits::ELEMENTS)?;
        }
        Some(shape)
    }

    /// A shape of these sizes as stored in files; `None` also if one is negative.
    #[must_use]
    pub fn from_i64(sizes: &[i64]) -> Option<Self> {
        let mut whole = [0; limits::RANK];
        for (slot, size) in whole.get_mut(..sizes.len())?.iter_mut().zip(sizes) {
            *slot = usize::try_from(*size).ok()?;
        }
        Self::new(whole.get(..sizes.len())?)
    }

    /// The sizes, outermost first.
    #[must_use]
    pub fn sizes(&self) -> &[usize] {
        self.sizes.get(..self.rank).unwrap_or_default()
    }

    /// Number of dimensions.
    #[must_use]
    pub const fn rank(&self) -> usize {
        self.rank
    }

    /// Number of elements; at most `limits::ELEMENTS`.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.sizes().iter().product()
    }

    /// The dimension meant by an ONNX axis: negative ones count from the last.
    #[must_use]
    pub fn axis(&self, axis: i64) -> Option<usize> {
        let rank = i64::try_from(self.rank).ok()?;
        let axis = if axis < 0 { axis.checked_add(rank)? } else { axis };
        usize::try_from(axis).ok().filter(|axis| *axis < self.rank)
    }

    /// Elements before, along and after a dimension.
    #[must_use]
    pub fn around(&self, axis: usize) -> [usize; 3] {
        let (outer, rest) = self.sizes().split_at(axis.min(self.rank));
        let (along, inner) = rest.split_first().unwrap_or((&1, &[]));
        [outer.iter().product(), *along, inner.iter().product()]
    }

    /// The sizes after leading ones, `N` in all; `None` if there are more than `N`.
    #[must_use]
    pub fn aligned<const N: usize>(&self) -> Option<[usize; N]> {
        let mut sizes = [1; N];
        let start = N.checked_sub(self.rank)?;
        sizes.get_mut(start..)?.copy_from_slice(self.sizes());
        Some(sizes)
    }

    /// The shape two operands broadcast to, as in NumPy and ONNX: aligned at the last dimension,
    /// sizes equal or one.
    #[must_use]
    pub fn broadcast(self, other: Self) -> Option<Self> {
        let (left, right): ([usize; limits::RANK], [usize; limits::RANK]) =
            (self.aligned()?, other.aligned()?);
        let mut sizes = [1; limits::RANK];
        for (size, (left, right)) in sizes.iter_mut().zip(left.into_iter().zip(right)) {
            *size = match (left, right) {
                (left, right) if left == right => left,
                (1, size) | (size, 1) => size,
                _ => return None,
            };
        }
        let start = limits::RANK.checked_sub(self.rank.max(other.rank))?;
        Self::new(sizes.get(start..)?)
    }
}

/// A shape's sizes in compact form, for refusals.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    sizes: [u32; limits::RANK],
    rank: u8,
}

impl From<Shape> for Sizes {
    fn from(shape: Shape) -> Self {
        Self::from(shape.sizes())
    }
}

impl From<&[usize]> for Sizes {
    /// The first sizes, as many as a shape may have.
    fn from(all: &[usize]) -> Self {
        let mut sizes = Self { sizes: [0; limits::RANK], rank: 0 };
        for (slot, size) in sizes.sizes.iter_mut().zip(all) {
            *slot = u32::try_from(*size).unwrap_or(u32::MAX);
            sizes.rank += 1;
        }
        sizes
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, out)
    }
}

impl fmt::Debug for Sizes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.sizes.iter().take(self.rank.into())).finish()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, out)
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.sizes(), out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(sizes: &[usize]) -> Shape {
        Shape::new(sizes).unwrap()
    }

    #[test]
    fn absurd_shapes_are_nothing() {
        for sizes in [
            &[0][..],
            &[2, 0, 2],
            &[1 << 40],
            &[1 << 20, 1 << 20, 1 << 20, 1 << 20],
            &[usize::MAX, 2],
            &[1; 7],
        ] {
            assert_eq!(Shape::new(sizes), None, "{sizes:?}");
        }
        assert_eq!(Shape::from_i64(&[2, -1]), None);
        assert_eq!(Shape::from_i64(&[2, 3]), Some(shape(&[2, 3])));
    }

    #[test]
    fn broadcasting_is_numpys() {
        for (left, right, together) in [
            (&[2, 3][..], &[3][..], Some(&[2, 3][..])),
            (&[2, 1, 4], &[3, 1], Some(&[2, 3, 4])),
            (&[], &[5], Some(&[5])),
            (&[], &[], Some(&[])),
            (&[2, 3], &[2], None),
        ] {
            let expected = together.map(shape);
            assert_eq!(shape(left).broadcast(shape(right)), expected, "{left:?} {right:?}");
            assert_eq!(shape(right).broadcast(shape(left)), expected, "{right:?} {left:?}");
        }
    }

    #[test]
    fn axes_and_their_surroundings() {
        let shape = shape(&[2, 3, 4]);
        assert_eq!([0, 2, -1, -3].map(|axis| shape.axis(axis)), [0, 2, 2, 0].map(Some));
        assert_eq!([3, -4, i64::MIN].map(|axis| shape.axis(axis)), [None; 3]);
        assert_eq!(shape.around(1), [2, 3, 4]);
        assert_eq!(Shape::SCALAR.around(0), [1, 1, 1]);
    }
}
