//! The node's JSON-RPC API over the records: `POST /rpc`, parameters by name.

use std::sync::Arc;

use alloy::primitives::{Address, B256, hex};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use client::chain::Output;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::cors;
use super::json_views as views;
use super::records::{EpochStatus, Records, SharedRecords, get};

const LIMIT_DEFAULT: u64 = 50;
const LIMIT_MAX: u64 = 10_000;

/// What a node may say of an epoch.
const EPOCH_STATUSES: [&str; 9] = [
    "OPEN",
    "CLOSED",
    "INPUTS_PROCESSED",
    "CLAIM_COMPUTED",
    "CLAIM_SUBMITTED",
    "CLAIM_STAGED",
    "CLAIM_ACCEPTED",
    "CLAIM_REJECTED",
    "CLAIM_FORECLOSED",
];

/// The order of positional parameters; those of every list follow.
const ORDER: [(&str, &[&str]); 16] = [
    ("cartesi_getApplication", &["application"]),
    ("cartesi_listEpochs", &["application", "status"]),
    ("cartesi_getEpoch", &["application", "epoch_index"]),
    ("cartesi_getLastAcceptedEpochIndex", &["application"]),
    ("cartesi_listInputs", &["application", "epoch_index", "sender"]),
    ("cartesi_getInput", &["application", "input_index"]),
    ("cartesi_getProcessedInputCount", &["application"]),
    (
        "cartesi_listOutputs",
        &["application", "epoch_index", "input_index", "output_type", "voucher_address"],
    ),
    ("cartesi_getOutput", &["application", "output_index"]),
    ("cartesi_listReports", &["application", "epoch_index", "input_index"]),
    ("cartesi_getReport", &["application", "report_index"]),
    ("cartesi_listTournaments", &["application", "epoch_index"]),
    ("cartesi_listCommitments", &["application", "epoch_index"]),
    ("cartesi_listMatches", &["application", "epoch_index"]),
    ("cartesi_listMatchAdvances", &["application", "epoch_index"]),
    ("cartesi_listWithdrawals", &["application", "account_index"]),
];

/// A JSON-RPC error: its code and message.
#[derive(Debug, PartialEq, Eq)]
struct Refusal(i32, String);

type Answer = Result<Value, Refusal>;

fn not_found(what: &str) -> Refusal {
    Refusal(-32001, format!("{what} not found"))
}

fn invalid(reason: impl Into<String>) -> Refusal {
    Refusal(-32602, reason.into())
}

/// The routes of the JSON-RPC server.
pub(super) fn router(records: SharedRecords, chain_id: u64) -> Router {
    let shared = Arc::new((records, chain_id));
    cors::open(Router::new().route("/rpc", post(serve)).with_state(shared))
}

async fn serve(State(shared): State<Arc<(SharedRecords, u64)>>, body: Bytes) -> Response {
    let (records, chain_id) = shared.as_ref();
    match serde_json::from_slice(&body) {
        Ok(request) => Json(answer(&records.lock(), *chain_id, &request)).into_response(),
        Err(_) => (StatusCode::BAD_REQUEST, "Invalid JSON").into_response(),
    }
}

/// Answers one JSON-RPC request.
fn answer(records: &Records, chain_id: u64, request: &Value) -> Value {
    let id = &request["id"];
    let result = match request["method"].as_str() {
        Some(method) => named(method, &request["params"])
            .and_then(|params| call(records, chain_id, method, &params)),
        None => Err(Refusal(-32600, "Invalid request".to_owned())),
    };
    match result {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(Refusal(code, message)) => {
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
        }
    }
}

fn call(records: &Records, chain_id: u64, method: &str, params: &Value) -> Answer {
    match method {
        "cartesi_listApplications" => list_applications(records, params),
        "cartesi_getApplication" => {
            find_application(records, params)?;
            Ok(data(views::application(records)))
        }
        "cartesi_listEpochs" => list_epochs(records, params),
        "cartesi_getEpoch" => get_epoch(records, params),
        "cartesi_getLastAcceptedEpochIndex" => last_accepted_epoch(records, params),
        "cartesi_listInputs" => list_inputs(records, params),
        "cartesi_getInput" => get_item(records, params, "input_index", "Input", |index| {
            let record = get(&records.inputs, index).filter(|record| !record.is_withheld);
            record.map(views::input)
        }),
        "cartesi_getProcessedInputCount" => {
            find_application(records, params)?;
            Ok(data(views::number(records.processed())))
        }
        "cartesi_listOutputs" => list_outputs(records, params),
        "cartesi_getOutput" => get_item(records, params, "output_index", "Output", |index| {
            views::output(records, index)
        }),
        "cartesi_listReports" => list_reports(records, params),
        "cartesi_getReport" => get_item(records, params, "report_index", "Report", |index| {
            views::report(records, index)
        }),
        "cartesi_getChainId" => Ok(data(views::number(chain_id))),
        "cartesi_getNodeVersion" => {
            Ok(data(concat!(env!("CARGO_PKG_VERSION"), "-deml-devnet").into()))
        }
        // An authority's claims are not disputed, and nobody withdraws past the application.
        "cartesi_listTournaments"
        | "cartesi_listCommitments"
        | "cartesi_listMatches"
        | "cartesi_listMatchAdvances"
        | "cartesi_listWithdrawals" => {
            find_application(records, params)?;
            list(params, Vec::new(), |_| None)
        }
        "cartesi_getTournament" => nothing(records, params, "Tournament"),
        "cartesi_getCommitment" => nothing(records, params, "Commitment"),
        "cartesi_getMatch" => nothing(records, params, "Match"),
        "cartesi_getMatchAdvanced" => nothing(records, params, "Match advance"),
        "cartesi_getWithdrawal" => nothing(records, params, "Withdrawal"),
        _ => Err(Refusal(-32601, "Method not found".to_owned())),
    }
}

fn nothing(records: &Records, params: &Value, what: &str) -> Answer {
    find_application(records, params)?;
    Err(not_found(what))
}

/// The parameters by name, whichever way they were given.
fn named(method: &str, params: &Value) -> Result<Value, Refusal> {
    let Value::Array(values) = params else { return Ok(params.clone()) };
    let (_, own) = ORDER.iter().find(|(known, _)| *known == method).copied().unwrap_or_default();
    let pages: &[&str] =
        if method.starts_with("cartesi_list") { &["limit", "offset", "descending"] } else { &[] };
    if values.len() > own.len() + pages.len() {
        return Err(invalid("Invalid parameters: too many"));
    }
    let names = own.iter().chain(pages).map(|name| (*name).to_owned());
    let given = names.zip(values.iter().cloned()).filter(|(_, value)| !value.is_null());
    Ok(Value::Object(given.collect()))
}

fn data(value: Value) -> Value {
    json!({ "data": value })
}

/// Parameters shared by all lists.
#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    limit: u64,
    #[serde(default)]
    offset: u64,
    #[serde(default)]
    descending: bool,
}

/// Filters of the lists; each list uses its own.
#[derive(Deserialize)]
struct Filter {
    status: Option<String>,
    epoch_index: Option<String>,
    input_index: Option<String>,
    sender: Option<String>,
    transaction_hash: Option<B256>,
    output_type: Option<String>,
    voucher_address: Option<String>,
}

/// Parses named parameters; absent ones are the same as an empty object.
fn parse<T: DeserializeOwned>(params: &Value) -> Result<T, Refusal> {
    let params = if params.is_null() { json!({}) } else { params.clone() };
    serde_json::from_value(params).map_err(|_| invalid("Invalid parameters"))
}

/// Returns one page of the selected indices.
fn list(params: &Value, mut selected: Vec<u64>, view: impl Fn(u64) -> Option<Value>) -> Answer {
    let Page { limit, offset, descending } = parse(params)?;
    let limit = if limit == 0 { LIMIT_DEFAULT } else { limit.min(LIMIT_MAX) };
    if descending {
        selected.reverse();
    }
    let as_size = |number| usize::try_from(number).unwrap_or(usize::MAX);
    let page = selected.iter().skip(as_size(offset)).take(as_size(limit));
    let data: Vec<Value> = page.filter_map(|index| view(*index)).collect();
    let pagination = json!({ "total_count": selected.len(), "limit": limit, "offset": offset });
    Ok(json!({ "data": data, "pagination": pagination }))
}

/// The indices of the `items` that satisfy `keep`.
fn select<T>(items: &[T], keep: impl Fn(&T) -> bool) -> Vec<u64> {
    (0..).zip(items).filter(|(_, item)| keep(item)).map(|(index, _)| index).collect()
}

/// Checks that `application` names the existing one.
fn find_application(records: &Records, params: &Value) -> Result<(), Refusal> {
    let wanted = params["application"].as_str().unwrap_or_default();
    let is_address = hex::decode(wanted).is_ok_and(|bytes| bytes.len() == 20);
    let is_name = wanted.len() >= 3
        && wanted.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
    if !is_address && !is_name {
        return Err(invalid("Invalid application identifier: invalid application name"));
    }
    if is_application(records, wanted) { Ok(()) } else { Err(not_found("Application")) }
}

/// Whether `wanted` is the name or the address of the application.
pub(super) fn is_application(records: &Records, wanted: &str) -> bool {
    let application = &records.application;
    wanted == application.name
        || wanted.parse::<Address>().is_ok_and(|address| address == application.address)
}

/// Parses an optional `0x` number.
fn index(text: Option<&str>, name: &str) -> Result<Option<u64>, Refusal> {
    let Some(text) = text else { return Ok(None) };
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    number.map(Some).ok_or_else(|| invalid(format!("invalid {name}: expected hex encoded value")))
}

fn address(text: Option<&str>, name: &str) -> Result<Option<Address>, Refusal> {
    let parsed = text.map(|text| text.parse().map_err(|_| invalid(format!("Invalid {name}"))));
    parsed.transpose()
}

fn get_item(
    records: &Records,
    params: &Value,
    name: &str,
    what: &str,
    view: impl Fn(u64) -> Option<Value>,
) -> Answer {
    find_application(records, params)?;
    let wanted = index(Some(params[name].as_str().unwrap_or_default()), name)?;
    wanted.and_then(view).map(data).ok_or_else(|| not_found(what))
}

fn list_applications(records: &Records, params: &Value) -> Answer {
    list(params, vec![0], |_| Some(views::application(records)))
}

fn list_epochs(records: &Records, params: &Value) -> Answer {
    find_application(records, params)?;
    let filter: Filter = parse(params)?;
    let status = filter.status.map(Value::from);
    if let Some(status) = &status
        && !EPOCH_STATUSES.iter().any(|known| status == known)
    {
        return Err(invalid(format!("Invalid epoch status: {status}")));
    }
    let selected = select(&records.epochs, |epoch| {
        status.as_ref().is_none_or(|status| json!(records.epoch_status(epoch)) == *status)
    });
    list(params, selected, |position| Some(views::epoch(records, get(&records.epochs, position)?)))
}

fn get_epoch(records: &Records, params: &Value) -> Answer {
    get_item(records, params, "epoch_index", "Epoch", |index| {
        Some(views::epoch(records, records.epoch(index)?))
    })
}

fn last_accepted_epoch(records: &Records, params: &Value) -> Answer {
    find_application(records, params)?;
    let mut newest_first = records.epochs.iter().rev();
    let accepted =
        newest_first.find(|epoch| records.epoch_status(epoch) == EpochStatus::ClaimAccepted);
    accepted.map(|epoch| data(views::number(epoch.index))).ok_or_else(|| not_found("Epoch"))
}

fn list_inputs(records: &Records, params: &Value) -> Answer {
    find_application(records, params)?;
    let filter: Filter = parse(params)?;
    let epoch = index(filter.epoch_index.as_deref(), "epoch_index")?;
    let sender = address(filter.sender.as_deref(), "input sender address")?;
    let selected = select(&records.inputs, |record| {
        !record.is_withheld
            && epoch.is_none_or(|epoch| record.epoch == epoch)
            && sender.is_none_or(|sender| record.input.advance.msg_sender == sender)
            && filter.transaction_hash.is_none_or(|hash| record.input.transaction == hash)
    });
    list(params, selected, |index| Some(views::input(get(&records.inputs, index)?)))
}

fn list_outputs(records: &Records, params: &Value) -> Answer {
    find_application(records, params)?;
    let filter: Filter = parse(params)?;
    let epoch = index(filter.epoch_index.as_deref(), "epoch_index")?;
    let input = index(filter.input_index.as_deref(), "input_index")?;
    let destination = address(filter.voucher_address.as_deref(), "voucher address")?;
    let selector = match filter.output_type.as_deref().map(hex::decode) {
        None => None,
        Some(Ok(selector)) if selector.len() == 4 => Some(selector),
        Some(_) => return Err(invalid("Invalid output type: expected exactly 4 bytes")),
    };
    let selected = select(&records.outputs, |output| {
        epoch.is_none_or(|epoch| output.epoch == epoch)
            && input.is_none_or(|input| output.input == input)
            && selector.as_ref().is_none_or(|selector| output.raw.starts_with(selector))
            && destination.is_none_or(|wanted| {
                let decoded = Output::decode(&output.raw);
                decoded.and_then(|output| output.destination()) == Some(wanted)
            })
    });
    list(params, selected, |index| views::output(records, index))
}

fn list_reports(records: &Records, params: &Value) -> Answer {
    find_application(records, params)?;
    let filter: Filter = parse(params)?;
    let epoch = index(filter.epoch_index.as_deref(), "epoch_index")?;
    let input = index(filter.input_index.as_deref(), "input_index")?;
    let selected = select(&records.reports, |report| {
        epoch.is_none_or(|epoch| report.epoch == epoch)
            && input.is_none_or(|input| report.input == input)
    });
    list(params, selected, |index| views::report(records, index))
}
