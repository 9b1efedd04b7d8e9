//! Proofs that an output belongs to the application, against a root that L1 has accepted.
//!
//! Proofs from a node are only accepted here: the format is checked, the root compared with the
//! claim, and the contract asked, before anything is reported as proven.

use std::{collections::BTreeMap, fmt};

use alloy::primitives::{Address, B256, Bytes, keccak256};
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::{
    chain::Chain,
    merkle,
    node::{EpochRecord, Node, OutputRecord},
    quantity::{count, duration},
    session::Session,
};

/// A proof that `output` is number `index` of an application's outputs, under some outputs root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Its number since genesis.
    pub index: u64,
    /// The proven bytes.
    pub output: Bytes,
    /// The sibling hashes from the leaf up: 63 of them.
    pub siblings: Vec<B256>,
}

impl Proof {
    /// The root computed from it.
    ///
    /// - Errors: not the format of a proof
    pub fn root(&self) -> Result<B256> {
        let Self { index, output, siblings } = self;
        ensure!(
            siblings.len() == merkle::HEIGHT as usize,
            "the proof of output {index} has {} parts instead of {}",
            siblings.len(),
            merkle::HEIGHT
        );
        let root = merkle::root_from_proof(keccak256(output), *index, siblings);
        ensure!(merkle::verify(output, *index, siblings, root), "there is no output {index}");
        Ok(root)
    }

    /// Validates it with the contract on L1, the only authority.
    pub async fn validate(&self, chain: &Chain, application: Address) -> Result<()> {
        chain.validate_output(application, &self.output, self.index, self.siblings.clone()).await
    }
}

/// A claim, as stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The root of all outputs up to the epoch's last block.
    pub outputs_root: B256,
    /// The epoch's last block.
    pub last_block: u64,
    /// The transaction of the claim, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<B256>,
}

/// An output with the claim that proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The proof, under the claim's root.
    pub proof: Proof,
    /// The claim.
    pub claim: Claim,
}

/// The time until an output can be proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Wait {
    /// The last block of its epoch, which is claimed after it.
    pub last_block: u64,
    /// Blocks until then.
    pub blocks_left: u64,
    /// Estimated seconds until then.
    pub seconds_left: u64,
}

impl fmt::Display for Wait {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { last_block, blocks_left, seconds_left } = *self;
        if blocks_left == 0 {
            return write!(
                out,
                "its epoch ended with block {last_block}, its claim is not accepted yet"
            );
        }
        let (blocks, time) = (count(blocks_left, "block"), duration(seconds_left));
        write!(
            out,
            "its epoch ends with block {last_block}, {blocks} or about {time} from now, and is \
             then claimed"
        )
    }
}

/// Progress of an output towards its proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimStatus {
    /// L1 has accepted the claim that proves it, according to the node.
    Claimed(EpochRecord),
    /// The claim is not accepted yet.
    Waiting(Wait),
}

/// Looks up the claim status of many outputs, with one request for shared data.
#[derive(Debug)]
pub struct ClaimLookup<'a> {
    session: &'a Session,
    accepted: BTreeMap<u64, EpochRecord>,
    now: Option<(u64, u64)>,
}

impl<'a> ClaimLookup<'a> {
    /// A lookup without any requests yet.
    #[must_use]
    pub fn new(session: &'a Session) -> Self {
        Self { session, accepted: BTreeMap::new(), now: None }
    }

    /// The claim status of an output.
    pub async fn of(&mut self, record: &OutputRecord) -> Result<ClaimStatus> {
        let index = record.epoch_index;
        if let Some(epoch) = self.accepted.get(&index) {
            return Ok(ClaimStatus::Claimed(epoch.clone()));
        }
        let epoch = self.session.node.epoch(index).await?;
        if epoch.is_accepted() {
            self.accepted.insert(index, epoch.clone());
            return Ok(ClaimStatus::Claimed(epoch));
        }
        let (head, pace) = match self.now {
            Some(now) => now,
            None => {
                let chain = &self.session.chain;
                *self.now.insert((chain.head().await?, chain.block_pace().await?))
            }
        };
        let blocks_left = epoch.last_block.saturating_sub(head);
        let seconds_left = blocks_left.saturating_mul(pace).div_ceil(1_000);
        Ok(ClaimStatus::Waiting(Wait { last_block: epoch.last_block, blocks_left, seconds_left }))
    }
}

/// The node's proof of an output whose claim it calls accepted.
///
/// - Errors: there is none, or it does not lead to the root of the claim
pub fn of_node(record: OutputRecord, epoch: &EpochRecord) -> Result<Proven> {
    let index = record.index;
    let siblings = record.output_hashes_siblings.with_context(|| {
        format!("the node has accepted the claim of output {index} but gives no proof: try again")
    })?;
    let proof = Proof { index, output: record.raw_data, siblings };
    let root = proof.root().context("the node's proof is none: ask another node")?;
    ensure!(
        epoch.claimed_root().is_none_or(|claimed| claimed == root),
        "the node's proof of output {index} does not lead to the root it claims: ask another node"
    );
    let transaction = epoch.claim_transaction_hash;
    let claim = Claim { outputs_root: root, last_block: epoch.last_block, transaction };
    Ok(Proven { proof, claim })
}

/// As [`of_node`], requested anew and validated by the contract on L1.
///
/// - Errors: the contract's reason to refuse it, in words
pub async fn validated(
    node: &Node,
    chain: &Chain,
    index: u64,
    epoch: &EpochRecord,
) -> Result<Proven> {
    // Records have proofs only once their epoch is claimed.
    let proven = of_node(node.output(index).await?, epoch)?;
    proven.proof.validate(chain, node.application()).await.with_context(|| {
        format!("the node calls the claim of output {index} accepted, Ethereum does not prove it")
    })?;
    Ok(proven)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_proof_has_no_root() {
        let proof = |index, parts| Proof {
            index,
            output: Bytes::from_static(b"output"),
            siblings: vec![B256::ZERO; parts],
        };
        assert!(proof(0, 63).root().is_ok());
        assert!(proof((1 << 63) - 1, 63).root().is_ok());
        for wrong in [proof(0, 0), proof(0, 62), proof(0, 64), proof(1 << 63, 63)] {
            assert!(wrong.root().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn waiting_is_told_in_blocks_and_time() {
        let mut wait = Wait { last_block: 29, blocks_left: 7, seconds_left: 84 };
        assert!(wait.to_string().contains("block 29, 7 blocks or about 1 min 24 s from now"));
        wait.blocks_left = 0;
        assert!(wait.to_string().contains("ended with block 29"));
    }
}
