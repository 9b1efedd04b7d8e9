//! What an evaluation costs, counted from shapes and lengths before anything runs.
//!
//! What is counted is how often the code does each kind of thing; what each takes on the machine's
//! processor is in the table of weights, fitted to instructions counted under qemu (`cargo cost
//! fit`) and checked against them (`cargo cost check`). Rows and activations are taken to be
//! without zeros: the kernels leave zeros out, so real ones cost less.

mod kernels;
mod weights;

pub(crate) use kernels::{convolution, packed_filters, packed_matrix, product};
use market::Work;
use weights::WEIGHTS;

/// Weights are thousandths of an instruction.
const PER_INSTRUCTION: u128 = 1_000;

/// Declares the kinds of things that are counted.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident)*) => {
        /// Something whose number decides what an evaluation costs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// All of them, in order.
            pub const ALL: [Self; [$(stringify!($kind)),*].len()] = [$(Self::$kind),*];
        }
    };
}

kinds! {
    /// Pairs of files that are read.
    Exams
    /// Bytes of models.
    ModelBytes
    /// Numbers of right operands that are packed into the order that the kernels read them in.
    Packed
    /// Lists that they are put into.
    PackedLists
    /// Constants of graphs that are read.
    Constants
    /// Features stored as bytes that are read.
    StoredBytes
    /// Features stored as f32 that are read.
    StoredReals
    /// Nodes that are read, and planned for a row, a batch, and the rest.
    Planned
    /// Steps, that is batches.
    Steps
    /// Nodes of steps of fewer rows than a batch, which are planned for themselves.
    Replanned
    /// Values that a step keeps at hand: constants and what nodes make.
    Values
    /// Nodes that are run.
    Nodes
    /// Nodes that compute: operations of the tensor library's backend.
    Operations
    /// Features made from bytes.
    FromBytes
    /// Features copied.
    Copied
    /// Multiply-adds that the kernels do.
    MultiplyAdds
    /// Numbers that the kernels load for them.
    Loads
    /// Turns of the innermost loop where matrix products multiply rows together.
    Turns
    /// Factors that they take alone, for a panel of columns each.
    Alone
    /// Left factors that matrix products look at.
    Factors
    /// Input patches: of each run of taps and input row, for each column of tiles.
    Windows
    /// Input patches that convolutions gather, for each tile of pixels.
    Runs
    /// Input patches that blocks of filters multiply, for each tile.
    Seen
    /// Pixels that convolutions pad, or sort by the stride, first.
    Arranged
    /// Tiles of sums that matrix products and convolutions write.
    Tiles
    /// Sums that they write.
    Sums
    /// Elements of two operands put together: sums, products, quotients.
    Arithmetic
    /// Lists of them that one operand is put together with one after the other.
    Repeated
    /// Elements of two operands that the tensor library spreads to one shape.
    Spread
    /// Elements of which the larger of them and zero is taken.
    Rectified
    /// Elements put one after the other.
    Joined
    /// Lists that they are put into.
    JoinedLists
    /// Elements put into another order.
    Transposed
    /// Lists of them, along the last dimension.
    TransposedLists
    /// Elements scaled and shifted by channel.
    Normalised
    /// Windows of two by two, side by side, of max-pools.
    Halved
    /// Elements of other windows of max-pools.
    Compared
    /// Elements of windows of average pools.
    Averaged
    /// Exponential functions.
    Exponentials
    /// Hyperbolic tangents.
    Tangents
    /// Lists of elements that are made to sum to one.
    Lists
    /// Answers that are looked at.
    Answers
    /// Rows that are counted.
    Rows
    /// Rows whose logarithmic loss is taken.
    LogLosses
    /// Answers that a logarithmic loss is taken of.
    Probabilities
}

impl Kind {
    /// What one takes, in thousandths of an instruction.
    #[must_use]
    pub fn weight(self) -> u64 {
        WEIGHTS[self as usize].1
    }
}

/// How often each kind of thing is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost([u64; Kind::ALL.len()]);

impl Default for Cost {
    fn default() -> Self {
        Self([0; Kind::ALL.len()])
    }
}

impl Cost {
    /// As many of a kind as the product of these sizes; nothing when that is beyond counting.
    pub(crate) fn of(kind: Kind, sizes: &[usize]) -> Option<Self> {
        Self::default().and(kind, sizes)
    }

    /// As many more of a kind as the product of these sizes.
    pub(crate) fn and(self, kind: Kind, sizes: &[usize]) -> Option<Self> {
        let product = sizes
            .iter()
            .try_fold(1_u64, |product, size| product.checked_mul(u64::try_from(*size).ok()?))?;
        self.with(kind, product)
    }

    /// So many more of a kind.
    pub(crate) fn with(mut self, kind: Kind, more: u64) -> Option<Self> {
        let count = &mut self.0[kind as usize];
        *count = count.checked_add(more)?;
        Some(self)
    }

    /// The sum.
    #[must_use]
    pub fn plus(mut self, other: Self) -> Option<Self> {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count = count.checked_add(more)?;
        }
        Some(self)
    }

    /// This cost so many times.
    #[must_use]
    pub fn times(mut self, times: u64) -> Option<Self> {
        for count in &mut self.0 {
            *count = count.checked_mul(times)?;
        }
        Some(self)
    }

    /// How many of a kind.
    #[must_use]
    pub const fn count(&self, kind: Kind) -> u64 {
        self.0[kind as usize]
    }

    /// Multiply-adds that the kernels do.
    #[must_use]
    pub const fn multiply_adds(&self) -> u64 {
        self.count(Kind::MultiplyAdds)
    }

    /// The instructions it takes, rounded up.
    #[must_use]
    pub fn work(&self) -> Work {
        let weighed =
            Kind::ALL.map(|kind| u128::from(kind.weight()) * u128::from(self.count(kind)));
        let sum = weighed.into_iter().fold(0_u128, u128::saturating_add);
        Work(u64::try_from(sum.div_ceil(PER_INSTRUCTION)).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_weight() {
        assert_eq!(WEIGHTS.map(|(kind, _)| kind), Kind::ALL);
    }

    #[test]
    fn work_is_the_weighed_sum_and_never_less() {
        let sums = Kind::Sums.weight();
        let one = Cost::of(Kind::Sums, &[1]).unwrap();
        assert_eq!(one.work(), Work(sums.div_ceil(1_000)));
        let many = one.times(999).unwrap().with(Kind::Steps, 2).unwrap();
        assert_eq!(many.work(), Work((999 * sums + 2 * Kind::Steps.weight()).div_ceil(1_000)));
        assert_eq!(Cost::of(Kind::Sums, &[usize::MAX, 1]).unwrap().work(), Work(u64::MAX));
        assert_eq!(Cost::of(Kind::Sums, &[usize::MAX, 2]), None);
    }
}
