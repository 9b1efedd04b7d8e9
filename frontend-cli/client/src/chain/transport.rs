//! Transport of JSON-RPC requests: bounded, and retried where that is safe.

use std::task;

use alloy::rpc::client::RpcClient;
use alloy::rpc::json_rpc::{RequestPacket, ResponsePacket};
use alloy::transports::{RpcError, TransportError, TransportErrorKind, TransportFut};
use anyhow::{Error, anyhow};
use reqwest::Url;
use tower_service::Service;

use super::span::is_about_size;
use crate::http::{Fault, Http, clipped};

/// One endpoint over HTTP.
#[derive(Clone, Debug)]
struct Transport {
    http: Http,
    url: Url,
}

/// A client of the endpoint at `url`.
pub(super) fn client(http: Http, url: &Url) -> RpcClient {
    let transport = Transport { http, url: url.clone() };
    RpcClient::new(transport, is_local(url))
}

/// Whether an endpoint is on this computer.
pub(super) fn is_local(url: &Url) -> bool {
    matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"))
}

impl Transport {
    async fn ask(self, packet: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let question = serde_json::to_vec(&packet).map_err(RpcError::ser_err)?;
        let is_harmless = packet.method_names().all(only_reads);
        let answer = self.http.post_until(&self.url, &question, is_harmless, busy).await;
        answer.map_err(|fault| match fault {
            Fault::Status { status, words, .. } => {
                TransportErrorKind::http_error(status.as_u16(), words)
            }
            fault => TransportErrorKind::custom(fault),
        })
    }
}

/// Only reads are retried: a transaction sent twice may be executed twice.
fn only_reads(method: &str) -> bool {
    method.starts_with("eth_") && !method.starts_with("eth_send")
}

impl Service<RequestPacket> for Transport {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<Result<(), TransportError>> {
        task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        Box::pin(self.clone().ask(packet))
    }
}

/// The same error as an actionable message, however long the answer was.
pub(super) fn plain(error: RpcError<TransportErrorKind>, url: &Url) -> Error {
    match error {
        RpcError::ErrorResp(answer) => {
            anyhow!("the Ethereum node at {url} says: {}", clipped(&answer.message))
        }
        RpcError::Transport(TransportErrorKind::Custom(fault)) => {
            anyhow!("Ethereum node unavailable: {fault}")
        }
        RpcError::Transport(TransportErrorKind::HttpError(fault)) => {
            anyhow!("the Ethereum node at {url} answers {}: {}", fault.status, fault.body)
        }
        RpcError::DeserError { err, .. } => anyhow!(
            "the Ethereum node at {url} answers in an unexpected format: {}",
            clipped(&err.to_string())
        ),
        RpcError::NullResp => anyhow!("the Ethereum node at {url} does not have it"),
        other => anyhow!("Ethereum node at {url} unavailable: {}", clipped(&other.to_string())),
    }
}

/// The words in which an endpoint refused a request because it was too large; `None` if it failed
/// for another reason.
pub(super) fn too_much(error: &RpcError<TransportErrorKind>) -> Option<String> {
    match error {
        RpcError::ErrorResp(answer) => {
            let words = answer.message.to_string();
            is_about_size(&words).then_some(words)
        }
        RpcError::Transport(TransportErrorKind::HttpError(fault)) => {
            let is_large = fault.status == 413 || fault.status < 500 && is_about_size(&fault.body);
            is_large.then(|| fault.body.clone())
        }
        RpcError::Transport(TransportErrorKind::Custom(fault)) => {
            matches!(fault.downcast_ref(), Some(Fault::TooLong(_))).then(String::new)
        }
        _ => None,
    }
}

/// The code of endpoints that take no more requests for now, which some also give to what is too
/// large.
const LIMIT_EXCEEDED: i64 = -32_005;

/// The words in which an endpoint says that it takes no more requests for now.
fn busy(answer: &ResponsePacket) -> Option<String> {
    let mut errors = answer.iter_errors();
    let found = errors.find(|error| error.code == LIMIT_EXCEEDED && !is_about_size(&error.message));
    found.map(|error| clipped(&error.message))
}
