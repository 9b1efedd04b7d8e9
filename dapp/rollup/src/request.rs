//! Requests of the rollup server, out of their JSON.

use market::{Address, Timestamp};
use serde::Deserialize;
use wire::Text;

/// What `/finish` hands out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// An input, to be carried out.
    Advance(Advance),
    /// A question: the raw body of an inspect request.
    Inspect(Vec<u8>),
}

/// One input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advance {
    /// Who sent it to the InputBox; a portal for deposits.
    pub sender: Address,
    /// Time of its block.
    pub now: Timestamp,
    /// What was sent.
    pub payload: Vec<u8>,
}

/// Why a body is not a request.
#[derive(Debug, thiserror::Error)]
pub enum RequestRefused {
    /// Not JSON of the expected form.
    #[error("not a rollup request: {0}")]
    Malformed(serde_json::Error),
    /// A string that should be hexadecimal.
    #[error("{0} is not hexadecimal")]
    NotHexadecimal(&'static str),
}

#[derive(Deserialize)]
#[serde(tag = "request_type", content = "data", rename_all = "snake_case")]
enum Body {
    AdvanceState { metadata: Metadata, payload: String },
    InspectState { payload: String },
}

#[derive(Deserialize)]
struct Metadata {
    msg_sender: String,
    block_timestamp: u64,
}

impl Request {
    /// Reads a body; what it says beyond our needs is ignored.
    ///
    /// - Errors: what is wrong with it
    pub fn decode(body: &[u8]) -> Result<Self, RequestRefused> {
        Ok(match serde_json::from_slice(body).map_err(RequestRefused::Malformed)? {
            Body::AdvanceState { metadata, payload } => Self::Advance(Advance {
                sender: Address::read(&metadata.msg_sender)
                    .ok_or(RequestRefused::NotHexadecimal("msg_sender"))?,
                now: Timestamp(metadata.block_timestamp),
                payload: bytes(&payload)?,
            }),
            Body::InspectState { payload } => Self::Inspect(bytes(&payload)?),
        })
    }
}

fn bytes(text: &str) -> Result<Vec<u8>, RequestRefused> {
    let bytes = text.strip_prefix("0x").map(hex::decode);
    bytes.and_then(Result::ok).ok_or(RequestRefused::NotHexadecimal("payload"))
}
