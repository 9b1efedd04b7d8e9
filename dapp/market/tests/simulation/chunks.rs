//! Chooses the next chunk of a blob: mostly the right one, at times cut, shifted or spoiled.

use blobs::{BlobRef, Encoding};
use fastrand::Rng;
use market::{Address, BlobState, Command, Market};
use miniz_oxide::deflate::compress_to_vec;

use super::pool;

/// A blob that somebody may have to bring.
#[derive(Clone, Copy)]
pub(super) struct Delivery {
    pub(super) publisher: Address,
    pub(super) blob: BlobRef,
}

/// A chunk for the state this delivery is in.
pub(super) fn next(rng: &mut Rng, market: &Market, delivery: &Delivery) -> Command {
    let digest = delivery.blob.digest;
    let received = match market.shelf().awaited(delivery.publisher, digest) {
        Some(BlobState::Expected { received, .. }) => received,
        Some(BlobState::Held { .. }) | None => 0,
    };
    let bytes = pool::bytes_of(digest).unwrap_or_default();
    let begin = usize::try_from(received).unwrap_or_default();
    let begin = if rng.u8(..20) == 0 { 0 } else { begin };
    let rest = bytes.get(begin..).unwrap_or_default();
    let length = match rng.u8(..10) {
        0..7 => rest.len(),
        7 => rng.usize(..=rest.len()),
        8 => rest.len() / 2,
        _ => 1.min(rest.len()),
    };
    let mut data = rest[..length].to_vec();
    match rng.u8(..40) {
        0 => data.push(b'!'),
        1 => data.clear(),
        2 => data.iter_mut().for_each(|byte| *byte ^= 1),
        _ => {}
    }
    let mut encoding = Encoding::Plain;
    if data.len() > 1_000 || rng.u8(..10) == 0 {
        (encoding, data) = (Encoding::Deflate, compress_to_vec(&data, 1));
        data.truncate(data.len() - usize::from(rng.u8(..20) == 0));
    }
    let offset = match rng.u8(..40) {
        0 => received + 1,
        1 => u64::MAX,
        _ => begin as u64,
    };
    Command::Publish { digest, offset, encoding, data }
}
