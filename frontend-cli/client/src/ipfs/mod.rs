//! Storage of files named by CID: a folder, a Kubo node, or a read-only gateway.
//!
//! None of them is trusted: every block is checked against its CID, and sizes are bounded before
//! use.

mod car;
mod folder;
mod gateway;
mod http;
mod kubo;

use std::{fmt, path::PathBuf, str::FromStr};

use anyhow::{Context, Error, Result, bail};
use blobs::{Cid, Profile};
use reqwest::Url;

use crate::folders;

/// The longest block accepted; twice the largest leaf, as in IPFS nodes.
const MAX_BLOCK_BYTES: u64 = 2 * 1_048_576;

/// A store of files; as text `folder:PATH`, `kubo:URL` or `gateway:URL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Store {
    /// A folder with one file per block: needs no other program.
    Folder(PathBuf),
    /// The RPC of a Kubo node.
    Kubo(Url),
    /// A trustless gateway, read only.
    Gateway(Url),
}

impl Store {
    /// The default folder: `blocks` in this user's data.
    ///
    /// - Errors: the environment defines no home
    pub fn embedded() -> Result<Self> {
        Ok(Self::Folder(folders::data()?.join("blocks")))
    }

    /// Stores a file and returns its CID.
    ///
    /// - Errors: a gateway; a folder or node that cannot store it, or returns another CID
    pub async fn put(&self, bytes: &[u8], profile: Profile) -> Result<Cid> {
        match self {
            Self::Folder(folder) => folder::put(folder, bytes, profile),
            Self::Kubo(url) => kubo::put(url, bytes, profile).await,
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
            Self::Kubo(url) => kubo::get(url, cid, max_bytes).await,
            Self::Gateway(url) => gateway::get(url, cid, max_bytes).await,
        };
        file.with_context(|| format!("cannot get {cid} from {self}"))
    }
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
            Ok(url)
        };
        match kind {
            "folder" if !place.is_empty() => Ok(Self::Folder(place.into())),
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
            Self::Kubo(url) => write!(out, "kubo:{url}"),
            Self::Gateway(url) => write!(out, "gateway:{url}"),
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
}
