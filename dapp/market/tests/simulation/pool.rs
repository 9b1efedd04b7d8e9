//! The accounts, assets and blobs that simulations choose from.

use std::sync::LazyLock;

use blobs::{BlobRef, Digest, Profile, blob_ref};
use market::{Address, Asset};

/// A blob and its bytes.
pub(super) struct Blob {
    pub(super) blob: BlobRef,
    pub(super) bytes: Vec<u8>,
}

/// Accounts that play.
pub(super) const ACCOUNTS: u8 = 12;

/// Ether, two tokens that may be rewards, and one that may not.
pub(super) const ASSETS: [Asset; 4] = [
    Asset::Ether,
    Asset::Erc20(Address([0xa1; 20])),
    Asset::Erc20(Address([0xa2; 20])),
    Asset::Erc20(Address([0xff; 20])),
];

pub(super) const fn account(number: u8) -> Address {
    Address([number; 20])
}

/// Hold-outs; the first is on the drive, the last is no dataset.
pub(super) static HOLD_OUTS: LazyLock<Vec<Blob>> = LazyLock::new(|| {
    let texts = ["rows=5,5", "rows=10,10", "rows=6,7,8", "rows=40,5", "columns=3"];
    texts.iter().map(|text| small(text)).collect()
});

/// Models of every quality: good, bad, slow, broken, and two names of the same large one.
pub(super) static MODELS: LazyLock<Vec<Blob>> = LazyLock::new(|| {
    let mut models = Vec::new();
    for right in 0..=5 {
        for more in ["", "work=2", "work=9 step=3", "#a", "#b", "#c", "#d", "#e", "#f"] {
            let loss = 500_000 - 90_000 * right;
            models.push(small(&format!("right={right},{} loss={loss} {more}", (right * 2) % 6)));
        }
    }
    let odd = [
        "unfit=BadShape@2",
        "right=5,5 nan=7",
        "noise",
        "right=1,1,1",
        "right=50",
        "work=77 step=40",
        " ",
    ];
    models.extend(odd.map(small));
    // One byte more than a leaf of the smaller kind.
    let mut large = b"right=5,5".to_vec();
    let padding = (0_u32..).flat_map(|n| format!(" #{n:x}{:x<40}", "").into_bytes());
    large.extend(padding.take(262_145 - large.len()));
    for profile in [Profile::Kubo, Profile::UnixfsV1] {
        models.push(Blob { blob: blob_ref(&large, profile), bytes: large.clone() });
    }
    models
});

fn small(text: &str) -> Blob {
    Blob { blob: blob_ref(text.as_bytes(), Profile::Kubo), bytes: text.as_bytes().to_vec() }
}

fn all() -> impl Iterator<Item = &'static Blob> {
    HOLD_OUTS.iter().chain(MODELS.iter())
}

/// The digests of all blobs.
pub(super) fn digests() -> impl Iterator<Item = Digest> {
    all().map(|blob| blob.blob.digest)
}

/// What a digest is the name of.
pub(super) fn bytes_of(digest: Digest) -> Option<&'static [u8]> {
    all().find(|blob| blob.blob.digest == digest).map(|blob| blob.bytes.as_slice())
}

/// The blob that every deployment carries.
pub(super) fn drive() -> &'static Blob {
    &HOLD_OUTS[0]
}

pub(super) fn drive_bytes() -> u64 {
    drive().blob.size
}
