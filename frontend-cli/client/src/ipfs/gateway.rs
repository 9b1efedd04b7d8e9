//! Files read through a trustless gateway: in one CAR, or block by block, whichever it serves.
//!
//! - Source: IPFS Trustless Gateway Specification

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, Result, bail};
use blobs::{Cid, Codec};
use reqwest::{Client, RequestBuilder, Response, Url, header};

use super::{MAX_BLOCK_BYTES, car, http, tree::Tree};

const RAW: &str = "application/vnd.ipld.raw";
const CAR: &str = "application/vnd.ipld.car";

pub(super) async fn get(
    url: &Url,
    root: Cid,
    max_bytes: u64,
    patience: Duration,
) -> Result<Vec<u8>> {
    let gateway = Gateway { url, client: http::client(patience)?, patience };
    // A single block needs no CAR, a tree is quicker with one.
    if root.codec == Codec::Raw {
        return match gateway.by_blocks(root, max_bytes).await {
            Err(NoBlocks::Unserved(why)) => {
                gateway.by_car(root, max_bytes).await?.with_context(|| why)
            }
            Err(NoBlocks::Failed(why)) => Err(why),
            Ok(bytes) => Ok(bytes),
        };
    }
    match gateway.by_car(root, max_bytes).await? {
        Some(bytes) => Ok(bytes),
        None => Ok(gateway.by_blocks(root, max_bytes).await?),
    }
}

/// Why a file did not come block by block.
#[derive(Debug, thiserror::Error)]
enum NoBlocks {
    /// The gateway serves no blocks, or not this one.
    #[error("{0}")]
    Unserved(String),
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

struct Gateway<'a> {
    url: &'a Url,
    client: Client,
    patience: Duration,
}

impl Gateway<'_> {
    async fn by_blocks(&self, root: Cid, max_bytes: u64) -> Result<Vec<u8>, NoBlocks> {
        let mut tree = Tree::new(root, max_bytes);
        while let Some(cid) = tree.wanted() {
            let response = http::send(self.patience, || self.request(cid, "raw", RAW)).await?;
            let response = match http::succeeded(response).await {
                Ok(response) if is_page(&response) => {
                    return Err(NoBlocks::Unserved(PAGE.to_owned()));
                }
                Ok(response) => response,
                Err(why) => return Err(NoBlocks::Unserved(format!("{why:#}"))),
            };
            tree.push(&http::body(response, MAX_BLOCK_BYTES).await?)?;
        }
        Ok(tree.into_bytes())
    }

    /// The file from a single CAR; `None` if this gateway does not serve CARs.
    async fn by_car(&self, root: Cid, max_bytes: u64) -> Result<Option<Vec<u8>>> {
        let response = http::send(self.patience, || self.request(root, "car", CAR)).await?;
        let content_type = response.headers().get(header::CONTENT_TYPE);
        let is_car = content_type.is_some_and(|kind| kind.as_bytes().starts_with(CAR.as_bytes()));
        if !response.status().is_success() || !is_car {
            return Ok(None);
        }
        let blocks = read_car(response, max_bytes).await?;
        let mut tree = Tree::new(root, max_bytes);
        while let Some(cid) = tree.wanted() {
            let Some(block) = blocks.get(&cid) else {
                bail!("the CAR lacks the block {cid}");
            };
            tree.push(block)?;
        }
        Ok(Some(tree.into_bytes()))
    }

    fn request(&self, cid: Cid, format: &str, accept: &str) -> RequestBuilder {
        let url = http::endpoint(self.url, &format!("ipfs/{cid}"), &[("format", format)]);
        self.client.get(url).header(header::ACCEPT, accept)
    }
}

/// What a gateway for browsers alone answers.
const PAGE: &str = "the server answers with a page for people, not with blocks: give a trustless \
                    gateway, or --ipfs kubo:URL";

fn is_page(response: &Response) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    content_type.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

async fn read_car(mut response: Response, max_bytes: u64) -> Result<BTreeMap<Cid, Vec<u8>>> {
    let mut blocks = car::Reader::new(max_bytes);
    while let Some(part) = response.chunk().await.map_err(http::broken)? {
        blocks.extend(&part)?;
    }
    blocks.finish()
}
