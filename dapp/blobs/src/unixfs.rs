//! The balanced UnixFS tree of a file: raw leaves, then levels of nodes up to a single root.
//!
//! A file of at most one leaf is that raw block alone.

use std::{borrow::Cow, collections::VecDeque, iter::Chain, option, slice};

use sha2::{Digest as _, Sha256};

use crate::{
    BlobRef, Cid, Codec, Digest, Profile,
    node::{self, Link},
};

/// The CID of a file chunked by `profile`.
#[must_use]
pub fn cid_of(bytes: &[u8], profile: Profile) -> Cid {
    let mut tree = Tree::new(profile);
    tree.extend(bytes);
    tree.cid()
}

/// The reference to a file, as a job or submission states it.
#[must_use]
pub fn blob_ref(bytes: &[u8], profile: Profile) -> BlobRef {
    BlobRef { digest: cid_of(bytes, profile).digest, size: bytes.len() as u64, profile }
}

/// Every block of a file, children before their parents: the root is last.
///
/// Leaves borrow from `bytes`; nodes are built lazily.
#[must_use]
pub fn blocks(bytes: &[u8], profile: Profile) -> Blocks<'_> {
    // An empty file still has one leaf.
    let empty = bytes.is_empty().then_some(bytes);
    Blocks {
        leaves: empty.into_iter().chain(bytes.chunks(leaf_bytes(profile))),
        below: VecDeque::new(),
        level: Vec::new(),
        links: profile.links(),
    }
}

/// The iterator of [`blocks`].
pub struct Blocks<'a> {
    leaves: Chain<option::IntoIter<&'a [u8]>, slice::Chunks<'a, u8>>,
    /// Links to children that have no parent yet.
    below: VecDeque<Link>,
    /// The level under construction.
    level: Vec<Link>,
    links: usize,
}

impl<'a> Iterator for Blocks<'a> {
    type Item = (Cid, Cow<'a, [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(leaf) = self.leaves.next() {
            let cid = Cid::of_block(Codec::Raw, leaf);
            self.level.push(Link::leaf(cid, leaf.len() as u64));
            return Some((cid, Cow::Borrowed(leaf)));
        }
        if self.below.is_empty() {
            if self.level.len() == 1 {
                return None;
            }
            self.below = std::mem::take(&mut self.level).into();
        }
        let group: Vec<Link> = self.below.drain(..self.links.min(self.below.len())).collect();
        let (link, block) = node::encode(&group);
        self.level.push(link);
        Some((link.cid, Cow::Owned(block)))
    }
}

/// The tree of a file whose bytes arrive incrementally; keeps one digest per leaf and no bytes.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    profile: Profile,
    leaves: Vec<Link>,
    open_leaf: Sha256,
    open_bytes: usize,
}

impl Tree {
    pub(crate) fn new(profile: Profile) -> Self {
        Self { profile, leaves: Vec::new(), open_leaf: Sha256::new(), open_bytes: 0 }
    }

    pub(crate) fn extend(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            // A full leaf is closed only when more bytes follow, so that the last one stays open.
            if self.open_bytes == leaf_bytes(self.profile) {
                self.close_leaf();
            }
            let room = leaf_bytes(self.profile) - self.open_bytes;
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.open_leaf.update(now);
            self.open_bytes += now.len();
            bytes = later;
        }
    }

    pub(crate) fn cid(mut self) -> Cid {
        self.close_leaf();
        let mut level = self.leaves;
        while level.len() > 1 {
            level = level.chunks(self.profile.links()).map(|group| node::encode(group).0).collect();
        }
        level[0].cid
    }

    fn close_leaf(&mut self) {
        let digest = Digest(self.open_leaf.finalize_reset().into());
        let size = std::mem::take(&mut self.open_bytes) as u64;
        self.leaves.push(Link::leaf(Cid { codec: Codec::Raw, digest }, size));
    }
}

fn leaf_bytes(profile: Profile) -> usize {
    profile.leaf_size() as usize
}
