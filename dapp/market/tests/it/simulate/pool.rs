//! The accounts, assets and blobs that simulations choose from.

use std::sync::LazyLock;

use blobs::{BlobRef, Digest};
use market::{Address, Asset};
use scenarios::file;

/// A blob and its bytes.
pub(super) struct PooledBlob {
    pub(super) blob: BlobRef,
    pub(super) bytes: Vec<u8>,
}

/// Number of accounts.
pub(super) const ACCOUNTS: u8 = 12;

/// Ether and two tokens that are kept, and one that is not.
pub(super) const ASSETS: [Asset; 4] = [
    Asset::Ether,
    Asset::Erc20(Address([0xa1; 20])),
    Asset::Erc20(Address([0xa2; 20])),
    Asset::Erc20(Address([0xff; 20])),
];

pub(super) const fn account(number: u8) -> Address {
    Address([number; 20])
}

/// Hold-outs; the first is on the drive, the last is not a dataset.
pub(super) static HOLD_OUTS: LazyLock<Vec<PooledBlob>> = LazyLock::new(|| {
    let texts = ["rows=5,5", "rows=10,10", "rows=6,7,8", "rows=40,5", "columns=3"];
    texts.iter().map(|text| blob(text)).collect()
});

/// Models of every quality: good, bad, slow, broken, and copies of one another.
pub(super) static MODELS: LazyLock<Vec<PooledBlob>> = LazyLock::new(|| {
    let mut models = Vec::new();
    for right in 0..=5 {
        for more in ["", "work=2", "work=9 step=3", "like=1", "like=1 graph=2", "like=2", "#c"] {
            let loss = 500_000 - 90_000 * right;
            models.push(blob(&format!("right={right},{} loss={loss} {more}", (right * 2) % 6)));
        }
    }
    let odd = [
        "unfit=BadShape@2",
        "right=5,5 nan=7",
        "noise",
        "right=1,1,1",
        "right=50",
        "right=3,3 work=25",
        "right=3,3 work=77 step=40",
        " ",
    ];
    models.extend(odd.map(blob));
    models
});

fn blob(text: &str) -> PooledBlob {
    PooledBlob { blob: file(text.as_bytes()), bytes: text.as_bytes().to_vec() }
}

/// The bytes with this digest.
pub(super) fn bytes_of(digest: Digest) -> Option<&'static [u8]> {
    let mut all = HOLD_OUTS.iter().chain(MODELS.iter());
    all.find(|blob| blob.blob.digest == digest).map(|blob| blob.bytes.as_slice())
}

/// Identifies all copies of a model.
pub(super) fn likeness(digest: Digest) -> Option<String> {
    let text = std::str::from_utf8(bytes_of(digest)?).ok()?;
    let like = text.split(' ').find(|word| word.starts_with("like="));
    Some(like.unwrap_or(text).to_owned())
}
