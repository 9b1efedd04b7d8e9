//! Reassembly of a file from the blocks of its tree, whoever delivers them.
//!
//! The caller does the I/O: it fetches the `wanted` block and pushes it, until no block is wanted.

use crate::{Cid, Codec, NodeRefused, links};

/// Maximum number of levels of nodes; eight levels of 174 links per node reach 2^59 leaves.
const MAX_DEPTH: usize = 8;

/// A file that grows from the front; each block is verified before its contents are trusted.
///
/// Bounded by `limit`: a node's size is checked before its children are fetched, every child has
/// bytes, and a tree refers to a block only by its hash, so that it cannot contain itself.
#[derive(Debug)]
pub struct Assembly {
    /// Blocks still to come, the next one last.
    wanted: Vec<Wanted>,
    bytes: Vec<u8>,
    limit: u64,
}

#[derive(Clone, Copy, Debug)]
struct Wanted {
    cid: Cid,
    /// Size in file bytes according to its parent; `None` for the root.
    size: Option<u64>,
    depth: usize,
}

/// Reason for refusing a delivered block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockRefused {
    /// No block is wanted any more.
    #[error("the file is complete")]
    NotWanted,
    /// The bytes do not match the wanted CID.
    #[error("the bytes are those of {found}, not of {expected}")]
    WrongBlock {
        /// The wanted CID.
        expected: Cid,
        /// CID of the delivered bytes.
        found: Cid,
    },
    /// The block matches its CID, but is not a supported node.
    #[error("{cid}: {refused}")]
    Node {
        /// The block.
        cid: Cid,
        /// Fault of the node.
        refused: NodeRefused,
    },
    /// A node's size differs from the sum over its children.
    #[error("{cid} has {found} bytes, its parent says {expected}")]
    SizeMismatch {
        /// The block.
        cid: Cid,
        /// File bytes beneath it according to its parent.
        expected: u64,
        /// File bytes actually beneath it.
        found: u64,
    },
    /// The file is longer than the caller accepts.
    #[error("more than {limit} bytes")]
    TooLong {
        /// Limit set by the caller.
        limit: u64,
    },
    /// More levels than any file needs.
    #[error("a tree of more than {MAX_DEPTH} levels")]
    TooDeep,
}

impl Assembly {
    /// An empty assembly of the file with CID `root`, refusing more than `limit` bytes.
    #[must_use]
    pub fn new(root: Cid, limit: u64) -> Self {
        let wanted = vec![Wanted { cid: root, size: None, depth: 0 }];
        Self { wanted, bytes: Vec::new(), limit }
    }

    /// The block to push next; `None` if the file is complete.
    #[must_use]
    pub fn wanted(&self) -> Option<Cid> {
        self.wanted.last().map(|wanted| wanted.cid)
    }

    /// The file's bytes so far, from the front.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Adds the wanted block; after an error nothing has changed, and `push` can be called again.
    pub fn push(&mut self, block: &[u8]) -> Result<(), BlockRefused> {
        let Wanted { cid, size, depth } = *self.wanted.last().ok_or(BlockRefused::NotWanted)?;
        let found = Cid::of_block(cid.codec, block);
        if found != cid {
            return Err(BlockRefused::WrongBlock { expected: cid, found });
        }
        let children = match cid.codec {
            Codec::Raw => Vec::new(),
            Codec::DagPb if depth == MAX_DEPTH => return Err(BlockRefused::TooDeep),
            Codec::DagPb => links(block).map_err(|refused| BlockRefused::Node { cid, refused })?,
        };
        let found = match cid.codec {
            Codec::Raw => block.len() as u64,
            Codec::DagPb => children.iter().map(|child| child.size).sum(),
        };
        if let Some(expected) = size.filter(|&size| size != found) {
            return Err(BlockRefused::SizeMismatch { cid, expected, found });
        }
        if found > self.limit.saturating_sub(self.bytes.len() as u64) {
            return Err(BlockRefused::TooLong { limit: self.limit });
        }
        // Nothing below can fail.
        self.wanted.pop();
        if cid.codec == Codec::Raw {
            self.bytes.extend_from_slice(block);
        }
        self.wanted.extend(children.iter().rev().map(|child| Wanted {
            cid: child.cid,
            size: Some(child.size),
            depth: depth + 1,
        }));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{Link, Profile, blocks, node::encode};

    type Blocks = BTreeMap<Cid, Vec<u8>>;

    fn assemble(root: Cid, limit: u64, store: &Blocks) -> Result<Vec<u8>, BlockRefused> {
        let mut assembly = Assembly::new(root, limit);
        while let Some(cid) = assembly.wanted() {
            assembly.push(&store[&cid])?;
        }
        Ok(assembly.into_bytes())
    }

    fn stored(bytes: &[u8], profile: Profile) -> (Cid, Blocks) {
        let store = blocks(bytes, profile).map(|(cid, block)| (cid, block.into_owned())).collect();
        let (root, _) = blocks(bytes, profile).last().unwrap();
        (root, store)
    }

    #[test]
    fn a_tree_of_two_levels_comes_back_and_one_byte_more_than_the_limit_does_not() {
        // Runs of zeros make equal leaves and equal nodes; a store keeps each of them once.
        let bytes = [vec![0; 400 * 262_144], vec![7; 1_000]].concat();
        let (root, store) = stored(&bytes, Profile::Kubo);
        let limit = bytes.len() as u64;
        assert!(assemble(root, limit, &store).as_deref() == Ok(bytes.as_slice()));
        let refused = assemble(root, limit - 1, &store).map(drop);
        assert_eq!(refused, Err(BlockRefused::TooLong { limit: limit - 1 }));
        assert_eq!(store.len(), 5);
    }

    #[test]
    fn every_refusal_names_the_block_and_leaves_the_assembly_as_it_was() {
        let (root, store) = stored(&vec![1; 300_000], Profile::Kubo);
        let mut assembly = Assembly::new(root, 300_000);
        assembly.push(&store[&root]).unwrap();
        let expected = assembly.wanted().unwrap();
        let found = Cid::of_block(Codec::Raw, b"other");
        let refused = assembly.push(b"other");
        assert_eq!(refused, Err(BlockRefused::WrongBlock { expected, found }));
        assert_eq!((assembly.wanted(), assembly.bytes.len()), (Some(expected), 0));

        let leaf = Cid::of_block(Codec::Raw, b"x");
        assert_eq!(assemble(leaf, 1, &[(leaf, b"x".to_vec())].into()), Ok(b"x".to_vec()));
        let mut done = Assembly::new(leaf, 1);
        done.push(b"x").unwrap();
        assert_eq!(done.push(b"x"), Err(BlockRefused::NotWanted));

        let no_node = Cid::of_block(Codec::DagPb, b"x");
        let refused = NodeRefused::Malformed;
        assert_eq!(
            assemble(no_node, 9, &[(no_node, b"x".to_vec())].into()),
            Err(BlockRefused::Node { cid: no_node, refused }),
        );
    }

    #[test]
    fn lying_sizes_bombs_and_towers_are_refused() {
        let leaf = Cid::of_block(Codec::Raw, b"x");
        let mut store = Blocks::from([(leaf, b"x".to_vec())]);
        let mut add = |children: &[Link]| {
            let (link, node) = encode(children);
            store.insert(link.cid, node);
            link
        };
        let lie = add(&[Link { size: 2, ..Link::leaf(leaf, 1) }]);
        let mut bomb = Link::leaf(leaf, 1);
        for _ in 0..5 {
            bomb = add(&[bomb; 1_000]);
        }
        let mut tower = Link::leaf(leaf, 1);
        for _ in 0..=MAX_DEPTH {
            tower = add(&[tower]);
        }
        let table = [
            (lie, BlockRefused::SizeMismatch { cid: leaf, expected: 2, found: 1 }),
            (bomb, BlockRefused::TooLong { limit: 9 }),
            (tower, BlockRefused::TooDeep),
        ];
        for (root, refused) in table {
            assert_eq!(assemble(root.cid, 9, &store), Err(refused));
        }
    }
}
