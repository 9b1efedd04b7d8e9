//! The rollup server's other end: one `post` over HTTP/1.1.

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

/// The longest reply that is read. The server takes bodies of 5 MiB, in which a byte is two digits.
const MAX_REPLY_BYTES: usize = 16 << 20;

/// A server to post to.
pub struct Client {
    /// Host and port.
    server: String,
    /// What its paths begin with, without a slash at the end.
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

/// The connection broke after a request may have arrived: nobody knows whether it did.
#[derive(Debug, thiserror::Error)]
#[error("no reply from the rollup server")]
pub struct Lost(#[source] Box<dyn std::error::Error + Send + Sync>);

/// Why a server's URL cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not of the form http://HOST:PORT")]
pub struct UrlRefused(String);

impl Client {
    /// A client of the server at this URL; connects with each request.
    ///
    /// - Errors: the URL is not plain HTTP
    pub fn new(url: &str) -> Result<Self, UrlRefused> {
        let refused = || UrlRefused(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| refused())?;
        let host = uri.host().filter(|_| uri.scheme_str() == Some("http")).ok_or_else(refused)?;
        let server = format!("{host}:{}", uri.port_u16().unwrap_or(80));
        Ok(Self { server, base: uri.path().trim_end_matches('/').to_owned() })
    }

    /// Posts a JSON body, once the server can be reached.
    ///
    /// Each request has its own connection: one kept open could be closed by the server while an
    /// evaluation runs, and then nobody would know whether a voucher had arrived.
    ///
    /// - Errors: `Lost`; the request may have arrived or not
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
        // Moves the bytes until the sender is dropped; its end says nothing the reply does not say.
        tokio::spawn(connection);
        let exchange = async move {
            let response = sender.send_request(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_REPLY_BYTES).collect().await?;
            Ok(Reply { status, body: body.to_bytes() })
        };
        exchange.await.map_err(Lost)
    }

    /// Connects, however long it takes.
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

/// Pauses that grow from one attempt to the next.
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
