//! Chunks: the pieces of a blob carried by inputs, plain, deflate-compressed or as a delta.

use std::borrow::Cow;

use miniz_oxide::{
    deflate::compress_to_vec,
    inflate::{
        TINFLStatus,
        core::{DecompressorOxide, decompress, inflate_flags},
    },
};

use crate::{Digest, names};

/// The longest payload an input can have.
pub const MAX_PAYLOAD_BYTES: usize = 65_216;

/// Maximum number of bytes that one chunk may inflate to: bounds the work and memory of one input.
pub const MAX_INFLATED_BYTES: usize = 1_048_576;

/// Largest compression ratio: bounds the bytes kept by others per payload byte paid for.
pub const MAX_INFLATION: usize = 32;

/// zlib's default: on models and tables, higher levels save less than one per cent.
const DEFLATE_LEVEL: u8 = 6;

/// The greatest effort of the compressor.
const DEFLATE_EFFORT: u8 = 10;

names! {
    /// Encoding of the blob's bytes in a chunk.
    Encoding: "\"plain\", \"deflate\" or \"delta\"" {
        /// The bytes themselves.
        Plain = "plain",
        /// One raw deflate stream (RFC 1951) and nothing after it.
        Deflate = "deflate",
        /// The difference from the job's base model; the market's judge rebuilds the bytes.
        Delta = "delta",
    }
}

/// Reason for refusing a chunk; the upload is unchanged.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    thiserror::Error,
    serde::Serialize,
    serde::Deserialize,
)]
pub enum ChunkRefused {
    /// Neither the next byte nor the first.
    #[error("offset {found}: the next byte expected is {expected}; 0 starts over")]
    OffsetMismatch {
        /// Bytes received so far.
        expected: u64,
        /// The chunk's offset.
        found: u64,
    },
    /// The deflate stream is invalid.
    #[error("not a deflate stream")]
    InflateMalformed,
    /// The deflate stream is truncated.
    #[error("the deflate stream is cut off")]
    InflateTruncated,
    /// Trailing bytes after the deflate stream.
    #[error("{bytes} bytes follow the deflate stream")]
    InflateTrailing {
        /// Number of trailing bytes.
        bytes: u64,
    },
    /// The deflate stream inflates to more bytes than allowed.
    #[error("inflates to more than {limit} bytes")]
    InflateTooLong {
        /// Maximum number of bytes allowed.
        limit: u64,
    },
    /// A delta of a blob that is not a plain model.
    #[error("only a model in the open is written as a delta of the base model")]
    NoBase,
    /// The delta is invalid, or does not fit the base model.
    #[error("not a delta of the base model")]
    DeltaMalformed,
    /// The chunk extends past the declared end of the blob.
    #[error("reaches byte {found} of a blob of {size}")]
    TooLong {
        /// Declared size of the blob.
        size: u64,
        /// End of the chunk in the blob.
        found: u64,
    },
    /// An empty chunk of a blob that is not empty.
    #[error("an empty chunk")]
    Empty,
    /// The complete bytes are not the expected blob; the sender has to start over.
    #[error("the bytes have root {found}, expected {expected}; start over at offset 0")]
    DigestMismatch {
        /// Digest of the expected CID.
        expected: Digest,
        /// Digest of the CID of the bytes received.
        found: Digest,
    },
}

/// One piece of a blob in transit.
///
/// - Units: `offset` in bytes of the blob
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Position of its first byte in the blob.
    pub offset: u64,
    /// Encoding of `data`.
    pub encoding: Encoding,
    /// Its bytes in that encoding.
    pub data: Vec<u8>,
}

/// Decodes a chunk into at most `limit` bytes of the blob.
///
/// Memory is bounded by the length of `data` and of what it inflates to, never by a stated length.
///
/// - Errors: `InflateTooLong` for more than `limit` bytes in either encoding, or more than
///   [`MAX_INFLATION`] times the bytes sent; `NoBase` for a delta, which a judge rebuilds
pub fn decode(
    encoding: Encoding,
    data: &[u8],
    limit: usize,
) -> Result<Cow<'_, [u8]>, ChunkRefused> {
    match encoding {
        Encoding::Plain if data.len() > limit => too_long(limit),
        Encoding::Plain => Ok(Cow::Borrowed(data)),
        Encoding::Deflate => inflate(data, limit.min(data.len().saturating_mul(MAX_INFLATION))),
        Encoding::Delta => Err(ChunkRefused::NoBase),
    }
}

fn too_long<T>(limit: usize) -> Result<T, ChunkRefused> {
    Err(ChunkRefused::InflateTooLong { limit: limit as u64 })
}

fn inflate(mut data: &[u8], limit: usize) -> Result<Cow<'_, [u8]>, ChunkRefused> {
    let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let mut state = Box::<DecompressorOxide>::default();
    let mut bytes = vec![0; data.len().saturating_mul(2).min(limit)];
    let mut written = 0;
    loop {
        let (status, read, wrote) = decompress(&mut state, data, &mut bytes, written, flags);
        data = &data[read..];
        written += wrote;
        match status {
            TINFLStatus::Done if data.is_empty() => break,
            TINFLStatus::Done => {
                return Err(ChunkRefused::InflateTrailing { bytes: data.len() as u64 });
            }
            TINFLStatus::HasMoreOutput if bytes.len() == limit => return too_long(limit),
            TINFLStatus::HasMoreOutput => {
                let len = bytes.len().saturating_mul(2).clamp(1, limit);
                bytes.reserve_exact(len - bytes.len());
                bytes.resize(len, 0);
            }
            TINFLStatus::FailedCannotMakeProgress | TINFLStatus::NeedsMoreInput => {
                return Err(ChunkRefused::InflateTruncated);
            }
            _ => return Err(ChunkRefused::InflateMalformed),
        }
    }
    bytes.truncate(written);
    Ok(Cow::Owned(bytes))
}

/// One raw deflate stream of some bytes, with the greatest effort: for what is short, and read
/// often or paid for by the byte.
#[must_use]
pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, DEFLATE_EFFORT)
}

/// Cuts a blob into few chunks whose data is at most `data_limit` bytes, deflated where that is
/// smaller; an empty blob is one empty chunk.
///
/// Never more chunks than without compression.
///
/// - Panics: if `data_limit` is zero
#[must_use]
pub fn split(bytes: &[u8], data_limit: usize) -> Vec<Chunk> {
    assert!(data_limit > 0, "chunks without data carry nothing");
    let mut chunks = Vec::new();
    let mut offset = 0;
    let mut guess = MAX_INFLATED_BYTES;
    loop {
        let rest = &bytes[offset..];
        let (taken, encoding, data) = longest_chunk(rest, data_limit, guess);
        chunks.push(Chunk { offset: offset as u64, encoding, data });
        offset += taken;
        guess = taken.saturating_mul(2);
        if offset == bytes.len() {
            return chunks;
        }
    }
}

/// The longest prefix found to fit in one chunk, trying `guess` bytes first.
fn longest_chunk(rest: &[u8], data_limit: usize, guess: usize) -> (usize, Encoding, Vec<u8>) {
    let plain_bytes = rest.len().min(data_limit).min(MAX_INFLATED_BYTES);
    let mut taken = rest.len().min(guess).min(MAX_INFLATED_BYTES).max(plain_bytes);
    loop {
        let deflated = compress_to_vec(&rest[..taken], DEFLATE_LEVEL);
        let is_dense = taken > deflated.len().saturating_mul(MAX_INFLATION);
        if !is_dense && deflated.len() <= data_limit && deflated.len() < taken {
            return (taken, Encoding::Deflate, deflated);
        }
        if is_dense || taken == plain_bytes {
            return (plain_bytes, Encoding::Plain, rest[..plain_bytes].to_vec());
        }
        // Assumes the same ratio; at least one byte fewer, so that the loop ends.
        taken = (taken * data_limit / deflated.len()).min(taken - 1).max(plain_bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(chunks: &[Chunk]) -> Vec<u8> {
        let decode = |chunk: &Chunk| {
            decode(chunk.encoding, &chunk.data, MAX_INFLATED_BYTES).unwrap().into_owned()
        };
        chunks.iter().flat_map(decode).collect()
    }

    /// Bytes that compress about eightfold.
    fn ripple(len: usize) -> Vec<u8> {
        noise(len.div_ceil(12)).into_iter().flat_map(|byte| [byte; 12]).take(len).collect()
    }

    /// Bytes that do not compress.
    fn noise(len: usize) -> Vec<u8> {
        let blocks = (0..len.div_ceil(32)).flat_map(|n| Digest::of(&n.to_le_bytes()).0);
        blocks.take(len).collect()
    }

    #[test]
    fn an_inflated_chunk_may_reach_its_limit_and_not_pass_it() {
        for len in [0, 1, 7, 1_000, 65_216, MAX_INFLATED_BYTES] {
            for bytes in [ripple(len), noise(len)] {
                let data = compress_to_vec(&bytes, DEFLATE_LEVEL);
                let whole = decode(Encoding::Deflate, &data, len);
                assert!(whole.as_deref() == Ok(bytes.as_slice()), "{len} bytes");
                if len > 0 {
                    let refused = ChunkRefused::InflateTooLong { limit: len as u64 - 1 };
                    assert_eq!(decode(Encoding::Deflate, &data, len - 1), Err(refused));
                    assert_eq!(decode(Encoding::Plain, &bytes, len - 1), Err(refused));
                }
            }
        }
    }

    #[test]
    fn few_bytes_do_not_stand_for_very_many() {
        let data = compress_to_vec(&vec![0; 100_000], DEFLATE_LEVEL);
        let refused = ChunkRefused::InflateTooLong { limit: 32 * data.len() as u64 };
        assert_eq!(decode(Encoding::Deflate, &data, MAX_INFLATED_BYTES), Err(refused));
    }

    #[test]
    fn memory_follows_what_the_stream_inflates_to() {
        let data = compress_to_vec(&ripple(5_000), DEFLATE_LEVEL);
        let bytes = decode(Encoding::Deflate, &data, usize::MAX).unwrap().into_owned();
        assert_eq!(bytes.len(), 5_000);
        assert!(bytes.capacity() < 10_000, "{} reserved", bytes.capacity());
    }

    #[test]
    fn damaged_streams_are_refused_by_name() {
        let good = compress_to_vec(b"some bytes, some bytes", DEFLATE_LEVEL);
        let trailing = [good.as_slice(), b"xyz"].concat();
        let table: [(&[u8], ChunkRefused); 5] = [
            (&[], ChunkRefused::InflateTruncated),
            (&good[..good.len() - 1], ChunkRefused::InflateTruncated),
            (&trailing, ChunkRefused::InflateTrailing { bytes: 3 }),
            (&[0xff, 0xff], ChunkRefused::InflateMalformed),
            (b"plain text is no deflate stream", ChunkRefused::InflateMalformed),
        ];
        for (data, refused) in table {
            assert_eq!(decode(Encoding::Deflate, data, 100), Err(refused), "{data:02x?}");
        }
    }

    #[test]
    fn few_chunks_for_zeros_and_no_more_than_plain_ones_for_noise() {
        let table = [
            (Vec::new(), 10, 1, Encoding::Plain),
            (noise(64_000), 64_000, 1, Encoding::Plain),
            (noise(64_001), 64_000, 2, Encoding::Plain),
            (noise(500_000), 64_000, 8, Encoding::Plain),
            (noise(10), 1, 10, Encoding::Plain),
            (ripple(20_000), 64_000, 1, Encoding::Deflate),
            (vec![0; 20_000], 64_000, 1, Encoding::Plain),
            (vec![0; 100_000], 64_000, 2, Encoding::Plain),
            (noise(2_000_000).iter().map(|byte| byte & 3).collect(), 64_000, 10, Encoding::Deflate),
        ];
        for (bytes, data_limit, count, encoding) in table {
            let chunks = split(&bytes, data_limit);
            assert_eq!(chunks.len(), count, "{} bytes", bytes.len());
            assert_eq!(chunks[0].encoding, encoding, "{} bytes", bytes.len());
            assert!(chunks.iter().all(|chunk| chunk.data.len() <= data_limit));
            assert!(joined(&chunks) == bytes, "{} bytes", bytes.len());
        }
    }
}
