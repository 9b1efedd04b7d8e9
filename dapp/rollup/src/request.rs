//! Requests of the rollup server, decoded from JSON.

use std::borrow::Cow;

use blobs::Digest;
use market::{Address, Context, Timestamp};
use serde::{Deserialize, de::Error as _};
use wire::{Advance, Text};

/// A request returned by `/finish`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// An input to process.
    Advance(Advance),
    /// A query: the raw body of an inspect request.
    Inspect(Vec<u8>),
}

/// Reason why a body is not a request.
#[derive(Debug, thiserror::Error)]
pub enum RequestRefused {
    /// Not JSON of the expected form.
    #[error("not a rollup request: {0}")]
    Malformed(serde_json::Error),
    /// A string that should be hexadecimal.
    #[error("{0} is not hexadecimal")]
    NotHexadecimal(&'static str),
}

/// Borrows its strings: a payload of 64 KiB is copied once, when it is decoded from hexadecimal.
#[derive(Deserialize)]
struct Body<'a> {
    request_type: RequestType,
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RequestType {
    AdvanceState,
    InspectState,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    metadata: Option<Metadata<'a>>,
    #[serde(borrow)]
    payload: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow)]
    msg_sender: Cow<'a, str>,
    #[serde(borrow)]
    app_contract: Cow<'a, str>,
    #[serde(borrow)]
    prev_randao: Cow<'a, str>,
    chain_id: u64,
    block_number: u64,
    block_timestamp: u64,
    input_index: u64,
}

impl Metadata<'_> {
    fn context(&self, payload: &[u8]) -> Result<Context, RequestRefused> {
        let address =
            |text: &str, name| Address::read(text).ok_or(RequestRefused::NotHexadecimal(name));
        let prev_randao = Digest::read(&self.prev_randao);
        Ok(Context {
            sender: address(&self.msg_sender, "msg_sender")?,
            block_time: Timestamp(self.block_timestamp),
            chain_id: self.chain_id,
            app: address(&self.app_contract, "app_contract")?,
            block: self.block_number,
            prev_randao: prev_randao.ok_or(RequestRefused::NotHexadecimal("prev_randao"))?.0,
            input: self.input_index,
            payload_bytes: payload.len() as u64,
        })
    }
}

impl Request {
    /// Parses a body; ignores fields that are not needed.
    ///
    /// - Errors: the first fault found
    pub fn decode(body: &[u8]) -> Result<Self, RequestRefused> {
        let Body { request_type, data } =
            serde_json::from_slice(body).map_err(RequestRefused::Malformed)?;
        match request_type {
            RequestType::AdvanceState => {
                let missing = || serde_json::Error::missing_field("metadata");
                let metadata = data.metadata.ok_or_else(missing);
                let metadata = metadata.map_err(RequestRefused::Malformed)?;
                let payload = bytes(&data.payload)?;
                let context = metadata.context(&payload)?;
                Ok(Self::Advance(Advance { context, payload }))
            }
            RequestType::InspectState => Ok(Self::Inspect(bytes(&data.payload)?)),
        }
    }
}

fn bytes(text: &str) -> Result<Vec<u8>, RequestRefused> {
    let refused = || RequestRefused::NotHexadecimal("payload");
    let digits = text.strip_prefix("0x").ok_or_else(refused)?;
    let mut bytes = vec![0; digits.len() / 2];
    hex::decode_to_slice(digits, &mut bytes).map_err(|_| refused())?;
    Ok(bytes)
}
