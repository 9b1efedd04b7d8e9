//! The application's outputs, as a Merkle tree that can be queried at any block.

use alloy::primitives::{B256, Bytes, keccak256};
use client::chain::Advance;
use client::merkle::OutputsTree;
use serde::{Deserialize, Serialize};

/// All outputs, and their number after each block with inputs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Outputs {
    tree: OutputsTree,
    ends: Vec<End>,
}

/// State after the last input of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The block.
    pub block: u64,
    /// Its last input.
    pub input: u64,
    /// Number of outputs up to then.
    pub outputs: u64,
}

impl Outputs {
    /// Number of outputs.
    pub fn len(&self) -> u64 {
        self.tree.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tree.is_empty()
    }

    /// Adds an input's outputs.
    pub fn add(&mut self, input: &Advance, outputs: &[Bytes]) {
        for output in outputs {
            self.tree.push(keccak256(output));
        }
        let end = End { block: input.block_number, input: input.index, outputs: self.tree.len() };
        match self.ends.last_mut() {
            Some(last) if last.block == end.block => *last = end,
            _ => self.ends.push(end),
        }
    }

    /// State at the end of `block`; `None` if there was no input yet.
    pub fn after(&self, block: u64) -> Option<End> {
        let ends = self.ends.partition_point(|end| end.block <= block);
        self.ends.get(ends.checked_sub(1)?).copied()
    }

    /// The root of the outputs up to the end of `block`.
    pub fn root_after(&self, block: u64) -> B256 {
        self.tree.root(self.after(block).map_or(0, |end| end.outputs))
    }

    /// The siblings of an output in the tree at the end of `block`, if it existed then.
    pub fn proof(&self, index: u64, block: u64) -> Option<Vec<B256>> {
        self.tree.proof(index, self.after(block)?.outputs)
    }

    /// The hash of an output.
    pub fn hash(&self, index: u64) -> Option<B256> {
        self.tree.leaf(index)
    }
}
