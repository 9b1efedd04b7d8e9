//! Events for the page: the market's notices, with the times of the blocks that caused them.

use std::collections::BTreeMap;

use alloy::primitives::Bytes;
use anyhow::{Context, Result};
use client::{
    chain::{Advance, Output},
    node::{OutputRecord, Record, hex_number},
    session::Session,
    words,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wire::Notice;

/// Outputs looked through for one answer.
const PAGE: u64 = 200;

/// Inputs asked for at once: each may have 64 KiB.
const INPUTS: u64 = 50;

/// Some of the market's events, in order.
#[derive(Serialize)]
pub(super) struct Events {
    /// The first output that was not looked at.
    next: u64,
    /// Whether there are no more outputs yet.
    is_all: bool,
    events: Vec<Dated>,
}

/// An event and when it happened.
#[derive(Serialize)]
struct Dated {
    /// Its output's number.
    output: u64,
    /// The input that caused it.
    input: u64,
    /// The time of that input's block, in seconds.
    time: u64,
    /// What happened, in words.
    words: String,
    /// The event, with its reason in words.
    #[serde(flatten)]
    event: Value,
}

/// The events from an output on.
///
/// - Errors: the node does not answer, or not with what was asked for
pub(super) async fn from(session: &Session, first: u64) -> Result<Events> {
    let mut pages = session.node.listing::<OutputRecord>("cartesi_listOutputs", first, PAGE);
    let records = pages.next().await?.unwrap_or_default();
    let next = records.last().map_or(first, |last| last.index + 1);
    let is_all = (records.len() as u64) < PAGE;
    let notices = records.iter().filter_map(|record| {
        let Output::Notice { payload } = Output::decode(&record.raw_data)? else { return None };
        Some((record.index, record.input_index, wire::decode_notice(&payload)?))
    });
    let notices: Vec<_> = notices.collect();
    let inputs = notices.iter().map(|(_, input, _)| *input);
    let times = times(session, inputs.clone().min(), inputs.max()).await?;
    let events = notices.into_iter().map(|(output, input, event)| {
        let time = *times.get(&input).with_context(|| format!("the node has no input {input}"))?;
        let (words, event) = in_words(&event)?;
        Ok(Dated { output, input, time, words, event })
    });
    Ok(Events { next, is_all, events: events.collect::<Result<_>>()? })
}

/// What happened, and the event with its reason in words.
fn in_words(event: &Notice) -> Result<(String, Value)> {
    let mut event = serde_json::to_value(event)?;
    for place in ["/reason", "/verdict/reason", "/board/reason"] {
        if let Some(Value::String(reason)) = event.pointer_mut(place) {
            *reason = words::reason(reason).into_owned();
        }
    }
    let happened = event["event"].as_str().map(words::heading);
    Ok((happened.unwrap_or_default(), event))
}

#[derive(Deserialize)]
struct RawInput {
    #[serde(deserialize_with = "hex_number")]
    index: u64,
    raw_data: Bytes,
}

impl Record for RawInput {
    fn index(&self) -> u64 {
        self.index
    }
}

/// The block times of inputs, by their numbers.
async fn times(
    session: &Session,
    first: Option<u64>,
    last: Option<u64>,
) -> Result<BTreeMap<u64, u64>> {
    let mut times = BTreeMap::new();
    let (Some(first), Some(last)) = (first, last) else { return Ok(times) };
    let mut pages = session.node.listing::<RawInput>("cartesi_listInputs", first, INPUTS);
    while times.last_key_value().is_none_or(|(input, _)| *input < last)
        && let Some(inputs) = pages.next().await?
    {
        for RawInput { index, raw_data } in inputs {
            let advance = Advance::decode(&raw_data)
                .with_context(|| format!("the node's input {index} is none"))?;
            times.insert(index, advance.block_timestamp);
        }
    }
    Ok(times)
}
