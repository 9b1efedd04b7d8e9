//! Bounded requests to Kubo nodes and gateways.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Client, RequestBuilder, Response, Url};

use crate::http::clipped;

/// Enough for the largest file over a slow connection; after that the store is given up.
const TRANSFER: Duration = Duration::from_secs(600);

pub(super) fn client() -> Result<Client> {
    crate::http::client(TRANSFER)
}

/// `path` below the base, with this query.
pub(super) fn endpoint(base: &Url, path: &str, query: &[(&str, &str)]) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url.query_pairs_mut().extend_pairs(query);
    url
}

pub(super) async fn send(request: RequestBuilder) -> Result<Response> {
    request.send().await.context("no answer: is the address right, and is it running?")
}

/// The response if it is a success, otherwise the server's error message.
pub(super) async fn succeeded(request: RequestBuilder) -> Result<Response> {
    let response = send(request).await?;
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status();
    let text = body(response, 4_096).await.unwrap_or_default();
    if status.is_redirection() {
        bail!("the server answered {status}: give the address it redirects to instead")
    }
    bail!("the server answered {status}: {}", clipped(&String::from_utf8_lossy(&text)))
}

/// A response body of at most `limit` bytes.
pub(super) async fn body(mut response: Response, limit: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(part) = response.chunk().await.context("the answer broke off")? {
        if (bytes.len() + part.len()) as u64 > limit {
            bail!("more than {limit} bytes");
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}
