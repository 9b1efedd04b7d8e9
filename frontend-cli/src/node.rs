//! What the Cartesi node knows: its JSON-RPC and inspect, as a client.
//!
//! Nodes differ between versions: fields that are not needed are not read, enums stay text.

use std::time::Duration;

use alloy::primitives::{Address, B256, Bytes};
use anyhow::{Context, Result, anyhow, bail, ensure};
use reqwest::Url;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::chain::Output;

/// The largest page asked for.
const PAGE: u64 = 1_000;

/// The largest answer read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1_024 * 1_024;

/// Status of an epoch whose outputs can be executed on L1.
pub const CLAIM_ACCEPTED: &str = "CLAIM_ACCEPTED";

/// Selector of vouchers among outputs, for filters.
pub const VOUCHER: &str = "0x237a816f";

/// Selector of notices among outputs, for filters.
const NOTICE: &str = "0xc258d6e5";

/// One application on one node.
#[derive(Clone, Debug)]
pub struct Node {
    http: reqwest::Client,
    rpc: Url,
    inspect: Url,
    application: Address,
}

/// An input as the node keeps it.
#[derive(Clone, Debug, Deserialize)]
pub struct InputRecord {
    /// Its number since genesis.
    #[serde(deserialize_with = "hex_number")]
    pub index: u64,
    /// The epoch it belongs to.
    #[serde(deserialize_with = "hex_number")]
    pub epoch_index: u64,
    /// `NONE` until it is processed, then `ACCEPTED`, `REJECTED` or how the machine failed.
    pub status: String,
}

/// An output as the node keeps it.
#[derive(Clone, Debug, Deserialize)]
pub struct OutputRecord {
    /// Its number since genesis.
    #[serde(deserialize_with = "hex_number")]
    pub index: u64,
    /// The epoch whose claim proves it.
    #[serde(deserialize_with = "hex_number")]
    pub epoch_index: u64,
    /// The input it came from.
    #[serde(deserialize_with = "hex_number")]
    pub input_index: u64,
    /// The bytes that are proven.
    pub raw_data: Bytes,
    /// Its proof, from the leaf up, once its epoch's claim is computed.
    #[serde(default)]
    pub output_hashes_siblings: Option<Vec<B256>>,
    /// The transaction that executed it.
    #[serde(default)]
    pub execution_transaction_hash: Option<B256>,
}

/// An epoch as the node keeps it.
#[derive(Clone, Debug, Deserialize)]
pub struct EpochRecord {
    /// Its number.
    #[serde(deserialize_with = "hex_number")]
    pub index: u64,
    /// Its last block; outputs are claimed after it.
    #[serde(deserialize_with = "hex_number")]
    pub last_block: u64,
    /// Where its claim is; `CLAIM_ACCEPTED` when its outputs can be executed.
    pub status: String,
    /// The outputs root it claims.
    #[serde(default)]
    pub claim_hash: Option<B256>,
}

#[derive(Deserialize)]
struct ReportRecord {
    raw_data: Bytes,
}

#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
    pagination: Pagination,
}

#[derive(Deserialize)]
struct Pagination {
    total_count: u64,
}

#[derive(Deserialize)]
struct RpcAnswer {
    result: Option<Value>,
    error: Option<RpcError>,
}

#[derive(Deserialize)]
struct RpcError {
    message: String,
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
    /// - Errors: a URL is none
    pub fn connect(rpc: &str, inspect: &str, application: Address) -> Result<Self> {
        let url = |text: &str| {
            Url::parse(text).with_context(|| format!("{text:?} is not the URL of a Cartesi node"))
        };
        let inspect = url(&format!("{}/{application}", inspect.trim_end_matches('/')))?;
        let http = crate::http::client(Duration::from_secs(60))?;
        Ok(Self { http, rpc: url(rpc)?, inspect, application })
    }

    /// The application asked about.
    pub fn application(&self) -> Address {
        self.application
    }

    /// How many inputs the node has processed.
    pub async fn processed_inputs(&self) -> Result<u64> {
        let answer: Answer<HexNumber> =
            self.call("cartesi_getProcessedInputCount", json!({})).await?;
        Ok(answer.data.0)
    }

    /// One input.
    pub async fn input(&self, index: u64) -> Result<InputRecord> {
        let params = json!({ "input_index": hex(index) });
        Ok(self.call::<Answer<_>>("cartesi_getInput", params).await?.data)
    }

    /// One output.
    pub async fn output(&self, index: u64) -> Result<OutputRecord> {
        let params = json!({ "output_index": hex(index) });
        Ok(self.call::<Answer<_>>("cartesi_getOutput", params).await?.data)
    }

    /// One epoch.
    pub async fn epoch(&self, index: u64) -> Result<EpochRecord> {
        let params = json!({ "epoch_index": hex(index) });
        Ok(self.call::<Answer<_>>("cartesi_getEpoch", params).await?.data)
    }

    /// The outputs of one input, in order.
    pub async fn outputs_of(&self, input: u64) -> Result<Vec<OutputRecord>> {
        self.list("cartesi_listOutputs", json!({ "input_index": hex(input) })).await
    }

    /// What all notices so far say, in order.
    pub async fn notices(&self) -> Result<Vec<Bytes>> {
        let filter = json!({ "output_type": NOTICE });
        let records: Vec<OutputRecord> = self.list("cartesi_listOutputs", filter).await?;
        let decoded = records.iter().map(|record| Output::decode(&record.raw_data));
        Ok(decoded
            .filter_map(|output| match output {
                Some(Output::Notice { payload }) => Some(payload),
                _ => None,
            })
            .collect())
    }

    /// The vouchers that call `destination`, in order.
    pub async fn vouchers_to(&self, destination: Address) -> Result<Vec<OutputRecord>> {
        let filter = json!({ "output_type": VOUCHER, "voucher_address": destination });
        self.list("cartesi_listOutputs", filter).await
    }

    /// The reports of one input, in order.
    pub async fn reports_of(&self, input: u64) -> Result<Vec<Bytes>> {
        let params = json!({ "input_index": hex(input) });
        let reports = self.list::<ReportRecord>("cartesi_listReports", params).await?;
        Ok(reports.into_iter().map(|report| report.raw_data).collect())
    }

    /// The bytes the application answers to an inspect query.
    ///
    /// - Errors: the node does not answer, or the application failed at it
    pub async fn inspect(&self, query: &str) -> Result<Bytes> {
        let request = self.http.post(self.inspect.clone()).body(query.to_owned());
        let answer: InspectAnswer = self.send(request, &self.inspect).await?;
        let accepted = answer.status.eq_ignore_ascii_case("accepted");
        ensure!(accepted, "the application answered {:?} with {}", query, answer.status);
        let reports = answer.reports.unwrap_or_default();
        let bytes: Vec<u8> = reports.into_iter().flat_map(|report| report.payload.0).collect();
        Ok(bytes.into())
    }

    /// All of a listing, page by page.
    async fn list<T: DeserializeOwned>(&self, method: &str, filter: Value) -> Result<Vec<T>> {
        let mut all = Vec::new();
        loop {
            let mut params = filter.clone();
            params["limit"] = PAGE.into();
            params["offset"] = all.len().into();
            let page: Page<T> = self.call(method, params).await?;
            let is_last = page.data.is_empty();
            all.extend(page.data);
            if is_last || all.len() as u64 >= page.pagination.total_count {
                return Ok(all);
            }
        }
    }

    async fn call<T: DeserializeOwned>(&self, method: &str, mut params: Value) -> Result<T> {
        params["application"] = json!(self.application);
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer: RpcAnswer =
            self.send(self.http.post(self.rpc.clone()).json(&body), &self.rpc).await?;
        if let Some(error) = answer.error {
            bail!("the node says to {method} for {}: {}", self.application, error.message);
        }
        let result =
            answer.result.with_context(|| format!("the node answers {method} with nothing"))?;
        serde_json::from_value(result)
            .with_context(|| format!("the node's answer to {method} has another form than known"))
    }

    async fn send<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
        url: &Url,
    ) -> Result<T> {
        let silent = || format!("no answer from the Cartesi node at {url}: is it running?");
        // The cause is a chain of library words that says no more.
        let mut answer = request.send().await.map_err(|_| anyhow!(silent()))?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.with_context(silent)? {
            ensure!(body.len() + part.len() <= ANSWER_BYTES_MAX, "the answer of {url} has no end");
            body.extend_from_slice(&part);
        }
        if !status.is_success() && serde_json::from_slice::<Value>(&body).is_err() {
            let words = String::from_utf8_lossy(&body);
            let words: String = words.trim().chars().take(200).collect();
            bail!("the Cartesi node at {url} answers {status}: {words}");
        }
        serde_json::from_slice(&body)
            .with_context(|| format!("{url} does not answer as a Cartesi node does"))
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

fn hex_number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    u64::from_str_radix(digits, 16).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_other_versions_are_read() {
        let old = r#"{"index":"0x1","epoch_index":"0x0","input_index":"0xa","raw_data":"0x01",
            "output_hashes_siblings":null,"execution_transaction_hash":null,"decoded_data":null}"#;
        let new = r#"{"index":"0x1","epoch_index":"0x0","input_index":"0xa","raw_data":"0x01",
            "something_new":{"x":1}}"#;
        for text in [old, new] {
            let output: OutputRecord = serde_json::from_str(text).unwrap();
            assert_eq!((output.index, output.input_index), (1, 10));
            assert_eq!(output.output_hashes_siblings, None);
        }
        assert!(serde_json::from_str::<HexNumber>("\"0xzz\"").is_err());
        assert!(serde_json::from_str::<HexNumber>("7").is_err());
    }
}
