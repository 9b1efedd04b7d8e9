//! Bounded requests to Kubo nodes and gateways.

use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow, bail};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};

use crate::http::{Fault, Retries, clipped, is_busy, retry_after};

/// A client whose own limit lies beyond that of the whole transfer, which says what to do.
pub(super) fn client(patience: Duration) -> Result<Client> {
    crate::http::client(patience.saturating_mul(2))
}

/// `path` below the base, with this query.
pub(super) fn endpoint(base: &Url, path: &str, query: &[(&str, &str)]) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url.query_pairs_mut().extend_pairs(query);
    url
}

/// Sends a request, and again while the server takes no more or has not found the blocks yet.
pub(super) async fn send(
    patience: Duration,
    request: impl Fn() -> RequestBuilder,
) -> Result<Response> {
    let mut retries = Retries::new(patience);
    loop {
        let sent = request().send().await;
        let response = sent.context("no answer: is the address right, and is it running?")?;
        let (url, status) = (response.url().clone(), response.status());
        let words = status.to_string();
        let fault = match status {
            _ if is_busy(status) => {
                Fault::Busy { url, words: words.into(), after: retry_after(&response) }
            }
            StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => {
                Fault::Status { url, status, words }
            }
            _ => return Ok(response),
        };
        match retries.pause_after(&fault) {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return Ok(response),
        }
    }
}

/// The response if it is a success, otherwise the server's error message.
pub(super) async fn succeeded(response: Response) -> Result<Response> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    if status.is_redirection() {
        bail!("the server answered {status}: give the address it redirects to instead")
    }
    if status == StatusCode::GATEWAY_TIMEOUT {
        bail!("the server did not find it among its peers in time ({status}): try another one")
    }
    let text = body(response, 4_096).await.unwrap_or_default();
    bail!("the server answered {status}: {}", clipped(&String::from_utf8_lossy(&text)))
}

/// A response body of at most `limit` bytes.
pub(super) async fn body(mut response: Response, limit: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(part) = response.chunk().await.map_err(broken)? {
        if (bytes.len() + part.len()) as u64 > limit {
            bail!("more than {limit} bytes");
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

/// Why a response ended before its end.
pub(super) fn broken(error: reqwest::Error) -> Error {
    if error.is_timeout() {
        anyhow!("the answer takes too long")
    } else {
        anyhow!("the answer broke off")
    }
}
