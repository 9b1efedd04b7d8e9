//! Files in a Kubo node, through its RPC (`/api/v0`).

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use blobs::{Cid, Codec, Profile, blocks, cid_of};
use reqwest::{Client, RequestBuilder, Url, multipart};
use serde::Deserialize;

use super::{MAX_BLOCK_BYTES, http, tree::Tree};

/// Without a timeout, Kubo searches its peers for missing blocks indefinitely.
const SEARCH: &str = "50s";

/// The largest response that contains a CID, in bytes.
const MAX_ANSWER_BYTES: u64 = 65_536;

pub(super) async fn put(
    url: &Url,
    bytes: &[u8],
    profile: Profile,
    patience: Duration,
) -> Result<Cid> {
    let node = KuboNode { url, client: http::client(patience)?, patience };
    let cid = cid_of(bytes, profile);
    // One request suffices if the node chunks as the profile does; its settings may differ.
    if profile != Profile::Kubo || node.add(bytes).await? != cid {
        for (block_cid, block) in blocks(bytes, profile) {
            node.block_put(block_cid, &block, block_cid == cid).await?;
        }
    }
    Ok(cid)
}

pub(super) async fn get(
    url: &Url,
    cid: Cid,
    max_bytes: u64,
    patience: Duration,
) -> Result<Vec<u8>> {
    let node = KuboNode { url, client: http::client(patience)?, patience };
    if cid.codec == Codec::DagPb {
        let whole = node.cat(cid, max_bytes).await;
        let is_it = |bytes: &Vec<u8>| {
            [Profile::Kubo, Profile::UnixfsV1].iter().any(|&profile| cid_of(bytes, profile) == cid)
        };
        match whole {
            Ok(bytes) if is_it(&bytes) => return Ok(bytes),
            // A folder around a file has no bytes of its own.
            Err(fault) if !format!("{fault:#}").contains("directory") => return Err(fault),
            _ => {}
        }
    }
    // Block by block, which works for any chunking and finds out which block is wrong.
    let mut tree = Tree::new(cid, max_bytes);
    while let Some(cid) = tree.wanted() {
        tree.push(&node.block_get(cid).await?)?;
    }
    Ok(tree.into_bytes())
}

struct KuboNode<'a> {
    url: &'a Url,
    client: Client,
    patience: Duration,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Added {
    hash: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    key: String,
}

impl KuboNode<'_> {
    async fn add(&self, bytes: &[u8]) -> Result<Cid> {
        let chunker = format!("size-{}", Profile::Kubo.leaf_size());
        let query = [("cid-version", "1"), ("raw-leaves", "true"), ("chunker", &chunker)];
        let answer = self.answer(|| self.call("add", &query).multipart(form(bytes))).await?;
        let added: Added = serde_json::from_slice(&answer).context("not an answer to add")?;
        Ok(added.hash.parse()?)
    }

    /// Stores one block; pinning the root keeps all blocks below it.
    async fn block_put(&self, cid: Cid, block: &[u8], pin: bool) -> Result<()> {
        let codec = match cid.codec {
            Codec::Raw => "raw",
            Codec::DagPb => "dag-pb",
        };
        let pin = if pin { "true" } else { "false" };
        let query = [("cid-codec", codec), ("mhtype", "sha2-256"), ("pin", pin)];
        let answer = self.answer(|| self.call("block/put", &query).multipart(form(block))).await?;
        let put: Put = serde_json::from_slice(&answer).context("not an answer to block/put")?;
        ensure!(put.key.parse() == Ok(cid), "the node names the block {cid} {}", put.key);
        Ok(())
    }

    async fn block_get(&self, cid: Cid) -> Result<Vec<u8>> {
        let query = [("arg", &*cid.to_string()), ("timeout", SEARCH)];
        self.bounded(|| self.call("block/get", &query), MAX_BLOCK_BYTES).await
    }

    async fn cat(&self, cid: Cid, max_bytes: u64) -> Result<Vec<u8>> {
        let query = [("arg", &*cid.to_string()), ("timeout", SEARCH)];
        self.bounded(|| self.call("cat", &query), max_bytes).await
    }

    fn call(&self, command: &str, query: &[(&str, &str)]) -> RequestBuilder {
        self.client.post(http::endpoint(self.url, &format!("api/v0/{command}"), query))
    }

    async fn answer(&self, request: impl Fn() -> RequestBuilder) -> Result<Vec<u8>> {
        self.bounded(request, MAX_ANSWER_BYTES).await
    }

    async fn bounded(&self, request: impl Fn() -> RequestBuilder, most: u64) -> Result<Vec<u8>> {
        let response = http::send(self.patience, request).await?;
        http::body(http::succeeded(response).await?, most).await
    }
}

fn form(bytes: &[u8]) -> multipart::Form {
    multipart::Form::new().part("file", multipart::Part::bytes(bytes.to_vec()).file_name("file"))
}
