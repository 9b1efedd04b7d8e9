//! HTTP clients: TLS by ring, time limits, and requests to untrusted servers, with bounded
//! responses and retries where they can help.

use std::time::Duration;

use anyhow::Context;
use reqwest::{Body, StatusCode, Url, header::CONTENT_TYPE, redirect};
use serde::de::DeserializeOwned;

use crate::printer::one_line;

/// The largest response to read, in bytes.
pub const ANSWER_BYTES_MAX: usize = 64 * 1_024 * 1_024;

/// The default timeout.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Number of attempts in all.
const TRIES: u32 = 4;

/// The pause before the second attempt; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// A client with a timeout and without redirects: a server must not make this computer send
/// requests to another one, which may be reachable from here alone.
pub fn client(timeout: Duration) -> anyhow::Result<reqwest::Client> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error only means that another thread installed the same provider first.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    let client = reqwest::Client::builder().timeout(timeout).redirect(redirect::Policy::none());
    client.build().context("cannot prepare the HTTP client")
}

/// The reason why a server returned no usable response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing listens there, or it cannot be reached.
    #[error("no answer from {0}: is it running?")]
    Silent(Url),
    /// It did not respond in time.
    #[error("{0} does not answer in time")]
    Slow(Url),
    /// It closed the connection in the middle of the response.
    #[error("{0} breaks off in the middle of its answer")]
    Cut(Url),
    /// Its response is longer than [`ANSWER_BYTES_MAX`].
    #[error("the response of {0} exceeds 64 MiB")]
    TooLong(Url),
    /// It returned an HTTP error without JSON.
    #[error("{url} answers {status}: {words}")]
    Status {
        /// The server.
        url: Url,
        /// The HTTP status.
        status: StatusCode,
        /// The beginning of the body.
        words: String,
    },
    /// The response is not JSON.
    #[error("the answer of {0} is not JSON")]
    NotJson(Url),
    /// The response is JSON, but in an unexpected format.
    #[error("the answer of {url} has an unexpected format: {why}")]
    Form {
        /// The server.
        url: Url,
        /// The error in it.
        why: String,
    },
}

impl Fault {
    /// Whether the same request may succeed a moment later.
    fn is_passing(&self) -> bool {
        match self {
            Self::Slow(_) | Self::Cut(_) | Self::NotJson(_) => true,
            Self::Status { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            Self::Silent(_) | Self::TooLong(_) | Self::Form { .. } => false,
        }
    }
}

/// A client that retries.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
}

impl Http {
    /// A client with `patience` as the timeout over all attempts.
    ///
    /// - Errors: no HTTP client can be built
    pub fn new(patience: Duration) -> anyhow::Result<Self> {
        Ok(Self { client: client(patience / TRIES)? })
    }

    /// Posts and reads the response; retries if that can help and is safe.
    pub async fn post<T: DeserializeOwned>(
        &self,
        url: &Url,
        question: &[u8],
        is_harmless: bool,
    ) -> Result<T, Fault> {
        let mut pause = FIRST_PAUSE;
        let tries = if is_harmless { TRIES } else { 1 };
        for _ in 1..tries {
            match self.post_once(url, question).await {
                Err(fault) if fault.is_passing() => tokio::time::sleep(pause).await,
                answer => return answer,
            }
            pause *= 2;
        }
        self.post_once(url, question).await
    }

    async fn post_once<T: DeserializeOwned>(&self, url: &Url, question: &[u8]) -> Result<T, Fault> {
        let request = self.client.post(url.clone()).header(CONTENT_TYPE, "application/json");
        let request = request.body(Body::from(question.to_vec()));
        let failed = |error: reqwest::Error| match (error.is_timeout(), error.is_connect()) {
            (true, _) => Fault::Slow(url.clone()),
            (false, true) => Fault::Silent(url.clone()),
            (false, false) => Fault::Cut(url.clone()),
        };
        let mut answer = request.send().await.map_err(failed)?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(failed)? {
            if body.len() + part.len() > ANSWER_BYTES_MAX {
                return Err(Fault::TooLong(url.clone()));
            }
            body.extend_from_slice(&part);
        }
        read(url, status, &body)
    }
}

fn read<T: DeserializeOwned>(url: &Url, status: StatusCode, body: &[u8]) -> Result<T, Fault> {
    let url = url.clone();
    match serde_json::from_slice(body) {
        // JSON-RPC errors come with any status, but a busy server's answer is not one of them.
        Ok(answer) if status.is_success() || status == StatusCode::BAD_REQUEST => Ok(answer),
        Ok(answer) if !is_busy(status) => Ok(answer),
        Err(why) if status.is_success() && why.is_data() => {
            Err(Fault::Form { url, why: clipped(&why.to_string()) })
        }
        Err(_) if status.is_success() => Err(Fault::NotJson(url)),
        _ => Err(Fault::Status { url, status, words: clipped(&String::from_utf8_lossy(body)) }),
    }
}

fn is_busy(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}

/// The beginning of an untrusted text, on one line and safe to show on a terminal.
pub(crate) fn clipped(words: &str) -> String {
    one_line(words).chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn an_answer_is_read_or_it_is_said_why_not() {
        let url: Url = "http://node/".parse().unwrap();
        let of = |status: u16, body: &str| {
            read::<Vec<u8>>(&url, StatusCode::from_u16(status).unwrap(), body.as_bytes())
        };
        assert_eq!(of(200, "[1, 2]"), Ok(vec![1, 2]));
        assert_eq!(of(500, "[1, 2]"), Ok(vec![1, 2]));
        for (status, body, says, passes) in [
            (200, "[1, ", "not JSON", true),
            (200, "<html>", "not JSON", true),
            (200, "[\"a\"]", "unexpected format", false),
            (200, "[256]", "unexpected format", false),
            (404, "no \u{1b}[2J page", "404 Not Found: no  page", false),
            (429, "[1, 2]", "429", true),
            (500, "oh no", "500 Internal Server Error: oh no", true),
        ] {
            let fault = of(status, body).unwrap_err();
            assert!(fault.to_string().contains(says), "{fault}");
            assert_eq!(fault.is_passing(), passes, "{fault}");
        }
        assert!(clipped(&"a".repeat(1_000)).len() == 200);
        let _: Value = read(&url, StatusCode::OK, b"{}").unwrap();
    }
}
