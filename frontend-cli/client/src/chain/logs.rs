//! Reading event logs in block ranges that adapt to the limits of the RPC endpoint.

use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::{Filter, Log};
use anyhow::{Context, Result, ensure};
use reqwest::Url;

use super::{span::Span, transport};

/// Reads the logs of one filter in ascending order, page by page.
#[derive(Debug)]
pub struct LogReader {
    provider: DynProvider,
    url: Url,
    filter: Filter,
    next: u64,
    span: Span,
}

impl LogReader {
    pub(super) fn new(provider: DynProvider, url: Url, filter: Filter, first: u64) -> Self {
        Self { provider, url, filter, next: first, span: Span::new() }
    }

    /// The first unread block.
    pub fn next_block(&self) -> u64 {
        self.next
    }

    /// The logs of the next range up to block `last`; `None` once all are read.
    ///
    /// A range that the endpoint refuses for its size is made smaller and requested again.
    ///
    /// - Errors: the endpoint does not answer, refuses even a single block, or returns logs that
    ///   were not requested
    pub async fn next(&mut self, last: u64) -> Result<Option<Vec<Log>>> {
        while self.next <= last {
            let to = last.min(self.next.saturating_add(self.span.blocks() - 1));
            let filter = self.filter.clone().from_block(self.next).to_block(to);
            match self.provider.get_logs(&filter).await {
                Ok(logs) => {
                    let is_meant = |log: &Log| is_selected(&filter, log, self.next, to);
                    ensure!(
                        logs.iter().all(is_meant),
                        "the Ethereum node at {} answers with events that were not asked for",
                        self.url
                    );
                    self.next = to + 1;
                    self.span.grow();
                    return Ok(Some(logs));
                }
                Err(error) => {
                    let asked = to - self.next + 1;
                    if transport::too_much(&error).is_some_and(|why| self.span.shrink(asked, &why))
                    {
                        continue;
                    }
                    let range = format!("cannot read the events of blocks {}-{to}", self.next);
                    return Err(transport::plain(error, &self.url)).context(range);
                }
            }
        }
        Ok(None)
    }
}

/// Whether a log is in that block range and matches `filter`.
fn is_selected(filter: &Filter, log: &Log, first: u64, last: u64) -> bool {
    let is_there = log.block_number.is_some_and(|block| (first..=last).contains(&block));
    is_there && !log.removed && filter.rpc_matches(log)
}
