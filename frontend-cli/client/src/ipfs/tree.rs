//! Files as any program adds them to IPFS: raw or dag-pb leaves, trees of any width, and a folder
//! around a single file.
//!
//! ```text
//! node    ( 12 len link )*  0a len data      dag-pb, in protobuf
//! link    0a len cid   12 len name   18 tree_size
//! data    08 type   12 len bytes   18 file_size   ( 20 link_size )*
//! ```
//!
//! - Source: IPLD dag-pb specification, UnixFS specification

use anyhow::{Context as _, Result, bail, ensure};
use blobs::{Cid, Codec, Digest};

use super::MAX_BLOCK_BYTES;
use crate::http::clipped;

/// The most levels of nodes; eight of 174 links reach 2^59 leaves.
const DEPTH_MAX: usize = 16;

/// The most blocks: those of the smallest leaves that are usual, and as many nodes beside.
const BLOCKS_MIN: u64 = 1_024;
const LEAF_BYTES_MIN: u64 = 1_024;

/// A file that grows from the front, whoever delivers its blocks; each is verified before its
/// contents are used.
#[derive(Debug)]
pub(super) struct Tree {
    /// Blocks still to come with their depth, the next one last.
    wanted: Vec<(Cid, usize)>,
    bytes: Vec<u8>,
    limit: u64,
    blocks_left: u64,
}

impl Tree {
    /// An empty tree of the file with CID `root`, which refuses more than `limit` bytes.
    pub(super) fn new(root: Cid, limit: u64) -> Self {
        let blocks_left = (limit / LEAF_BYTES_MIN).saturating_add(BLOCKS_MIN);
        Self { wanted: vec![(root, 0)], bytes: Vec::new(), limit, blocks_left }
    }

    /// The block to push next; `None` if the file is complete.
    pub(super) fn wanted(&self) -> Option<Cid> {
        self.wanted.last().map(|(cid, _)| *cid)
    }

    /// The file's bytes.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Adds the wanted block.
    ///
    /// - Errors: other bytes than the CID's; not a file; too long
    pub(super) fn push(&mut self, block: &[u8]) -> Result<()> {
        let (cid, depth) = self.wanted.pop().context("the file is complete")?;
        let found = Cid::of_block(cid.codec, block);
        ensure!(found == cid, "the bytes are those of {found}, not of {cid}");
        let left = self.blocks_left.checked_sub(1);
        self.blocks_left = left.context("it has more blocks than a file of this size needs")?;
        if cid.codec == Codec::Raw {
            return self.extend(block);
        }
        ensure!(depth < DEPTH_MAX, "a tree of more than {DEPTH_MAX} levels");
        let node = UnixFsNode::read(block).with_context(|| format!("{cid} is not a file"))?;
        let links = match node.kind {
            UnixFsType::File => {
                let known = node.file_size.unwrap_or(0);
                ensure!(depth > 0 || known <= self.limit, "more than {} bytes", self.limit);
                self.extend(node.bytes)?;
                node.links
            }
            UnixFsType::Folder if depth == 0 => vec![only_file(cid, node.links)?],
            UnixFsType::Folder => {
                bail!("{cid} is a folder of folders: give the CID of the file in it")
            }
        };
        let children = links.iter().rev().map(|link| (link.cid, depth + 1));
        self.wanted.extend(children);
        Ok(())
    }

    fn extend(&mut self, bytes: &[u8]) -> Result<()> {
        let room = self.limit.saturating_sub(self.bytes.len() as u64);
        ensure!(bytes.len() as u64 <= room, "more than {} bytes", self.limit);
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

/// The file of a folder that holds nothing else, as `ipfs add -w` makes one.
fn only_file(folder: Cid, mut links: Vec<Link>) -> Result<Link> {
    match links.pop() {
        Some(link) if links.is_empty() => Ok(link),
        None => bail!("{folder} is an empty folder"),
        Some(last) => {
            let (first, count) = (links.first().unwrap_or(&last), links.len() + 1);
            bail!(
                "{folder} is a folder of {count} files: give the CID of one of them, such as {} \
                 ({})",
                first.cid,
                first.name
            )
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UnixFsType {
    File,
    Folder,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Link {
    cid: Cid,
    name: String,
}

/// A block of codec dag-pb.
struct UnixFsNode<'a> {
    kind: UnixFsType,
    bytes: &'a [u8],
    file_size: Option<u64>,
    links: Vec<Link>,
}

impl<'a> UnixFsNode<'a> {
    fn read(block: &'a [u8]) -> Result<Self> {
        ensure!(block.len() as u64 <= MAX_BLOCK_BYTES, "a block of {} bytes", block.len());
        let (mut data, mut links) = (None, Vec::new());
        for field in fields(block) {
            match field? {
                (1, Value::Bytes(bytes)) => data = Some(bytes),
                (2, Value::Bytes(link)) => links.push(link),
                _ => {}
            }
        }
        let (mut kind, mut bytes, mut file_size): (_, &[u8], _) = (None, &[], None);
        for field in fields(data.context("it has no data of UnixFS")?) {
            match field? {
                (1, Value::Number(number)) => kind = Some(number),
                (2, Value::Bytes(inline)) => bytes = inline,
                (3, Value::Number(size)) => file_size = Some(size),
                _ => {}
            }
        }
        let kind = match kind {
            Some(0 | 2) => UnixFsType::File,
            Some(1) => UnixFsType::Folder,
            Some(5) => bail!("it is a large folder: give the CID of a file in it"),
            Some(4) => bail!("it is a symbolic link: give the CID of a file"),
            _ => bail!("it is of a kind that UnixFS does not have"),
        };
        let links = links.into_iter().map(Link::read).collect::<Result<_>>()?;
        Ok(Self { kind, bytes, file_size, links })
    }
}

impl Link {
    fn read(link: &[u8]) -> Result<Self> {
        let (mut cid, mut name) = (None, String::new());
        for field in fields(link) {
            match field? {
                (1, Value::Bytes(bytes)) => cid = Some(read_cid(bytes)?),
                (2, Value::Bytes(text)) => name = clipped(&String::from_utf8_lossy(text)),
                _ => {}
            }
        }
        Ok(Self { cid: cid.context("a link without a CID")?, name })
    }
}

/// A binary CID of version 0 or 1.
pub(super) fn read_cid(bytes: &[u8]) -> Result<Cid> {
    match bytes.strip_prefix(&[0x12, 0x20]).map(<[u8; 32]>::try_from) {
        Some(Ok(digest)) => Ok(Cid { codec: Codec::DagPb, digest: Digest(digest) }),
        _ => Ok(Cid::from_bytes(bytes)?),
    }
}

/// A value of a protobuf field.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a protobuf message.
fn fields(mut rest: &[u8]) -> impl Iterator<Item = Result<(u64, Value<'_>)>> {
    std::iter::from_fn(move || {
        let field = (!rest.is_empty()).then(|| take_field(&mut rest));
        if let Some(None) = field {
            rest = &[];
        }
        field.map(|field| field.context("it is not of the dag-pb format"))
    })
}

fn take_field<'a>(from: &mut &'a [u8]) -> Option<(u64, Value<'a>)> {
    let tag = take_number(from)?;
    let value = match tag & 7 {
        0 => Value::Number(take_number(from)?),
        2 => {
            let len = usize::try_from(take_number(from)?).ok()?;
            let (bytes, after) = from.split_at_checked(len)?;
            *from = after;
            Value::Bytes(bytes)
        }
        _ => return None,
    };
    Some((tag >> 3, value))
}

fn take_number(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (&byte, after) = from.split_first()?;
        *from = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use blobs::{Profile, blocks};

    use super::*;

    type Blocks = BTreeMap<Cid, Vec<u8>>;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let len = u8::try_from(bytes.len()).unwrap();
        assert!(len < 0x80);
        [&[number << 3 | 2, len], bytes].concat()
    }

    /// Adds a node of this UnixFS type; its links have CIDs of version 0 where they can.
    fn add(blocks: &mut Blocks, kind: u8, bytes: &[u8], links: &[(Cid, &str)]) -> Cid {
        let link = |(cid, name): &(Cid, &str)| {
            let binary = cid.to_bytes();
            let binary = if cid.codec == Codec::DagPb { &binary[2..] } else { &binary[..] };
            field(2, &[field(1, binary), field(2, name.as_bytes())].concat())
        };
        let data = field(1, &[&[8, kind][..], &field(2, bytes)].concat());
        let node = [links.iter().flat_map(link).collect(), data].concat();
        let cid = Cid::of_block(Codec::DagPb, &node);
        blocks.insert(cid, node);
        cid
    }

    fn read(blocks: &Blocks, root: Cid, limit: u64) -> Result<Vec<u8>> {
        let mut tree = Tree::new(root, limit);
        while let Some(cid) = tree.wanted() {
            tree.push(&blocks[&cid])?;
        }
        Ok(tree.into_bytes())
    }

    #[test]
    fn files_of_the_market_s_own_form_are_read() {
        let bytes: Vec<u8> = (0..600_000_u32).flat_map(u32::to_le_bytes).collect();
        for profile in [Profile::Kubo, Profile::UnixfsV1] {
            let found: Blocks =
                blocks(&bytes, profile).map(|(cid, block)| (cid, block.into_owned())).collect();
            let root = blobs::cid_of(&bytes, profile);
            assert!(read(&found, root, bytes.len() as u64).unwrap() == bytes);
            let said = read(&found, root, bytes.len() as u64 - 1).unwrap_err().to_string();
            assert_eq!(said, format!("more than {} bytes", bytes.len() - 1));
        }
    }

    #[test]
    fn dag_pb_leaves_and_a_wrapped_file_are_read() {
        let mut blocks = Blocks::new();
        let one = add(&mut blocks, 2, b"one, ", &[]);
        let two = add(&mut blocks, 0, b"two", &[]);
        let file = add(&mut blocks, 2, b"", &[(one, ""), (two, ""), (one, "")]);
        let wrapped = add(&mut blocks, 1, b"", &[(file, "model.onnx")]);
        for root in [file, wrapped] {
            assert_eq!(read(&blocks, root, 13).unwrap(), b"one, twoone, ");
            assert_eq!(read(&blocks, root, 12).unwrap_err().to_string(), "more than 12 bytes");
        }
        assert_eq!(read(&blocks, two, 3).unwrap(), b"two");
    }

    #[test]
    fn what_is_no_file_is_said_by_name() {
        let mut blocks = Blocks::new();
        let file = add(&mut blocks, 2, b"x", &[]);
        let pair = add(&mut blocks, 1, b"", &[(file, "a.onnx"), (file, "b.onnx")]);
        let empty = add(&mut blocks, 1, b"", &[]);
        let nested = add(&mut blocks, 1, b"", &[(pair, "models")]);
        let large = add(&mut blocks, 5, b"", &[]);
        let link = add(&mut blocks, 4, b"/etc/passwd", &[]);
        let other = Cid::of_block(Codec::DagPb, b"\xff\xff");
        blocks.insert(other, b"\xff\xff".to_vec());
        for (root, says) in [
            (pair, format!("a folder of 2 files: give the CID of one of them, such as {file} (a")),
            (empty, "an empty folder".to_owned()),
            (nested, "a folder of folders".to_owned()),
            (large, "a large folder".to_owned()),
            (link, "a symbolic link".to_owned()),
            (other, "not of the dag-pb format".to_owned()),
        ] {
            let said = format!("{:#}", read(&blocks, root, 100).unwrap_err());
            assert!(said.contains(&says), "{said}");
        }
    }

    #[test]
    fn a_tree_of_nothing_comes_to_an_end() {
        let mut blocks = Blocks::new();
        let mut node = add(&mut blocks, 2, b"", &[]);
        for _ in 0..10 {
            node = add(&mut blocks, 2, b"", &[(node, ""), (node, "")]);
        }
        let said = read(&blocks, node, 100).unwrap_err().to_string();
        assert!(said.contains("more blocks than a file of this size"), "{said}");
        for _ in 0..10 {
            node = add(&mut blocks, 2, b"", &[(node, "")]);
        }
        let said = read(&blocks, node, 100).unwrap_err().to_string();
        assert!(said.contains("more than 16 levels"), "{said}");
    }
}
