//! CIDs as the market uses them: version 1, sha2-256, of a raw block or a UnixFS root.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};

use crate::{hexadecimal, texts};

/// The sha2-256 digest of a block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

hexadecimal! { Digest(32): "a digest (0x and 64 hexadecimal digits)"; }

/// Content type of the block that a CID names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Codec {
    /// The bytes themselves.
    Raw,
    /// A node of a UnixFS tree.
    DagPb,
}

impl Codec {
    /// The multicodec number.
    #[must_use]
    pub const fn code(self) -> u64 {
        match self {
            Self::Raw => 0x55,
            Self::DagPb => 0x70,
        }
    }
}

/// A CIDv1 with a sha2-256 digest; shown in base32 (`bafk…`, `bafy…`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cid {
    /// Content type of the named block.
    pub codec: Codec,
    /// The digest of the named block.
    pub digest: Digest,
}

impl Cid {
    /// The CID of one block.
    #[must_use]
    pub fn of_block(codec: Codec, block: &[u8]) -> Self {
        Self { codec, digest: Digest::of(block) }
    }

    /// The binary form: `01 codec 12 20 digest`.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 36] {
        let mut bytes = [0; 36];
        let codec = match self.codec {
            Codec::Raw => 0x55,
            Codec::DagPb => 0x70,
        };
        bytes[..4].copy_from_slice(&[0x01, codec, 0x12, 0x20]);
        bytes[4..].copy_from_slice(&self.digest.0);
        bytes
    }

    /// Parses the binary form, without any further bytes.
    ///
    /// - Errors: `Unsupported` for anything but `01 codec 12 20 digest`
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CidRefused> {
        let codec = match bytes.get(..4) {
            Some([0x01, 0x55, 0x12, 0x20]) => Codec::Raw,
            Some([0x01, 0x70, 0x12, 0x20]) => Codec::DagPb,
            _ => return Err(CidRefused::Unsupported),
        };
        let digest = bytes[4..].try_into().map_err(|_| CidRefused::Unsupported)?;
        Ok(Self { codec, digest: Digest(digest) })
    }
}

impl fmt::Display for Cid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match cid::Cid::try_from(self.to_bytes().as_slice()) {
            Ok(text) => fmt::Display::fmt(&text, out),
            Err(_) => fmt::Display::fmt(&self.digest, out),
        }
    }
}

impl fmt::Debug for Cid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Reason why a text is not a CID that the market supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CidRefused {
    /// Not a CID at all.
    #[error("not a CID")]
    Malformed,
    /// A CID of another version, codec or hash.
    #[error("only CIDv1 with sha2-256 and codec raw or dag-pb is supported")]
    Unsupported,
}

impl FromStr for Cid {
    type Err = CidRefused;

    fn from_str(text: &str) -> Result<Self, CidRefused> {
        let cid = cid::Cid::try_from(text).map_err(|_| CidRefused::Malformed)?;
        let codec =
            [Codec::Raw, Codec::DagPb].into_iter().find(|codec| codec.code() == cid.codec());
        let digest = <[u8; 32]>::try_from(cid.hash().digest()).ok();
        match (cid.version(), cid.hash().code(), codec, digest) {
            (cid::Version::V1, 0x12, Some(codec), Some(digest)) => {
                Ok(Self { codec, digest: Digest(digest) })
            }
            _ => Err(CidRefused::Unsupported),
        }
    }
}

texts! {
    Cid: "a CIDv1 with sha2-256", |text| text.parse().ok();
    (Codec, Digest), |cid| (cid.codec, cid.digest), |(codec, digest)| Self { codec, digest };
}

/// A chunking profile: leaf size and links per node, which determine a file's CID.
///
/// - Source: Kubo's `--cid-version=1 --raw-leaves`, and IPIP-499 `unixfs-v1-2025`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Profile {
    /// Leaves of 256 KiB, 174 links per node.
    Kubo,
    /// Leaves of 1 MiB, 1,024 links per node.
    UnixfsV1,
}

impl Profile {
    /// Bytes per leaf.
    #[must_use]
    pub const fn leaf_size(self) -> u32 {
        match self {
            Self::Kubo => 262_144,
            Self::UnixfsV1 => 1_048_576,
        }
    }

    /// Links per node of the tree.
    #[must_use]
    pub const fn links(self) -> usize {
        match self {
            Self::Kubo => 174,
            Self::UnixfsV1 => 1_024,
        }
    }

    /// The profile with this leaf size; `None` if there is none.
    #[must_use]
    pub fn with_leaf_size(leaf_size: u32) -> Option<Self> {
        [Self::Kubo, Self::UnixfsV1].into_iter().find(|profile| profile.leaf_size() == leaf_size)
    }
}

/// A reference to a blob, stated by a job or submission before the bytes arrive.
///
/// - Units: `size` in bytes of the whole file
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobRef {
    /// Digest of the single block or of the tree's root.
    pub digest: Digest,
    /// Length of the file in bytes.
    pub size: u64,
    /// Chunking profile of the file.
    pub profile: Profile,
}

impl BlobRef {
    /// The CID: a file of at most one leaf is a raw block, a larger one a tree.
    #[must_use]
    pub fn cid(self) -> Cid {
        let codec = if self.size <= u64::from(self.profile.leaf_size()) {
            Codec::Raw
        } else {
            Codec::DagPb
        };
        Cid { codec, digest: self.digest }
    }
}

/// A blob reference in JSON: the CID and the fields it is derived from.
#[derive(Serialize, Deserialize)]
struct BlobForm {
    cid: Cid,
    digest: Digest,
    #[serde(with = "crate::exact")]
    size: u64,
    leaf_size: u32,
}

impl Serialize for BlobRef {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let Self { digest, size, profile } = *self;
        if !out.is_human_readable() {
            return (digest, size, profile).serialize(out);
        }
        BlobForm { cid: self.cid(), digest, size, leaf_size: profile.leaf_size() }.serialize(out)
    }
}

impl<'a> Deserialize<'a> for BlobRef {
    fn deserialize<D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        if !from.is_human_readable() {
            let (digest, size, profile) = Deserialize::deserialize(from)?;
            return Ok(Self { digest, size, profile });
        }
        let BlobForm { cid, digest, size, leaf_size } = Deserialize::deserialize(from)?;
        let profile = Profile::with_leaf_size(leaf_size);
        let profile = profile.ok_or_else(|| D::Error::custom("an unknown leaf size"))?;
        let blob = Self { digest, size, profile };
        let other = || D::Error::custom("the CID is of another blob");
        (blob.cid() == cid).then_some(blob).ok_or_else(other)
    }
}
