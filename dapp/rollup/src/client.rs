//! A client of the rollup server: one `post` over HTTP/1.1.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Method, StatusCode, Uri,
    body::Bytes,
    client::conn::http1::handshake,
    header::{CONNECTION, CONTENT_TYPE, HOST},
    http,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, time::sleep};

use crate::guard::say;

/// Longest reply accepted. The server accepts bodies of 5 MiB, with two digits per byte.
const MAX_REPLY_BYTES: usize = 16 << 20;

/// A client of one server.
pub struct Client {
    /// Host and port.
    server: String,
    /// Prefix of all paths, without a trailing slash.
    base: String,
}

/// A server's reply.
#[derive(Debug)]
pub struct Reply {
    /// Any 2xx is success.
    pub status: StatusCode,
    /// The whole body.
    pub body: Bytes,
}

/// The connection broke after the request may have been received.
#[derive(Debug, thiserror::Error)]
#[error("no reply from the rollup server")]
pub struct Lost(#[source] Box<dyn std::error::Error + Send + Sync>);

/// Reason why a server's URL cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not of the form http://HOST:PORT")]
pub struct UrlRefused(String);

impl Client {
    /// A client of the server at this URL; connects anew for each request.
    ///
    /// - Errors: the URL is not plain HTTP
    pub fn new(url: &str) -> Result<Self, UrlRefused> {
        let refused = || UrlRefused(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| refused())?;
        let host = uri.host().filter(|_| uri.scheme_str() == Some("http")).ok_or_else(refused)?;
        let server = format!("{host}:{}", uri.port_u16().unwrap_or(80));
        Ok(Self { server, base: uri.path().trim_end_matches('/').to_owned() })
    }

    /// Posts a JSON body; waits until the server can be reached.
    ///
    /// Each request has its own connection: the server could close a kept-alive one while an
    /// evaluation runs, and then it would be unknown whether a voucher was received.
    ///
    /// - Errors: `Lost`; the request may have been received or not
    pub async fn post(&self, path: &str, body: &Value) -> Result<Reply, Lost> {
        let request = http::Request::builder()
            .method(Method::POST)
            .uri(format!("{}{path}", self.base))
            .header(HOST, &self.server)
            .header(CONTENT_TYPE, "application/json")
            .header(CONNECTION, "close")
            .body(Full::new(Bytes::from(body.to_string())))
            .map_err(|error| Lost(error.into()))?;
        let stream = TokioIo::new(self.connect().await);
        let (mut sender, connection) =
            handshake(stream).await.map_err(|error| Lost(error.into()))?;
        // Drives the connection until the sender is dropped; errors show in the response.
        tokio::spawn(connection);
        let exchange = async move {
            let response = sender.send_request(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_REPLY_BYTES).collect().await?;
            Ok(Reply { status, body: body.to_bytes() })
        };
        exchange.await.map_err(Lost)
    }

    /// Connects, retrying without limit.
    async fn connect(&self) -> TcpStream {
        let mut pause = Pause::default();
        loop {
            match TcpStream::connect(&self.server).await {
                Ok(stream) => return stream,
                Err(error) => {
                    if pause == Pause::default() {
                        say(&format!("waiting for the rollup server at {}: {error}", self.server));
                    }
                    pause.wait().await;
                }
            }
        }
    }
}

/// Pauses that grow with each attempt.
#[derive(PartialEq)]
pub(crate) struct Pause {
    next: Duration,
}

impl Default for Pause {
    fn default() -> Self {
        Self { next: Duration::from_millis(10) }
    }
}

impl Pause {
    const LONGEST: Duration = Duration::from_secs(5);

    pub(crate) async fn wait(&mut self) {
        sleep(self.next).await;
        self.next = self.next.saturating_mul(2).min(Self::LONGEST);
    }
}
