//! The node's inspect API: `POST /inspect/<name or address>`, any body, answered by the
//! application.

use std::sync::Arc;

use application::{App, Emitted, RequestOutcome};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::cors;
use super::jsonrpc::is_application;
use super::records::SharedRecords;

type Shared = Arc<(SharedRecords, Arc<Mutex<App>>)>;

/// The routes of the inspect server.
pub(super) fn router(records: SharedRecords, app: Arc<Mutex<App>>) -> Router {
    let router = Router::new()
        .route("/inspect/{application}", post(inspect))
        .with_state(Arc::new((records, app)));
    cors::open(router)
}

async fn inspect(
    State(shared): State<Shared>,
    Path(application): Path<String>,
    body: Bytes,
) -> Response {
    let (records, app) = shared.as_ref();
    let (is_known, failure) = {
        let records = records.lock();
        (is_application(&records, &application), records.failure.clone())
    };
    if !is_known {
        return (StatusCode::NOT_FOUND, "Application not found").into_response();
    }
    if let Some(failure) = failure {
        return (StatusCode::SERVICE_UNAVAILABLE, failure).into_response();
    }
    // Inputs and inspect requests take turns at the application.
    let mut app = app.lock().await;
    let outcome = app.inspect(query(body)).await;
    let processed = records.lock().processed();
    match outcome {
        Ok(outcome) => Json(describe(&outcome, processed)).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error:#}")).into_response(),
    }
}

/// The JSON body that Cartesi's documentation pastes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pasted {
    payload: alloy::primitives::Bytes,
}

/// The query in a body: the body itself, or the payload that its JSON has in hexadecimal.
fn query(body: Bytes) -> alloy::primitives::Bytes {
    let pasted = serde_json::from_slice::<Pasted>(&body);
    pasted.map_or_else(|_| body.into(), |pasted| pasted.payload)
}

fn describe(outcome: &RequestOutcome, processed: u64) -> Value {
    let (status, reports) = match outcome {
        RequestOutcome::Accepted(Emitted { reports, .. }) => ("Accepted", reports.as_slice()),
        RequestOutcome::Rejected(Emitted { reports, .. }) => ("Rejected", reports.as_slice()),
        RequestOutcome::Exception(_) => ("Exception", [].as_slice()),
    };
    let reports: Vec<Value> = reports.iter().map(|payload| json!({ "payload": payload })).collect();
    // The node is written in Go: an empty list is null.
    let reports = if reports.is_empty() { Value::Null } else { reports.into() };
    json!({ "status": status, "reports": reports, "processed_input_count": processed })
}
