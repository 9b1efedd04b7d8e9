//! The rollup HTTP API as the application sees it inside the machine, for one run of it.
//!
//! The application asks `/finish` for its next request, emits outputs and reports, and answers with
//! the next `/finish`. The devnet's side is [`RollupServer::ask`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use alloy::primitives::{Address, Bytes, U256, hex};
use anyhow::{Context, Result};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use client::chain::{Advance, Output};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long `/finish` waits for a request before the answer "nothing yet, ask again".
const FINISH_WAIT: Duration = Duration::from_secs(5);
const BODY_MAX_BYTES: usize = 5 << 20;
/// The largest encoding of one output or report, in bytes.
const ITEM_MAX_BYTES: usize = 2 << 20;

/// A request to the application.
#[derive(Clone, Debug)]
pub(super) enum Request {
    /// Process an input; `first_output` is the number of its first output.
    Advance { input: Advance, first_output: u64 },
    /// Answer a query without changing the state.
    Inspect { payload: Bytes },
}

/// Outputs and reports of the application during a request, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Emitted {
    /// Vouchers and notices, as proven on L1.
    pub outputs: Vec<Bytes>,
    /// Reports.
    pub reports: Vec<Bytes>,
}

/// The application's answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestOutcome {
    /// It accepts.
    Accepted(Emitted),
    /// It rejects: its effects are undone.
    Rejected(Emitted),
    /// It did something fatal on a real node; the reason.
    Exception(String),
}

struct Pending {
    request: Request,
    done: oneshot::Sender<RequestOutcome>,
}

struct Current {
    pending: Pending,
    emitted: Emitted,
}

struct Shared {
    requests: tokio::sync::Mutex<mpsc::Receiver<Pending>>,
    current: Mutex<Option<Current>>,
    /// Whether the application has asked for its first request.
    is_ready: watch::Sender<bool>,
}

/// A server for one run of the application; it ends when this value is dropped.
pub(super) struct RollupServer {
    url: String,
    requests: mpsc::Sender<Pending>,
    is_ready: watch::Receiver<bool>,
    task: JoinHandle<()>,
}

impl Drop for RollupServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl RollupServer {
    /// Listens on a free port of this computer.
    pub(super) async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.context("cannot listen for the application")?;
        let url = format!("http://{}", listener.local_addr()?);
        let (requests, receiver) = mpsc::channel(1);
        let (ready, is_ready) = watch::channel(false);
        let shared = Arc::new(Shared {
            requests: tokio::sync::Mutex::new(receiver),
            current: Mutex::new(None),
            is_ready: ready,
        });
        let router = Router::new()
            .route("/finish", post(finish))
            .route("/voucher", post(voucher))
            .route("/delegate-call-voucher", post(delegate_call_voucher))
            .route("/notice", post(notice))
            .route("/report", post(report))
            .route("/exception", post(exception))
            .route("/gio", post(gio))
            .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
            .with_state(shared);
        let task = tokio::spawn(async move {
            // Serving ends only together with this task.
            axum::serve(listener, router).await.ok();
        });
        Ok(Self { url, requests, is_ready, task })
    }

    /// The value of the application's `ROLLUP_HTTP_SERVER_URL`.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Waits until the application has asked for its first request.
    pub(super) async fn ready(&self) {
        // The sender lives as long as the server's task.
        self.is_ready.clone().wait_for(|ready| *ready).await.ok();
    }

    /// Sends the application `request` and waits for its answer; `None` if it cannot answer.
    pub(super) async fn ask(&self, request: Request) -> Option<RequestOutcome> {
        let (done, outcome) = oneshot::channel();
        self.requests.send(Pending { request, done }).await.ok()?;
        outcome.await.ok()
    }
}

impl Shared {
    /// Ends the current request with the outcome that `outcome` builds.
    fn end(&self, outcome: impl FnOnce(Emitted) -> RequestOutcome) {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(current) = current {
            // No receiver is left if the devnet gave up on this run.
            current.pending.done.send(outcome(current.emitted)).ok();
        }
    }

    /// Adds an output to the current request and answers with its index.
    fn emit(&self, output: Option<Output>) -> Response {
        let Some(raw) = output.map(|output| output.encode()) else {
            return refuse("not a JSON body with the fields of this output, in 0x hexadecimal");
        };
        if raw.len() > ITEM_MAX_BYTES {
            return refuse("an output encodes to at most 2 MiB");
        }
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Current { pending, emitted }) = current.as_mut() else {
            return refuse("outputs are emitted while a request is worked on");
        };
        let Request::Advance { first_output, .. } = pending.request else {
            return refuse("an inspect request has no outputs, only reports");
        };
        let index = first_output + emitted.outputs.len() as u64;
        emitted.outputs.push(raw);
        (StatusCode::CREATED, Json(json!({ "index": index }))).into_response()
    }
}

async fn finish(State(shared): State<Arc<Shared>>, body: Json<Value>) -> Response {
    match body["status"].as_str() {
        Some("accept") => shared.end(RequestOutcome::Accepted),
        Some("reject") => shared.end(RequestOutcome::Rejected),
        _ => return refuse(r#"/finish takes {"status":"accept"} or {"status":"reject"}"#),
    }
    shared.is_ready.send_replace(true);
    let mut requests = shared.requests.lock().await;
    let Ok(Some(pending)) = timeout(FINISH_WAIT, requests.recv()).await else {
        return StatusCode::ACCEPTED.into_response();
    };
    let body = describe(&pending.request);
    let current = Current { pending, emitted: Emitted::default() };
    *shared.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(current);
    Json(body).into_response()
}

async fn voucher(State(shared): State<Arc<Shared>>, body: Json<Value>) -> Response {
    let output = || {
        Some(Output::Voucher {
            destination: address(&body["destination"])?,
            value: U256::try_from_be_slice(
                bytes(&body["value"]).filter(|v| v.len() == 32)?.as_ref(),
            )?,
            payload: bytes(&body["payload"])?,
        })
    };
    shared.emit(output())
}

async fn delegate_call_voucher(State(shared): State<Arc<Shared>>, body: Json<Value>) -> Response {
    let output = || {
        Some(Output::DelegateCallVoucher {
            destination: address(&body["destination"])?,
            payload: bytes(&body["payload"])?,
        })
    };
    shared.emit(output())
}

async fn notice(State(shared): State<Arc<Shared>>, body: Json<Value>) -> Response {
    shared.emit(bytes(&body["payload"]).map(|payload| Output::Notice { payload }))
}

async fn report(State(shared): State<Arc<Shared>>, body: Json<Value>) -> Response {
    let Some(payload) = bytes(&body["payload"]) else {
        return refuse(r#"/report takes {"payload":"0x..."}"#);
    };
    if payload.len() > ITEM_MAX_BYTES {
        return refuse("a report has at most 2 MiB");
    }
    let mut current = shared.current.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(current) = current.as_mut() else {
        return refuse("reports are emitted while a request is worked on");
    };
    current.emitted.reports.push(payload);
    StatusCode::ACCEPTED.into_response()
}

async fn exception(State(shared): State<Arc<Shared>>, body: Json<Value>) -> Response {
    let said = bytes(&body["payload"]).unwrap_or_default();
    let said = String::from_utf8_lossy(&said).into_owned();
    shared.end(|_| RequestOutcome::Exception(format!("it called /exception: {said}")));
    StatusCode::OK.into_response()
}

async fn gio(State(shared): State<Arc<Shared>>) -> Response {
    shared.end(|_| RequestOutcome::Exception("it called /gio, which no node answers".to_owned()));
    refuse("no node answers /gio")
}

/// The JSON body of `/finish` that passes `request` to the application.
fn describe(request: &Request) -> Value {
    match request {
        Request::Advance { input, .. } => json!({
            "request_type": "advance_state",
            "data": {
                "metadata": {
                    "chain_id": input.chain_id,
                    "app_contract": input.app_contract,
                    "msg_sender": input.msg_sender,
                    "block_number": input.block_number,
                    "block_timestamp": input.block_timestamp,
                    "prev_randao": input.prev_randao,
                    "input_index": input.index,
                },
                "payload": input.payload,
            },
        }),
        Request::Inspect { payload } => {
            json!({ "request_type": "inspect_state", "data": { "payload": payload } })
        }
    }
}

/// Decodes strictly what the real server would truncate: `0x` and an even number of digits.
fn bytes(value: &Value) -> Option<Bytes> {
    let text = value.as_str().filter(|text| text.starts_with("0x"))?;
    hex::decode(text).ok().map(Bytes::from)
}

fn address(value: &Value) -> Option<Address> {
    Address::try_from(bytes(value)?.as_ref()).ok()
}

fn refuse(reason: &'static str) -> Response {
    (StatusCode::BAD_REQUEST, reason).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_taken_only_in_the_form_the_real_server_needs() {
        for (text, decoded) in [("0x", Some(b"".as_slice())), ("0x01fF", Some(b"\x01\xff"))] {
            assert_eq!(bytes(&json!(text)), decoded.map(Bytes::from_static), "{text}");
        }
        for text in ["", "01", "0x1", "0xzz", "x0", "0x0x01"] {
            assert_eq!(bytes(&json!(text)), None, "{text}");
        }
        assert_eq!(bytes(&json!(7)), None);
        assert_eq!(address(&json!("0x01")), None);
    }

    #[test]
    fn an_input_is_described_as_in_the_machine() {
        let input = Advance {
            chain_id: 31_337,
            app_contract: Address::repeat_byte(0xab),
            msg_sender: Address::repeat_byte(0xcd),
            block_number: 1,
            block_timestamp: 1_717_171_717,
            prev_randao: alloy::primitives::B256::with_last_byte(5),
            index: 0,
            payload: Bytes::from_static(&[0xc0, 0xff, 0xee]),
        };
        let body = describe(&Request::Advance { input, first_output: 3 });
        let expected = concat!(
            r#"{"data":{"metadata":{"app_contract":"0xabababababababababababababababababababab","#,
            r#""block_number":1,"block_timestamp":1717171717,"chain_id":31337,"input_index":0,"#,
            r#""msg_sender":"0xcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","#,
            r#""prev_randao":"0x0000000000000000000000000000000000000000000000000000000000000005"},"#,
            r#""payload":"0xc0ffee"},"request_type":"advance_state"}"#
        );
        assert_eq!(body, serde_json::from_str::<Value>(expected).unwrap());
    }
}
