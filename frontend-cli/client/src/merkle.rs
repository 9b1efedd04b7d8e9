//! The outputs Merkle tree of a Cartesi application: height 63, keccak-256, append-only.
//!
//! Only complete subtrees are kept, so that a push is cheap and roots and proofs at any earlier
//! size remain available: a claim fixes a size, which later outputs do not affect.

use alloy::primitives::{B256, keccak256};
use serde::{Deserialize, Serialize};

/// Levels above the leaves; a tree holds at most 2^63 outputs.
pub const HEIGHT: u32 = 63;

/// Append-only tree over the hashes of an application's outputs, in order since genesis.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Vec<B256>", into = "Vec<B256>")]
pub struct OutputsTree {
    /// `complete[h][i]` is the root of the i-th full subtree of 2^h leaves.
    complete: Vec<Vec<B256>>,
    /// `empty[h]` is the root of a subtree of 2^h empty leaves.
    empty: Vec<B256>,
}

impl Default for OutputsTree {
    fn default() -> Self {
        let mut empty = vec![B256::ZERO];
        for _ in 0..HEIGHT {
            let below = empty[empty.len() - 1];
            empty.push(parent(below, below));
        }
        Self { complete: vec![Vec::new()], empty }
    }
}

/// Builds the tree from its leaves.
impl From<Vec<B256>> for OutputsTree {
    fn from(leaves: Vec<B256>) -> Self {
        let mut tree = Self::default();
        leaves.into_iter().for_each(|leaf| tree.push(leaf));
        tree
    }
}

impl From<OutputsTree> for Vec<B256> {
    fn from(tree: OutputsTree) -> Self {
        tree.complete.into_iter().next().unwrap_or_default()
    }
}

impl OutputsTree {
    /// Number of outputs in the tree.
    pub fn len(&self) -> u64 {
        self.complete[0].len() as u64
    }

    /// Whether no output was pushed yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends the hash of the next output.
    pub fn push(&mut self, leaf: B256) {
        let mut node = leaf;
        for height in 0.. {
            if self.complete.len() == height {
                self.complete.push(Vec::new());
            }
            let level = &mut self.complete[height];
            level.push(node);
            if level.len() % 2 == 1 {
                return;
            }
            node = parent(level[level.len() - 2], node);
        }
    }

    /// The hash of output `index`, if it is in the tree.
    pub fn leaf(&self, index: u64) -> Option<B256> {
        self.complete[0].get(usize::try_from(index).ok()?).copied()
    }

    /// The root of the first `size` outputs.
    pub fn root(&self, size: u64) -> B256 {
        self.node(HEIGHT, 0, size.min(self.len()))
    }

    /// Siblings of output `index` from the leaf up, in the tree of the first `size` outputs.
    ///
    /// - Shapes: 63 hashes; `None` if `index` is not below `size`, or the tree is still smaller
    pub fn proof(&self, index: u64, size: u64) -> Option<Vec<B256>> {
        if index >= size || size > self.len() {
            return None;
        }
        Some((0..HEIGHT).map(|height| self.node(height, (index >> height) ^ 1, size)).collect())
    }

    /// Root of the subtree of 2^`height` leaves number `index`, with leaves from `size` on empty.
    fn node(&self, height: u32, index: u64, size: u64) -> B256 {
        let first = u128::from(index) << height;
        let size_wide = u128::from(size);
        if first >= size_wide {
            return self.empty[height as usize];
        }
        if first + (1_u128 << height) <= size_wide {
            let position = usize::try_from(index).expect("a stored leaf fits the memory it is in");
            return self.complete[height as usize][position];
        }
        parent(self.node(height - 1, 2 * index, size), self.node(height - 1, 2 * index + 1, size))
    }
}

/// The root computed from the output hash `leaf` at `index` and its `siblings` (from the leaf up).
pub fn root_from_proof(leaf: B256, index: u64, siblings: &[B256]) -> B256 {
    siblings.iter().enumerate().fold(leaf, |node, (height, sibling)| {
        if (index >> height) & 1 == 0 { parent(node, *sibling) } else { parent(*sibling, node) }
    })
}

/// Whether `siblings` prove that `output` is number `index` in the tree with this `root`.
pub fn verify(output: &[u8], index: u64, siblings: &[B256], root: B256) -> bool {
    // Bits of the index above the tree's height would be ignored: an output could have two indices.
    siblings.len() == HEIGHT as usize
        && index >> HEIGHT == 0
        && root_from_proof(keccak256(output), index, siblings) == root
}

fn parent(left: B256, right: B256) -> B256 {
    let mut both = [0; 64];
    both[..32].copy_from_slice(left.as_slice());
    both[32..].copy_from_slice(right.as_slice());
    keccak256(both)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::b256;
    use proptest::{prelude::*, sample::Index};

    /// The naive reference: hashes every level in full, padding with the level's empty node.
    fn plain_root(leaves: &[B256]) -> B256 {
        let mut level = leaves.to_vec();
        let mut empty = B256::ZERO;
        for _ in 0..HEIGHT {
            if level.len() % 2 == 1 {
                level.push(empty);
            }
            level = level.chunks(2).map(|pair| parent(pair[0], pair[1])).collect();
            empty = parent(empty, empty);
        }
        level.first().copied().unwrap_or(empty)
    }

    fn leaf(number: u64) -> B256 {
        keccak256(number.to_be_bytes())
    }

    #[test]
    fn empty_root_is_the_contracts() {
        let root = b256!("0a162946e56158bac0673e6dd3bdfdc1e4a0e7744a120fdb640050c8d7abe1c6");
        assert_eq!(OutputsTree::default().root(0), root);
    }

    #[test]
    fn agrees_with_the_plain_reference_at_every_size() {
        let mut tree = OutputsTree::default();
        let leaves: Vec<B256> = (0..70).map(leaf).collect();
        for leaf in &leaves {
            tree.push(*leaf);
        }
        for size in 0..=70 {
            let root = plain_root(&leaves[..size]);
            let size = size as u64;
            assert_eq!(tree.root(size), root, "root at {size}");
            for index in 0..size {
                let siblings = tree.proof(index, size).unwrap();
                assert_eq!(root_from_proof(leaf(index), index, &siblings), root, "{index}/{size}");
            }
        }
    }

    /// A tree of `size` leaves derived from `seed`, and the leaves.
    fn grown(seed: u64, size: usize) -> (OutputsTree, Vec<B256>) {
        let mut tree = OutputsTree::default();
        let leaves = (0..size as u64).map(|number| leaf(number ^ seed.rotate_left(32)));
        let leaves: Vec<B256> = leaves.collect();
        leaves.iter().for_each(|leaf| tree.push(*leaf));
        (tree, leaves)
    }

    proptest! {
        #[test]
        fn agrees_with_the_plain_reference_at_any_earlier_size(
            seed: u64, size in 1_usize..1_500, earlier: Index, index: Index,
        ) {
            let (tree, leaves) = grown(seed, size);
            let earlier = earlier.index(size) + 1;
            let root = plain_root(&leaves[..earlier]);
            let index = index.index(earlier);
            prop_assert_eq!(tree.root(earlier as u64), root);
            let siblings = tree.proof(index as u64, earlier as u64).unwrap();
            prop_assert_eq!(siblings.len(), HEIGHT as usize);
            prop_assert_eq!(root_from_proof(leaves[index], index as u64, &siblings), root);
        }

        #[test]
        fn a_proof_of_something_else_proves_nothing(
            seed: u64, size in 2_usize..600, other: Index, bit in 0..256_usize,
            level in 0..HEIGHT as usize,
        ) {
            let (mut tree, _) = grown(seed, size);
            let output = seed.to_be_bytes();
            tree.push(keccak256(output));
            let (index, size) = (size as u64, size as u64 + 1);
            let (root, mut siblings) = (tree.root(size), tree.proof(index, size).unwrap());
            prop_assert!(verify(&output, index, &siblings, root));
            let other = other.index(usize::try_from(size).unwrap()) as u64;
            prop_assert_eq!(verify(&output, other, &siblings, root), other == index);
            prop_assert!(!verify(&output, index + (1 << HEIGHT), &siblings, root));
            siblings[level][bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!verify(&output, index, &siblings, root));
        }
    }

    #[test]
    fn refuses_proofs_of_what_is_not_there() {
        let mut tree = OutputsTree::default();
        tree.push(keccak256(b"an output"));
        let siblings = tree.proof(0, 1).unwrap();
        let root = tree.root(1);
        assert!(verify(b"an output", 0, &siblings, root));
        assert!(!verify(b"another output", 0, &siblings, root));
        assert!(!verify(b"an output", 1, &siblings, root));
        assert!(!verify(b"an output", 0, &siblings[1..], root));
        assert_eq!(tree.proof(1, 1), None);
        assert_eq!(tree.proof(0, 2), None);
    }
}
