//! Proofs recomputed from Ethereum and a replay, without asking any node.

use std::collections::BTreeSet;

use alloy::primitives::Bytes;
use anyhow::{Result, bail};
use client::proof::{self, Proof, Proven};

use super::Audit;
use super::claims::Claim;
use super::engine::{Played, Undone};
use super::evidence::{Event, Target};
use super::outputs::Outputs;

/// The proofs found for the wanted outputs.
#[derive(Clone, Debug, Default)]
pub struct Recomputed {
    /// Those covered by an accepted claim.
    pub proven: Vec<Proven>,
    /// The indices of those not covered yet.
    pub waiting: Vec<u64>,
}

/// A wanted output.
struct Found {
    index: u64,
    output: Bytes,
    block: u64,
}

impl Audit {
    /// Proves the outputs that `wanted` selects from each input, given the index of the first.
    ///
    /// - Errors: something could not be read or replayed
    pub async fn prove(
        &self,
        mut wanted: impl FnMut(u64, &[Bytes]) -> Vec<u64>,
    ) -> Result<Recomputed> {
        let mut undone = BTreeSet::new();
        loop {
            let proven = self.prove_without(&undone, &mut wanted).await;
            match proven.as_ref().err().and_then(|error| error.downcast_ref()) {
                Some(Undone(input)) if undone.insert(*input) => {}
                _ => return proven,
            }
        }
    }

    async fn prove_without(
        &self,
        undone: &BTreeSet<u64>,
        wanted: &mut impl FnMut(u64, &[Bytes]) -> Vec<u64>,
    ) -> Result<Recomputed> {
        let head = self.head().await?;
        let target = Target::read(&self.chain, self.application, head.block).await?;
        let deployed = self.engine.deployed()?;
        let (reading, ranges) = self.read(&target, target.deployment_block, head.block);
        let engine = self.engine.start(&deployed, None, undone, head.block, self.printer, ranges);
        let mut replayed = engine.await?;
        let bar = self.printer.bar("replaying inputs", self.inputs().await?);
        let (mut outputs, mut claims, mut found) = (Outputs::default(), Vec::new(), Vec::new());
        let mut inputs = 0;
        while let Some(played) = replayed.recv().await {
            let Played { range, completions, .. } = played?;
            if let Some(wrong) = range.wrong {
                bail!("{}", wrong.sentence);
            }
            let mut completions = completions.into_iter();
            for event in range.events {
                match event {
                    Event::Input(input) => {
                        let made = completions.next().map_or_else(Vec::new, |made| made.outputs);
                        let first = outputs.len();
                        for index in wanted(first, &made) {
                            let offset = usize::try_from(index - first)?;
                            let block = input.advance.block_number;
                            found.push(Found { index, output: made[offset].clone(), block });
                        }
                        outputs.add(&input.advance, &made);
                        inputs += 1;
                    }
                    Event::Claim { last_block, root, transaction } => {
                        claims.push(Claim { last_block, root, transaction });
                    }
                    Event::Executed { .. } => {}
                }
            }
            bar.set(inputs);
        }
        reading.abort();
        // Claims of another root prove nothing about the replayed outputs.
        claims.retain(|claim| claim.root == outputs.root_after(claim.last_block));
        let mut recomputed = Recomputed::default();
        for Found { index, output, block } in found {
            let claim = claims.iter().find(|claim| claim.last_block >= block);
            let proof =
                claim.and_then(|claim| Some((claim, outputs.proof(index, claim.last_block)?)));
            let Some((claim, siblings)) = proof else {
                recomputed.waiting.push(index);
                continue;
            };
            let proof = Proof { index, output, siblings };
            let Claim { last_block, root, transaction } = *claim;
            let claim =
                proof::Claim { outputs_root: root, last_block, transaction: Some(transaction) };
            recomputed.proven.push(Proven { proof, claim });
        }
        Ok(recomputed)
    }
}
