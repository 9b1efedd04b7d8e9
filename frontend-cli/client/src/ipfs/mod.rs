//! Storage of files named by CID: a folder, a Kubo node, or a read-only gateway.
//!
//! None of them is trusted: every block is checked against its CID, and sizes are bounded before
//! use.

mod car;
mod folder;
mod gateway;
mod http;
mod kubo;
mod tree;

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use anyhow::{Context, Error, Result, anyhow, bail};
use blobs::{Cid, Profile};
use reqwest::Url;

use crate::{folders, http::PATIENCE, quantity::duration};

/// The longest block accepted; twice the largest leaf, as in IPFS nodes.
const MAX_BLOCK_BYTES: u64 = 2 * 1_048_576;

/// A store of files; as text `folder:PATH`, `kubo:URL` or `gateway:URL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Store {
    /// A folder with one file per block: needs no other program.
    Folder(PathBuf),
    /// The RPC of a Kubo node.
    Kubo(Remote),
    /// A trustless gateway, read only.
    Gateway(Remote),
}

/// A store on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Its address.
    pub url: Url,
    /// Time limit for a whole file.
    pub patience: Duration,
}

impl Store {
    /// The default folder: `blocks` in this user's data.
    ///
    /// - Errors: the environment defines no home
    pub fn embedded() -> Result<Self> {
        Ok(Self::Folder(folders::data()?.join("blocks")))
    }

    /// The same store with this time limit for a whole file.
    #[must_use]
    pub fn within(self, patience: Duration) -> Self {
        match self {
            Self::Folder(folder) => Self::Folder(folder),
            Self::Kubo(remote) => Self::Kubo(Remote { patience, ..remote }),
            Self::Gateway(remote) => Self::Gateway(Remote { patience, ..remote }),
        }
    }

    /// Stores a file and returns its CID.
    ///
    /// - Errors: a gateway; a folder or node that cannot store it, or returns another CID
    pub async fn put(&self, bytes: &[u8], profile: Profile) -> Result<Cid> {
        match self {
            Self::Folder(folder) => folder::put(folder, bytes, profile),
            Self::Kubo(Remote { url, patience }) => {
                in_time(*patience, kubo::put(url, bytes, profile, *patience)).await
            }
            Self::Gateway(_) => {
                bail!("{self} can only be read: say --ipfs folder:PATH or --ipfs kubo:URL to store")
            }
        }
    }

    /// The file named `cid`, of at most `max_bytes`.
    ///
    /// - Errors: a block that is missing, corrupt or another one; a longer file
    pub async fn get(&self, cid: Cid, max_bytes: u64) -> Result<Vec<u8>> {
        let file = match self {
            Self::Folder(folder) => folder::get(folder, cid, max_bytes),
            Self::Kubo(Remote { url, patience }) => {
                in_time(*patience, kubo::get(url, cid, max_bytes, *patience)).await
            }
            Self::Gateway(Remote { url, patience }) => {
                in_time(*patience, gateway::get(url, cid, max_bytes, *patience)).await
            }
        };
        file.with_context(|| format!("cannot get {cid} from {self}"))
    }
}

/// The transfer, or an error once the time is over, however slowly it trickles.
async fn in_time<T>(patience: Duration, transfer: impl Future<Output = Result<T>>) -> Result<T> {
    let done = tokio::time::timeout(patience, transfer).await;
    done.unwrap_or_else(|_| {
        let waited = duration(patience.as_secs());
        Err(anyhow!(
            "it is not done after {waited}: say --patience to wait longer, or take another"
        ))
    })
}

/// The CID in a text as people copy it: of version 0 or 1, alone, as `ipfs://CID`, or in the path
/// of a gateway's address.
///
/// - Errors: not a CID; of a path below one; of another hash or content
pub fn read_cid(text: &str) -> Result<Cid> {
    let after = |mark: &str| text.find(mark).map(|at| &text[at + mark.len()..]);
    let named = after("ipfs://").or_else(|| after("/ipfs/")).unwrap_or(text);
    let (name, path) = named.split_once(['/', '?']).unwrap_or((named, ""));
    if text.contains("ipns") {
        bail!("{text:?} is a name that may change (IPNS): give the CID it stands for");
    }
    if !path.is_empty() && !path.starts_with("format=") {
        bail!("{text:?} is a path in a folder: give the CID of the file itself");
    }
    let cid = cid::Cid::try_from(name).ok().and_then(|cid| cid.into_v1().ok());
    let cid = cid.with_context(|| format!("{text:?} is not a CID, such as bafy… or Qm…"))?;
    cid.to_string().parse().with_context(|| format!("cannot use {text}"))
}

impl FromStr for Store {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (kind, place) = text.split_once(':').unwrap_or((text, ""));
        let url = || {
            let url: Url = place.parse().with_context(|| format!("{place:?} is not a URL"))?;
            if !matches!(url.scheme(), "http" | "https") {
                bail!("{url} is not an http or https URL");
            }
            Ok(Remote { url, patience: PATIENCE })
        };
        match kind {
            "folder" if !place.is_empty() => Ok(Self::Folder(place.into())),
            "ipfs" => {
                bail!("{text} is a file, not a store: fetch it with `deml model get --cid {place}`")
            }
            "kubo" => Ok(Self::Kubo(url()?)),
            "gateway" => Ok(Self::Gateway(url()?)),
            _ => bail!("{text:?} is none of folder:PATH, kubo:URL, gateway:URL"),
        }
    }
}

impl fmt::Display for Store {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(out, "folder:{}", folder.display()),
            Self::Kubo(remote) => write!(out, "kubo:{}", remote.url),
            Self::Gateway(remote) => write!(out, "gateway:{}", remote.url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_named_by_kind_and_place() {
        for text in ["folder:a/b c", "kubo:http://127.0.0.1:5001/", "gateway:https://a.example/x"] {
            assert_eq!(text.parse::<Store>().unwrap().to_string(), text);
        }
        for text in ["", "folder", "folder:", "kubo:", "kubo:ftp://a.example", "http://a.example"] {
            assert!(text.parse::<Store>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn cids_are_read_as_people_copy_them() {
        let version_0 = "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG";
        let version_1 = "bafybeie5nqv6kd3qnfjupgvz34woh3oksc3iau6abmyajn7qvtf6d2ho34";
        for text in [
            version_0.to_owned(),
            version_1.to_owned(),
            format!("ipfs://{version_0}"),
            format!("/ipfs/{version_1}"),
            format!("https://gateway.example/ipfs/{version_1}?format=car"),
        ] {
            assert_eq!(read_cid(&text).unwrap().to_string(), version_1, "{text}");
        }
        for (text, says) in [
            ("", "is not a CID"),
            ("Qm", "is not a CID"),
            ("ipns://model.example", "may change (IPNS)"),
            ("ipfs://bafkqaaa/model.onnx", "a path in a folder"),
            ("bafkqaaa", "only CIDv1 with sha2-256"),
        ] {
            let said = format!("{:#}", read_cid(text).unwrap_err());
            assert!(said.contains(says), "{text}: {said}");
        }
    }
}
