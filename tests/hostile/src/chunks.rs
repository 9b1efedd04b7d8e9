//! The chunks of a blob: in any order, deflated or not, by the same publisher.

use blobs::{
    BlobRef, ChunkRefused, Encoding, MAX_INFLATED_BYTES, MAX_INFLATION, Profile, Upload, blob_ref,
    cid_of, decode, split,
};

use crate::{memory::within, script::Script};

/// The state of an inflation, and the nodes above a blob's leaves.
const MEMORY_BYTES: usize = 128 << 10;
/// Size of the largest blob to be split, in bytes, and the number of its chunks: deflating is slow.
const MAX_SPLIT_BYTES: usize = 1 << 12;
const MAX_SPLIT_CHUNKS: usize = 4;

/// Sends chunks to an upload.
///
/// - Inflated bytes are bounded by the bytes sent, and memory by the bytes received.
/// - A refused chunk leaves the upload unchanged; an accepted one appends bytes, or restarts it.
/// - The blob is complete exactly when its bytes have its digest.
/// - Any bytes survive splitting and joining.
///
/// - Panics: if one of these does not hold
pub fn chunks(bytes: &[u8]) {
    let mut script = Script::new(bytes);
    let head = script.byte();
    let profile = if head & 1 == 0 { Profile::Kubo } else { Profile::UnixfsV1 };
    let pieces = pieces(&mut script);
    let blob = expected(&pieces, profile, head);
    let mut upload = Upload::new(blob);
    let mut received = Vec::new();
    for Piece { place, encoding, data } in &pieces {
        let offset = match place {
            0..=0xdf => received.len() as u64,
            0xe0..=0xef => 0,
            _ => received.len() as u64 ^ 1 << (place & 0xf),
        };
        let inflated = check_inflation(*encoding, data);
        let limit = MEMORY_BYTES + 3 * (received.len() + inflated);
        let whole = within(limit, "a chunk", || {
            let piece = upload.check(offset, *encoding, data).ok()?;
            assert_eq!(piece.size(), inflated as u64);
            Some(upload.post(piece))
        });
        if let Some(whole) = whole {
            let taken = decode(*encoding, data, MAX_INFLATED_BYTES).expect("it was taken");
            if offset == 0 {
                received.clear();
            }
            received.extend_from_slice(&taken);
            if let Some(whole) = whole {
                assert!(whole == received, "other bytes came out than went in");
                assert_eq!(cid_of(&whole, profile), blob.cid());
                return;
            }
        }
        assert_eq!(upload.received(), received.len() as u64, "a refusal leaves the upload alone");
        assert!(received.is_empty() || upload.received() < blob.size, "a blob was never whole");
    }
    check_split(script.rest());
}

struct Piece<'a> {
    /// Selects its offset: mostly that of the next bytes.
    place: u8,
    encoding: Encoding,
    data: &'a [u8],
}

fn pieces<'a>(script: &mut Script<'a>) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    for _ in 0..script.byte() {
        let (place, encoding) = (script.byte(), script.byte());
        let encoding = match encoding {
            0xff => Encoding::Delta,
            even if even & 1 == 0 => Encoding::Plain,
            _ => Encoding::Deflate,
        };
        pieces.push(Piece { place, encoding, data: script.block() });
    }
    pieces
}

/// The blob of the pieces in order, without those that do not inflate; or, half of the time,
/// one of another size or digest.
fn expected(pieces: &[Piece<'_>], profile: Profile, head: u8) -> BlobRef {
    let parts = pieces.iter().map(|piece| decode(piece.encoding, piece.data, MAX_INFLATED_BYTES));
    let whole = parts.filter_map(Result::ok).fold(Vec::new(), |mut whole, part| {
        whole.extend_from_slice(&part);
        whole
    });
    let mut blob = blob_ref(&whole, profile);
    match head >> 1 & 7 {
        1 => blob.size = blob.size.saturating_add(u64::from(head)),
        2 => blob.size = blob.size.saturating_sub(u64::from(head >> 4)),
        3 => blob.digest.0[0] ^= 1,
        4 => blob.size = u64::MAX,
        _ => {}
    }
    blob
}

/// The number of bytes that a chunk stands for; zero if it is invalid.
fn check_inflation(encoding: Encoding, data: &[u8]) -> usize {
    let limit = MAX_INFLATED_BYTES.min(data.len().saturating_mul(MAX_INFLATION));
    let memory = MEMORY_BYTES + 2 * limit;
    match within(memory, "an inflation", || decode(encoding, data, MAX_INFLATED_BYTES)) {
        Ok(bytes) => {
            assert!(bytes.len() <= limit || encoding == Encoding::Plain);
            let again = decode(encoding, data, bytes.len());
            assert!(again.as_ref() == Ok(&bytes), "just enough room is enough");
            let less = bytes.len().checked_sub(1).map(|less| decode(encoding, data, less));
            let too_long = matches!(less, None | Some(Err(ChunkRefused::InflateTooLong { .. })));
            assert!(too_long, "one byte less is too little");
            bytes.len()
        }
        Err(_) => 0,
    }
}

fn check_split(bytes: &[u8]) {
    let bytes = bytes.get(..MAX_SPLIT_BYTES).unwrap_or(bytes);
    let Some(more) = bytes.first().map(|more| usize::from(*more) + 1) else { return };
    let data_limit = bytes.len() / MAX_SPLIT_CHUNKS + more;
    let mut joined = Vec::new();
    for chunk in split(bytes, data_limit) {
        assert!(chunk.data.len() <= data_limit, "a chunk longer than told");
        assert_eq!(chunk.offset, joined.len() as u64);
        let part = decode(chunk.encoding, &chunk.data, MAX_INFLATED_BYTES);
        joined.extend_from_slice(&part.expect("our own chunks can be read"));
    }
    assert!(joined == bytes, "other bytes came out than were cut up");
}
