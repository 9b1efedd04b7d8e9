//! Bytes of blobs, put together from the inputs on Ethereum: what nobody can withhold.

mod trail;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use blobs::{BlobRef, Digest, Opening, Upload};
use market::{Address, Command, Context, JobId, SealedBlob};
use wire::{Genesis, Input, decode_command};

pub use self::trail::{OtherChain, Trail};
use crate::{convert::to_market, session::Session};

/// Blocks closer than this are read together: a few inputs too many cost less than a question.
const GAP_BLOCKS: u64 = 1_000;

/// Inputs of at most so many blocks are held at once.
const WINDOW_BLOCKS: u64 = 10_000;

/// What inputs have brought of the blobs and keys that are looked for.
#[derive(Default)]
pub struct Archive {
    wanted: BTreeMap<Digest, BlobRef>,
    uploads: BTreeMap<(Address, Digest), Upload>,
    blobs: BTreeMap<Digest, Vec<u8>>,
    openings: BTreeMap<(JobId, Address), Vec<Opening>>,
}

impl Archive {
    /// Reads what a trail knows of these blobs of a competition, and the keys of these accounts.
    ///
    /// What was brought before the competition was opened is taken from the store, or else looked
    /// for in all inputs so far. Keys are as their senders wrote them: whether they open anything
    /// is seen when they are used.
    pub async fn read(
        session: &Session,
        trail: &Trail,
        job: JobId,
        wanted: &BTreeSet<BlobRef>,
        owners: &BTreeSet<Address>,
    ) -> Result<Self> {
        let wanted_by_digest = wanted.iter().map(|blob| (blob.digest, *blob)).collect();
        let mut archive = Self { wanted: wanted_by_digest, ..Self::default() };
        for (first, last) in spans(&trail.blocks(job, wanted, owners)) {
            archive.read_blocks(session, first, last).await?;
        }
        let missing = wanted.iter().filter(|blob| !archive.blobs.contains_key(&blob.digest));
        let mut is_whole = true;
        for blob in missing.copied().collect::<Vec<_>>() {
            match session.store.get(blob.cid(), blob.size).await {
                Ok(bytes) => {
                    archive.blobs.insert(blob.digest, bytes);
                }
                Err(_) => is_whole = false,
            }
        }
        if !is_whole {
            archive.uploads.clear();
            archive.read_blocks(session, 0, session.chain.head().await?).await?;
        }
        Ok(archive)
    }

    async fn read_blocks(&mut self, session: &Session, first: u64, last: u64) -> Result<()> {
        each_command(session, first, last, |_, sender, command| self.note(sender, command)).await
    }

    fn note(&mut self, sender: Address, command: Command) {
        match command {
            Command::Publish { digest, offset, encoding, data } => {
                let Some(blob) = self.wanted.get(&digest) else { return };
                let upload =
                    self.uploads.entry((sender, digest)).or_insert_with(|| Upload::new(*blob));
                // What does not fit was refused by the market, too.
                if let Ok(piece) = upload.check(offset, encoding, &data)
                    && let Some(bytes) = upload.post(piece)
                {
                    self.blobs.insert(digest, bytes);
                }
            }
            Command::Reveal { job, key, salt, plaintext } => {
                let opening = Opening { key, salt, plain: plaintext };
                self.openings.entry((job, sender)).or_default().push(opening);
            }
            _ => {}
        }
    }

    /// A blob's bytes.
    ///
    /// - Errors: it is neither in inputs nor in the store
    pub fn blob(&self, blob: BlobRef) -> Result<&[u8]> {
        let found = self.blobs.get(&blob.digest).map(Vec::as_slice);
        found.with_context(|| format!("{} is in no input: say with --ipfs where it is", blob.cid()))
    }

    /// A sealed blob's plain bytes.
    ///
    /// - Errors: ciphertext or key are not there, or do not fit
    pub fn plain(
        &self,
        (job, owner): (JobId, Address),
        (sealed, plain): (SealedBlob, BlobRef),
    ) -> Result<Vec<u8>> {
        let ciphertext = self.blob(sealed.ciphertext)?;
        let openings = self.openings.get(&(job, owner)).into_iter().flatten();
        // Whoever revealed may have sent other keys, too.
        let fitting = openings.filter(|opening| opening.plain == plain);
        let mut opened = fitting.flat_map(|key| key.open(sealed.commitment, ciphertext.to_vec()));
        opened.next().with_context(|| format!("no key of {owner} opens its sealed blob"))
    }
}

/// Takes note of the commands in the inputs of the blocks `first..=last`, in order: the block, and
/// who sent it.
async fn each_command(
    session: &Session,
    first: u64,
    last: u64,
    mut note: impl FnMut(u64, Address, Command),
) -> Result<()> {
    let contracts = session.chain.contracts();
    let genesis = Genesis {
        ether_portal: to_market(contracts.ether_portal),
        erc20_portal: to_market(contracts.erc20_portal),
        ..Genesis::default()
    };
    let mut next = first;
    while next <= last {
        let until = last.min(next.saturating_add(WINDOW_BLOCKS - 1));
        for input in session.chain.inputs(session.application(), next, until).await? {
            let sender = to_market(input.advance.msg_sender);
            let context = Context { sender, ..Context::default() };
            let block = input.advance.block_number;
            // What cannot be read was refused by the market, too.
            let Ok(input) = Input::read(&genesis, context, &input.advance.payload) else {
                continue;
            };
            if let Some(Ok(command)) = input.command.map(decode_command) {
                note(block, input.context.sender, command);
            }
        }
        next = until.saturating_add(1);
    }
    Ok(())
}

/// Blocks that are near each other, as ranges.
fn spans(blocks: &BTreeSet<u64>) -> Vec<(u64, u64)> {
    let mut spans: Vec<(u64, u64)> = Vec::new();
    for &block in blocks {
        match spans.last_mut() {
            Some((_, last)) if block.saturating_sub(*last) < GAP_BLOCKS => *last = block,
            _ => spans.push((block, block)),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_blocks_are_read_together() {
        let blocks = BTreeSet::from([5, 6, 1_004, 2_004, 2_005]);
        assert_eq!(spans(&blocks), [(5, 1_004), (2_004, 2_005)]);
        assert_eq!(spans(&BTreeSet::new()), []);
    }
}
