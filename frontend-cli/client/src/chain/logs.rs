//! Reading event logs in block ranges that adapt to the limits of the RPC endpoint.

use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::{Filter, Log};
use anyhow::{Context, Result, ensure};
use reqwest::Url;

use super::transport;

const SPAN_MAX: u64 = 100_000;

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
        let span = Span { blocks: 2_000, ceiling: SPAN_MAX };
        Self { provider, url, filter, next: first, span }
    }

    /// The first unread block.
    pub fn next_block(&self) -> u64 {
        self.next
    }

    /// The logs of the next range up to block `last`; `None` once all are read.
    ///
    /// A range that the endpoint refuses is halved and requested again.
    ///
    /// - Errors: the endpoint does not answer, refuses even a single block, or returns logs that
    ///   were not requested
    pub async fn next(&mut self, last: u64) -> Result<Option<Vec<Log>>> {
        while self.next <= last {
            let to = last.min(self.next.saturating_add(self.span.blocks - 1));
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
                Err(error) if transport::is_too_much(&error) && self.span.shrink() => {}
                Err(error) => {
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

/// The number of blocks per request.
#[derive(Debug)]
struct Span {
    blocks: u64,
    /// Refused sizes are not tried again.
    ceiling: u64,
}

impl Span {
    fn grow(&mut self) {
        self.blocks = self.blocks.saturating_mul(2).min(self.ceiling);
    }

    /// Halves the span; false if it is already a single block.
    fn shrink(&mut self) -> bool {
        let can = self.blocks > 1;
        self.blocks = (self.blocks / 2).max(1);
        self.ceiling = self.blocks;
        can
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn span_settles_below_a_limit_of_seven_blocks() {
        let mut span = Span { blocks: 2_000, ceiling: SPAN_MAX };
        while span.blocks > 7 {
            assert!(span.shrink());
        }
        span.grow();
        assert_eq!(span.blocks, 7);
        span.blocks = 1;
        assert!(!span.shrink());
    }
}
