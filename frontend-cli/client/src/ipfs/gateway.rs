//! Files read through a trustless gateway.
//!
//! - Source: IPFS Trustless Gateway Specification

use anyhow::{Result, bail};
use blobs::{Assembly, Cid, Codec};
use reqwest::{Client, RequestBuilder, Url, header};

use super::{MAX_BLOCK_BYTES, car, http};

const RAW: &str = "application/vnd.ipld.raw";
const CAR: &str = "application/vnd.ipld.car";

pub(super) async fn get(url: &Url, root: Cid, max_bytes: u64) -> Result<Vec<u8>> {
    let client = http::client()?;
    if root.codec == Codec::DagPb
        && let Some(bytes) = get_car(&client, url, root, max_bytes).await?
    {
        return Ok(bytes);
    }
    let mut assembly = Assembly::new(root, max_bytes);
    while let Some(cid) = assembly.wanted() {
        let response = http::succeeded(request(&client, url, cid, "raw", RAW)).await?;
        assembly.push(&http::body(response, MAX_BLOCK_BYTES).await?)?;
    }
    Ok(assembly.into_bytes())
}

/// The file from a single CAR; `None` if this gateway does not serve CARs.
async fn get_car(client: &Client, url: &Url, root: Cid, max_bytes: u64) -> Result<Option<Vec<u8>>> {
    let mut response = http::send(request(client, url, root, "car", CAR)).await?;
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let is_car = content_type.is_some_and(|kind| kind.as_bytes().starts_with(CAR.as_bytes()));
    if !response.status().is_success() || !is_car {
        return Ok(None);
    }
    let mut blocks = car::Reader::new(max_bytes);
    while let Some(part) = response.chunk().await? {
        blocks.extend(&part)?;
    }
    let blocks = blocks.finish()?;
    let mut assembly = Assembly::new(root, max_bytes);
    while let Some(cid) = assembly.wanted() {
        let Some(block) = blocks.get(&cid) else {
            bail!("the CAR lacks the block {cid}");
        };
        assembly.push(block)?;
    }
    Ok(Some(assembly.into_bytes()))
}

fn request(client: &Client, url: &Url, cid: Cid, format: &str, accept: &str) -> RequestBuilder {
    let url = http::endpoint(url, &format!("ipfs/{cid}"), &[("format", format)]);
    client.get(url).header(header::ACCEPT, accept)
}
