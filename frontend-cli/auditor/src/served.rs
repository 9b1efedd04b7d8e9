//! The node's answers about inputs and outputs, read page by page ahead of the replay.

use std::collections::VecDeque;

use alloy::primitives::{B256, Bytes, keccak256};
use anyhow::Result;
use client::node::{Node, Record, hex_number};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Inputs per page; fewer if they are so large that the response is too long.
const INPUTS: u64 = 200;
/// Outputs per page: each comes with its proof.
const OUTPUTS: u64 = 500;

/// An input as reported by the node.
#[derive(Debug, Deserialize)]
pub(super) struct InputRecord {
    #[serde(deserialize_with = "hex_number")]
    pub(super) index: u64,
    #[serde(default)]
    status: Option<String>,
    /// The hash of its bytes.
    #[serde(default, rename = "raw_data", deserialize_with = "hashed")]
    pub(super) hash: Option<B256>,
}

/// An output as reported by the node.
#[derive(Debug, Deserialize)]
struct OutputRecord {
    #[serde(deserialize_with = "hex_number")]
    index: u64,
    #[serde(deserialize_with = "hex_number")]
    input_index: u64,
    raw_data: Bytes,
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

/// The node's state of an input.
#[derive(Debug)]
pub(super) enum Served {
    /// Processed, with these outputs.
    Processed { input: InputRecord, outputs: Vec<Bytes> },
    /// Skipped: a later input is listed, as if this one had never come.
    Missing,
    /// Not reached yet.
    Behind,
}

impl InputRecord {
    /// Whether the node reports it as rejected.
    pub(super) fn is_rejected(&self) -> bool {
        self.status.as_deref() == Some("REJECTED")
    }

    fn is_processed(&self) -> bool {
        self.status.as_deref() != Some("NONE")
    }
}

/// Both listings of a node, from given offsets on.
pub(super) struct Records {
    inputs: Pages<InputRecord>,
    outputs: Pages<OutputRecord>,
}

impl Records {
    pub(super) fn new(node: &Node, inputs: u64, outputs: u64) -> Self {
        Self {
            inputs: Pages::new(node, "cartesi_listInputs", inputs, INPUTS),
            outputs: Pages::new(node, "cartesi_listOutputs", outputs, OUTPUTS),
        }
    }

    /// The node's state of input `index`; must be called in order.
    ///
    /// - Errors: its answer is malformed or missing
    pub(super) async fn next(&mut self, index: u64) -> Result<Served> {
        let Some(next) = self.inputs.peek().await? else { return Ok(Served::Behind) };
        if next.index > index {
            return Ok(Served::Missing);
        }
        let Some(input) = self.inputs.take().filter(InputRecord::is_processed) else {
            return Ok(Served::Behind);
        };
        let mut outputs = Vec::new();
        while let Some(output) = self.outputs.peek().await? {
            if output.input_index > index {
                break;
            }
            outputs.extend(self.outputs.take().map(|output| output.raw_data));
        }
        Ok(Served::Processed { input, outputs })
    }
}

/// A listing, prefetched one page ahead.
struct Pages<T> {
    page: VecDeque<T>,
    pages: mpsc::Receiver<Result<Vec<T>>>,
    task: JoinHandle<()>,
}

impl<T> Drop for Pages<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<T: Record + Send + 'static> Pages<T> {
    fn new(node: &Node, method: &'static str, first: u64, limit: u64) -> Self {
        let mut listing = node.listing(method, first, limit);
        let (send, pages) = mpsc::channel(1);
        let task = tokio::spawn(async move {
            while let Some(page) = listing.next().await.transpose() {
                let is_last = page.is_err();
                if send.send(page).await.is_err() || is_last {
                    break;
                }
            }
        });
        Self { page: VecDeque::new(), pages, task }
    }

    /// The next item, if there is one.
    async fn peek(&mut self) -> Result<Option<&T>> {
        while self.page.is_empty() {
            match self.pages.recv().await {
                Some(page) => self.page.extend(page?),
                None => return Ok(None),
            }
        }
        Ok(self.page.front())
    }

    fn take(&mut self) -> Option<T> {
        self.page.pop_front()
    }
}

/// Keeps only the hash of an input's bytes.
fn hashed<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Option<B256>, D::Error> {
    Ok(Option::<Bytes>::deserialize(input)?.map(keccak256))
}
