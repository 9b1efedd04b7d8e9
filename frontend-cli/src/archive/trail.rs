//! Where inputs bring what belongs to competitions: looked for once, and remembered.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256};
use anyhow::{Context as _, Result};
use blobs::{BlobRef, Digest};
use market::{Command, JobId};
use serde::{Deserialize, Serialize};

use super::each_command;
use crate::{convert::to_ethereum, session::Session};

/// How many of the newest blocks are read again: Ethereum may still put others in their place.
const UNSETTLED_BLOCKS: u64 = 64;

/// The blocks with the ciphertexts and keys of competitions, as far as Ethereum was read.
///
/// Whatever a block is remembered for is read from it again: a block that was replaced, or a
/// command the market refused, costs a little time and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trail {
    /// The newest block that was read.
    head: u64,
    /// A block that stays, and its hash; all up to it need not be read again.
    settled: Option<(u64, B256)>,
    competitions: BTreeMap<u32, Tracks>,
}

/// The blocks with what belongs to one competition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Tracks {
    /// Parts of blobs, by their digests.
    blobs: BTreeMap<B256, BTreeSet<u64>>,
    /// Keys, by who sent them.
    keys: BTreeMap<Address, BTreeSet<u64>>,
}

impl Trail {
    /// Reads on to the newest block.
    ///
    /// - Errors: `OtherChain` when the blocks that were read are not on this chain
    pub async fn follow(&mut self, session: &Session) -> Result<()> {
        let head = session.chain.head().await?;
        if head == self.head && self.settled.is_some() {
            return Ok(());
        }
        let first = match self.settled {
            None => 0,
            Some((block, hash)) if session.chain.block_hash(block).await? == Some(hash) => {
                block.saturating_add(1)
            }
            Some(_) => return Err(OtherChain.into()),
        };
        let note = |block, sender, command| self.note(block, to_ethereum(sender), &command);
        each_command(session, first, head, note).await?;
        let settled = head.saturating_sub(UNSETTLED_BLOCKS).max(first.saturating_sub(1));
        let hash = session.chain.block_hash(settled).await?;
        let hash = hash.with_context(|| format!("Ethereum has lost block {settled}"))?;
        (self.head, self.settled) = (head, Some((settled, hash)));
        Ok(())
    }

    /// The newest block that was read.
    #[must_use]
    pub const fn head(&self) -> u64 {
        self.head
    }

    /// Forgets competitions that have ended.
    pub fn retain(&mut self, is_live: impl Fn(JobId) -> bool) {
        self.competitions.retain(|job, _| is_live(JobId(*job)));
    }

    /// The blocks with parts of these blobs and keys of these accounts.
    #[must_use]
    pub fn blocks(
        &self,
        job: JobId,
        blobs: &BTreeSet<BlobRef>,
        owners: &BTreeSet<market::Address>,
    ) -> BTreeSet<u64> {
        let Some(tracks) = self.competitions.get(&job.0) else { return BTreeSet::new() };
        let parts = blobs.iter().filter_map(|blob| tracks.blobs.get(&word(blob.digest)));
        let keys = owners.iter().filter_map(|owner| tracks.keys.get(&to_ethereum(*owner)));
        parts.chain(keys).flatten().copied().collect()
    }

    fn note(&mut self, block: u64, sender: Address, command: &Command) {
        match command {
            Command::OpenCompetition { job, terms } => {
                for blob in [terms.base_model, terms.hold_out.ciphertext] {
                    self.expect(*job, blob);
                }
            }
            Command::Enter { job, model } => self.expect(*job, model.ciphertext),
            Command::Publish { digest, .. } => {
                let all = self.competitions.values_mut();
                for blocks in all.filter_map(|tracks| tracks.blobs.get_mut(&word(*digest))) {
                    blocks.insert(block);
                }
            }
            Command::Reveal { job, .. } => {
                let Some(tracks) = self.competitions.get_mut(&job.0) else { return };
                tracks.keys.entry(sender).or_default().insert(block);
            }
            _ => {}
        }
    }

    fn expect(&mut self, job: JobId, blob: BlobRef) {
        self.competitions.entry(job.0).or_default().blobs.entry(word(blob.digest)).or_default();
    }
}

/// A trail was made on another chain than this one.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("Ethereum is another one than before: its old blocks are not there")]
pub struct OtherChain;

fn word(digest: Digest) -> B256 {
    digest.0.into()
}

#[cfg(test)]
mod tests {
    use blobs::{Encoding, Profile, blob_ref};
    use market::SealedBlob;

    use super::*;

    fn publish(blob: BlobRef, offset: u64) -> Command {
        let (digest, encoding, data) = (blob.digest, Encoding::Plain, vec![1]);
        Command::Publish { digest, offset, encoding, data }
    }

    #[test]
    fn blocks_are_remembered_by_what_they_bring() {
        let blob = |bytes: &[u8]| blob_ref(bytes, Profile::Kubo);
        let (ours, others) = (blob(b"ours"), blob(b"others"));
        let (ada, ben) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let enter = |job, ciphertext| Command::Enter {
            job: JobId(job),
            model: SealedBlob { commitment: Digest([0; 32]), ciphertext },
        };
        let reveal =
            |job| Command::Reveal { job: JobId(job), key: [0; 32], salt: [0; 32], plaintext: ours };
        let mut trail = Trail::default();
        for (block, sender, command) in [
            (1, ada, publish(ours, 0)),
            (2, ada, enter(7, ours)),
            (3, ada, publish(ours, 0)),
            (4, ben, enter(8, others)),
            (5, ben, publish(others, 0)),
            (6, ada, publish(ours, 1)),
            (7, ada, reveal(7)),
            (8, ben, reveal(7)),
            (9, ada, reveal(9)),
        ] {
            trail.note(block, sender, &command);
        }
        let (blobs, owners) = (BTreeSet::from([ours]), BTreeSet::new());
        let owner = BTreeSet::from([market::Address([1; 20])]);
        assert_eq!(trail.blocks(JobId(7), &blobs, &owners), [3, 6].into());
        assert_eq!(trail.blocks(JobId(7), &blobs, &owner), [3, 6, 7].into());
        assert_eq!(trail.blocks(JobId(8), &blobs, &owner), [].into());
        assert_eq!(trail.blocks(JobId(9), &blobs, &owner), [].into());
        let text = serde_json::to_string(&trail).unwrap();
        assert_eq!(serde_json::from_str::<Trail>(&text).unwrap(), trail);
        trail.retain(|job| job != JobId(7));
        assert_eq!(trail.blocks(JobId(7), &blobs, &owner), [].into());
        assert_eq!(trail.competitions.len(), 1);
    }
}
