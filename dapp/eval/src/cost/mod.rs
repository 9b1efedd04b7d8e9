//! The cost of an evaluation, counted from shapes and lengths before anything runs.
//!
//! The count of each kind of event is multiplied by its cost on the machine's processor, from the
//! table of weights, which is fitted to instructions counted under qemu (`cargo cost fit`) and
//! checked against them (`cargo cost check`). Rows and activations are assumed to have no zeros:
//! the kernels skip zeros, so real ones cost less.

mod kernels;
mod weights;

pub(crate) use kernels::{
    byte_product, convolution, packed_bytes, packed_filters, packed_matrix, product,
};
use market::Work;
use weights::WEIGHTS;

/// Weights are thousandths of an instruction.
const PER_INSTRUCTION: u128 = 1_000;

/// Declares the kinds of event that are counted.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident)*) => {
        /// A kind of event whose count decides what an evaluation costs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum CostKind {
            $($(#[$doc])* $kind,)*
        }

        impl CostKind {
            /// All of them, in order.
            pub const ALL: [Self; [$(stringify!($kind)),*].len()] = [$(Self::$kind),*];
        }
    };
}

kinds! {
    /// Pairs of files read.
    Evaluations
    /// Bytes of models.
    ModelBytes
    /// Numbers of right operands that are packed into the order in which the kernels read them.
    Packed
    /// Lists that they are packed into.
    PackedLists
    /// Constants of graphs read.
    Constants
    /// Features read that are stored as bytes.
    StoredBytes
    /// Features read that are stored as f32.
    StoredReals
    /// Nodes read, and planned for a row, a batch and the remaining rows.
    Planned
    /// Steps, one per batch.
    Steps
    /// Nodes of steps of fewer rows than a batch, which are planned separately.
    Replanned
    /// Values that a step holds: constants and outputs of nodes.
    Values
    /// Nodes run.
    Nodes
    /// Nodes that compute: operations of the tensor library's backend.
    Operations
    /// Features converted from bytes.
    FromBytes
    /// Features copied.
    Copied
    /// Multiply-adds of the kernels.
    MultiplyAdds
    /// Numbers that the kernels load for them.
    Loads
    /// Iterations of the innermost loop of matrix products that multiply rows together.
    Turns
    /// Factors that they multiply one by one, counted once per panel of columns.
    Alone
    /// Left factors that matrix products examine.
    Factors
    /// Input patches, one per run of taps, input row and column of tiles.
    Windows
    /// Input patches that convolutions gather, counted per tile of pixels.
    Runs
    /// Input patches that blocks of filters multiply, counted per tile.
    Seen
    /// Pixels that convolutions first pad or sort by the stride.
    Arranged
    /// Tiles of sums that matrix products and convolutions write.
    Tiles
    /// Sums that they write.
    Sums
    /// Elements of two operands combined: sums, products, quotients.
    Arithmetic
    /// Lists of them that one operand is combined with in turn.
    Repeated
    /// Elements of two operands that the tensor library broadcasts to one shape.
    Spread
    /// Elements that a ReLU is applied to.
    Rectified
    /// Elements concatenated.
    Joined
    /// Lists that they are copied into.
    JoinedLists
    /// Elements permuted.
    Transposed
    /// Lists of them, along the last dimension.
    TransposedLists
    /// Elements scaled and shifted by channel.
    Normalised
    /// Non-overlapping two-by-two windows of max-pools.
    Halved
    /// Elements of other windows of max-pools.
    Compared
    /// Elements of windows of average pools.
    Averaged
    /// Exponential functions.
    Exponentials
    /// Hyperbolic tangents.
    Tangents
    /// Lists of elements that are normalised to sum to one.
    Lists
    /// Iterations of the innermost loop of products of bytes, of a tile of rows and columns.
    ByteTurns
    /// Times that the sums of such a tile are taken out of their lanes.
    ByteTiles
    /// Bytes packed for them.
    BytesPacked
    /// Sums that they write.
    ByteSums
    /// Elementary steps of operators on plain lists.
    PlainSteps
    /// Answers examined.
    Answers
    /// Rows counted.
    Rows
    /// Rows whose logarithmic loss is computed.
    LogLosses
    /// Answers that enter a logarithmic loss.
    Probabilities
}

impl CostKind {
    /// Cost of one event, in thousandths of an instruction.
    #[must_use]
    pub fn weight(self) -> u64 {
        WEIGHTS[self as usize].1
    }
}

/// The count of each kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost([u64; CostKind::ALL.len()]);

impl Default for Cost {
    fn default() -> Self {
        Self([0; CostKind::ALL.len()])
    }
}

impl Cost {
    /// As many of a kind as the product of these sizes; `None` if that overflows.
    pub(crate) fn of(kind: CostKind, sizes: &[usize]) -> Option<Self> {
        Self::default().and(kind, sizes)
    }

    /// As many more of a kind as the product of these sizes.
    pub(crate) fn and(self, kind: CostKind, sizes: &[usize]) -> Option<Self> {
        let product = sizes
            .iter()
            .try_fold(1_u64, |product, size| product.checked_mul(u64::try_from(*size).ok()?))?;
        self.with(kind, product)
    }

    /// This many more of a kind.
    pub(crate) fn with(mut self, kind: CostKind, more: u64) -> Option<Self> {
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

    /// This cost multiplied by a number.
    #[must_use]
    pub fn times(mut self, times: u64) -> Option<Self> {
        for count in &mut self.0 {
            *count = count.checked_mul(times)?;
        }
        Some(self)
    }

    /// Number of events of a kind.
    #[must_use]
    pub const fn count(&self, kind: CostKind) -> u64 {
        self.0[kind as usize]
    }

    /// Multiply-adds of the kernels.
    #[must_use]
    pub const fn multiply_adds(&self) -> u64 {
        self.count(CostKind::MultiplyAdds)
    }

    /// Elementary steps of operators on plain lists; an iteration of a kernel's innermost loop is
    /// one.
    pub(crate) const fn plain_steps(&self) -> u64 {
        self.count(CostKind::PlainSteps).saturating_add(self.count(CostKind::ByteTurns))
    }

    /// The cost in instructions, rounded up.
    #[must_use]
    pub fn work(&self) -> Work {
        let weighed =
            CostKind::ALL.map(|kind| u128::from(kind.weight()) * u128::from(self.count(kind)));
        let sum = weighed.into_iter().fold(0_u128, u128::saturating_add);
        Work(u64::try_from(sum.div_ceil(PER_INSTRUCTION)).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_weight() {
        assert_eq!(WEIGHTS.map(|(kind, _)| kind), CostKind::ALL);
    }

    #[test]
    fn work_is_the_weighed_sum_and_never_less() {
        let sums = CostKind::Sums.weight();
        let one = Cost::of(CostKind::Sums, &[1]).unwrap();
        assert_eq!(one.work(), Work(sums.div_ceil(1_000)));
        let many = one.times(999).unwrap().with(CostKind::Steps, 2).unwrap();
        assert_eq!(many.work(), Work((999 * sums + 2 * CostKind::Steps.weight()).div_ceil(1_000)));
        assert_eq!(Cost::of(CostKind::Sums, &[usize::MAX, 1]).unwrap().work(), Work(u64::MAX));
        assert_eq!(Cost::of(CostKind::Sums, &[usize::MAX, 2]), None);
    }
}
