//! Listings of a node, page by page.

use std::marker::PhantomData;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{Node, Page, Record};

/// The maximum number of records of a listing, as a lying node could go on forever.
const LISTING_MAX: u64 = 10_000_000;

/// A listing that is read page by page, to bound memory.
#[derive(Debug)]
pub struct Pages<T> {
    node: Node,
    method: &'static str,
    filter: Value,
    offset: u64,
    /// The page size.
    size: u64,
    /// The number of records read.
    read: u64,
    /// The smallest valid index of the next record.
    next_index: u64,
    is_over: bool,
    records: PhantomData<T>,
}

impl<T> Pages<T> {
    pub(super) const fn new(node: Node, method: &'static str, filter: Value, size: u64) -> Self {
        let (offset, read, next_index, is_over, records) = (0, 0, 0, false, PhantomData);
        Self { node, method, filter, offset, size, read, next_index, is_over, records }
    }

    /// The same without the first `count` records.
    pub(super) fn skip(self, count: u64) -> Self {
        Self { offset: count, ..self }
    }

    /// The same from record `first` on; for listings without gaps.
    pub fn from(self, first: u64) -> Self {
        Self { offset: first, next_index: first, ..self }
    }
}

impl<T: Record> Pages<T> {
    /// The next records; `None` at the end.
    ///
    /// A page that is too large for the node is requested in smaller ones.
    ///
    /// - Errors: the node does not answer, or its pages are inconsistent
    pub async fn next(&mut self) -> Result<Option<Vec<T>>> {
        while !self.is_over {
            let mut params = self.filter.clone();
            params["limit"] = self.size.into();
            params["offset"] = self.offset.into();
            match self.node.call::<Page<T>>(self.method, params).await {
                Ok(page) => return self.take(page),
                Err(failed) if self.size > 1 && failed.may_be_size() => {
                    self.size = (self.size / 8).max(1);
                }
                Err(failed) => return Err(failed.into()),
            }
        }
        Ok(None)
    }

    fn take(&mut self, page: Page<T>) -> Result<Option<Vec<T>>> {
        let (found, asked, method) = (page.data.len() as u64, self.size, self.method);
        ensure!(found <= asked, "the node answers {method} with {found} records, not {asked}");
        for record in &page.data {
            let index = record.index();
            let least = self.next_index;
            ensure!(
                index >= least,
                "the node's pages of {method} do not go on: number {index} comes after number {}",
                least.saturating_sub(1)
            );
            self.next_index = index.saturating_add(1);
        }
        self.offset += found;
        self.read += found;
        ensure!(self.read <= LISTING_MAX, "the node's list by {method} has no end");
        let total = page.pagination.and_then(|pagination| pagination.total_count);
        // Without a total, the listing ends with an empty page.
        self.is_over = page.data.is_empty() || total.is_some_and(|total| self.offset >= total);
        Ok((!page.data.is_empty()).then_some(page.data))
    }
}
