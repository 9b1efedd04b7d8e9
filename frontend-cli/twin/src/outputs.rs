//! The tree of an application's outputs, as far as its root: height 63, keccak-256, append-only.

use sha3::{Digest as _, Keccak256};

/// Levels above the leaves.
const HEIGHT: usize = 63;

/// A hash.
pub type Hash = [u8; 32];

/// The root of a growing list of outputs.
#[derive(Clone, Debug)]
pub struct Outputs {
    count: u64,
    /// The last full subtree of each height that has no right neighbour yet.
    left: [Hash; HEIGHT],
    /// The root of empty leaves, at each height.
    empty: [Hash; HEIGHT],
}

impl Default for Outputs {
    fn default() -> Self {
        let mut empty = [[0; 32]; HEIGHT];
        for height in 1..HEIGHT {
            empty[height] = parent(&empty[height - 1], &empty[height - 1]);
        }
        Self { count: 0, left: empty, empty }
    }
}

impl Outputs {
    /// Number of outputs.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Appends the hash of the next output.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        for height in 0..HEIGHT {
            if self.count >> height & 1 == 0 {
                self.left[height] = node;
                break;
            }
            node = parent(&self.left[height], &node);
        }
        self.count += 1;
    }

    /// The root of all outputs so far.
    #[must_use]
    pub fn root(&self) -> Hash {
        (0..HEIGHT).fold([0; 32], |node, height| {
            if self.count >> height & 1 == 1 {
                parent(&self.left[height], &node)
            } else {
                parent(&node, &self.empty[height])
            }
        })
    }
}

/// The keccak-256 of some bytes.
#[must_use]
pub fn keccak(bytes: &[u8]) -> Hash {
    Keccak256::digest(bytes).into()
}

/// The root that an output's place and siblings lead to, from the leaf up; `None` if there are not
/// as many as levels, or there is no such place.
#[must_use]
pub fn root_of(output: &[u8], index: u64, siblings: &[Hash]) -> Option<Hash> {
    if siblings.len() != HEIGHT || index >> HEIGHT != 0 {
        return None;
    }
    Some(siblings.iter().enumerate().fold(keccak(output), |node, (height, sibling)| {
        if index >> height & 1 == 0 { parent(&node, sibling) } else { parent(sibling, &node) }
    }))
}

fn parent(left: &Hash, right: &Hash) -> Hash {
    Keccak256::new().chain_update(left).chain_update(right).finalize().into()
}

/// The bytes of a hexadecimal text.
pub(crate) fn bytes(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.strip_prefix("0x")?).ok()
}

pub(crate) fn hash_of(text: &str) -> Option<Hash> {
    bytes(text)?.try_into().ok()
}

/// Bytes as a hexadecimal text.
pub(crate) fn shown(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_that_of_the_whole_tree() {
        let mut outputs = Outputs::default();
        let root = "0a162946e56158bac0673e6dd3bdfdc1e4a0e7744a120fdb640050c8d7abe1c6";
        assert_eq!(hex::encode(outputs.root()), root, "as Cartesi documents it");
        let mut leaves: Vec<Hash> = Vec::new();
        for number in 0..37_u64 {
            leaves.push(keccak(&number.to_be_bytes()));
            outputs.push(leaves[leaves.len() - 1]);
            let (mut level, mut empty) = (leaves.clone(), [0; 32]);
            let mut siblings = Vec::new();
            let mut place = leaves.len() - 1;
            for _ in 0..HEIGHT {
                if level.len() % 2 == 1 {
                    level.push(empty);
                }
                siblings.push(level[place ^ 1]);
                place /= 2;
                level = level.chunks(2).map(|pair| parent(&pair[0], &pair[1])).collect();
                empty = parent(&empty, &empty);
            }
            assert_eq!(outputs.root(), level[0]);
            assert_eq!(root_of(&number.to_be_bytes(), number, &siblings), Some(level[0]));
            assert_ne!(root_of(&number.to_be_bytes(), number ^ 1, &siblings), Some(level[0]));
            assert_eq!(root_of(&number.to_be_bytes(), number, &siblings[1..]), None);
        }
    }
}
