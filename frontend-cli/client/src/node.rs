//! Client of the Cartesi node's JSON-RPC and inspect APIs.
//!
//! Node versions differ: fields that are not needed are ignored, enums stay text, and renamed
//! fields are accepted under each of their names. Answers are not trusted: they are bounded,
//! checked against the request, and listings end.

mod pages;

use std::time::Duration;

use alloy::primitives::{Address, B256, Bytes};
use anyhow::{Context, Result, bail, ensure};
use reqwest::Url;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

pub use self::pages::Pages;
use crate::{
    chain::Output,
    http::{self, Fault, Http},
    printer::Refused,
};

/// The page size of listings.
const PAGE: u64 = 1_000;

/// Codes of older and newer nodes for "not found".
const NOT_FOUND: [i64; 2] = [-32_001, -31_001];

/// The maximum number of records of one input.
const RECORDS_MAX: usize = 100_000;

/// The maximum number of notices in memory at once.
const NOTICES_MAX: usize = 1_000_000;

/// Status of an epoch whose outputs can be executed on L1.
const CLAIM_ACCEPTED: &str = "CLAIM_ACCEPTED";

/// Selector of vouchers, to filter outputs.
const VOUCHER: &str = "0x237a816f";

/// Selector of notices, to filter outputs.
const NOTICE: &str = "0xc258d6e5";

/// One application on one node.
#[derive(Clone, Debug)]
pub struct Node {
    http: Http,
    rpc: Url,
    inspect: Url,
    application: Address,
}

/// An input as the node returns it.
#[derive(Clone, Debug, Deserialize)]
pub struct InputRecord {
    /// Its number since genesis.
    #[serde(deserialize_with = "hex_number")]
    pub index: u64,
    /// The epoch it belongs to.
    #[serde(deserialize_with = "hex_number")]
    pub epoch_index: u64,
    /// `NONE` until it is processed, then `ACCEPTED`, `REJECTED` or the failure of the machine.
    pub status: String,
}

/// An output as the node returns it.
#[derive(Clone, Debug, Deserialize)]
pub struct OutputRecord {
    /// Its number since genesis.
    #[serde(deserialize_with = "hex_number")]
    pub index: u64,
    /// The epoch whose claim proves it.
    #[serde(deserialize_with = "hex_number")]
    pub epoch_index: u64,
    /// The input that emitted it.
    #[serde(deserialize_with = "hex_number")]
    pub input_index: u64,
    /// The proven bytes.
    pub raw_data: Bytes,
    /// Its proof, from the leaf up, once its epoch's claim is computed.
    #[serde(default)]
    pub output_hashes_siblings: Option<Vec<B256>>,
    /// The transaction that executed it.
    #[serde(default)]
    pub execution_transaction_hash: Option<B256>,
}

/// An epoch as the node returns it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct EpochRecord {
    /// Its number.
    #[serde(deserialize_with = "hex_number")]
    pub index: u64,
    /// Its last block; outputs are claimed after it.
    #[serde(deserialize_with = "hex_number")]
    pub last_block: u64,
    /// Status of its claim; `CLAIM_ACCEPTED` once its outputs can be executed.
    pub status: String,
    /// The transaction that claimed it.
    #[serde(default)]
    pub claim_transaction_hash: Option<B256>,
    #[serde(default)]
    claim_hash: Option<B256>,
    #[serde(default)]
    outputs_merkle_root: Option<B256>,
}

impl EpochRecord {
    /// The outputs root of its claim, if the node states it; the newest nodes do not.
    #[must_use]
    pub fn claimed_root(&self) -> Option<B256> {
        self.claim_hash.or(self.outputs_merkle_root)
    }

    /// Whether its outputs can be executed on L1.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.status == CLAIM_ACCEPTED
    }
}

#[derive(Deserialize)]
struct ReportRecord {
    #[serde(deserialize_with = "hex_number")]
    index: u64,
    #[serde(deserialize_with = "hex_number")]
    input_index: u64,
    raw_data: Bytes,
}

/// A record of a listing.
pub trait Record: DeserializeOwned {
    /// Its number since genesis.
    fn index(&self) -> u64;
}

impl Record for InputRecord {
    fn index(&self) -> u64 {
        self.index
    }
}

impl Record for OutputRecord {
    fn index(&self) -> u64 {
        self.index
    }
}

impl Record for ReportRecord {
    fn index(&self) -> u64 {
        self.index
    }
}

#[derive(Deserialize)]
struct Answer<T> {
    // Early nodes used this name for the number of processed inputs.
    #[serde(alias = "processed_inputs")]
    data: T,
}

#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
    pagination: Option<Pagination>,
}

#[derive(Deserialize)]
struct Pagination {
    total_count: Option<u64>,
}

#[derive(Deserialize)]
struct RpcAnswer {
    result: Option<Value>,
    error: Option<RpcError>,
}

#[derive(Deserialize)]
struct RpcError {
    #[serde(default)]
    code: i64,
    #[serde(default)]
    message: String,
}

/// The reason why a call has no result.
#[derive(Debug, thiserror::Error)]
enum CallFailed {
    #[error(transparent)]
    Http(#[from] Fault),
    #[error("the node says to {method} for {application}: {message}")]
    Said { method: String, application: Address, code: i64, message: String },
    #[error("the node answers {0} with nothing")]
    Nothing(String),
    #[error("the node's answer to {method} has an unexpected format: {why}")]
    Form { method: String, why: String },
}

impl CallFailed {
    /// Whether a smaller page may succeed; nodes limit their responses, too, each in its own way.
    fn may_be_size(&self) -> bool {
        // No such application, no such method, invalid parameters.
        const OTHER: [i64; 3] = [-31_002, -32_601, -32_602];
        match self {
            Self::Http(fault) => matches!(fault, Fault::TooLong(_) | Fault::Status { .. }),
            Self::Said { code, .. } => !OTHER.contains(code) && !NOT_FOUND.contains(code),
            Self::Nothing(_) | Self::Form { .. } => false,
        }
    }
}

#[derive(Deserialize)]
struct InspectAnswer {
    status: String,
    reports: Option<Vec<InspectReport>>,
}

#[derive(Deserialize)]
struct InspectReport {
    payload: Bytes,
}

impl Node {
    /// Prepares access to `application` on a node; nothing is sent yet.
    ///
    /// `rpc` is the whole JSON-RPC URL, `inspect` the URL to which the address is appended.
    ///
    /// - Errors: an invalid URL
    pub fn connect(rpc: &str, inspect: &str, application: Address) -> Result<Self> {
        let url = |text: &str| {
            Url::parse(text).with_context(|| format!("{text:?} is not the URL of a Cartesi node"))
        };
        let inspect = url(&format!("{}/{application}", inspect.trim_end_matches('/')))?;
        let http = Http::new(http::PATIENCE)?;
        Ok(Self { http, rpc: url(rpc)?, inspect, application })
    }

    /// The same, with this timeout.
    ///
    /// - Errors: no HTTP client can be built
    pub fn within(self, patience: Duration) -> Result<Self> {
        Ok(Self { http: Http::new(patience)?, ..self })
    }

    /// The application on the node.
    pub fn application(&self) -> Address {
        self.application
    }

    /// The id of the chain that the node follows; `None` if this version does not say.
    pub async fn chain_id(&self) -> Result<Option<u64>> {
        match self.call::<Answer<HexNumber>>("cartesi_getChainId", json!({})).await {
            Ok(answer) => Ok(Some(answer.data.0)),
            Err(CallFailed::Said { .. } | CallFailed::Form { .. } | CallFailed::Nothing(_)) => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The number of inputs that the node has processed.
    pub async fn processed_inputs(&self) -> Result<u64> {
        let answer: Answer<HexNumber> =
            self.call("cartesi_getProcessedInputCount", json!({})).await?;
        Ok(answer.data.0)
    }

    /// One input.
    pub async fn input(&self, index: u64) -> Result<InputRecord> {
        self.record("cartesi_getInput", json!({ "input_index": hex(index) }), index).await
    }

    /// One output.
    pub async fn output(&self, index: u64) -> Result<OutputRecord> {
        self.record("cartesi_getOutput", json!({ "output_index": hex(index) }), index).await
    }

    async fn record<T: Record>(&self, method: &str, params: Value, index: u64) -> Result<T> {
        let answer = self.call::<Answer<T>>(method, params).await;
        let record = match answer {
            Err(CallFailed::Said { code, message, .. }) if NOT_FOUND.contains(&code) => {
                let why = format_args!("number {index}: {message}");
                return Err(Refused::new("NotFound", why).into());
            }
            answer => answer?.data,
        };
        let found = record.index();
        ensure!(found == index, "the node answers {method} {index} with number {found}");
        Ok(record)
    }

    /// One epoch.
    pub async fn epoch(&self, index: u64) -> Result<EpochRecord> {
        let params = json!({ "epoch_index": hex(index) });
        let epoch = self.call::<Answer<EpochRecord>>("cartesi_getEpoch", params).await?.data;
        let found = epoch.index;
        ensure!(found == index, "the node answers with epoch {found} instead of {index}");
        Ok(epoch)
    }

    /// All outputs, in order.
    #[must_use]
    pub fn outputs(&self) -> Pages<OutputRecord> {
        self.pages("cartesi_listOutputs", json!({}))
    }

    /// The vouchers that call `destination`, in order.
    #[must_use]
    pub fn vouchers_to(&self, destination: Address) -> Pages<OutputRecord> {
        let filter = json!({ "output_type": VOUCHER, "voucher_address": destination });
        self.pages("cartesi_listOutputs", filter)
    }

    /// The outputs of one input, in order.
    pub async fn outputs_of(&self, input: u64) -> Result<Vec<OutputRecord>> {
        self.of_input("cartesi_listOutputs", input, |output: &OutputRecord| output.input_index)
            .await
    }

    /// The payloads of all notices so far, in order.
    pub async fn notices(&self) -> Result<Vec<Bytes>> {
        self.notices_from(0).await
    }

    /// The payloads of all notices after the first `count`, in order.
    pub async fn notices_from(&self, count: u64) -> Result<Vec<Bytes>> {
        let all = self.pages("cartesi_listOutputs", json!({ "output_type": NOTICE }));
        let mut pages: Pages<OutputRecord> = all.skip(count);
        let mut notices = Vec::new();
        while let Some(records) = pages.next().await? {
            let decoded = records.iter().map(|record| Output::decode(&record.raw_data));
            notices.extend(decoded.filter_map(|output| match output {
                Some(Output::Notice { payload }) => Some(payload),
                _ => None,
            }));
            ensure!(notices.len() <= NOTICES_MAX, "the node's list of notices has no end");
        }
        Ok(notices)
    }

    /// The reports of one input, in order.
    pub async fn reports_of(&self, input: u64) -> Result<Vec<Bytes>> {
        let reports = self
            .of_input("cartesi_listReports", input, |report: &ReportRecord| report.input_index)
            .await?;
        Ok(reports.into_iter().map(|report| report.raw_data).collect())
    }

    /// All records of one input.
    async fn of_input<T: Record>(
        &self,
        method: &'static str,
        input: u64,
        input_of: impl Fn(&T) -> u64,
    ) -> Result<Vec<T>> {
        let mut pages = self.pages(method, json!({ "input_index": hex(input) }));
        let mut all = Vec::new();
        while let Some(page) = pages.next().await? {
            let strange = page.iter().map(&input_of).find(|found| *found != input);
            if let Some(found) = strange {
                bail!("the node answers {method} for input {input} with records of input {found}");
            }
            all.extend(page);
            ensure!(all.len() <= RECORDS_MAX, "the node's list of input {input} has no end");
        }
        Ok(all)
    }

    fn pages<T>(&self, method: &'static str, filter: Value) -> Pages<T> {
        Pages::new(self.clone(), method, filter, PAGE)
    }

    /// The application's response to an inspect query.
    ///
    /// - Errors: the node does not answer, or the application failed to
    pub async fn inspect(&self, query: &str) -> Result<Bytes> {
        let answer: InspectAnswer = self.http.post(&self.inspect, query.as_bytes(), true).await?;
        let accepted = answer.status.eq_ignore_ascii_case("accepted");
        ensure!(accepted, "the application answered {:?} with {}", query, answer.status);
        let reports = answer.reports.unwrap_or_default();
        let bytes: Vec<u8> = reports.into_iter().flat_map(|report| report.payload.0).collect();
        Ok(bytes.into())
    }

    /// A listing from record `first` on, in order, in pages of at most `size` records of any type.
    pub fn listing<T>(&self, method: &'static str, first: u64, size: u64) -> Pages<T> {
        Pages::new(self.clone(), method, json!({}), size).from(first)
    }

    /// URL of its JSON-RPC.
    pub fn url(&self) -> &str {
        self.rpc.as_str()
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        mut params: Value,
    ) -> Result<T, CallFailed> {
        params["application"] = json!(self.application);
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let body = body.to_string();
        let answer: RpcAnswer = self.http.post(&self.rpc, body.as_bytes(), true).await?;
        let method = method.to_owned();
        if let Some(RpcError { code, message }) = answer.error {
            let message = http::clipped(&message);
            return Err(CallFailed::Said { method, application: self.application, code, message });
        }
        let Some(result) = answer.result else { return Err(CallFailed::Nothing(method)) };
        serde_json::from_value(result).map_err(|why| {
            let why = http::clipped(&why.to_string());
            CallFailed::Form { method, why }
        })
    }
}

fn hex(number: u64) -> String {
    format!("{number:#x}")
}

struct HexNumber(u64);

impl<'de> Deserialize<'de> for HexNumber {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        hex_number(deserializer).map(Self)
    }
}

/// Deserialises a hexadecimal number, as the node writes them.
///
/// - Errors: not one
pub fn hex_number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digits = text.strip_prefix("0x").filter(|digits| !digits.starts_with(['+', '-']));
    let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    number.ok_or_else(|| serde::de::Error::custom("a number is not 0x and hexadecimal digits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_hexadecimal() {
        let read = |text: &str| serde_json::from_str::<HexNumber>(text).map(|number| number.0);
        assert_eq!(read("\"0xa\"").unwrap(), 10);
        for wrong in ["\"0xzz\"", "\"10\"", "7", "\"0x\"", "\"0x+1\"", "\"0x10000000000000000\""] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
