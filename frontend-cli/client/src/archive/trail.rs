//! The trail: the blocks whose inputs carry blobs and keys of jobs, searched once and remembered.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256};
use anyhow::{Context as _, Result};
use blobs::{BlobRef, Digest};
use market::{Command, JobId, Slot};
use serde::{Deserialize, Serialize};

use super::{announced, each_command};
use crate::{convert::to_ethereum, session::Session};

/// The number of newest blocks to read again, as a reorganisation may still replace them.
const UNSETTLED_BLOCKS: u64 = 64;

/// The blocks with blobs and keys of jobs, up to the last block read.
///
/// Blocks in the trail are read again when they are used: a replaced block, or a command that the
/// market refused, costs a little time and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trail {
    /// The newest block read.
    head: u64,
    /// A final block and its hash; blocks up to it need not be read again.
    settled: Option<(u64, B256)>,
    jobs: BTreeMap<B256, Tracks>,
}

/// The blocks with blobs and keys of one job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Tracks {
    /// The announced blobs by account, with their slots.
    announced: BTreeMap<Address, Vec<(Slot, B256)>>,
    /// The blocks that announce blobs or carry chunks of them, by digest.
    blobs: BTreeMap<B256, BTreeSet<u64>>,
    /// The blocks that carry keys, by sender.
    keys: BTreeMap<Address, BTreeSet<u64>>,
}

impl Trail {
    /// Reads up to the newest block.
    ///
    /// - Errors: `OtherChain` if the blocks already read are not on this chain
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

    /// The newest block read.
    #[must_use]
    pub const fn head(&self) -> u64 {
        self.head
    }

    /// Forgets jobs that have ended.
    pub fn retain(&mut self, is_live: impl Fn(JobId) -> bool) {
        self.jobs.retain(|job, _| is_live(JobId(job.0)));
    }

    /// The blocks with chunks of these blobs and keys of these accounts.
    #[must_use]
    pub fn blocks(
        &self,
        job: JobId,
        blobs: &BTreeSet<BlobRef>,
        owners: &BTreeSet<market::Address>,
    ) -> BTreeSet<u64> {
        let Some(tracks) = self.jobs.get(&B256::from(job.0)) else { return BTreeSet::new() };
        let parts = blobs.iter().filter_map(|blob| tracks.blobs.get(&word(blob.digest)));
        let keys = owners.iter().filter_map(|owner| tracks.keys.get(&to_ethereum(*owner)));
        parts.chain(keys).flatten().copied().collect()
    }

    fn note(&mut self, block: u64, sender: Address, command: &Command) {
        let Some(JobId(job)) = command.job() else { return };
        if matches!(command, Command::OpenJob { .. }) {
            self.jobs.entry(job.into()).or_default();
        }
        let Some(tracks) = self.jobs.get_mut(&B256::from(job)) else { return };
        for (slot, blob) in announced(command) {
            let blob = word(blob.digest);
            let of_sender = tracks.announced.entry(sender).or_default();
            if !of_sender.contains(&(slot, blob)) {
                of_sender.push((slot, blob));
            }
            tracks.blobs.entry(blob).or_default().insert(block);
        }
        match command {
            Command::Publish { slot, .. } => {
                let of_sender = tracks.announced.get(&sender).into_iter().flatten();
                for (_, blob) in of_sender.filter(|(announced, _)| announced == slot) {
                    tracks.blobs.entry(*blob).or_default().insert(block);
                }
            }
            Command::Reveal { .. } => {
                tracks.keys.entry(sender).or_default().insert(block);
            }
            _ => {}
        }
    }
}

/// The trail was recorded on another chain.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("Ethereum is another one than before: its old blocks are not there")]
pub struct OtherChain;

fn word(digest: Digest) -> B256 {
    digest.0.into()
}

#[cfg(test)]
mod tests {
    use blobs::{Encoding, Profile, blob_ref};
    use market::{SealedBlob, SubmittedModel};

    use super::*;

    const JOB: JobId = JobId([7; 32]);
    const OTHER: JobId = JobId([8; 32]);

    fn publish(job: JobId, offset: u64) -> Command {
        let (slot, encoding, data) = (Slot::Submission, Encoding::Plain, vec![1]);
        Command::Publish { job, slot, offset, encoding, data }
    }

    #[test]
    fn blocks_are_remembered_by_the_blobs_and_keys_they_bring() {
        let blob = |bytes: &[u8]| blob_ref(bytes, Profile::Kubo);
        let (ours, others) = (blob(b"ours"), blob(b"others"));
        let (ada, ben) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let submit = |job, ciphertext| Command::Submit {
            job,
            model: SubmittedModel::Sealed(SealedBlob { commitment: Digest([0; 32]), ciphertext }),
        };
        let reveal = |job| Command::Reveal { job, key: [0; 32], salt: [0; 32], plaintext: ours };
        let mut trail = Trail::default();
        // As after an opening.
        for job in [JOB, OTHER] {
            trail.jobs.insert(job.0.into(), Tracks::default());
        }
        for (block, sender, command) in [
            (1, ada, publish(JOB, 0)),
            (2, ada, submit(JOB, ours)),
            (3, ada, publish(JOB, 0)),
            (4, ben, submit(OTHER, others)),
            (5, ben, publish(JOB, 0)),
            (6, ada, publish(JOB, 1)),
            (7, ada, reveal(JOB)),
            (8, ben, reveal(JOB)),
            (9, ada, reveal(JobId([9; 32]))),
        ] {
            trail.note(block, sender, &command);
        }
        let (blobs, owners) = (BTreeSet::from([ours]), BTreeSet::new());
        let owner = BTreeSet::from([market::Address([1; 20])]);
        assert_eq!(trail.blocks(JOB, &blobs, &owners), [2, 3, 6].into());
        assert_eq!(trail.blocks(JOB, &blobs, &owner), [2, 3, 6, 7].into());
        assert_eq!(trail.blocks(OTHER, &blobs, &owner), [].into());
        assert_eq!(trail.blocks(JobId([9; 32]), &blobs, &owner), [].into());
        let text = serde_json::to_string(&trail).unwrap();
        assert_eq!(serde_json::from_str::<Trail>(&text).unwrap(), trail);
        trail.retain(|job| job != JOB);
        assert_eq!(trail.blocks(JOB, &blobs, &owner), [].into());
        assert_eq!(trail.jobs.len(), 1);
    }
}
