//! HTTP clients: TLS by ring, time limits, and requests to untrusted servers, with bounded
//! responses and retries where they can help.

use std::time::{Duration, Instant};

use alloy::signers::k256::elliptic_curve::rand_core::{OsRng, RngCore as _};
use anyhow::Context;
use reqwest::{
    Body, Response, StatusCode, Url,
    header::{CONTENT_TYPE, RETRY_AFTER},
    redirect,
};
use serde::de::DeserializeOwned;

use crate::{printer::one_line, quantity::duration};

/// The largest response to read, in bytes.
pub const ANSWER_BYTES_MAX: usize = 64 * 1_024 * 1_024;

/// The default timeout.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Number of attempts at what fails in other ways than by a limit on requests.
const TRIES: u32 = 4;

/// The pause before the second attempt; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The longest pause that a server has not asked for.
const PAUSE_MAX: Duration = Duration::from_secs(20);

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
    /// It takes no more requests for now.
    #[error("{url} takes no more requests for now ({words}): {}", busy_advice(.after))]
    Busy {
        /// The server.
        url: Url,
        /// Its words for it.
        words: Box<str>,
        /// How long it asks to wait.
        after: Option<Duration>,
    },
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

fn busy_advice(after: &Option<Duration>) -> String {
    match after {
        Some(after) => format!("try again in {}", duration(after.as_secs())),
        None => "try again later, or give another endpoint".to_owned(),
    }
}

impl Fault {
    /// Whether the same request may succeed a moment later.
    fn is_passing(&self) -> bool {
        match self {
            Self::Slow(_) | Self::Cut(_) | Self::NotJson(_) | Self::Busy { .. } => true,
            Self::Status { status, .. } => status.is_server_error(),
            Self::Silent(_) | Self::TooLong(_) | Self::Form { .. } => false,
        }
    }
}

/// A client that retries.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
    patience: Duration,
}

impl Http {
    /// A client with `patience` as the timeout over all attempts.
    ///
    /// - Errors: no HTTP client can be built
    pub fn new(patience: Duration) -> anyhow::Result<Self> {
        Ok(Self { client: client(patience / TRIES)?, patience })
    }

    /// Posts and reads the response; retries if that can help and is safe.
    pub async fn post<T: DeserializeOwned>(
        &self,
        url: &Url,
        question: &[u8],
        is_harmless: bool,
    ) -> Result<T, Fault> {
        self.post_until(url, question, is_harmless, |_| None).await
    }

    /// The same for servers that say in their responses that they take no more requests for now.
    pub async fn post_until<T: DeserializeOwned>(
        &self,
        url: &Url,
        question: &[u8],
        is_harmless: bool,
        busy: impl Fn(&T) -> Option<String>,
    ) -> Result<T, Fault> {
        let mut retries = Retries::new(self.patience);
        loop {
            let answer = self.post_once(url, question).await;
            let answer = answer.and_then(|answer| match busy(&answer) {
                Some(words) if is_harmless => {
                    Err(Fault::Busy { url: url.clone(), words: words.into(), after: None })
                }
                _ => Ok(answer),
            });
            match answer {
                Err(fault) if is_harmless => match retries.pause_after(&fault) {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => return Err(fault),
                },
                answer => return answer,
            }
        }
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
        let (status, after) = (answer.status(), retry_after(&answer));
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(failed)? {
            if body.len() + part.len() > ANSWER_BYTES_MAX {
                return Err(Fault::TooLong(url.clone()));
            }
            body.extend_from_slice(&part);
        }
        read(url, status, after, &body)
    }
}

/// The attempts at one request, within one time limit.
///
/// A limit on requests is outlasted, as it passes for certain; other faults are given a few tries.
#[derive(Debug)]
pub(crate) struct Retries {
    end: Instant,
    pause: Duration,
    tries: u32,
}

impl Retries {
    pub(crate) fn new(patience: Duration) -> Self {
        Self { end: Instant::now() + patience, pause: FIRST_PAUSE, tries: TRIES }
    }

    /// The pause before the next attempt; `None` if there is to be none.
    pub(crate) fn pause_after(&mut self, fault: &Fault) -> Option<Duration> {
        if !fault.is_passing() {
            return None;
        }
        let pause = match fault {
            Fault::Busy { after, .. } => after.unwrap_or_else(|| jittered(self.pause)),
            _ => {
                self.tries -= 1;
                self.pause
            }
        };
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        let left = self.end.saturating_duration_since(Instant::now());
        (self.tries > 0 && pause < left).then_some(pause)
    }
}

/// A pause of half to one and a half times this length: clients that were refused together do not
/// come back together.
fn jittered(pause: Duration) -> Duration {
    pause / 2 + pause * (OsRng.next_u32() >> 16) / (1 << 16)
}

/// How long a server asks to wait, in seconds; the other form, a date, is rare.
pub(crate) fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn read<T: DeserializeOwned>(
    url: &Url,
    status: StatusCode,
    after: Option<Duration>,
    body: &[u8],
) -> Result<T, Fault> {
    let url = url.clone();
    if is_busy(status) {
        return Err(Fault::Busy { url, words: status.to_string().into(), after });
    }
    match serde_json::from_slice(body) {
        // JSON-RPC errors come with any status.
        Ok(answer) => Ok(answer),
        Err(why) if status.is_success() && why.is_data() => {
            Err(Fault::Form { url, why: clipped(&why.to_string()) })
        }
        Err(_) if status.is_success() => Err(Fault::NotJson(url)),
        _ => Err(Fault::Status { url, status, words: clipped(&String::from_utf8_lossy(body)) }),
    }
}

/// Whether a server takes no more requests for now.
pub(crate) fn is_busy(status: StatusCode) -> bool {
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

    fn url() -> Url {
        "http://node/".parse().unwrap()
    }

    #[test]
    fn an_answer_is_read_or_it_is_said_why_not() {
        let of = |status: u16, body: &str| {
            read::<Vec<u8>>(&url(), StatusCode::from_u16(status).unwrap(), None, body.as_bytes())
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
            (503, "<html>", "503", true),
            (500, "oh no", "500 Internal Server Error: oh no", true),
        ] {
            let fault = of(status, body).unwrap_err();
            assert!(fault.to_string().contains(says), "{fault}");
            assert_eq!(fault.is_passing(), passes, "{fault}");
        }
        assert!(clipped(&"a".repeat(1_000)).len() == 200);
        let _: Value = read(&url(), StatusCode::OK, None, b"{}").unwrap();
    }

    #[test]
    fn a_limit_on_requests_is_outlasted_and_other_faults_are_not() {
        let busy = |after| Fault::Busy { url: url(), words: "429".into(), after };
        let mut retries = Retries::new(Duration::from_secs(3_600));
        let pauses: Vec<Duration> =
            (0..20).map(|_| retries.pause_after(&busy(None)).unwrap()).collect();
        assert!(pauses[0] < FIRST_PAUSE * 2 && pauses.iter().sum::<Duration>().as_secs() > 60);
        assert!(pauses.iter().all(|pause| *pause <= PAUSE_MAX * 3 / 2));
        // As long as the server asks for, unless that is too long.
        let asked = Some(Duration::from_secs(77));
        assert_eq!(retries.pause_after(&busy(asked)), asked);
        let too_long = busy(Some(Duration::from_secs(4_000)));
        assert_eq!(retries.pause_after(&too_long), None);
        assert!(too_long.to_string().contains("try again in 1 h 6 min"), "{too_long}");

        let mut retries = Retries::new(Duration::from_secs(3_600));
        let tries = (0..10).take_while(|_| retries.pause_after(&Fault::Cut(url())).is_some());
        assert_eq!(tries.count(), 3);
        assert_eq!(retries.pause_after(&Fault::Silent(url())), None);
    }
}
