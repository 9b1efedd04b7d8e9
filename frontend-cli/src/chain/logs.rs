//! Reading event logs in block ranges that adapt to what the RPC endpoint allows.

use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::{Filter, Log};
use alloy::transports::{RpcError, TransportErrorKind};
use anyhow::{Context, Result};

const SPAN_MAX: u64 = 100_000;

/// Walks forward over the logs of one filter, page by page.
#[derive(Debug)]
pub struct LogReader {
    provider: DynProvider,
    filter: Filter,
    next: u64,
    span: Span,
}

impl LogReader {
    /// Reads what `filter` selects, from block `first` on.
    pub fn new(provider: DynProvider, filter: Filter, first: u64) -> Self {
        Self { provider, filter, next: first, span: Span { blocks: 2_000, ceiling: SPAN_MAX } }
    }

    /// The first block that was not read yet.
    pub fn next_block(&self) -> u64 {
        self.next
    }

    /// The logs of the next range up to block `last`; `None` when all of it was read.
    ///
    /// A range the endpoint refuses is halved and asked again.
    ///
    /// - Errors: the endpoint does not answer, or refuses even a single block
    pub async fn next(&mut self, last: u64) -> Result<Option<Vec<Log>>> {
        while self.next <= last {
            let to = last.min(self.next.saturating_add(self.span.blocks - 1));
            let filter = self.filter.clone().from_block(self.next).to_block(to);
            match self.provider.get_logs(&filter).await {
                Ok(logs) => {
                    self.next = to + 1;
                    self.span.grow();
                    return Ok(Some(logs));
                }
                Err(error) if is_limit(&error) && self.span.shrink() => {}
                Err(error) => {
                    let range = format!("cannot read the events of blocks {}-{to}", self.next);
                    return Err(error).context(range);
                }
            }
        }
        Ok(None)
    }
}

/// Whether a smaller range might be answered: there was an answer, and it was a refusal.
fn is_limit(error: &RpcError<TransportErrorKind>) -> bool {
    match error {
        RpcError::ErrorResp(_) => true,
        RpcError::Transport(kind) => kind.as_http_error().is_some(),
        _ => false,
    }
}

/// How many blocks to ask for at once.
#[derive(Debug)]
struct Span {
    blocks: u64,
    /// What was refused is not tried again.
    ceiling: u64,
}

impl Span {
    fn grow(&mut self) {
        self.blocks = self.blocks.saturating_mul(2).min(self.ceiling);
    }

    /// Halves the span; false when it is a single block already.
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
