//! Where files named by CID are kept: a folder, a Kubo node, or a gateway to read from.
//!
//! None of them is trusted: every block is checked against its CID, and sizes are bounded before
//! they are believed.

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

/// The longest block taken from anyone; twice the largest leaf, as IPFS nodes have it.
const MAX_BLOCK_BYTES: u64 = 2 * 1_048_576;

/// A place for files; as text `folder:PATH`, `kubo:URL` or `gateway:URL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Store {
    /// A folder with one file a block: needs no other program.
    Folder(PathBuf),
    /// The RPC of a Kubo node.
    Kubo(Url),
    /// A trustless gateway, read only.
    Gateway(Url),
}

impl Store {
    /// The folder used unless a person says otherwise: `blocks` among this user's files.
    ///
    /// - Errors: the environment names no home
    pub fn embedded() -> Result<Self> {
        Ok(Self::Folder(folders::data()?.join("blocks")))
    }

    /// Keeps a file and gives its CID.
    ///
    /// - Errors: a gateway; a folder or node that does not take it, or names it otherwise
    pub async fn put(&self, bytes: &[u8], profile: Profile) -> Result<Cid> {
        match self {
            Self::Folder(folder) => folder::put(folder, bytes, profile),
            Self::Kubo(url) => kubo::put(url, bytes, profile).await,
            Self::Gateway(_) => {
                bail!("{self} can only be read: say --ipfs folder:PATH or --ipfs kubo:URL to store")
            }
        }
    }

    /// The file `cid` names, of at most `max_bytes`.
    ///
    /// - Errors: a block that is absent, damaged or another one; a longer file
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
