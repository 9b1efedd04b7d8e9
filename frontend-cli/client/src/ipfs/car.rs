//! Streaming reader of CAR version 1.
//!
//! ```text
//! car       varint(len) header[len]   ( varint(36 + len) cid[36] block[len] )*
//! header    DAG-CBOR of { roots, version: 1 }; the roots are ignored, as the caller knows its own
//! ```
//!
//! - Source: IPLD CAR specification, version 1

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use blobs::Cid;

use super::{MAX_BLOCK_BYTES, tree::read_cid};

/// The bytes of a CID of version 1, and of 0.
const CID_BYTES: usize = 36;
const CID_0_BYTES: usize = 34;

/// The DAG-CBOR bytes of `version: 1` in the header.
const VERSION_1: &[u8] = b"\x67version\x01";

/// Blocks taken from a stream, each checked against its CID before it is kept.
pub(super) struct Reader {
    /// Received bytes of an incomplete section.
    open: Vec<u8>,
    has_header: bool,
    blocks: BTreeMap<Cid, Vec<u8>>,
    /// Remaining bytes allowed.
    left: u64,
}

impl Reader {
    /// For a file of at most `max_bytes`; nodes and headers add less than an eighth.
    pub(super) fn new(max_bytes: u64) -> Self {
        let left = max_bytes.saturating_add(max_bytes / 8).saturating_add(MAX_BLOCK_BYTES);
        Self { open: Vec::new(), has_header: false, blocks: BTreeMap::new(), left }
    }

    /// Takes in the next part of the stream.
    pub(super) fn extend(&mut self, part: &[u8]) -> Result<()> {
        let Some(left) = self.left.checked_sub(part.len() as u64) else {
            bail!("the CAR is longer than the file may be");
        };
        self.left = left;
        self.open.extend_from_slice(part);
        let mut rest = self.open.as_slice();
        while let Some((section, after)) = split_section(rest)? {
            if self.has_header {
                let (cid, block) = verified(section)?;
                self.blocks.insert(cid, block.to_vec());
            } else {
                let is_version_1 = section.windows(VERSION_1.len()).any(|at| at == VERSION_1);
                ensure!(is_version_1, "not a CAR of version 1");
                self.has_header = true;
            }
            rest = after;
        }
        let taken = self.open.len() - rest.len();
        self.open.drain(..taken);
        Ok(())
    }

    /// All blocks, once the stream has ended.
    pub(super) fn finish(self) -> Result<BTreeMap<Cid, Vec<u8>>> {
        ensure!(self.open.is_empty() && self.has_header, "the CAR is cut off");
        Ok(self.blocks)
    }
}

/// The first complete section and the bytes after it; `None` if it is incomplete.
fn split_section(bytes: &[u8]) -> Result<Option<(&[u8], &[u8])>> {
    let mut len = 0_u64;
    for (at, &byte) in bytes.iter().enumerate() {
        len |= u64::from(byte & 0x7f) << (7 * at);
        ensure!(len <= MAX_BLOCK_BYTES + CID_BYTES as u64 && at < 4, "a section is too long");
        if byte & 0x80 == 0 {
            return Ok(bytes[at + 1..].split_at_checked(usize::try_from(len)?));
        }
    }
    Ok(None)
}

fn verified(section: &[u8]) -> Result<(Cid, &[u8])> {
    let cid_bytes = if section.first() == Some(&0x12) { CID_0_BYTES } else { CID_BYTES };
    let (cid, block) = section.split_at(cid_bytes.min(section.len()));
    let cid = read_cid(cid)?;
    ensure!(Cid::of_block(cid.codec, block) == cid, "the bytes are not those of {cid}");
    Ok((cid, block))
}

#[cfg(test)]
mod tests {
    use blobs::Codec;

    use super::*;

    fn section(bytes: &[u8]) -> Vec<u8> {
        let len = u8::try_from(bytes.len()).unwrap();
        assert!(len < 0x80);
        [&[len], bytes].concat()
    }

    /// A CAR of two blocks; its header is `{ roots: [], version: 1 }`.
    fn car() -> (Vec<u8>, [(Cid, Vec<u8>); 2]) {
        let blocks = [b"one".to_vec(), b"three".to_vec()]
            .map(|block| (Cid::of_block(Codec::Raw, &block), block));
        let mut car = section(b"\xa2\x65roots\x80\x67version\x01");
        for (cid, block) in &blocks {
            car.extend(section(&[&cid.to_bytes()[..], block].concat()));
        }
        (car, blocks)
    }

    fn read(car: &[u8], part_bytes: usize) -> Result<BTreeMap<Cid, Vec<u8>>> {
        let mut reader = Reader::new(8);
        car.chunks(part_bytes).try_for_each(|part| reader.extend(part))?;
        reader.finish()
    }

    #[test]
    fn blocks_come_out_however_the_stream_is_cut() {
        let (car, blocks) = car();
        for part_bytes in [1, 2, 7, 40, 1_000] {
            assert_eq!(read(&car, part_bytes).unwrap(), blocks.clone().into(), "{part_bytes}");
        }
    }

    #[test]
    fn no_flipped_bit_and_no_end_cut_off_goes_unnoticed() {
        let (car, blocks) = car();
        let header = car.iter().position(|&byte| byte == 1).unwrap() + 1;
        for at in header..car.len() {
            let mut changed = car.clone();
            changed[at] ^= 1;
            assert!(read(&changed, 1_000).is_err(), "byte {at}");
            let cut = read(&car[..at], 1_000);
            assert!(cut.map_or(true, |found| found.len() < blocks.len()), "{at} bytes");
        }
        assert!(read(&[], 1).is_err());
    }

    #[test]
    fn hostile_streams_are_refused_by_name() {
        let (good, _) = car();
        let version_2 = section(b"\xa1\x67version\x02");
        let long = [&good, &section(&[0; 100])[..]].concat();
        let mut endless = Reader::new(8);
        let table = [
            (read(&version_2, 1).map(drop), "not a CAR of version 1"),
            (read(b"<html>", 1).map(drop), "the CAR is cut off"),
            (read(&[0xff; 9], 9).map(drop), "a section is too long"),
            (read(&good[..good.len() - 1], 9).map(drop), "the CAR is cut off"),
            (read(&long, 9).map(drop), "only CIDv1 with sha2-256 and codec raw or dag-pb"),
            (endless.extend(&vec![0; 3_000_000]), "the CAR is longer than the file may be"),
        ];
        for (read, fault) in table {
            assert!(read.unwrap_err().to_string().starts_with(fault), "{fault}");
        }
    }
}
