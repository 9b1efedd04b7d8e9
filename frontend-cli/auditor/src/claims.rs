//! Claims: which epochs need one, and whether the root accepted on Ethereum is the outputs' root.

use std::collections::BTreeMap;

use alloy::primitives::B256;
use serde::{Deserialize, Serialize};

use super::divergence::{Divergence, DivergenceKind};
use super::outputs::Outputs;

/// An accepted claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The block after which the claimed root holds.
    pub last_block: u64,
    /// The claimed root.
    pub root: B256,
    /// The transaction that accepted it.
    pub transaction: B256,
}

/// Unclaimed epochs with inputs, and the last claim.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Claims {
    /// By the epoch's last block: its last input and the transaction that sent it.
    awaited: BTreeMap<u64, (u64, B256)>,
    newest: Option<u64>,
}

impl Claims {
    /// Records an input of the epoch that ends with block `last_block`.
    pub fn await_claim(&mut self, last_block: u64, input: u64, transaction: B256) {
        self.awaited.insert(last_block, (input, transaction));
    }

    /// Checks a claim against the outputs replayed so far.
    pub fn check(&mut self, claim: &Claim, outputs: &Outputs) -> Option<Divergence> {
        self.awaited.remove(&claim.last_block);
        self.newest = self.newest.max(Some(claim.last_block));
        let root = outputs.root_after(claim.last_block);
        if claim.root == root {
            return None;
        }
        let sentence = format!("the claim up to block {} has another root", claim.last_block);
        let wrong = Divergence::new(DivergenceKind::WrongClaim, sentence)
            .between(Some(root.to_string()), Some(claim.root.to_string()));
        let input = outputs.after(claim.last_block).map(|end| end.input);
        Some(Divergence { input, transaction: Some(claim.transaction), ..wrong })
    }

    /// The epochs whose claim is overdue at block `head`: a later one came, or more than `patience`
    /// blocks have passed since the epoch ended. Only epochs whose last input is judged count.
    pub fn missing(
        &self,
        head: u64,
        patience: u64,
        outputs: &Outputs,
        is_judged: impl Fn(u64, u64) -> bool,
    ) -> Vec<Divergence> {
        let is_late = |last_block: u64| {
            self.newest.is_some_and(|newest| newest > last_block)
                || head > last_block.saturating_add(patience)
        };
        let late = self.awaited.iter().filter(|(last_block, (input, _))| {
            is_late(**last_block) && is_judged(*input, **last_block)
        });
        late.map(|(last_block, (input, transaction))| {
            let sentence = format!("the epoch that ended with block {last_block} was not claimed");
            let root = outputs.root_after(*last_block).to_string();
            let missing = Divergence::new(DivergenceKind::MissingClaim, sentence);
            missing.at(*input, *transaction).between(Some(root), None)
        })
        .collect()
    }
}
