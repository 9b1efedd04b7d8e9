//! Inner nodes of a UnixFS tree as dag-pb blocks, in the canonical form of the market's CIDs.
//!
//! ```text
//! node    ( 12 len link )*  0a len data            links in file order, then data
//! link    0a 24 cid[36]  12 00  18 tree_size       name empty; numbers are protobuf varints
//! data    08 02  18 size  ( 20 link_size )*        type file; total size, then size of each link
//! ```
//!
//! - Source: IPLD dag-pb specification, UnixFS specification

use crate::{Cid, Codec};

/// Maximum number of links per node in any supported profile.
const MAX_LINKS: usize = 1_024;

const NODE_DATA: u8 = 0x0a;
const NODE_LINK: u8 = 0x12;
const LINK_CID: u8 = 0x0a;
const LINK_NAME: u8 = 0x12;
const LINK_TREE_SIZE: u8 = 0x18;
const DATA_TYPE_FILE: [u8; 2] = [0x08, 0x02];
const DATA_SIZE: u8 = 0x18;
const DATA_LINK_SIZE: u8 = 0x20;

/// One child in a UnixFS tree.
///
/// - Units: both sizes in bytes
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The child's CID.
    pub cid: Cid,
    /// File bytes beneath the child.
    pub size: u64,
    /// Bytes of all blocks of the child's tree, its own block included.
    pub tree_size: u64,
}

impl Link {
    pub(crate) fn leaf(cid: Cid, size: u64) -> Self {
        Self { cid, size, tree_size: size }
    }
}

/// Reason why a block is not a node of a supported tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeRefused {
    /// Not dag-pb, or not in the canonical form.
    #[error("not a canonical UnixFS file node with raw leaves")]
    Malformed,
    /// More children than any supported profile allows.
    #[error("more than {MAX_LINKS} links")]
    TooManyLinks,
    /// A child without bytes, or sizes whose sum overflows.
    #[error("absurd sizes")]
    AbsurdSizes,
}

/// Encodes the node with these children; also returns the link to it.
pub(crate) fn encode(children: &[Link]) -> (Link, Vec<u8>) {
    let size = children.iter().map(|child| child.size).sum();
    let mut node = Vec::with_capacity(children.len() * 60);
    let mut data = DATA_TYPE_FILE.to_vec();
    put_number(&mut data, DATA_SIZE, size);
    for child in children {
        let mut link = Vec::with_capacity(56);
        put_bytes(&mut link, LINK_CID, &child.cid.to_bytes());
        put_bytes(&mut link, LINK_NAME, &[]);
        put_number(&mut link, LINK_TREE_SIZE, child.tree_size);
        put_bytes(&mut node, NODE_LINK, &link);
        put_number(&mut data, DATA_LINK_SIZE, child.size);
    }
    put_bytes(&mut node, NODE_DATA, &data);
    let beneath: u64 = children.iter().map(|child| child.tree_size).sum();
    let tree_size = beneath + node.len() as u64;
    (Link { cid: Cid::of_block(Codec::DagPb, &node), size, tree_size }, node)
}

/// The children of a node, in file order.
///
/// - Errors: `Malformed` if the bytes differ from what `blocks` writes
pub fn links(node: &[u8]) -> Result<Vec<Link>, NodeRefused> {
    let children = parse(node)?;
    let total = |size: fn(&Link) -> u64| {
        children.iter().try_fold(node.len() as u64, |sum, child| sum.checked_add(size(child)))
    };
    if children.iter().any(|child| child.size == 0)
        || total(|child| child.size).is_none()
        || total(|child| child.tree_size).is_none()
    {
        return Err(NodeRefused::AbsurdSizes);
    }
    // Stricter than a parser: a blob of the market has exactly one encoding.
    if encode(&children).1 != node {
        return Err(NodeRefused::Malformed);
    }
    Ok(children)
}

/// Parses the children without checks; lenient, as `links` compares the encoding afterwards.
fn parse(node: &[u8]) -> Result<Vec<Link>, NodeRefused> {
    let mut rest = node;
    let mut children = Vec::new();
    while let Some(mut link) = take_bytes(&mut rest, NODE_LINK) {
        if children.len() == MAX_LINKS {
            return Err(NodeRefused::TooManyLinks);
        }
        children.push(take_link(&mut link).ok_or(NodeRefused::Malformed)?);
    }
    let mut data = take_bytes(&mut rest, NODE_DATA)
        .and_then(|data| data.strip_prefix(&DATA_TYPE_FILE))
        .ok_or(NodeRefused::Malformed)?;
    take_number(&mut data, DATA_SIZE).ok_or(NodeRefused::Malformed)?;
    for child in &mut children {
        child.size = take_number(&mut data, DATA_LINK_SIZE).ok_or(NodeRefused::Malformed)?;
    }
    if children.is_empty() { Err(NodeRefused::Malformed) } else { Ok(children) }
}

/// Parses a link without its file size, which is in the node's data.
fn take_link(link: &mut &[u8]) -> Option<Link> {
    let cid = Cid::from_bytes(take_bytes(link, LINK_CID)?).ok()?;
    take_bytes(link, LINK_NAME)?;
    Some(Link { cid, size: 0, tree_size: take_number(link, LINK_TREE_SIZE)? })
}

fn put_number(out: &mut Vec<u8>, tag: u8, mut number: u64) {
    out.push(tag);
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            return out.push(low & 0x7f);
        }
        out.push(low | 0x80);
    }
}

fn put_bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    put_number(out, tag, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Parses the number after this tag; `None` if another tag follows, with nothing of use consumed.
fn take_number(from: &mut &[u8], tag: u8) -> Option<u64> {
    let mut rest = from.strip_prefix(&[tag])?;
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            *from = rest;
            return Some(number);
        }
    }
    None
}

fn take_bytes<'a>(from: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let len = usize::try_from(take_number(from, tag)?).ok()?;
    let (bytes, rest) = from.split_at_checked(len)?;
    *from = rest;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn children() -> [Link; 2] {
        [b"one".as_slice(), b"three"]
            .map(|leaf| Link::leaf(Cid::of_block(Codec::Raw, leaf), leaf.len() as u64))
    }

    #[test]
    fn a_node_decodes_to_its_children_and_refuses_any_changed_byte_outside_digests() {
        let (link, node) = encode(&children());
        assert_eq!((link.size, link.tree_size), (8, 8 + node.len() as u64));
        assert_eq!(links(&node), Ok(children().to_vec()));
        let trailing = [node.as_slice(), &[0]].concat();
        assert_eq!(links(&trailing), Err(NodeRefused::Malformed));
        for len in 0..node.len() {
            assert_eq!(links(&node[..len]), Err(NodeRefused::Malformed), "{len} bytes");
        }
        for at in 0..node.len() {
            let mut changed = node.clone();
            changed[at] ^= 0x81;
            assert_ne!(links(&changed), Ok(children().to_vec()), "byte {at}");
        }
    }

    #[test]
    fn hostile_sizes_and_counts_are_refused() {
        let [child, _] = children();
        let node = |changed| encode(&[changed]).1;
        let table = [
            (node(Link { size: 0, ..child }), NodeRefused::AbsurdSizes),
            (node(Link { size: u64::MAX, tree_size: 1, ..child }), NodeRefused::AbsurdSizes),
            (encode(&[child; MAX_LINKS + 1]).1, NodeRefused::TooManyLinks),
            (encode(&[]).1, NodeRefused::Malformed),
        ];
        for (node, refused) in table {
            assert_eq!(links(&node), Err(refused));
        }
    }
}
